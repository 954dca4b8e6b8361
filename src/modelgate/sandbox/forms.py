"""multipart/form-data: texts and files by name, repeated fields as lists, `name[]` as well as `name`."""

import re

import msgspec

from modelgate.core.records import Json

MAX_PARTS = 128
MAX_BOUNDARY = 200
MAX_PART_HEAD_BYTES = 4_096
_BOUNDARY = re.compile(r';\s*boundary=(?:"([^"]+)"|([^\s;]+))', re.IGNORECASE)
_PARAMETER = re.compile(r';\s*(name|filename)="((?:[^"\\]|\\.)*)"', re.IGNORECASE)


class NotAForm(ValueError):
    """The body cannot be read as a form; `field` names the part where that shows."""

    def __init__(self, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.field = field


class Upload(msgspec.Struct, frozen=True, kw_only=True):
    """A file that came in a form."""

    filename: str
    content_type: str
    data: bytes


Form = dict[str, Json]
"""Fields by name; of those that came more than once, or as `name[]`, the list."""


def read_form(data: bytes, *, content_type: str) -> Form:
    """Return the fields of a form. Raises NotAForm."""
    found = _BOUNDARY.search(content_type)
    if not content_type.lower().startswith("multipart/form-data") or found is None:
        raise NotAForm("Could not parse multipart form: expected Content-Type multipart/form-data with a boundary.")
    boundary = (found[1] or found[2]).encode()
    if len(boundary) > MAX_BOUNDARY:
        raise _unreadable()
    pieces = (b"\r\n" + data).split(b"\r\n--" + boundary, MAX_PARTS + 2)
    if len(pieces) > MAX_PARTS + 2:
        raise NotAForm(f"Too many form fields: at most {MAX_PARTS} are read.")
    if len(pieces) < 2 or not pieces[-1].startswith(b"--"):
        raise _unreadable()
    form: Form = {}
    for piece in pieces[1:-1]:
        _add(form, *_part(piece))
    return form


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
        raise NotAForm(
            f"Invalid '{parameters['name'][:80]}': a field without a filename must be text in UTF-8.", field=parameters["name"][:80]
        ) from None


def _header(line: str) -> tuple[str, str]:
    name, _, value = line.partition(":")
    return name.strip().lower(), value.strip()


def _unreadable() -> NotAForm:
    return NotAForm("Could not parse multipart form.")
