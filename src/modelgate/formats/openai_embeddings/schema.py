"""What is read of embeddings' requests and answers."""

from typing import Annotated, Literal, TypeAlias

import msgspec
from msgspec import Meta

from modelgate.core.records import Json
from modelgate.formats.embeddings import MAX_DIMENSIONS, MAX_INPUTS

MAX_MODEL_CHARACTERS = 256
Tokens: TypeAlias = Annotated[list[Annotated[int, Meta(ge=0)]], Meta(min_length=1, max_length=MAX_INPUTS)]
Input: TypeAlias = (
    Annotated[str, Meta(min_length=1, description="A text.")]
    | Annotated[list[Json], Meta(min_length=1, max_length=MAX_INPUTS, description="Texts, tokens of one text, or lists of tokens.")]
)


class EmbeddingRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Texts, or tokens of texts, to become vectors."""

    model: Annotated[str, Meta(min_length=1, max_length=MAX_MODEL_CHARACTERS, description="Name of the model.")]
    input: Input
    encoding_format: Literal["float", "base64"] | None = None
    dimensions: Annotated[int, Meta(ge=1, le=MAX_DIMENSIONS, description="Length of the vectors, where the model lets choose.")] | None = (
        None
    )
    user: str | None = None


class Embedding(msgspec.Struct, frozen=True, kw_only=True):
    index: int
    embedding: list[float] | str
    object: Literal["embedding"] = "embedding"


class EmbeddingUsage(msgspec.Struct, frozen=True, kw_only=True):
    prompt_tokens: int = 0
    total_tokens: int = 0


class Embeddings(msgspec.Struct, frozen=True, kw_only=True):
    """One vector per input, as numbers or as base64 of 32-bit floats."""

    data: list[Embedding]
    model: str = ""
    usage: EmbeddingUsage | None = None
    object: Literal["list"] = "list"
