"""Moderation as one call: bytes pass. Its vendor takes no money for it and counts nothing."""

from typing import Annotated

import msgspec
from msgspec import Meta

from modelgate.core.http import HttpRequest
from modelgate.core.providers import Quirks
from modelgate.core.records import Json
from modelgate.core.usage import Usage
from modelgate.formats.chat.wire_format import UnreadableAnswer, UpstreamAsk
from modelgate.formats.json_fields import UNREADABLE, decode_fields, refuse_twins, replace_field
from modelgate.formats.openai_chat.errors import decode_error
from modelgate.formats.openai_chat.request import say
from modelgate.formats.openai_chat.response import encode_error, rename_answer
from modelgate.formats.openai_chat.stream import encode_stream_error
from modelgate.formats.single.single_format import SingleAnswer, SingleFormat, SinglePeek

PATH = "/moderations"
NAME = "openai_moderations"
DEFAULT_MODEL = "omni-moderation-latest"
MAX_INPUTS = 2048

Input = Annotated[str, Meta(min_length=1)] | Annotated[list[Json], Meta(min_length=1, max_length=MAX_INPUTS)]


class ModerationRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Texts to be judged one by one, or one message of texts and pictures."""

    input: Annotated[Input, Meta(description="A text, texts, or parts `text` and `image_url` of one message.", examples=["a red kite"])]
    model: (
        Annotated[
            str,
            Meta(
                min_length=1, max_length=256, description=f"Name of the model, `{DEFAULT_MODEL}` when left out.", examples=[DEFAULT_MODEL]
            ),
        ]
        | None
    ) = None


class Moderation(msgspec.Struct, frozen=True, kw_only=True):
    """One verdict.

    Categories are `hate`, `harassment`, `illicit`, `self-harm`, `sexual`, `violence` and kinds of them, as `hate/threatening`.
    """

    flagged: Annotated[bool, Meta(description="Whether any category applies.")]
    categories: Annotated[dict[str, bool | None], Meta(description="Category to whether it applies.", examples=[{"violence": False}])]
    category_scores: Annotated[
        dict[str, float | None], Meta(description="Category to how sure the model is, 0 to 1.", examples=[{"violence": 0.0004}])
    ]
    category_applied_input_types: Annotated[
        dict[str, list[str]] | None,
        Meta(description="Category to what it was judged by: `text`, `image`.", examples=[{"violence": ["text"]}]),
    ] = None


class Moderations(msgspec.Struct, frozen=True, kw_only=True):
    """One verdict per text; one for a message of parts."""

    id: Annotated[str, Meta(description="Id the upstream gave the answer.", examples=["modr-9f2c"])]
    model: Annotated[str, Meta(description="Name of the model that judged.")]
    results: Annotated[list[Moderation], Meta(description="The verdicts, in the order of the inputs.")]


class _Glance(msgspec.Struct, frozen=True):
    results: list[msgspec.Raw]


_request = msgspec.json.Decoder(ModerationRequest)
_glance = msgspec.json.Decoder(_Glance)
_encode = msgspec.json.Encoder().encode


def peek(request: HttpRequest) -> SinglePeek:
    """Read a request. Raises InvalidRequest, naming the field."""
    found = decode_fields(_request, request.body, say=say)
    refuse_twins(request.body, "input", say=say)
    return SinglePeek(model=found.model or DEFAULT_MODEL, most=Usage(input_tokens=len(request.body)), facts=found)


def pass_request(request: HttpRequest, peek: SinglePeek, upstream_model: str, quirks: Quirks) -> UpstreamAsk:
    """Return the request under the upstream's name of the model."""
    body = request.body
    if upstream_model != peek.facts.model:
        body = replace_field(body, "model", _encode(upstream_model))
    return UpstreamAsk(path=quirks.path_of(NAME, PATH, model=upstream_model), body=body)


def pass_response(content_type: bytes, body: bytes | bytearray, peek: SinglePeek, renamed: bool) -> SingleAnswer:
    """Return an upstream's verdicts. Raises UnreadableAnswer."""
    del content_type
    try:
        _glance.decode(body)
    except UNREADABLE as error:
        raise UnreadableAnswer from error
    told = rename_answer(body, peek.model) if renamed else body
    return SingleAnswer(body=told, content_type=b"application/json", usage=Usage())


FORMAT = SingleFormat(
    name=NAME,
    peek=peek,
    pass_request=pass_request,
    pass_response=pass_response,
    encode_error=encode_error,
    encode_stream_error=encode_stream_error,
    decode_error=decode_error,
)
