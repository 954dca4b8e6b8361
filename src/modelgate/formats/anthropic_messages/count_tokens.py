"""POST /v1/messages/count_tokens: what a request would count, without asking the model."""

from typing import Annotated

import msgspec
from msgspec import Meta

from modelgate.core.http import HttpRequest
from modelgate.core.providers import Quirks
from modelgate.core.usage import MAX_UNITS
from modelgate.formats.anthropic_messages.request import PATH, path_for, version_lines
from modelgate.formats.anthropic_messages.request_decoder import decode_request
from modelgate.formats.chat.request import ChatRequest
from modelgate.formats.chat.wire_format import ChatPeek, UnreadableAnswer, UpstreamAsk
from modelgate.formats.json_fields import UNREADABLE, replace_field

COUNT_PATH = f"{PATH}/count_tokens"


class Count(msgspec.Struct, frozen=True, kw_only=True):
    """The answer."""

    input_tokens: Annotated[int, Meta(ge=0, le=MAX_UNITS, description="All input of the request, cached or not.", examples=[14])]


_count = msgspec.json.Decoder(Count)


def decode_count_request(request: HttpRequest, peek: ChatPeek) -> ChatRequest:
    """Return what is to be counted, in neutral words (`request.peek_count` makes the peek). Raises InvalidRequest."""
    return decode_request(request, peek)


def pass_count_request(request: HttpRequest, peek: ChatPeek, upstream_model: str, quirks: Quirks) -> UpstreamAsk:
    """Return the client's own bytes for an upstream that counts itself."""
    body = request.body
    if upstream_model != peek.model:
        body = replace_field(body, "model", msgspec.json.encode(upstream_model))
    return UpstreamAsk(path=path_for(upstream_model, quirks, COUNT_PATH), body=body, lines=version_lines(request))


def decode_count(body: bytes | bytearray) -> int:
    """Return what an upstream counted. Raises UnreadableAnswer."""
    try:
        return _count.decode(body).input_tokens
    except UNREADABLE as error:
        raise UnreadableAnswer from error


def encode_count(input_tokens: int) -> bytes:
    """Return the answer's body."""
    return msgspec.json.encode(Count(input_tokens=input_tokens))
