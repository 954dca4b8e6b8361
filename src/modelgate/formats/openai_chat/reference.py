"""The dialect as documented to readers: types for the OpenAPI document, not for the hot path, which looks at less.

Source: the OpenAI API reference, read 2026-11.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from modelgate.core.records import Json


class ChatRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A chat request. Fields that are not listed travel on as they are."""

    model: Annotated[str, Meta(description="Name of the model; GET /v1/models lists them.", max_length=256)]
    messages: Annotated[list[Json], Meta(description="The conversation so far.", min_length=1)]
    stream: Annotated[bool | None, Meta(description="Send the answer as server-sent events.")] = None
    stream_options: Annotated[Json, Meta(description="`include_usage` asks for a last chunk with the counts; only with `stream`.")] = None
    max_completion_tokens: Annotated[int, Meta(ge=1, description="Bound on the answer's tokens.")] | None = None
    max_tokens: Annotated[int, Meta(ge=1, description="The older name of `max_completion_tokens`.")] | None = None
    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None
    top_p: Annotated[float, Meta(ge=0, le=1)] | None = None
    n: Annotated[int, Meta(ge=1, le=128, description="How many answers.")] | None = None
    stop: str | list[str] | None = None
    presence_penalty: Annotated[float, Meta(ge=-2, le=2)] | None = None
    frequency_penalty: Annotated[float, Meta(ge=-2, le=2)] | None = None
    logprobs: bool | None = None
    top_logprobs: Annotated[int, Meta(ge=0, le=20)] | None = None
    seed: int | None = None
    tools: Annotated[list[Json], Meta(description="Functions the model may call.")] | None = None
    tool_choice: Annotated[Json, Meta(description="`none`, `auto`, `required`, or one function by name.")] = None
    parallel_tool_calls: bool | None = None
    functions: Annotated[list[Json], Meta(description="The older form of `tools`.")] | None = None
    function_call: Annotated[Json, Meta(description="The older form of `tool_choice`.")] = None
    response_format: Annotated[Json, Meta(description="`text`, `json_object`, or `json_schema` with a schema.")] = None
    reasoning_effort: str | None = None
    user: str | None = None


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    index: int
    message: Json
    finish_reason: Literal["stop", "length", "tool_calls", "content_filter", "function_call"] | None
    logprobs: Json = None


class CompletionUsage(msgspec.Struct, frozen=True, kw_only=True):
    """Counts in tokens. Details are subsets of their totals."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    prompt_tokens_details: Json = None
    completion_tokens_details: Json = None


class Completion(msgspec.Struct, frozen=True, kw_only=True):
    """A finished answer."""

    id: str
    created: Annotated[int, Meta(description="Unix seconds.")]
    model: str
    choices: list[Choice]
    usage: CompletionUsage
    object: Literal["chat.completion"] = "chat.completion"


class ErrorInside(msgspec.Struct, frozen=True, kw_only=True):
    message: str
    type: str
    param: str | None
    code: str | None


class ErrorAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Every failure, with its HTTP status."""

    error: ErrorInside
