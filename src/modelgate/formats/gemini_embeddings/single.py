"""Embeddings as one call: bytes pass to Gemini, others are reached through `formats/embeddings`."""

import msgspec

from modelgate.core.http import HttpRequest
from modelgate.core.providers import Quirks
from modelgate.core.usage import Usage
from modelgate.formats.chat.wire_format import AnswerHead, UnreadableAnswer, UpstreamAsk
from modelgate.formats.embeddings import EmbeddingsRequest, EmbeddingsResponse
from modelgate.formats.gemini_content.address import parse_address
from modelgate.formats.gemini_content.errors import decode_error, encode_error, encode_stream_error
from modelgate.formats.gemini_content.schema import UsageMetadata
from modelgate.formats.gemini_content.usage import says_something, usage_of
from modelgate.formats.gemini_embeddings import NAME, request, response
from modelgate.formats.gemini_embeddings.schema import EmbedContentRequest
from modelgate.formats.json_fields import UNREADABLE
from modelgate.formats.single.single_format import SingleAnswer, SingleFormat, SinglePeek, Translation

JSON_TYPE = b"application/json"
NO_VECTORS = (b"", b"null", b"[]")

FIELD_NAMES = {"inputs": "requests", "dimensions": "outputDimensionality", "task_type": "taskType"}


class _Facts(msgspec.Struct, frozen=True):
    is_batch: bool
    asked: list[EmbedContentRequest]


class _Glance(msgspec.Struct, rename="camel"):
    """An answer whose vectors are not looked at."""

    embedding: msgspec.Raw = msgspec.Raw(b"")
    embeddings: msgspec.Raw = msgspec.Raw(b"")
    usage_metadata: UsageMetadata | None = None


_glance = msgspec.json.Decoder(_Glance, strict=False)


def peek(asked: HttpRequest) -> SinglePeek:
    """Read a request. Raises InvalidRequest, naming the field. UnknownPath: another method."""
    facts = _Facts(request.is_batch(asked), request.read_request(asked))
    # No text has more tokens than bytes, nor has a picture that stands in the body.
    return SinglePeek(model=parse_address(asked).model, most=Usage(input_tokens=len(asked.body)), facts=facts)


def pass_request(asked: HttpRequest, peeked: SinglePeek, upstream_model: str, quirks: Quirks) -> UpstreamAsk:
    """Return the request under the upstream's name of the model."""
    del peeked
    return request.pass_request(asked, upstream_model, quirks)


def pass_response(content_type: bytes, body: bytes | bytearray, peeked: SinglePeek, renamed: bool) -> SingleAnswer:
    """Return an upstream's answer, its usage read; it names no model. Raises UnreadableAnswer."""
    del content_type, peeked, renamed
    try:
        found = _glance.decode(body)
    except UNREADABLE as error:
        raise UnreadableAnswer from error
    if bytes(found.embedding) in NO_VECTORS and bytes(found.embeddings) in NO_VECTORS:
        raise UnreadableAnswer
    counted = found.usage_metadata
    said = counted is not None and says_something(counted)
    usage = usage_of(counted) if counted is not None and said else None
    return SingleAnswer(body=body, content_type=JSON_TYPE, usage=usage, usage_refused=said and usage is None)


def texts(asked: HttpRequest, peeked: SinglePeek) -> list[str]:
    """Return the texts to be embedded."""
    del asked
    return request.texts_of(peeked.facts.asked)


def _decode_request(asked: HttpRequest, peeked: SinglePeek) -> EmbeddingsRequest:
    del peeked
    return request.decode_request(asked)


def _encode_response(answer: EmbeddingsResponse, peeked: SinglePeek, head: AnswerHead) -> bytes:
    del head
    return response.encode_response(answer, is_batch=peeked.facts.is_batch)


def _texts_of(asked: EmbeddingsRequest) -> list[str]:
    return [each.text for each in asked.inputs]


FORMAT = SingleFormat(
    name=NAME,
    peek=peek,
    pass_request=pass_request,
    pass_response=pass_response,
    texts=texts,
    translation=Translation(
        decode_request=_decode_request,
        encode_response=_encode_response,
        encode_request=request.encode_request,
        decode_response=response.decode_response,
        texts=_texts_of,
    ),
    encode_error=encode_error,
    encode_stream_error=encode_stream_error,
    decode_error=decode_error,
    field_names=FIELD_NAMES,
)
