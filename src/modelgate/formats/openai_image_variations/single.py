"""Variations of a picture as one call: a form passes as it is; under another name of the model it is written anew."""

from modelgate.core.http import HttpRequest
from modelgate.core.providers import Quirks
from modelgate.formats.chat.wire_format import UpstreamAsk
from modelgate.formats.multipart import Form, parse_form, read_fields, rewrite_form
from modelgate.formats.openai_chat.request import say
from modelgate.formats.openai_chat.response import encode_error
from modelgate.formats.openai_chat.stream import encode_stream_error
from modelgate.formats.openai_images.answer import Order, decode_error, pass_pictures
from modelgate.formats.openai_images.count import most
from modelgate.formats.openai_images.families import check_ask, family_of
from modelgate.formats.openai_images.schema import Ask
from modelgate.formats.openai_images.uploads import uploads_of
from modelgate.formats.single.single_format import SingleAnswer, SingleFormat, SinglePeek

NAME = "openai_image_variations"
PATH = "/images/variations"
DEFAULT_MODEL = "dall-e-2"
FILES = frozenset(("image",))


class ImageVariationFields(Ask, frozen=True, kw_only=True, omit_defaults=True):
    """The texts of the form; beside them comes `image`, one square picture with a filename."""


class Variation(Order, frozen=True, kw_only=True):
    """An order of variations, with its form."""

    form: Form


def peek(request: HttpRequest) -> SinglePeek:
    """Read a request. Raises InvalidRequest, naming the field."""
    form = parse_form(request, say=say)
    found = read_fields(form, ImageVariationFields, files=FILES, say=say)
    model = found.model or DEFAULT_MODEL
    family = family_of(model)
    check_ask(found, family)
    shown = uploads_of(form, "image", most=1)
    facts = Variation(ask=found, family=family, shown=len(shown), form=form)
    return SinglePeek(model=model, most=most(found, family, shown=len(shown)), facts=facts)


def pass_request(request: HttpRequest, peek: SinglePeek, upstream_model: str, quirks: Quirks) -> UpstreamAsk:
    """Return the request under the upstream's name of the model."""
    path = quirks.path_of(NAME, PATH, model=upstream_model)
    variation: Variation = peek.facts
    if upstream_model == variation.ask.model:
        return UpstreamAsk(path=path, body=request.body, content_type=request.headers.get(b"content-type") or b"")
    content_type, body = rewrite_form(variation.form, texts=(("model", upstream_model),), seed=request.id)
    return UpstreamAsk(path=path, body=body, content_type=content_type)


def pass_response(content_type: bytes, body: bytes | bytearray, peek: SinglePeek, renamed: bool) -> SingleAnswer:
    """Return an upstream's pictures; they name no model. Raises UnreadableAnswer."""
    del content_type, renamed
    return pass_pictures(body, peek.facts)


FORMAT = SingleFormat(
    name=NAME,
    peek=peek,
    pass_request=pass_request,
    pass_response=pass_response,
    encode_error=encode_error,
    encode_stream_error=encode_stream_error,
    decode_error=decode_error,
)
