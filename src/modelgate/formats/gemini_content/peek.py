"""What routing and money need of a request, and a request passed on as it is."""

import re
from typing import Annotated

import msgspec
from msgspec import Meta

from modelgate.core.errors import InvalidRequest, UnknownPath
from modelgate.core.http import HttpRequest
from modelgate.core.providers import Quirks
from modelgate.formats.chat.wire_format import StateIds, UpstreamAsk
from modelgate.formats.gemini_content import NAME
from modelgate.formats.gemini_content.address import DEFAULT_PATH, GENERATE, STREAM, Address, parse_address, upstream_path
from modelgate.formats.gemini_content.schema import MAX_CANDIDATES
from modelgate.formats.gemini_content.signatures import FOREIGN_SPELLINGS, holds_foreign_state
from modelgate.formats.json_fields import LARGE_BODY_BYTES, MISSING, count_quoted, decode_fields

_IMAGE_FIELDS = (b"inlineData", b"inline_data", b"fileData", b"file_data")
_MARKDOWN_IMAGE = b"](data:image/"
_NOTABLE = re.compile(rb'"(?:(?:%b)"|%b)' % (b"|".join(_IMAGE_FIELDS), b"|".join(map(re.escape, FOREIGN_SPELLINGS))))
"""Words that ask for a closer look: one search for all of them, a fast one because they all begin alike."""

_Positive = Annotated[int, Meta(ge=1)]
_Candidates = Annotated[int, Meta(ge=1, le=MAX_CANDIDATES)]


class _PeekConfig(msgspec.Struct, frozen=True):
    maxOutputTokens: _Positive | None = None  # noqa: N815 -- both spellings stand side by side
    max_output_tokens: _Positive | None = None
    candidateCount: _Candidates | None = None  # noqa: N815
    candidate_count: _Candidates | None = None


_Some = list[msgspec.Raw] | dict[str, msgspec.Raw]


class _PeekBody(msgspec.Struct, frozen=True):
    contents: _Some | None = None
    generationConfig: _PeekConfig | None = None  # noqa: N815
    generation_config: _PeekConfig | None = None


_decoder = msgspec.json.Decoder(_PeekBody, strict=False)


class RequestPeek(msgspec.Struct, frozen=True, kw_only=True):
    """See `ChatPeek`. `is_sse`: a stream of server-sent events is asked for, else one JSON array."""

    model: str
    stream: bool
    output_limit: int | None
    n: int | None
    images: int
    needs_hub: bool
    is_sse: bool
    address: Address
    state: str = ""


def say_invalid(field: str | None, reason: str) -> str:
    """Return a sentence about a field as Google's servers word it."""
    if field is None:
        return f"Invalid JSON payload received. {reason}."
    return f"* GenerateContentRequest.{field}: required" if reason == MISSING else f"Invalid value at '{field}': {reason}."


def peek(request: HttpRequest) -> RequestPeek:
    """Read what routing and money need.

    Raises:
        InvalidRequest: not JSON, a field of the wrong type or out of range; `param` names it. UnknownPath: another method.
    """
    address = parse_address(request)
    if address.method not in (GENERATE, STREAM):
        raise UnknownPath
    body = request.body
    found = decode_fields(_decoder, body, say=say_invalid)
    if not found.contents:
        raise InvalidRequest(
            "* GenerateContentRequest.contents: contents is not specified", param="contents", code="missing_required_parameter"
        )
    is_common = len(body) < LARGE_BODY_BYTES and _NOTABLE.search(body) is None and body.find(_MARKDOWN_IMAGE) < 0
    configs = [config for config in (found.generationConfig, found.generation_config) if config is not None]
    limits = [limit for config in configs for limit in (config.maxOutputTokens, config.max_output_tokens) if limit is not None]
    counts = [count for config in configs for count in (config.candidateCount, config.candidate_count) if count is not None]
    return RequestPeek(
        model=address.model,
        stream=address.is_stream,
        output_limit=max(limits, default=None),  # said twice: the vendor takes one of them
        n=max(counts, default=None),
        images=0 if is_common else sum(count_quoted(body, field) for field in _IMAGE_FIELDS) + body.count(_MARKDOWN_IMAGE),
        needs_hub=not is_common and holds_foreign_state(body),
        is_sse=address.is_sse,
        address=address,
    )


def pass_request(request: HttpRequest, peeked: RequestPeek, upstream_model: str, quirks: Quirks, state_ids: StateIds) -> UpstreamAsk:
    """Return the request for an upstream of the same dialect: another name in the path, no key in the query, the body as it is."""
    del state_ids  # cached contents are the vendor's own names
    address = peeked.address
    template = quirks.paths.get(NAME, DEFAULT_PATH.replace("v1beta", address.version))
    query = (*address.query, quirks.query)
    is_sse = address.is_stream and address.is_sse
    return UpstreamAsk(
        path=upstream_path(template, model=upstream_model, method=address.method, query=query, is_sse=is_sse), body=request.body
    )
