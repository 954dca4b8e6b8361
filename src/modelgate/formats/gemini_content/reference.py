"""The dialect as documented to readers: types for the OpenAPI document, not for the hot path, which looks at less.

Source: ai.google.dev/api/generate-content, read 2026-11.
"""

from typing import Annotated

import msgspec
from msgspec import Meta

from modelgate.core.records import Json


class _Body(msgspec.Struct, kw_only=True, omit_defaults=True, rename="camel"):
    pass


class GenerateContentRequest(_Body):
    """A request to generate. Names may be in camelCase or snake_case; fields that are not listed travel on as they are."""

    contents: Annotated[list[Json], Meta(description="The conversation so far: `role` (`user`, `model`) and `parts`.", min_length=1)]
    system_instruction: Annotated[Json, Meta(description="What the model shall be: a content of text parts.")] = None
    tools: Annotated[list[Json], Meta(description="`functionDeclarations`, and tools the vendor runs such as `googleSearch`.")] | None = (
        None
    )
    tool_config: Annotated[Json, Meta(description="Whether functions may or must be called.")] = None
    safety_settings: Annotated[list[Json], Meta(description="Thresholds by category; only where Gemini answers.")] | None = None
    generation_config: Annotated[
        Json, Meta(description="`maxOutputTokens`, `temperature`, `responseSchema`, `responseModalities`, `thinkingConfig`, …")
    ] = None


class UsageCounts(_Body):
    """Counts in tokens. The candidates' leave thoughts out."""

    prompt_token_count: int
    candidates_token_count: int
    total_token_count: int
    thoughts_token_count: int | None = None
    cached_content_token_count: int | None = None
    prompt_tokens_details: list[Json] | None = None
    candidates_tokens_details: list[Json] | None = None


class CandidateAnswer(_Body):
    content: Json
    finish_reason: str | None = None
    index: int = 0
    grounding_metadata: Json = None


class GenerateContentResponse(_Body):
    """An answer, or one chunk of a streamed one. A refused prompt has no candidates but `promptFeedback`."""

    candidates: list[CandidateAnswer] | None = None
    prompt_feedback: Json = None
    usage_metadata: UsageCounts | None = None
    model_version: str | None = None
    response_id: str | None = None


class CountTokensRequest(_Body):
    """The conversation, or the whole request, to be counted."""

    contents: list[Json] | None = None
    generate_content_request: Json = None


class CountTokensResponse(_Body):
    total_tokens: int
    prompt_tokens_details: list[Json] | None = None


class ErrorInside(_Body):
    code: Annotated[int, Meta(description="The HTTP status.")]
    message: str
    status: str
    details: list[Json] | None = None


class ErrorAnswer(_Body):
    """Every failure, with its HTTP status."""

    error: ErrorInside
