"""multipart/form-data as OpenAI takes it: texts and files by name, repeated fields as lists, `name[]` as well as `name`."""

import re

import msgspec

from modelgate.core.records import Json
from modelgate.sandbox.openai.errors import Refused
from modelgate.sandbox.openai.fields import wrong_type
from modelgate.sandbox.openai.gate import Sent, read_json

MAX_PARTS = 128
MAX_BOUNDARY = 200
MAX_PART_HEAD_BYTES = 4_096
_BOUNDARY = re.compile(r';\s*boundary=(?:"([^"]+)"|([^\s;]+))', re.IGNORECASE)
_PARAMETER = re.compile(r';\s*(name|filename)="((?:[^"\\]|\\.)*)"', re.IGNORECASE)


class Upload(msgspec.Struct, frozen=True, kw_only=True):
    """A file that came in a form."""

    filename: str
    content_type: str
    data: bytes


Form = dict[str, Json]
"""Fields by name; of those that came more than once, or as `name[]`, the list."""


def read_form(sent: Sent) -> Form:
    """Return the fields of a form. Raises Refused."""
    found = _BOUNDARY.search(sent.content_type)
    if not sent.content_type.lower().startswith("multipart/form-data") or found is None:
        raise Refused("Could not parse multipart form: expected Content-Type multipart/form-data with a boundary.")
    boundary = (found[1] or found[2]).encode()
    if len(boundary) > MAX_BOUNDARY:
        raise _unreadable()
    pieces = (b"\r\n" + sent.data).split(b"\r\n--" + boundary, MAX_PARTS + 2)
    if len(pieces) > MAX_PARTS + 2:
        raise Refused(f"Too many form fields: at most {MAX_PARTS} are read.")
    if len(pieces) < 2 or not pieces[-1].startswith(b"--"):
        raise _unreadable()
    form: Form = {}
    for piece in pieces[1:-1]:
        _add(form, *_part(piece))
    return form


def read_form_or_json(sent: Sent) -> Json:
    """Return a form's fields, or else the JSON. Raises Refused."""
    return read_form(sent) if sent.content_type.lower().startswith("multipart/") else read_json(sent)


def as_typed(form: Form, *, numbers: tuple[str, ...] = (), switches: tuple[str, ...] = ()) -> Form:
    """Return a form whose numbers and booleans, which arrive as text, are such. Raises Refused."""
    typed = dict(form)
    for name in numbers:
        if form.get(name) is not None:
            typed[name] = _number(name, form[name])
    for name in switches:
        if form.get(name) is not None:
            if form[name] not in ("true", "false"):
                raise wrong_type(name, wanted="a boolean", value=form[name])
            typed[name] = form[name] == "true"
    return typed


def uploads_of(form: Form, name: str) -> list[Upload]:
    """Return the files of a field, one or many. Raises Refused for a text in their place."""
    given = form.get(name)
    files = given if isinstance(given, list) else [] if given is None else [given]
    if not all(isinstance(each, Upload) for each in files):
        raise Refused(
            f"Invalid type for '{name}': expected a file, but got a string instead. A file's part has a filename.",
            param=name,
            code="invalid_type",
        )
    return files


def texts_of(form: Form, name: str) -> list[str]:
    """Return the texts of a field that may be repeated. Raises Refused."""
    given = form.get(name)
    texts = given if isinstance(given, list) else [] if given is None else [given]
    if not all(isinstance(each, str) for each in texts):
        raise wrong_type(name, wanted="an array of strings", value=given)
    return texts


def _number(name: str, text: Json) -> int | float:
    try:
        value: Json = msgspec.json.decode(text) if isinstance(text, str) else None
    except msgspec.DecodeError:
        value = None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise wrong_type(name, wanted="a number", value=text)
    return value


def _add(form: Form, name: str, value: str | Upload) -> None:
    key = name.removesuffix("[]")
    if key not in form:
        form[key] = [value] if name.endswith("[]") else value
    else:
        form[key] = [*(form[key] if isinstance(form[key], list) else [form[key]]), value]


def _part(piece: bytes) -> tuple[str, str | Upload]:
    head, found, data = piece.partition(b"\r\n\r\n")
    if not found or len(head) > MAX_PART_HEAD_BYTES:
        raise _unreadable()
    headers = dict(_header(line) for line in head.decode("utf-8", "replace").split("\r\n") if ":" in line)
    parameters = {key.lower(): re.sub(r"\\(.)", r"\1", value) for key, value in _PARAMETER.findall(headers.get("content-disposition", ""))}
    if "name" not in parameters:
        raise _unreadable()
    if "filename" in parameters:
        kind = headers.get("content-type", "application/octet-stream")
        return parameters["name"], Upload(filename=parameters["filename"], content_type=kind, data=data)
    try:
        return parameters["name"], data.decode()
    except UnicodeDecodeError:
        raise Refused(
            f"Invalid '{parameters['name'][:80]}': a field without a filename must be text in UTF-8.", param=parameters["name"][:80]
        ) from None


def _header(line: str) -> tuple[str, str]:
    name, _, value = line.partition(":")
    return name.strip().lower(), value.strip()


def _unreadable() -> Refused:
    return Refused("Could not parse multipart form.")
