"""Forms (multipart/form-data): read strictly and within bounds, their files left where they are, and written anew.

A form that is passed on is read by two: by us, who price it, and by the upstream. What two readers could understand differently is refused:
text before, between or after the parts, lines that do not end in CRLF, a parameter said twice. Source: RFC 7578, RFC 2046 section 5.1, and
what clients are known to send.
"""

import re
from collections.abc import Iterable, Sequence
from urllib.parse import unquote

import msgspec

from modelgate.core.errors import InvalidRequest
from modelgate.core.http import HttpRequest
from modelgate.formats.json_fields import TWICE, Say, T, convert_field

MAX_PARTS = 256
MAX_PART_HEAD_BYTES = 8 * 1024
MAX_TEXT_BYTES = 4 * 1024 * 1024
"""A field that is no file; references to speakers are sounds of some seconds in base64."""
MAX_BOUNDARY_CHARACTERS = 70
FORM = b"multipart/form-data"

_CHARSET = rb"(?:;\s*charset=[\w\"-]+\s*)?"
_BOUNDARY = re.compile(
    rb"(?i)multipart/form-data\s*" + _CHARSET + rb";\s*boundary=(?:\"([^\"\r\n]+)\"|([^\s;\",]+))\s*" + _CHARSET + rb"\Z"
)
_PARAMETER = re.compile(r";[ \t]*([A-Za-z]+\*?)=(?:\"((?:[^\"\\]|\\.)*)\"|([^\s;\"]+))[ \t]*")
_ESCAPED = re.compile(r"\\([\"\\])")
_EXTENDED = re.compile(r"(?i)utf-8'[^']*'(.*)\Z")
_FILE_TYPES = ("image/", "audio/", "video/", "application/octet-stream")
_HARMLESS_ENCODINGS = frozenset(("7bit", "8bit", "binary"))


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One part: a field's text, or a file (`filename` not None), as the place of its content in the body. `name` is as it was spelled."""

    name: str
    filename: str | None
    content_type: str
    start: int
    end: int

    @property
    def field(self) -> str:
        """The field's name; lists may be spelled `name[]`."""
        return self.name.removesuffix("[]")

    @property
    def is_file(self) -> bool:
        """Say whether it is a file: some clients give files a type and no name."""
        return self.filename is not None or self.content_type.lower().startswith(_FILE_TYPES)

    @property
    def size_bytes(self) -> int:
        """The size of the content."""
        return self.end - self.start


class Form(msgspec.Struct, frozen=True, kw_only=True):
    """A form's parts in order, and the body that they are places of."""

    body: bytes | bytearray
    parts: tuple[Part, ...]

    def files(self, field: str) -> list[Part]:
        """Return the files of a field."""
        return [part for part in self.parts if part.field == field and part.is_file]

    def bytes_of(self, part: Part) -> bytes:
        """Return a part's content."""
        return bytes(memoryview(self.body)[part.start : part.end])


class Upload(msgspec.Struct, frozen=True, kw_only=True):
    """A file for a form that is written."""

    filename: str
    content_type: str
    data: bytes


def is_form(request: HttpRequest) -> bool:
    """Return whether a request's body calls itself a form."""
    return (request.headers.get(b"content-type") or b"").lower().startswith(FORM)


def parse_form(request: HttpRequest, *, say: Say) -> Form:
    """Return a request's form. Raises InvalidRequest."""
    return form_of(request.body, request.headers.get(b"content-type") or b"", say=say)


def form_of(body: bytes | bytearray, content_type: bytes, *, say: Say) -> Form:
    """Return the form that a body of a content type is. Raises InvalidRequest."""
    found = _BOUNDARY.match(content_type)
    if found is None:
        raise _unreadable(say, "a body of type multipart/form-data with a boundary is expected")
    boundary: bytes = found[1] or found[2]
    if len(boundary) > MAX_BOUNDARY_CHARACTERS:
        raise _unreadable(say, f"its boundary is longer than {MAX_BOUNDARY_CHARACTERS} characters")
    delimiter = b"\r\n--" + boundary
    if not body.startswith(delimiter[2:]):
        raise _unreadable(say, "it does not begin with its boundary")
    parts: list[Part] = []
    at = len(delimiter) - 2
    while body[at : at + 2] == b"\r\n":
        if len(parts) >= MAX_PARTS:
            raise _unreadable(say, f"it has more than {MAX_PARTS} parts")
        at += 2
        head_end = body.find(b"\r\n\r\n", at, at + MAX_PART_HEAD_BYTES)
        end = body.find(delimiter, head_end + 4) if head_end >= 0 else -1
        if end < 0:
            raise _unreadable(say, "a part of it does not end, or its head is too long")
        parts.append(_part(bytes(body[at:head_end]), start=head_end + 4, end=end, say=say))
        at = end + len(delimiter)
    if body[at : at + 2] != b"--" or body[at + 2 :] not in (b"", b"\r\n"):
        raise _unreadable(say, "it does not end with its boundary")
    return Form(body=body, parts=tuple(parts))


def read_fields(form: Form, kind: type[T], *, lists: frozenset[str] = frozenset(), files: frozenset[str], say: Say) -> T:
    """Return a form's texts as `kind`; `lists` are fields that may be repeated, `files` those that are files.

    Raises:
        InvalidRequest: a field of the wrong type or out of range, one said twice, a text in place of a file or the other way round.
    """
    known = frozenset(field.encode_name for field in msgspec.structs.fields(kind))  # type: ignore[arg-type]  # T is a struct
    values: dict[str, str | list[str]] = {}
    for part in form.parts:
        field = part.field
        if (part.filename is not None) != (field in files) and (field in known or field in files):
            reason = "a file with a filename is expected" if field in files else "a text is expected, not a file"
            raise InvalidRequest(say(field, reason), param=field, code="invalid_type")
        if field not in known:
            continue
        text = _text(form, part, say=say)
        if field in lists:
            values[field] = [*values.get(field, ()), text]
        elif field in values:
            raise InvalidRequest(say(field, TWICE), param=field, code="invalid_value")
        else:
            values[field] = text
    return convert_field(values, kind, at="", say=say, strict=False)


def rewrite_form(form: Form, *, texts: Iterable[tuple[str, str]], seed: str) -> tuple[bytes, bytes]:
    """Return content type and body of a form in which the named fields have these texts and no others; all else stays.

    `seed` is something that whoever wrote the form could not know, out of which the boundary is made.
    """
    new = tuple(texts)
    replaced = {name.removesuffix("[]") for name, _ in new}
    boundary = b"modelgate-" + seed.encode()
    while boundary in form.body:
        boundary += b"-"
    pieces: list[bytes | memoryview] = []
    for name, text in new:
        pieces += (_head(name, boundary, filename=None, content_type=""), text.encode(), b"\r\n")
    view = memoryview(form.body)
    for part in form.parts:
        if part.field not in replaced:
            head = _head(part.name, boundary, filename=part.filename, content_type=part.content_type)
            pieces += (head, view[part.start : part.end], b"\r\n")
    pieces.append(b"--%b--\r\n" % boundary)
    return b"multipart/form-data; boundary=" + boundary, b"".join(pieces)


def render_form(fields: Sequence[tuple[str, str | Upload]], *, seed: str) -> tuple[bytes, bytes]:
    """Return content type and body of a form with these fields in order. `seed` is as for `rewrite_form`."""
    boundary = b"modelgate-" + seed.encode()
    contents = [value.encode() if isinstance(value, str) else value.data for _, value in fields]
    while any(boundary in content for content in contents):
        boundary += b"-"
    pieces: list[bytes] = []
    for (name, value), content in zip(fields, contents, strict=True):
        filename, content_type = (None, "") if isinstance(value, str) else (value.filename, value.content_type)
        pieces += (_head(name, boundary, filename=filename, content_type=content_type), content, b"\r\n")
    pieces.append(b"--%b--\r\n" % boundary)
    return b"multipart/form-data; boundary=" + boundary, b"".join(pieces)


def _head(name: str, boundary: bytes, *, filename: str | None, content_type: str) -> bytes:
    head = b'--%b\r\ncontent-disposition: form-data; name="%b"' % (boundary, _quoted(name))
    if filename is not None:
        head += b'; filename="%b"' % _quoted(filename)
    if content_type:
        head += b"\r\ncontent-type: " + content_type.encode()
    return head + b"\r\n\r\n"


def _quoted(text: str) -> bytes:
    """Return a name as browsers write it."""
    return text.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A").encode()


def _part(head: bytes, *, start: int, end: int, say: Say) -> Part:
    try:
        lines = head.decode().split("\r\n")
    except UnicodeDecodeError:
        raise _unreadable(say, "the head of a part is not UTF-8") from None
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        name = name.lower()
        if not colon or not name or name != name.strip() or name in headers or any(c < " " and c != "\t" for c in value):
            raise _unreadable(say, "the head of a part is not well formed")
        headers[name] = value.strip()
    if headers.get("content-transfer-encoding", "binary").lower() not in _HARMLESS_ENCODINGS:
        raise _unreadable(say, "a part has a transfer encoding")
    parameters = _parameters(headers.get("content-disposition", ""), say=say)
    if "name" not in parameters:
        raise _unreadable(say, "a part has no name")
    filename = parameters.get("filename")
    if "filename*" in parameters:
        extended = _EXTENDED.match(parameters["filename*"])
        if extended is None:
            raise _unreadable(say, "the name of a file is not UTF-8")
        filename = unquote(extended[1])
    return Part(name=parameters["name"], filename=filename, content_type=headers.get("content-type", ""), start=start, end=end)


def _parameters(disposition: str, *, say: Say) -> dict[str, str]:
    kind, at = disposition[:9], 9
    found: dict[str, str] = {}
    while kind.lower() == "form-data" and at < len(disposition):
        parameter = _PARAMETER.match(disposition, at)
        name = parameter[1].lower() if parameter else ""
        if parameter is None or name in found:
            raise _unreadable(say, "a part's content-disposition is not well formed")
        found[name] = parameter[3] if parameter[2] is None else _ESCAPED.sub(r"\1", parameter[2])
        at = parameter.end()
    return found


def _text(form: Form, part: Part, *, say: Say) -> str:
    if part.size_bytes > MAX_TEXT_BYTES:
        raise InvalidRequest(say(part.field, f"Expected at most {MAX_TEXT_BYTES} bytes"), param=part.field, code="string_above_max_length")
    try:
        return form.bytes_of(part).decode()
    except UnicodeDecodeError:
        raise InvalidRequest(say(part.field, "Expected a text in UTF-8"), param=part.field, code="invalid_value") from None


def _unreadable(say: Say, reason: str) -> InvalidRequest:
    return InvalidRequest(say(None, reason), code="invalid_form")
