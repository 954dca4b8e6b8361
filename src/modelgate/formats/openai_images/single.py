"""Pictures out of words as one call: bytes pass, the price is by the picture or by tokens."""

import msgspec

from modelgate.core.http import HttpRequest
from modelgate.core.providers import Quirks
from modelgate.formats.chat.wire_format import UpstreamAsk
from modelgate.formats.json_fields import decode_fields, refuse_twins, replace_field
from modelgate.formats.openai_chat.request import say
from modelgate.formats.openai_chat.response import encode_error
from modelgate.formats.openai_chat.stream import encode_stream_error
from modelgate.formats.openai_images.answer import Order, decode_error, pass_pictures, stream_pictures
from modelgate.formats.openai_images.count import most
from modelgate.formats.openai_images.families import check_ask, family_of
from modelgate.formats.openai_images.schema import PRICED, ImageRequest
from modelgate.formats.single.single_format import SingleAnswer, SingleFormat, SinglePeek, Streamed

NAME = "openai_images"
PATH = "/images/generations"
DEFAULT_MODEL = "dall-e-2"
DONE = "image_generation.completed"

_request = msgspec.json.Decoder(ImageRequest)
_encode = msgspec.json.Encoder().encode


def peek(request: HttpRequest) -> SinglePeek:
    """Read a request. Raises InvalidRequest, naming the field."""
    found = decode_fields(_request, request.body, say=say)
    for name in PRICED:
        if getattr(found, name) is not None:
            refuse_twins(request.body, name, say=say)
    model = found.model or DEFAULT_MODEL
    family = family_of(model)
    check_ask(found, family)
    return SinglePeek(model=model, most=most(found, family), stream=found.stream, facts=Order(ask=found, family=family))


def pass_request(request: HttpRequest, peek: SinglePeek, upstream_model: str, quirks: Quirks) -> UpstreamAsk:
    """Return the request under the upstream's name of the model."""
    body = request.body
    if upstream_model != peek.facts.ask.model:
        body = replace_field(body, "model", _encode(upstream_model))
    return UpstreamAsk(path=quirks.path_of(NAME, PATH, model=upstream_model), body=body)


def pass_response(content_type: bytes, body: bytes | bytearray, peek: SinglePeek, renamed: bool) -> SingleAnswer:
    """Return an upstream's pictures; they name no model. Raises UnreadableAnswer."""
    del content_type, renamed
    return pass_pictures(body, peek.facts)


def make_tap(content_type: bytes, peek: SinglePeek) -> Streamed:
    """Return the way of pictures that come as events."""
    del content_type
    return stream_pictures(peek.facts, done=DONE)


FORMAT = SingleFormat(
    name=NAME,
    peek=peek,
    pass_request=pass_request,
    pass_response=pass_response,
    make_tap=make_tap,
    encode_error=encode_error,
    encode_stream_error=encode_stream_error,
    decode_error=decode_error,
)
