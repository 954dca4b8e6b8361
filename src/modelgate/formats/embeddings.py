"""Texts to be embedded and the vectors they become, in neutral words: what the embeddings dialects translate through."""

import array
import base64
import binascii
import sys

import msgspec

from modelgate.core.usage import Usage

MAX_INPUTS = 2048
"""OpenAI's bound on the inputs of one request; the largest of all vendors."""
MAX_DIMENSIONS = 65536
"""No model's vectors are nearly as long."""


class EmbeddingInput(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to become one vector: a text, or the tokens of one (`tokens` is set, `text` empty). `title` of the document, if said."""

    text: str = ""
    tokens: tuple[int, ...] = ()
    title: str = ""


class EmbeddingsRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What a caller can ask of an embedding model. None and empty mean: not said.

    `task_type` is in Gemini's words (`RETRIEVAL_QUERY`, `SEMANTIC_SIMILARITY`, …); the other vendors have none. `user` is OpenAI's.
    `ignored` names what the caller said that there is no word for here, in the caller's own dialect.
    """

    model: str
    inputs: tuple[EmbeddingInput, ...]
    dimensions: int | None = None
    task_type: str = ""
    user: str = ""
    ignored: tuple[str, ...] = ()


class EmbeddingsResponse(msgspec.Struct, frozen=True, kw_only=True):
    """One vector per input, in their order. `model` is the upstream's name of it, empty where it says none. `usage` None: the upstream
    said nothing (Gemini never does), or (`usage_refused`) counted what cannot be."""

    vectors: tuple[tuple[float, ...], ...]
    model: str = ""
    usage: Usage | None = None
    usage_refused: bool = False


def encode_vector(vector: tuple[float, ...]) -> str:
    """Return a vector as base64 of little-endian 32-bit floats (OpenAI's `encoding_format: base64`)."""
    floats = array.array("f", vector)
    if sys.byteorder == "big":
        floats.byteswap()
    return base64.b64encode(floats.tobytes()).decode()


def decode_vector(text: str) -> tuple[float, ...]:
    """Return the vector of base64 text. Raises ValueError: it is not base64, or no whole number of floats."""
    try:
        data = base64.b64decode(text, validate=True)
    except binascii.Error:
        raise ValueError("not base64") from None
    if len(data) % 4:
        raise ValueError("no whole number of 32-bit floats")
    floats = array.array("f", data)
    if sys.byteorder == "big":
        floats.byteswap()
    return tuple(floats)
