"""Reading a chat request cheaply, and the few byte-exact edits a gateway makes to it."""

import json
import re
from typing import Protocol

import msgspec

from modelgate.core.errors import InvalidRequest
from modelgate.formats.json_fields import MISSING, TWICE, count_quoted, decode_fields, refuse_twins, replace_field, top_level
from modelgate.formats.openai_chat.schema import Peek, StreamOptions

_decoder = msgspec.json.Decoder(Peek)
_USAGE_OPTION = b'"stream_options":{"include_usage":true},'


class UsageAsk(Protocol):
    """A request that may ask for the usage chunk."""

    @property
    def stream_options(self) -> StreamOptions | None: ...


def peek(body: bytes | bytearray) -> Peek:
    """Read what routing and money need.

    Raises:
        InvalidRequest: not JSON, a field of the wrong type or out of range, or one said twice; `param` names it.
    """
    found = look(body)
    refuse_twins(body, "model", say=say)
    return found


def look(body: bytes | bytearray) -> Peek:
    """Read the same without a look at fields that are said twice. Raises InvalidRequest."""
    found = decode_fields(_decoder, body, say=say)
    if found.stream_options is not None and not found.stream:
        raise InvalidRequest("'stream_options' is only allowed with 'stream': true.", param="stream_options", code="invalid_value")
    return found


def say(param: str | None, reason: str) -> str:
    """Return this dialect's sentence about a field."""
    if reason in (MISSING, TWICE):
        return f"'{param}' {'is required' if reason == MISSING else 'is given twice'}."
    return f"'{param}' is not valid: {reason}." if param else f"The body is not valid{' ' if reason.startswith('JSON') else ': '}{reason}."


def ask_for_usage(body: bytes | bytearray, found: UsageAsk) -> bytes | bytearray:
    """Return the body of a streamed request with `stream_options.include_usage` on; all other bytes stay."""
    if found.stream_options is None:
        start = body.index(b"{") + 1
        if re.search(rb'"stream_options"\s*:\s*null', body) is None:
            return body[:start] + _USAGE_OPTION + body[start:]
        return replace_field(body, "stream_options", b'{"include_usage":true}')
    if found.stream_options.include_usage:
        return body
    options = json.loads(bytes(top_level(body)["stream_options"]))
    return replace_field(body, "stream_options", msgspec.json.encode({**options, "include_usage": True}))


def rename_model(body: bytes | bytearray, model: str) -> bytes:
    """Return the request for another model name."""
    return replace_field(body, "model", msgspec.json.encode(model))


def count_images(body: bytes | bytearray) -> int:
    """Return an upper bound of how many images a request refers to; each says `image_url` twice."""
    return (count_quoted(body, b"image_url") + 1) // 2
