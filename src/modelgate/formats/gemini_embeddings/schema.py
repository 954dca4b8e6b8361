"""The bodies as types, as far as they are looked at; what readers are told of them as well."""

from typing import Annotated

import msgspec
from msgspec import Meta

from modelgate.formats.embeddings import MAX_DIMENSIONS, MAX_INPUTS
from modelgate.formats.gemini_content.schema import MAX_PARTS, UsageMetadata


class EmbedPart(msgspec.Struct):
    """A piece of text; pictures are passed on only where Gemini embeds."""

    text: str | None = None


class EmbedContent(msgspec.Struct, omit_defaults=True):
    """What becomes one vector."""

    parts: Annotated[list[EmbedPart], Meta(max_length=MAX_PARTS)] | EmbedPart | None = None


class EmbedContentRequest(msgspec.Struct, kw_only=True, rename="camel", omit_defaults=True):
    """One content to become one vector."""

    content: EmbedContent
    model: str | None = None
    task_type: Annotated[str | None, Meta(description="`RETRIEVAL_QUERY`, `RETRIEVAL_DOCUMENT`, `SEMANTIC_SIMILARITY`, …")] = None
    title: Annotated[str | None, Meta(description="The document's title, with `RETRIEVAL_DOCUMENT`.")] = None
    output_dimensionality: Annotated[int, Meta(ge=1, le=MAX_DIMENSIONS)] | None = None


class BatchEmbedContentsRequest(msgspec.Struct, kw_only=True, rename="camel"):
    """Several contents, each a request of its own."""

    requests: Annotated[list[EmbedContentRequest], Meta(min_length=1, max_length=MAX_INPUTS)]


class ContentEmbedding(msgspec.Struct):
    """A vector."""

    values: tuple[float, ...] = ()


class EmbedContentResponse(msgspec.Struct):
    embedding: ContentEmbedding


class BatchEmbedContentsResponse(msgspec.Struct):
    embeddings: list[ContentEmbedding]


class AnyResponse(msgspec.Struct, rename="camel"):
    """An answer to either of them."""

    embedding: ContentEmbedding | None = None
    embeddings: list[ContentEmbedding] | None = None
    usage_metadata: UsageMetadata | None = None
