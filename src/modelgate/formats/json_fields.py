"""Bodies of JSON: decoding with errors that name the field, and edits that keep every other byte.

Dialects share this: what differs is how each tells a caller, which the function `say` knows: (field, reason) -> sentence.
"""

import re
from collections.abc import Callable
from typing import Any, TypeAlias, TypeVar, cast

import msgspec

from modelgate.core.errors import InvalidRequest

LARGE_BODY_BYTES = 64 * 1024
MAX_QUOTES = 4096
MAX_FIELDS = 1024
"""At the top of a body that has to be looked at closely; no dialect knows a tenth of it."""

UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What a decoder says of bytes that are no JSON, no UTF-8, or nested beyond all measure: an upstream may send anything."""

MISSING = "missing"
TWICE = "given twice"
"""Reasons handed to `say`; any other is a sentence without its full stop, such as `Expected `int`, got `str``."""

Say: TypeAlias = Callable[[str | None, str], str]
T = TypeVar("T")

MAX_FORM_HEAD_BYTES = 1024

_COMPRESSED = (b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"\x78\x01", b"\x78\x9c", b"\x78\xda")
"""How gzip, zstd and zlib's deflate begin, and no JSON does; brotli begins like anything."""
_HALF_A_CHARACTER = re.compile(rb"\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u)")
_ONLY_MODEL = [b'"model"']
_top_level = msgspec.json.Decoder(dict[str, msgspec.Raw])
_AT_FIELD = re.compile(r" - at (?:`key` in )?`(?:key in )?\$\.?([^`]*)`$")
_KEY = re.compile(rb'[ \t\r\n]*("(?:[^"\\]|\\.)*")[ \t\r\n]*:[ \t\r\n]*')
_AFTER_VALUE = re.compile(rb"[ \t\r\n]*[,}]")
_MISSING_FIELD = re.compile(r"missing required field `?([^`]+)`?$")


def decode_fields(decoder: msgspec.json.Decoder[T], body: bytes | bytearray, *, say: Say) -> T:
    """Return a body decoded.

    Raises:
        InvalidRequest: not JSON, or a field of the wrong type or out of range; `param` is its path such as `tools[0].name`.
    """
    try:
        if not body.isascii():
            body.decode()  # the decoder skips what it does not read; upstreams would stumble over it, and be taken for broken
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        raise _refusal(str(error), say) from None
    except UNREADABLE as error:
        raise InvalidRequest(say(None, f"JSON: {_why_unreadable(error, body)}"), code="invalid_json") from None


def _why_unreadable(error: Exception, body: bytes | bytearray) -> str:
    """Say what is wrong with a body in words that help whoever sent it. Numbered cases, the first that fits."""
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    if not body.strip():  # 1. nothing was sent
        return "it is empty"
    if body.startswith(_COMPRESSED):  # 2. compressed, whether a header says so or not
        return "it is compressed; send it as it is, without Content-Encoding"
    if isinstance(error, UnicodeDecodeError):
        return "it is not UTF-8"
    if body.startswith(b"--") and b"content-disposition" in bytes(body[:MAX_FORM_HEAD_BYTES]).lower():  # 3. a form
        return "it is a form; this endpoint takes JSON"
    if "truncated" in str(error) and _HALF_A_CHARACTER.search(body):  # 4. the decoder waits for the other half, and sees the end
        return "a text holds half a character: a surrogate escape (\\ud800 to \\udbff) without its second half"
    return str(error)


def convert_field(value: Any, kind: type[T], *, at: str, say: Say, strict: bool = True) -> T:
    """Return a value out of a decoded body as `kind`; `at` is its path. Not `strict`: numbers and switches may come as texts.

    Raises InvalidRequest as `decode_fields` does.
    """
    try:
        return msgspec.convert(value, kind, strict=strict)
    except msgspec.ValidationError as error:
        raise _refusal(str(error), say, at=at) from None


def _refusal(text: str, say: Say, *, at: str = "") -> InvalidRequest:
    """Turn msgspec's sentence into ours: it ends in the path of the field, below `at` if that is given."""
    place = _AT_FIELD.search(text)
    reason = _AT_FIELD.sub("", text)
    param = place[1] if place and place[1] else None
    if at:
        param = at if param is None else f"{at}{param}" if param.startswith("[") else f"{at}.{param}"
    missing = _MISSING_FIELD.search(reason)
    if missing:
        param = f"{param}.{missing[1]}" if param else missing[1]
        return InvalidRequest(say(param, MISSING), param=param, code="missing_required_parameter")
    # "Expected int >= 1" and "Expected array of length >= 1" are about the value, "Expected int, got str" about its type.
    code = "invalid_value" if "=" in reason else "invalid_type"
    return InvalidRequest(say(param, reason.replace("`", "")), param=param, code=code)


def may_hide(body: bytes | bytearray) -> bool:
    """Tell whether plain letters may be written as escapes in a body, so that a search for words does not find them.

    A backslash is looked for first: in a megabyte of base64 there is none, and a single byte is found fifty times faster. By `find`: `in`
    tries first whether the bytes are a number, and that costs more than to look for them.
    """
    return body.find(b"\\") >= 0 and body.find(b"\\u00") >= 0


def holds_only_model(body: bytes | bytearray, notable: re.Pattern[bytes]) -> bool:
    """Tell whether of all words that ask for a closer look a body holds `"model"` alone, and once. Large bodies are looked at closely."""
    return len(body) < LARGE_BODY_BYTES and notable.findall(body) == _ONLY_MODEL and not may_hide(body)


def refuse_twins(body: bytes | bytearray, *names: str, say: Say) -> None:
    """Raise InvalidRequest when a field of the body is said twice; it has the fields `names`, and is JSON that was decoded before.

    They would be read one way here and another way upstream: the price of one model, the answer of a dearer one.
    """
    if not may_hide(body) and all(count_quoted(body, name.encode()) == 1 for name in names):
        return
    try:
        fields = _top_level.decode(body)
    except UNREADABLE as error:
        raise InvalidRequest(say(None, "JSON: it cannot be read"), code="invalid_json") from error
    if len(fields) > MAX_FIELDS:
        raise InvalidRequest(say(None, f"it has more than {MAX_FIELDS} fields"), code="invalid_value")
    twin = _first_twin(bytes(body), fields)
    if twin is not None:
        raise InvalidRequest(say(twin, TWICE), param=twin, code="invalid_value")


def _first_twin(raw: bytes, fields: dict[str, msgspec.Raw]) -> str | None:
    """Return a field that is said twice in an object whose `fields` were decoded: of twins the last one's value is in there."""
    seen: set[str] = set()
    position = raw.index(b"{") + 1
    while key := _KEY.match(raw, position):
        field: str = msgspec.json.decode(key[1])
        value = bytes(fields[field])
        after = _AFTER_VALUE.match(raw, key.end() + len(value))
        if field in seen or after is None or not raw.startswith(value, key.end()):
            return field
        seen.add(field)
        position = after.end()
    return None


def count_quoted(body: bytes | bytearray, word: bytes) -> int:
    """Return how often `"word"` stands in a body. Of a large body with few quotes only these are looked at: 25 µs a megabyte, not 400."""
    quoted = b'"%b"' % word
    if len(body) < LARGE_BODY_BYTES:
        return body.count(quoted)
    found, at = 0, -1
    for _ in range(MAX_QUOTES):
        at = body.find(b'"', at + 1)
        if at < 0:
            return found
        found += body.startswith(quoted, at)
    return body.count(quoted)


def has_quoted(body: bytes | bytearray, beginning: bytes) -> bool:
    """Return whether any text of a body begins so; of a large body with few quotes only these are looked at."""
    quoted = b'"' + beginning
    if len(body) < LARGE_BODY_BYTES:
        return quoted in body
    at = -1
    for _ in range(MAX_QUOTES):
        at = body.find(b'"', at + 1)
        if at < 0:
            return False
        if body.startswith(quoted, at):
            return True
    return quoted in body


def top_level(body: bytes | bytearray) -> dict[str, msgspec.Raw]:
    """Return the fields of an object, their values not looked at. Raises one of `UNREADABLE`."""
    return _top_level.decode(body)


def object_of(value: Any) -> dict[str, Any] | None:
    """Return decoded JSON if it is an object."""
    return cast("dict[str, Any]", value) if isinstance(value, dict) else None  # the keys of JSON objects are strings


def replace_field(body: bytes | bytearray, name: str, value: bytes) -> bytes:
    """Return the object with one top-level field's value replaced and every other byte kept.

    The fields are walked in their order of appearance, each value skipped whole, so that nothing nested is mistaken
    for the field. An object in which a field's name is spelled with escapes is encoded anew instead.
    """
    fields = _top_level.decode(body)
    raw = bytes(body)
    position = 0
    for field, field_value in fields.items():
        spelled = msgspec.json.encode(field)
        at = raw.find(spelled, position)
        if at < 0:
            break
        old = bytes(field_value)
        start = raw.find(old, raw.index(b":", at + len(spelled)) + 1)
        if start < 0:
            break
        if field == name:
            return raw[:start] + value + raw[start + len(old) :]
        position = start + len(old)
    return msgspec.json.encode({**fields, name: msgspec.Raw(value)})
