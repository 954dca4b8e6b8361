"""What requests say in headers and queries, for the documentation: the readers of each check for themselves."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from modelgate.core.endpoints import Endpoint
from modelgate.formats.anthropic_messages.models import DEFAULT_LIMIT, MAX_LIMIT
from modelgate.formats.gemini_content.models import DEFAULT_PAGE, MAX_PAGE
from modelgate.gateway.answer_cache import MAX_AGE_S
from modelgate.gateway.idempotency import MAX_KEY_CHARACTERS

IdempotencyKey = Annotated[
    str,
    Meta(
        max_length=MAX_KEY_CHARACTERS,
        description="A key of your own: the request is answered once under it, and its repeats get the same answer. [More](/docs/caching)",
        examples=["order-4711"],
    ),
]
CacheAge = Annotated[
    str,
    Meta(
        description=f"How old in seconds an answer out of the cache may be, 0 to {MAX_AGE_S}, or `off`. [More](/docs/caching#the-cache)",
        examples=["600"],
    ),
]
ApiVersion = Annotated[str, Meta(description="Version of Anthropic's API; where it is missing the upstream gets this one.")]
Betas = Annotated[str, Meta(description="Betas to switch on, with commas between; only Anthropic's own models hear of them.")]
GoogleKey = Annotated[str, Meta(description="The key of this gateway, where it is in no header.", examples=["sk-live-…"])]
PageLimit = Annotated[int, Meta(ge=1, le=100, description="How many.")]


class RepeatableHeaders(Struct, frozen=True, kw_only=True):
    """Of calls that cost something."""

    idempotency_key: IdempotencyKey | None = msgspec.field(default=None, name="Idempotency-Key")


class CachedHeaders(Struct, frozen=True, kw_only=True):
    """Of calls that cost something and are answered at once."""

    idempotency_key: IdempotencyKey | None = msgspec.field(default=None, name="Idempotency-Key")
    cache: CacheAge | None = msgspec.field(default=None, name="modelgate-cache")


class MessageHeaders(Struct, frozen=True, kw_only=True):
    """Of Anthropic's dialect."""

    version: ApiVersion = msgspec.field(default="2023-06-01", name="anthropic-version")
    betas: Betas | None = msgspec.field(default=None, name="anthropic-beta")


class CachedMessageHeaders(Struct, frozen=True, kw_only=True):
    """Of messages: what is Anthropic's, and what is ours."""

    version: ApiVersion = msgspec.field(default="2023-06-01", name="anthropic-version")
    betas: Betas | None = msgspec.field(default=None, name="anthropic-beta")
    idempotency_key: IdempotencyKey | None = msgspec.field(default=None, name="Idempotency-Key")
    cache: CacheAge | None = msgspec.field(default=None, name="modelgate-cache")


class ModelHeaders(Struct, frozen=True, kw_only=True):
    """Of lists of models."""

    version: Annotated[str, Meta(description="With this header the answer has Anthropic's shape.", examples=["2023-06-01"])] | None = (
        msgspec.field(default=None, name="anthropic-version")
    )


class FileHeaders(Struct, frozen=True, kw_only=True):
    """Of result files."""

    range: Annotated[str, Meta(description="A part of the file, as of RFC 9110: one range of bytes.", examples=["bytes=0-1023"])] | None = (
        msgspec.field(default=None, name="Range")
    )
    if_none_match: Annotated[str, Meta(description="The file's `etag`: 304 while it is the same.")] | None = msgspec.field(
        default=None, name="If-None-Match"
    )


class ModelsQuery(Struct, frozen=True, kw_only=True):
    """Of the list of models: pages, for Anthropic's clients alone."""

    limit: Annotated[int, Meta(ge=1, le=MAX_LIMIT, description="How many; only in Anthropic's shape.")] = DEFAULT_LIMIT
    after_id: Annotated[str, Meta(description="Those after this model; only in Anthropic's shape.")] = ""
    before_id: Annotated[str, Meta(description="Those before this model; only in Anthropic's shape.")] = ""


class GeminiQuery(Struct, frozen=True, kw_only=True):
    """Of Gemini's dialect."""

    key: GoogleKey | None = None


class GeminiStreamQuery(Struct, frozen=True, kw_only=True):
    """Of Gemini's streams."""

    alt: Annotated[Literal["sse", "json"], Meta(description="`sse`: events; else one JSON array that grows.")] = "json"
    key: GoogleKey | None = None


class GeminiModelsQuery(Struct, frozen=True, kw_only=True):
    """Of the list of models in Gemini's shape."""

    page_size: Annotated[int, Meta(ge=0, description=f"How many, at most {MAX_PAGE}.")] = msgspec.field(
        default=DEFAULT_PAGE, name="pageSize"
    )
    page_token: Annotated[str, Meta(description="`nextPageToken` of the page before.")] = msgspec.field(default="", name="pageToken")
    key: GoogleKey | None = None


class KeptAnswerQuery(Struct, frozen=True, kw_only=True):
    """Of an answer that its vendor keeps."""

    include: Annotated[list[str], Meta(description="What more to tell; as the upstream knows it.")] = []


class InputItemsQuery(Struct, frozen=True, kw_only=True):
    """Of the items that an answer was made from; passed on to the upstream."""

    limit: PageLimit = 20
    order: Annotated[Literal["asc", "desc"], Meta(description="The oldest or the newest first.")] = "desc"
    after: Annotated[str, Meta(description="Those after this item.")] = ""
    include: Annotated[list[str], Meta(description="What more to tell; as the upstream knows it.")] = []


class FileQuery(Struct, frozen=True, kw_only=True):
    """Of result files: the address as a task's answer has it."""

    expires: Annotated[int, Meta(description="Until when the address is good, in seconds since the epoch.", examples=[1803526324])]
    signature: Annotated[str, Meta(description="What this gateway signed the address with.", examples=["b3Vyc2lnbmF0dXJl"])]


def with_headers(endpoint: Endpoint) -> Endpoint:
    """Return an endpoint with the headers that mean something to every call of its kind, unless it declares its own."""
    if endpoint.headers is not None or endpoint.method != "POST" or not endpoint.price_unit:
        return endpoint
    return msgspec.structs.replace(endpoint, headers=CachedHeaders if endpoint.home == "relay" else RepeatableHeaders)
