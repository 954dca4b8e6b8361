"""The bodies as types, as far as they are looked at; what readers are told of them as well."""

from typing import Annotated

import msgspec
from msgspec import Meta

from modelgate.formats.embeddings import MAX_DIMENSIONS, MAX_INPUTS
from modelgate.formats.gemini_content.schema import MAX_PARTS, UsageMetadata


class EmbedPart(msgspec.Struct):
    """A piece of text; pictures are passed on only where Gemini embeds."""

    text: Annotated[str | None, Meta(description="The words.", examples=["a red kite"])] = None


class EmbedContent(msgspec.Struct, omit_defaults=True):
    """What becomes one vector."""

    parts: Annotated[
        Annotated[list[EmbedPart], Meta(max_length=MAX_PARTS)] | EmbedPart | None,
        Meta(description="The pieces; they are read as one text.", examples=[[{"text": "a red kite"}]]),
    ] = None


class EmbedContentRequest(msgspec.Struct, kw_only=True, rename="camel", omit_defaults=True):
    """One content to become one vector."""

    content: Annotated[EmbedContent, Meta(description="What becomes the vector.")]
    model: Annotated[
        str | None, Meta(description="As in the path, with `models/` before it; may be left out.", examples=["models/gemini-embedding-001"])
    ] = None
    task_type: Annotated[
        str | None,
        Meta(
            description=(
                "What the vector is for: `RETRIEVAL_QUERY`, `RETRIEVAL_DOCUMENT`, `SEMANTIC_SIMILARITY`, `CLASSIFICATION`, `CLUSTERING`, "
                "`QUESTION_ANSWERING`, `FACT_VERIFICATION` or `CODE_RETRIEVAL_QUERY`."
            ),
            examples=["RETRIEVAL_QUERY"],
        ),
    ] = None
    title: Annotated[str | None, Meta(description="The document's title, with `RETRIEVAL_DOCUMENT`.")] = None
    output_dimensionality: (
        Annotated[int, Meta(ge=1, le=MAX_DIMENSIONS, description="Length of the vector, where the model lets choose.", examples=[768])]
        | None
    ) = None


class BatchEmbedContentsRequest(msgspec.Struct, kw_only=True, rename="camel"):
    """Several contents, each a request of its own."""

    requests: Annotated[list[EmbedContentRequest], Meta(min_length=1, max_length=MAX_INPUTS, description="The requests; one vector each.")]


class ContentEmbedding(msgspec.Struct):
    """A vector."""

    values: Annotated[tuple[float, ...], Meta(description="The numbers.", examples=[[0.0123, -0.0456]])] = ()


class EmbedContentResponse(msgspec.Struct):
    """The vector."""

    embedding: Annotated[ContentEmbedding, Meta(description="The vector.")]


class BatchEmbedContentsResponse(msgspec.Struct):
    """The vectors."""

    embeddings: Annotated[list[ContentEmbedding], Meta(description="The vectors, in the order of the requests.")]


class AnyResponse(msgspec.Struct, rename="camel"):
    """An answer to either of them."""

    embedding: ContentEmbedding | None = None
    embeddings: list[ContentEmbedding] | None = None
    usage_metadata: UsageMetadata | None = None
