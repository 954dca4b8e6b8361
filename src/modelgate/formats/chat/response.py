"""A finished answer in neutral words."""

from typing import Literal, TypeAlias

import msgspec

from modelgate.core.records import Json
from modelgate.core.usage import Usage
from modelgate.formats.chat.request import Audio, Image, Refusal, Text, Thinking, ToolCall

FinishReason: TypeAlias = Literal["stop", "stop_sequence", "length", "tool_calls", "content_filter", "pause"]
"""`stop_sequence`: one of the caller's was met (dialects that cannot tell say stop). `pause`: send the answer back to go on."""

AnswerPart: TypeAlias = Text | Image | Audio | Thinking | ToolCall | Refusal


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """One answer. `citations` are annotations in the OpenAI shape, `logprobs` the list of its `content`."""

    index: int
    parts: tuple[AnswerPart, ...]
    finish: FinishReason
    stop_sequence: str | None = None
    citations: tuple[Json, ...] = ()
    logprobs: Json = None


class ChatResponse(msgspec.Struct, frozen=True, kw_only=True):
    """`id` and `model` are the upstream's. `usage` None: it said nothing; `usage_refused`: it counted what cannot be."""

    id: str
    model: str
    choices: tuple[Choice, ...]
    usage: Usage | None = None
    usage_refused: bool = False
    service_tier: str = ""
