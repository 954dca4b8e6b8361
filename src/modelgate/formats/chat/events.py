"""What a streamed answer is made of. `choice` numbers the answers when several were asked for.

The order an encoder may rely on: `ResponseStart` first; for one call `ToolCallStart`, then its deltas, then `ToolCallEnd` (calls of one
choice may interleave); a `ThinkingEnd` after the thoughts it belongs to; one `ChoiceEnd` per choice after all of its parts; `ResponseEnd`
last, or `ResponseFailed` instead. `UsageReport` may come anywhere and replaces the one before: counts are cumulative.
"""

from typing import TypeAlias

import msgspec

from modelgate.core.records import Json
from modelgate.core.usage import Usage
from modelgate.formats.chat.request import Image
from modelgate.formats.chat.response import FinishReason
from modelgate.formats.chat.vendor_error import VendorError


class ResponseStart(msgspec.Struct, frozen=True, kw_only=True):
    """The upstream began to answer; its own id and name of the model."""

    id: str = ""
    model: str = ""


class TextDelta(msgspec.Struct, frozen=True, kw_only=True):
    """`logprobs` is a list in the OpenAI shape, for exactly this text."""

    text: str
    choice: int = 0
    logprobs: Json = None


class ThinkingDelta(msgspec.Struct, frozen=True, kw_only=True):
    text: str
    choice: int = 0


class ThinkingEnd(msgspec.Struct, frozen=True, kw_only=True):
    """One block of thoughts is complete; what only its maker can use of it. Sent when there is such a thing, else left out."""

    signature: str = ""
    sealed: str = ""
    format: str = ""
    choice: int = 0


class RefusalDelta(msgspec.Struct, frozen=True, kw_only=True):
    text: str
    choice: int = 0


class ToolCallStart(msgspec.Struct, frozen=True, kw_only=True):
    """`index` numbers the calls of a choice from 0. `id` and `name` are known."""

    index: int
    id: str
    name: str
    custom: bool = False
    signature: str = ""
    format: str = ""
    choice: int = 0


class ToolCallDelta(msgspec.Struct, frozen=True, kw_only=True):
    """A fragment of the arguments' text, never empty, not valid by itself."""

    index: int
    arguments: str
    choice: int = 0


class ToolCallEnd(msgspec.Struct, frozen=True, kw_only=True):
    index: int
    choice: int = 0


class ImageAdded(msgspec.Struct, frozen=True, kw_only=True):
    """A whole picture; pictures do not come in pieces."""

    image: Image
    choice: int = 0


class AudioDelta(msgspec.Struct, frozen=True, kw_only=True):
    """A piece of sound: `data` is base64 of its own, to be decoded alone."""

    id: str = ""
    data: str = ""
    transcript: str = ""
    expires_at: int | None = None
    choice: int = 0


class CitationAdded(msgspec.Struct, frozen=True, kw_only=True):
    """A source of the text so far, in the OpenAI shape of an annotation."""

    citation: Json
    choice: int = 0


class ChoiceEnd(msgspec.Struct, frozen=True, kw_only=True):
    finish: FinishReason
    stop_sequence: str | None = None
    choice: int = 0


class UsageReport(msgspec.Struct, frozen=True, kw_only=True):
    """Counts so far. `usage` None: the upstream counted what cannot be."""

    usage: Usage | None


class ResponseFailed(msgspec.Struct, frozen=True, kw_only=True):
    """The upstream reports an error in the middle of its answer."""

    error: VendorError


class ResponseEnd(msgspec.Struct, frozen=True, kw_only=True):
    """The upstream said that its answer is complete."""


Words: TypeAlias = TextDelta | RefusalDelta | ThinkingDelta | ToolCallStart | ToolCallDelta
"""What a tokenizer can count."""

StreamEvent: TypeAlias = (
    ResponseStart
    | TextDelta
    | ThinkingDelta
    | ThinkingEnd
    | RefusalDelta
    | ToolCallStart
    | ToolCallDelta
    | ToolCallEnd
    | ImageAdded
    | AudioDelta
    | CitationAdded
    | ChoiceEnd
    | UsageReport
    | ResponseFailed
    | ResponseEnd
)


def words_of(event: Words) -> str:
    """Return the words of an event: of a call its name, then its arguments."""
    match event:
        case TextDelta() | RefusalDelta() | ThinkingDelta():
            return event.text
        case ToolCallDelta():
            return event.arguments
        case ToolCallStart():
            return event.name
