"""Reading a chat request cheaply, and the few byte-exact edits a gateway makes to it."""

import json
import re
from typing import Any

import msgspec

from modelgate.core.errors import InvalidRequest
from modelgate.formats.openai_chat.schema import Peek

LARGE_BODY_BYTES = 64 * 1024
MAX_QUOTES = 4096

_decoder = msgspec.json.Decoder(Peek)
_top_level = msgspec.json.Decoder(dict[str, msgspec.Raw])
_AT_FIELD = re.compile(r" - at `\$\.?([^`]*)`$")
_USAGE_OPTION = b'"stream_options":{"include_usage":true},'


def peek(body: bytes | bytearray) -> Peek:
    """Read what routing and money need.

    Raises:
        InvalidRequest: not JSON, a field of the wrong type or out of range, or one said twice; `param` names it.
    """
    try:
        if not body.isascii():
            body.decode()  # the decoder skips what it does not read; upstreams would stumble over it, and be taken for broken
        found = _decoder.decode(body)
    except msgspec.ValidationError as error:
        raise _named(str(error)) from None
    except msgspec.DecodeError as error:
        raise InvalidRequest(f"The body is not valid JSON: {error}.", code="invalid_json") from None
    except (UnicodeDecodeError, RecursionError) as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else "not UTF-8"
        raise InvalidRequest(f"The body is not valid JSON: it is {reason}.", code="invalid_json") from None
    if found.stream_options is not None and not found.stream:
        raise InvalidRequest("'stream_options' is only allowed with 'stream': true.", param="stream_options", code="invalid_value")
    # Looking for a backslash first: in a megabyte of base64 there is none, and a single byte is found fifty times faster.
    if (b"\\" in body and b"\\u00" in body) or _count_quoted(body, b"model") != 1:
        _refuse_duplicates(body)
    return found


def _named(text: str) -> InvalidRequest:
    """Turn msgspec's sentence into ours: it ends in the path of the field."""
    place = _AT_FIELD.search(text)
    reason = _AT_FIELD.sub("", text).replace("`", "")
    missing = re.search(r"missing required field (\S+)", reason)
    if missing:
        return InvalidRequest(f"'{missing[1]}' is required.", param=missing[1], code="missing_required_parameter")
    param = place[1] if place and place[1] else None
    subject = f"'{param}'" if param else "The body"
    # "Expected int >= 1" and "Expected array of length >= 1" are about the value, "Expected int, got str" about its type.
    code = "invalid_value" if "=" in reason else "invalid_type"
    return InvalidRequest(f"{subject} is not valid: {reason}.", param=param, code=code)


def _refuse_duplicates(body: bytes | bytearray) -> None:
    """A field said twice is read one way here and another way upstream: the price of one model, the answer of a dearer one."""

    def no_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len({name for name, _ in pairs}) != len(pairs) and any(name == "model" for name, _ in pairs):
            names = [name for name, _ in pairs]
            twin = next(name for name in names if names.count(name) > 1)
            raise InvalidRequest(f"'{twin}' is given twice.", param=twin, code="invalid_value")
        return dict(pairs)

    try:
        json.loads(body, object_pairs_hook=no_twins)
    except (ValueError, RecursionError) as error:
        raise InvalidRequest("The body is not valid JSON.", code="invalid_json") from error


def _count_quoted(body: bytes | bytearray, word: bytes) -> int:
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


def ask_for_usage(body: bytes | bytearray, found: Peek) -> bytes | bytearray:
    """Return the body of a streamed request with `stream_options.include_usage` on; all other bytes stay."""
    if found.stream_options is None:
        start = body.index(b"{") + 1
        if re.search(rb'"stream_options"\s*:\s*null', body) is None:
            return body[:start] + _USAGE_OPTION + body[start:]
        return replace_field(body, "stream_options", b'{"include_usage":true}')
    if found.stream_options.include_usage:
        return body
    options = json.loads(bytes(_top_level.decode(body)["stream_options"]))
    return replace_field(body, "stream_options", msgspec.json.encode({**options, "include_usage": True}))


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


def rename_model(body: bytes | bytearray, model: str) -> bytes:
    """Return the request for another model name."""
    return replace_field(body, "model", msgspec.json.encode(model))


def count_images(body: bytes | bytearray) -> int:
    """Return an upper bound of how many images a request refers to; each says `image_url` twice."""
    return (_count_quoted(body, b"image_url") + 1) // 2
