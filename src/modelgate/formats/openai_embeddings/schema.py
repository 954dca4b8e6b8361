"""What is read of embeddings' requests and answers."""

from typing import Annotated, Literal, TypeAlias

import msgspec
from msgspec import Meta

from modelgate.core.records import Json
from modelgate.formats.embeddings import MAX_DIMENSIONS, MAX_INPUTS

MAX_MODEL_CHARACTERS = 256
Tokens: TypeAlias = Annotated[list[Annotated[int, Meta(ge=0)]], Meta(min_length=1, max_length=MAX_INPUTS)]
Input: TypeAlias = Annotated[str, Meta(min_length=1)] | Annotated[list[Json], Meta(min_length=1, max_length=MAX_INPUTS)]


class EmbeddingRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Texts, or tokens of texts, to become vectors."""

    model: Annotated[
        str, Meta(min_length=1, max_length=MAX_MODEL_CHARACTERS, description="Name of the model.", examples=["text-embedding-3-small"])
    ]
    input: Annotated[
        Input, Meta(description="A text, texts, the tokens of one text, or lists of tokens. No text may be empty.", examples=["a red kite"])
    ]
    encoding_format: Annotated[
        Literal["float", "base64"] | None,
        Meta(description="Vectors as numbers (when left out), or as base64 of little-endian 32-bit floats.", examples=["float"]),
    ] = None
    dimensions: (
        Annotated[int, Meta(ge=1, le=MAX_DIMENSIONS, description="Length of the vectors, where the model lets choose.", examples=[256])]
        | None
    ) = None
    user: Annotated[str | None, Meta(description="Your name for the end user.", examples=["u-81"])] = None


class Embedding(msgspec.Struct, frozen=True, kw_only=True):
    """One vector."""

    index: Annotated[int, Meta(description="Number of the input, from 0.")]
    embedding: Annotated[list[float] | str, Meta(description="The vector, as `encoding_format` says.", examples=[[0.0123, -0.0456]])]
    object: Annotated[Literal["embedding"], Meta(description="Always `embedding`.")] = "embedding"


class EmbeddingUsage(msgspec.Struct, frozen=True, kw_only=True):
    """Counts in tokens."""

    prompt_tokens: Annotated[int, Meta(description="All inputs.", examples=[4])] = 0
    total_tokens: Annotated[int, Meta(description="The same: there is no output to pay.", examples=[4])] = 0


class Embeddings(msgspec.Struct, frozen=True, kw_only=True):
    """One vector per input, as numbers or as base64 of 32-bit floats."""

    data: Annotated[list[Embedding], Meta(description="The vectors, in the order of the inputs.")]
    model: Annotated[str, Meta(description="Name of the model.")] = ""
    usage: Annotated[EmbeddingUsage | None, Meta(description="Counts in tokens.")] = None
    object: Annotated[Literal["list"], Meta(description="Always `list`.")] = "list"
