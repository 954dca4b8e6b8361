"""Answers with embeddings, both ways."""

import msgspec

from modelgate.formats.chat.wire_format import UnreadableAnswer
from modelgate.formats.embeddings import EmbeddingsResponse
from modelgate.formats.gemini_content.usage import says_something, usage_of
from modelgate.formats.gemini_embeddings.schema import (
    AnyResponse,
    BatchEmbedContentsResponse,
    ContentEmbedding,
    EmbedContentResponse,
)
from modelgate.formats.json_fields import UNREADABLE

_decoder = msgspec.json.Decoder(AnyResponse, strict=False)


def decode_response(body: bytes | bytearray) -> EmbeddingsResponse:
    """Return an upstream's vectors. Raises UnreadableAnswer: not an answer, or one without a vector."""
    try:
        found = _decoder.decode(body)
    except UNREADABLE:
        raise UnreadableAnswer from None
    vectors = [found.embedding] if found.embedding is not None else found.embeddings or []
    if not vectors or not all(vector.values for vector in vectors):
        raise UnreadableAnswer
    counted = found.usage_metadata
    said = counted is not None and says_something(counted)
    usage = usage_of(counted) if counted is not None and said else None
    return EmbeddingsResponse(vectors=tuple(vector.values for vector in vectors), usage=usage, usage_refused=said and usage is None)


def encode_response(response: EmbeddingsResponse, *, is_batch: bool) -> bytes:
    """Return vectors for a client that asked for one, or for a batch."""
    vectors = [ContentEmbedding(values=vector) for vector in response.vectors]
    if is_batch:
        return msgspec.json.encode(BatchEmbedContentsResponse(embeddings=vectors))
    return msgspec.json.encode(EmbedContentResponse(embedding=vectors[0]))
