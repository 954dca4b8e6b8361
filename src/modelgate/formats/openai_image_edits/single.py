"""Edits of pictures as one call: a form or JSON passes as it is; under another name of the model a form is written anew."""

import msgspec

from modelgate.core.errors import InvalidRequest
from modelgate.core.http import HttpRequest
from modelgate.core.providers import Quirks
from modelgate.formats.chat.wire_format import UpstreamAsk
from modelgate.formats.json_fields import MISSING, decode_fields, refuse_twins, replace_field
from modelgate.formats.multipart import Form, is_form, parse_form, read_fields, rewrite_form
from modelgate.formats.openai_chat.request import say
from modelgate.formats.openai_chat.response import encode_error
from modelgate.formats.openai_chat.stream import encode_stream_error
from modelgate.formats.openai_image_edits.schema import ImageEditFields, ImageEditRequest, Reference
from modelgate.formats.openai_images.answer import Order, decode_error, pass_pictures, stream_pictures
from modelgate.formats.openai_images.count import most
from modelgate.formats.openai_images.families import Family, check_ask, family_of
from modelgate.formats.openai_images.schema import PRICED
from modelgate.formats.openai_images.uploads import check_upload, uploads_of
from modelgate.formats.single.single_format import SingleAnswer, SingleFormat, SinglePeek, Streamed

NAME = "openai_image_edits"
PATH = "/images/edits"
DEFAULT_MODEL = "gpt-image-1.5"
DONE = "image_edit.completed"
FILES = frozenset(("image", "mask"))
ADDRESSES = ("https://", "http://", "data:image/")

_request = msgspec.json.Decoder(ImageEditRequest)
_encode = msgspec.json.Encoder().encode


class Edit(Order, frozen=True, kw_only=True):
    """`form` None: it came as JSON."""

    form: Form | None = None


def peek(request: HttpRequest) -> SinglePeek:
    """Read a request. Raises InvalidRequest, naming the field."""
    return _peek_form(request) if is_form(request) else _peek_json(request)


def _peek_form(request: HttpRequest) -> SinglePeek:
    form = parse_form(request, say=say)
    found = read_fields(form, ImageEditFields, files=FILES, say=say)
    family = family_of(found.model or DEFAULT_MODEL)
    shown = uploads_of(form, "image", most=family.max_shown)
    masks = form.files("mask")
    if len(masks) > 1:
        raise InvalidRequest(say("mask", "one file is expected"), param="mask", code="invalid_value")
    for mask in masks:
        check_upload(mask, "mask")
    return _peeked(found, family, shown=len(shown), form=form)


def _peek_json(request: HttpRequest) -> SinglePeek:
    found = decode_fields(_request, request.body, say=say)
    for name in PRICED:
        if getattr(found, name) is not None:
            refuse_twins(request.body, name, say=say)
    family = family_of(found.model or DEFAULT_MODEL)
    if not family.takes_json_edits:
        raise InvalidRequest("This model takes edits as multipart/form-data only.", param="model", code="invalid_value")
    for index, image in enumerate(found.images):
        _check_reference(image, f"images[{index}]")
    if found.mask is not None:
        _check_reference(found.mask, "mask")
    return _peeked(found, family, shown=len(found.images), form=None)


def _check_reference(reference: Reference, where: str) -> None:
    if reference.file_id is not None:
        param = f"{where}.file_id"
        raise InvalidRequest(f"'{param}' is not supported: send the picture itself.", param=param, code="unsupported_parameter")
    if not reference.image_url:
        param = f"{where}.image_url"
        raise InvalidRequest(say(param, MISSING), param=param, code="missing_required_parameter")
    if not reference.image_url.startswith(ADDRESSES):
        param = f"{where}.image_url"
        raise InvalidRequest(say(param, "an https or a data address is expected"), param=param, code="invalid_value")


def _peeked(found: ImageEditFields, family: Family, *, shown: int, form: Form | None) -> SinglePeek:
    check_ask(found, family)
    facts = Edit(ask=found, family=family, shown=shown, form=form)
    return SinglePeek(model=found.model or DEFAULT_MODEL, most=most(found, family, shown=shown), stream=found.stream, facts=facts)


def pass_request(request: HttpRequest, peek: SinglePeek, upstream_model: str, quirks: Quirks) -> UpstreamAsk:
    """Return the request under the upstream's name of the model."""
    path = quirks.path_of(NAME, PATH, model=upstream_model)
    edit: Edit = peek.facts
    if edit.form is None:
        body = request.body
        if upstream_model != edit.ask.model:
            body = replace_field(body, "model", _encode(upstream_model))
        return UpstreamAsk(path=path, body=body)
    if upstream_model == edit.ask.model:
        return UpstreamAsk(path=path, body=request.body, content_type=request.headers.get(b"content-type") or b"")
    content_type, body = rewrite_form(edit.form, texts=(("model", upstream_model),), seed=request.id)
    return UpstreamAsk(path=path, body=body, content_type=content_type)


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
