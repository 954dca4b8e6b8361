"""The dialect as documented to readers: types for the OpenAPI document, not for the hot path, which looks at less.

Source: the Anthropic API reference, read 2026-11.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from modelgate.core.records import Json


class InputMessage(msgspec.Struct, frozen=True, kw_only=True):
    """One turn. Turns of one role in a row count as one."""

    role: Literal["user", "assistant"]
    content: Annotated[str | list[Json], Meta(description="Text, or content blocks: text, image, document, tool_use, tool_result, …")]


class CountRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is to be counted."""

    model: Annotated[str, Meta(description="Name of the model; GET /v1/models lists them.", max_length=256)]
    messages: Annotated[list[InputMessage], Meta(min_length=1)]
    system: Annotated[str | list[Json] | None, Meta(description="Instructions: text, or text blocks that may mark the cache.")] = None
    tools: Annotated[list[Json] | None, Meta(description="Tools the model may call.")] = None
    tool_choice: Annotated[Json, Meta(description="`auto`, `any`, `none` or `tool` with a name, as `type`.")] = None
    thinking: Annotated[Json, Meta(description="`enabled` with `budget_tokens`, `adaptive`, or `disabled`, as `type`.")] = None
    output_config: Annotated[Json, Meta(description="`effort`, and `format` with a JSON schema.")] = None
    cache_control: Annotated[Json, Meta(description="Caches the prompt up to its last block.")] = None


class MessageRequest(CountRequest, frozen=True, kw_only=True, omit_defaults=True):
    """A request for a message. Fields that are not listed travel on as they are where the model speaks this protocol."""

    max_tokens: Annotated[int, Meta(ge=0, description="Bound on the answer's tokens, thinking included.")]
    stream: Annotated[bool | None, Meta(description="Send the answer as server-sent events.")] = None
    temperature: Annotated[float, Meta(ge=0, le=1)] | None = None
    top_p: Annotated[float, Meta(ge=0, le=1)] | None = None
    top_k: Annotated[int, Meta(ge=0)] | None = None
    stop_sequences: list[str] | None = None
    metadata: Annotated[Json, Meta(description="`user_id`: an opaque id of who asks.")] = None
    service_tier: Literal["auto", "standard_only"] | None = None


class MessageUsage(msgspec.Struct, frozen=True, kw_only=True):
    """Counts in tokens. `input_tokens` are those that had nothing to do with the cache."""

    input_tokens: int
    output_tokens: int
    cache_creation_input_tokens: int = 0
    cache_read_input_tokens: int = 0
    cache_creation: Json = None
    output_tokens_details: Json = None


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """A finished answer."""

    id: str
    model: str
    content: Annotated[list[Json], Meta(description="Blocks: text, thinking, redacted_thinking, tool_use, …")]
    stop_reason: Literal["end_turn", "max_tokens", "stop_sequence", "tool_use", "pause_turn", "refusal", "model_context_window_exceeded"]
    stop_sequence: str | None
    usage: MessageUsage
    type: Literal["message"] = msgspec.field(default="message")
    role: Literal["assistant"] = "assistant"


class ErrorInside(msgspec.Struct, frozen=True, kw_only=True):
    type: str
    message: str


class ErrorAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Every failure, with its HTTP status."""

    error: ErrorInside
    request_id: str
    type: Literal["error"] = msgspec.field(default="error")
