"""The parts of the dialect that are looked at. Unknown fields are skipped, never lost: where both sides speak it, the bytes travel on.

Blocks and events are flat: which of the fields count is told by `type`, and a type that is not known is no error.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from modelgate.core.records import Json

NAME = "anthropic_messages"
MAX_MODEL_CHARACTERS = 256
MAX_MESSAGES = 100_000
NOTHING = msgspec.Raw(b"")


class Glance(msgspec.Struct, frozen=True, kw_only=True):
    """What is read of every request."""

    model: Annotated[str, Meta(min_length=1, max_length=MAX_MODEL_CHARACTERS)]
    max_tokens: Annotated[int, Meta(ge=0)]
    messages: Annotated[list[msgspec.Raw], Meta(min_length=1, max_length=MAX_MESSAGES)]
    stream: bool | None = None


class CountGlance(msgspec.Struct, frozen=True, kw_only=True):
    """The same of a request whose tokens are only to be counted."""

    model: Annotated[str, Meta(min_length=1, max_length=MAX_MODEL_CHARACTERS)]
    messages: Annotated[list[msgspec.Raw], Meta(min_length=1, max_length=MAX_MESSAGES)]


class RequestPeek(msgspec.Struct, frozen=True):
    """A `ChatPeek`. The dialect knows one answer only and keeps nothing at an upstream. `output_limit` None: only a count is asked for."""

    model: str
    stream: bool | None = None
    output_limit: int | None = None
    images: int = 0
    needs_hub: bool = False
    n: None = None
    state: str = ""


class CacheControl(msgspec.Struct, frozen=True):
    type: str = "ephemeral"
    ttl: str | None = None


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """Where a picture or a document is: `base64`, `url`, `text`, `content` or `file`."""

    type: str
    media_type: str | None = None
    data: str | None = None
    url: str | None = None
    content: "str | list[Block] | None" = None
    file_id: str | None = None


class Block(msgspec.Struct, frozen=True, kw_only=True):
    """One content block of a request. `source` and `content` mean different things by type and are read later."""

    type: str
    text: str | None = None
    source: msgspec.Raw = NOTHING
    title: str | None = None
    context: str | None = None
    id: str | None = None
    name: str | None = None
    input: msgspec.Raw = NOTHING
    tool_use_id: str | None = None
    content: msgspec.Raw = NOTHING
    is_error: bool | None = None
    thinking: str | None = None
    signature: str | None = None
    data: str | None = None
    citations: Json = None
    cache_control: CacheControl | None = None


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    role: Literal["user", "assistant", "system"]
    content: str | list[Block]


class ToolChoice(msgspec.Struct, frozen=True, kw_only=True):
    type: Literal["auto", "any", "tool", "none"]
    name: str | None = None
    disable_parallel_tool_use: bool | None = None


class ThinkingOption(msgspec.Struct, frozen=True, kw_only=True):
    type: Literal["enabled", "adaptive", "disabled"]
    budget_tokens: int | None = None
    display: str | None = None


class OutputForm(msgspec.Struct, frozen=True, kw_only=True):
    type: Literal["json_schema"]
    schema: dict[str, Json]


class OutputOption(msgspec.Struct, frozen=True, kw_only=True):
    effort: Literal["low", "medium", "high", "xhigh", "max"] | None = None
    format: OutputForm | None = None


class Metadata(msgspec.Struct, frozen=True, kw_only=True):
    user_id: str | None = None


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """A request as it is translated. Without `max_tokens` it asks only for a count."""

    model: str
    messages: list[Turn]
    max_tokens: int | None = None
    system: str | list[Block] | None = None
    stream: bool | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    stop_sequences: list[str] | None = None
    tools: list[dict[str, Json]] | None = None
    tool_choice: ToolChoice | None = None
    thinking: ThinkingOption | None = None
    output_config: OutputOption | None = None
    metadata: Metadata | None = None
    service_tier: str | None = None
    cache_control: CacheControl | None = None


class CustomTool(msgspec.Struct, frozen=True, kw_only=True):
    name: Annotated[str, Meta(min_length=1)]
    input_schema: dict[str, Json]
    description: str | None = None
    strict: bool | None = None
    cache_control: CacheControl | None = None


class CacheCreation(msgspec.Struct, frozen=True, kw_only=True):
    ephemeral_5m_input_tokens: int | None = None
    ephemeral_1h_input_tokens: int | None = None


class OutputDetails(msgspec.Struct, frozen=True, kw_only=True):
    thinking_tokens: int | None = None


class UsageBody(msgspec.Struct, frozen=True, kw_only=True):
    """The `usage` object. Imitators leave out or null anything, so everything is optional."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_creation_input_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    cache_creation: CacheCreation | None = None
    output_tokens_details: OutputDetails | None = None
    service_tier: str | None = None


class AnswerBlock(msgspec.Struct, frozen=True, kw_only=True):
    """One content block of an answer."""

    type: str
    text: str | None = None
    citations: list[Json] | None = None
    thinking: str | None = None
    signature: str | None = None
    data: str | None = None
    id: str | None = None
    name: str | None = None
    input: msgspec.Raw = NOTHING


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """A whole answer. `usage` is read apart, so that nonsense in it does not cost the answer."""

    content: list[AnswerBlock]
    id: str | None = None
    model: str | None = None
    stop_reason: str | None = None
    stop_sequence: str | None = None
    usage: msgspec.Raw = NOTHING


class AnswerGlance(msgspec.Struct, frozen=True, kw_only=True):
    """What is read of a whole answer that passes."""

    content: list[msgspec.Raw]
    usage: msgspec.Raw = NOTHING


class Delta(msgspec.Struct, frozen=True, kw_only=True):
    """What a delta event adds: to a block by `type`, or to the message."""

    type: str = ""
    text: str | None = None
    partial_json: str | None = None
    thinking: str | None = None
    signature: str | None = None
    citation: Json = None
    stop_reason: str | None = None
    stop_sequence: str | None = None


class ErrorDetail(msgspec.Struct, frozen=True):
    """The inside of an error; imitators put numbers and lists where strings belong."""

    type: Json = None
    message: Json = None
    code: Json = None


class ErrorBody(msgspec.Struct, frozen=True):
    error: ErrorDetail | str | None = None
    message: Json = None
    detail: Json = None


class MessageStart(msgspec.Struct, frozen=True, kw_only=True):
    id: str | None = None
    model: str | None = None
    usage: msgspec.Raw = NOTHING


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One event of a stream."""

    type: str = ""
    index: int = 0
    message: MessageStart | None = None
    content_block: AnswerBlock | None = None
    delta: Delta | None = None
    usage: msgspec.Raw = NOTHING
    error: msgspec.Raw = NOTHING
