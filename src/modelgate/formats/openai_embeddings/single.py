"""Embeddings as one call: bytes pass to OpenAI-like upstreams, others are reached through `formats/embeddings`."""

import msgspec

from modelgate.core.errors import InvalidRequest
from modelgate.core.http import HttpRequest
from modelgate.core.providers import Quirks
from modelgate.core.records import Json
from modelgate.core.usage import MAX_UNITS, Usage
from modelgate.formats.chat.wire_format import AnswerHead, UnreadableAnswer, UpstreamAsk
from modelgate.formats.embeddings import EmbeddingInput, EmbeddingsRequest, EmbeddingsResponse, decode_vector, encode_vector
from modelgate.formats.json_fields import UNREADABLE, decode_fields, refuse_twins, replace_field
from modelgate.formats.openai_chat.errors import decode_error
from modelgate.formats.openai_chat.request import say
from modelgate.formats.openai_chat.response import encode_error, rename_answer
from modelgate.formats.openai_chat.stream import encode_stream_error
from modelgate.formats.openai_embeddings.schema import Embedding, EmbeddingRequest, Embeddings, EmbeddingUsage
from modelgate.formats.single.single_format import SingleAnswer, SingleFormat, SinglePeek, Translation

PATH = "/embeddings"
NAME = "openai_embeddings"

_request = msgspec.json.Decoder(EmbeddingRequest)
_response = msgspec.json.Decoder(Embeddings)
_encode = msgspec.json.Encoder().encode


class _Glance(msgspec.Struct, frozen=True):
    """An answer whose vectors are not looked at. A usage of a wrong form is no reason to pay for all of it once more."""

    data: msgspec.Raw
    usage: msgspec.Raw = msgspec.Raw()


_glance = msgspec.json.Decoder(_Glance)
_counted = msgspec.json.Decoder(EmbeddingUsage)


def peek(request: HttpRequest) -> SinglePeek:
    """Read a request. Raises InvalidRequest, naming the field."""
    found = decode_fields(_request, request.body, say=say)
    refuse_twins(request.body, "model", say=say)
    inputs = _inputs(found)
    # No text has more tokens than bytes, and a token that is given as a number counts as one.
    most = sum(len(each.tokens) or len(each.text.encode()) for each in inputs)
    return SinglePeek(model=found.model, most=Usage(input_tokens=most), facts=found)


def _inputs(found: EmbeddingRequest) -> list[EmbeddingInput]:
    given = found.input
    if isinstance(given, str):
        return [EmbeddingInput(text=given)]
    if all(isinstance(each, int) and not isinstance(each, bool) for each in given):
        return [EmbeddingInput(tokens=_tokens(given))]
    return [_input(each) for each in given]


def _input(given: Json) -> EmbeddingInput:
    return EmbeddingInput(tokens=_tokens(given)) if isinstance(given, list) else EmbeddingInput(text=_text(given))


def _tokens(given: Json) -> tuple[int, ...]:
    if not given or not all(isinstance(token, int) and not isinstance(token, bool) and token >= 0 for token in given):
        raise InvalidRequest("'input' holds tokens that are none: each is a number from 0 up.", param="input", code="invalid_value")
    return tuple(given)


def _text(given: object) -> str:
    if not isinstance(given, str) or not given:
        raise InvalidRequest(
            "'input' must be a text, a list of texts, or tokens; an empty text is none.", param="input", code="invalid_value"
        )
    return given


def pass_request(request: HttpRequest, peek: SinglePeek, upstream_model: str, quirks: Quirks) -> UpstreamAsk:
    """Return the request under the upstream's name of the model."""
    body = request.body if upstream_model == peek.model else replace_field(request.body, "model", _encode(upstream_model))
    return UpstreamAsk(path=quirks.path_of(NAME, PATH, model=upstream_model), body=body)


def pass_response(content_type: bytes, body: bytes | bytearray, peek: SinglePeek, renamed: bool) -> SingleAnswer:
    """Return an upstream's answer, its usage read. Raises UnreadableAnswer."""
    del content_type
    try:
        found = _glance.decode(body)
    except UNREADABLE as error:
        raise UnreadableAnswer from error
    usage, refused = _read_usage(found.usage)
    told = rename_answer(body, peek.model) if renamed else body
    return SingleAnswer(body=told, content_type=b"application/json", usage=usage, usage_refused=refused)


def _read_usage(raw: msgspec.Raw) -> tuple[Usage | None, bool]:
    try:
        return _usage(None if bytes(raw) in (b"", b"null") else _counted.decode(raw))
    except UNREADABLE:
        return None, True


def _usage(counted: EmbeddingUsage | None) -> tuple[Usage | None, bool]:
    if counted is None:
        return None, False
    if not 0 <= counted.prompt_tokens <= MAX_UNITS:
        return None, True
    return Usage(input_tokens=counted.prompt_tokens), False


def texts(request: HttpRequest, peek: SinglePeek) -> list[str]:
    """Return the texts to be embedded."""
    del request
    return [each.text for each in _inputs(peek.facts)]


def decode_request(request: HttpRequest, peek: SinglePeek) -> EmbeddingsRequest:
    """Return the request in neutral words."""
    del request
    found: EmbeddingRequest = peek.facts
    return EmbeddingsRequest(model=found.model, inputs=tuple(_inputs(found)), dimensions=found.dimensions, user=found.user or "")


def encode_response(response: EmbeddingsResponse, peek: SinglePeek, head: AnswerHead) -> bytes:
    """Return vectors as the client asked for them."""
    found: EmbeddingRequest = peek.facts
    as_text = found.encoding_format == "base64"
    rows = [
        Embedding(index=index, embedding=encode_vector(vector) if as_text else list(vector))
        for index, vector in enumerate(response.vectors)
    ]
    tokens = response.usage.input_tokens if response.usage is not None else 0
    return _encode(Embeddings(data=rows, model=head.model, usage=EmbeddingUsage(prompt_tokens=tokens, total_tokens=tokens)))


def encode_request(request: EmbeddingsRequest, upstream_model: str, quirks: Quirks) -> UpstreamAsk:
    """Return the call to an upstream of this dialect."""
    inputs = [list(each.tokens) if each.tokens else each.text for each in request.inputs]
    found = EmbeddingRequest(model=upstream_model, input=inputs, dimensions=request.dimensions, user=request.user or None)
    ignored = tuple(
        name for name, said in (("task_type", request.task_type), ("title", any(each.title for each in request.inputs))) if said
    )
    return UpstreamAsk(path=quirks.path_of(NAME, PATH, model=upstream_model), body=_encode(found), ignored=ignored)


def decode_response(body: bytes | bytearray) -> EmbeddingsResponse:
    """Return an upstream's vectors in the order of the inputs. Raises UnreadableAnswer."""
    try:
        found = _response.decode(body)
        rows = sorted(found.data, key=lambda row: row.index)
        vectors = tuple(decode_vector(row.embedding) if isinstance(row.embedding, str) else tuple(row.embedding) for row in rows)
    except (*UNREADABLE, ValueError) as error:
        raise UnreadableAnswer from error
    usage, refused = _usage(found.usage)
    return EmbeddingsResponse(vectors=vectors, model=found.model, usage=usage, usage_refused=refused)


FORMAT = SingleFormat(
    name=NAME,
    peek=peek,
    pass_request=pass_request,
    pass_response=pass_response,
    texts=texts,
    translation=Translation(
        decode_request=decode_request,
        encode_response=encode_response,
        encode_request=encode_request,
        decode_response=decode_response,
        texts=lambda request: [each.text for each in request.inputs],
    ),
    encode_error=encode_error,
    encode_stream_error=encode_stream_error,
    decode_error=decode_error,
)
