"""Counting the tokens of a request (`:countTokens`), which is free: what is to be counted, and the count."""

import msgspec

from modelgate.core.errors import InvalidRequest
from modelgate.core.http import HttpRequest
from modelgate.formats.chat.request import ChatRequest
from modelgate.formats.gemini_content.address import parse_address
from modelgate.formats.gemini_content.decode_request import decode_body
from modelgate.formats.gemini_content.peek import say_invalid
from modelgate.formats.json_fields import decode_fields

_top_level = msgspec.json.Decoder(dict[str, msgspec.Raw])
_INNER_FIELDS = ("generateContentRequest", "generate_content_request")


def decode_count(request: HttpRequest) -> ChatRequest:
    """Return what is to be counted, whether the conversation stands in the body or a whole request does.

    Raises:
        InvalidRequest: neither of the two, or a field of the wrong type; `param` names it.
    """
    model = parse_address(request).model
    fields = decode_fields(_top_level, request.body, say=say_invalid)
    inner = next((fields[name] for name in _INNER_FIELDS if name in fields), None)
    counted = decode_body(bytes(inner) if inner is not None else request.body, model=model, stream=False)
    if not counted.messages and not counted.system:
        message = "* CountTokensRequest.contents: contents is not specified"
        raise InvalidRequest(message, param="contents", code="missing_required_parameter")
    return counted


def encode_count(tokens: int) -> bytes:
    """Return a count."""
    return msgspec.json.encode({"totalTokens": tokens, "promptTokensDetails": [{"modality": "TEXT", "tokenCount": tokens}]})
