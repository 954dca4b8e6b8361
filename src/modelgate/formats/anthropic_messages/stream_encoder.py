"""Events of the hub as a stream for a client.

Blocks of this dialect never interleave: what comes while a call of a tool is being told, and is not that call's, waits in order.
"""

from collections import deque

import msgspec

from modelgate.core.records import Json
from modelgate.core.usage import Usage
from modelgate.formats.anthropic_messages.blocks import pack_thinking
from modelgate.formats.anthropic_messages.citations import encode_citation
from modelgate.formats.anthropic_messages.response import call_id, encode_usage, message_id, stop_reason_of
from modelgate.formats.anthropic_messages.schema import NAME
from modelgate.formats.chat.events import (
    AudioDelta,
    ChoiceEnd,
    CitationAdded,
    ImageAdded,
    RefusalDelta,
    ResponseEnd,
    ResponseFailed,
    ResponseStart,
    StreamEvent,
    TextDelta,
    ThinkingDelta,
    ThinkingEnd,
    ToolCallDelta,
    ToolCallEnd,
    ToolCallStart,
    UsageReport,
)
from modelgate.formats.chat.markdown_images import render_markdown_image
from modelgate.formats.chat.request import Thinking
from modelgate.formats.chat.wire_format import AnswerHead, ChatPeek
from modelgate.formats.sse import EventTooLong, render_event

MAX_WAITING_CHARACTERS = 16 * 1024 * 1024
"""So much may wait for the end of a call; more than an honest answer holds."""

_GROWN = b'event: content_block_delta\ndata: {"type":"content_block_delta","index":%d,"delta":{"type":"text_delta","text":'

_encode = msgspec.json.Encoder().encode


class _Waiting:
    """What waits: one call with its fragments, or (no `start`) other events."""

    __slots__ = ("events", "has_ended", "start")

    def __init__(self, start: ToolCallStart | None = None) -> None:
        self.start = start
        self.events: list[StreamEvent] = []
        self.has_ended = False


class MessageEncoder:
    """A `StreamEncoder`. Of several answers the first is told: the dialect has no more."""

    def __init__(self, head: AnswerHead) -> None:
        self._head = head
        self._usage: Usage | None = None
        self._has_started = False
        self._blocks = 0
        self._open = ""  # the type of the open block
        self._grown = b""  # how an event begins that adds to its text
        self._open_call = -1
        self._calls = 0
        self._text: list[str] = []
        self._is_refused = False
        self._end = ChoiceEnd(finish="stop")
        self._waiting: deque[_Waiting] = deque()
        self._waiting_calls: dict[int, _Waiting] = {}
        self._waiting_characters = 0

    def encode(self, event: StreamEvent) -> bytes:
        """Return what goes on the wire for one event. Raises sse.EventTooLong: a call does not end, and too much waits for that."""
        if type(event) is TextDelta and self._open == "text" and event.choice == 0 and event.text:
            self._text.append(event.text)
            return self._grown + _encode(event.text) + b"}}\n\n"
        match event:
            case UsageReport(usage=usage):
                self._usage = usage
                return b""
            case ResponseFailed():
                return b""
            case ResponseStart():
                return self._started()
            case ResponseEnd():
                return self._started() + self._settled() + self._last_words()
            case _:
                if event.choice != 0:
                    return b""
                return self._started() + (self._part(event) if self._open_call < 0 else self._beside_a_call(event))

    def _started(self) -> bytes:
        if self._has_started:
            return b""
        self._has_started = True
        message: dict[str, Json] = {
            "id": message_id(self._head),
            "type": "message",
            "role": "assistant",
            "model": self._head.model,
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": {**encode_usage(self._usage), "output_tokens": 0},
        }
        return _render("message_start", message=message)

    def _part(self, event: StreamEvent) -> bytes:
        """Return one event while no call is open."""
        match event:
            case TextDelta(text=text):
                return self._say(text)
            case RefusalDelta(text=text):
                self._is_refused = True
                return self._say(text)
            case AudioDelta(transcript=text):
                return self._say(text)
            case ImageAdded(image=image):
                return self._say(("\n" if self._open == "text" else "") + render_markdown_image(image))
            case ThinkingDelta(text=text):
                return self._opened("thinking", thinking="", signature="") + self._delta("thinking_delta", thinking=text) if text else b""
            case ThinkingEnd():
                return self._end_thinking(event)
            case ToolCallStart():
                return self._start_call(event)
            case CitationAdded(citation=citation):
                return self._cite(citation)
            case ChoiceEnd():
                self._end = event
                return self._closed()
            case _:
                return b""

    def _say(self, text: str) -> bytes:
        if not text:
            return b""
        self._text.append(text)
        return self._opened("text", text="") + self._delta("text_delta", text=text)

    def _end_thinking(self, event: ThinkingEnd) -> bytes:
        """Numbered cases: 1. thoughts only the vendor reads; 2. its signature; 3. another vendor's, carried in ours."""
        if event.format == NAME and event.sealed:
            return self._opened("redacted_thinking", data=event.sealed) + self._closed()
        thought = Thinking(signature=event.signature, sealed=event.sealed, format=event.format)
        signature = event.signature if event.format == NAME and event.signature else pack_thinking(thought)
        written = self._opened("thinking", thinking="", signature="") + self._delta("signature_delta", signature=signature)
        self._open = "signed thinking"
        return written + self._closed()

    def _start_call(self, event: ToolCallStart) -> bytes:
        id = call_id(event.id, format=event.format, signature=event.signature, head=self._head, number=self._calls)
        written = self._closed() + self._opened("tool_use", id=id, name=event.name, input={})
        self._calls += 1
        self._open_call = event.index
        return written

    def _cite(self, citation: Json) -> bytes:
        said = encode_citation(citation, "".join(self._text)) if self._open == "text" else None
        return b"" if said is None else self._delta("citations_delta", citation=said)

    def _beside_a_call(self, event: StreamEvent) -> bytes:
        """Return one event while a call is open: its own goes on, others wait, its end lets them go."""
        match event:
            case ToolCallDelta(index=index, arguments=arguments) if index == self._open_call:
                return self._delta("input_json_delta", partial_json=arguments)
            case ToolCallEnd(index=index) if index == self._open_call:
                return self._closed() + self._flushed()
            case ToolCallStart():
                waiting = self._waiting_calls[event.index] = _Waiting(event)
                self._waiting.append(waiting)
            case ToolCallDelta(index=index, arguments=arguments) if index in self._waiting_calls:
                self._waiting_calls[index].events.append(event)
                self._hold(len(arguments))
            case ToolCallEnd(index=index) if index in self._waiting_calls:
                self._waiting_calls[index].has_ended = True
            case ToolCallDelta() | ToolCallEnd():
                pass
            case ChoiceEnd():
                self._end = event
                return self._settled()
            case _:
                if not self._waiting or self._waiting[-1].start is not None:
                    self._waiting.append(_Waiting())
                self._waiting[-1].events.append(event)
                self._hold(len(getattr(event, "text", "")) or 1)
        return b""

    def _hold(self, characters: int) -> None:
        self._waiting_characters += characters
        if self._waiting_characters > MAX_WAITING_CHARACTERS:
            raise EventTooLong

    def _flushed(self, *, settling: bool = False) -> bytes:
        """Return what waited, up to a call that still goes on; all of it when `settling`."""
        written: list[bytes] = []
        while self._waiting and self._open_call < 0:
            waiting = self._waiting.popleft()
            if waiting.start is None:
                written += [self._part(event) for event in waiting.events]
                continue
            index = waiting.start.index
            if self._waiting_calls.get(index) is waiting:
                del self._waiting_calls[index]
            written.append(self._start_call(waiting.start))
            written += [self._delta("input_json_delta", partial_json=e.arguments) for e in waiting.events if isinstance(e, ToolCallDelta)]
            if waiting.has_ended or settling:
                written.append(self._closed())
        if not self._waiting:
            self._waiting_characters = 0
        return b"".join(written)

    def _settled(self) -> bytes:
        """Return the end of every block, calls that did not end included."""
        return self._closed() + self._flushed(settling=True) + self._closed()

    def _opened(self, kind: str, **fields: Json) -> bytes:
        """Return the start of a block, unless one of its kind is open already."""
        if self._open == kind:
            return b""
        written = self._closed()
        self._open = kind
        self._grown = _GROWN % self._blocks
        self._blocks += 1
        return written + _render("content_block_start", index=self._blocks - 1, content_block={"type": kind, **fields})

    def _delta(self, kind: str, **fields: Json) -> bytes:
        return _render("content_block_delta", index=self._blocks - 1, delta={"type": kind, **fields})

    def _closed(self) -> bytes:
        """Return the end of the open block. Thoughts nobody signed get a signature of ours: clients want one, and send it back."""
        if not self._open:
            return b""
        written = self._delta("signature_delta", signature=pack_thinking(Thinking())) if self._open == "thinking" else b""
        self._open, self._open_call = "", -1
        return written + _render("content_block_stop", index=self._blocks - 1)

    def _last_words(self) -> bytes:
        reason = stop_reason_of(self._end.finish, has_calls=self._calls > 0, is_refused=self._is_refused)
        delta = {"stop_reason": reason, "stop_sequence": self._end.stop_sequence if reason == "stop_sequence" else None}
        return _render("message_delta", delta=delta, usage=encode_usage(self._usage)) + _render("message_stop")


def _render(kind: str, **fields: Json) -> bytes:
    return render_event(_encode({"type": kind, **fields}), event=kind.encode())


def make_encoder(peek: ChatPeek, head: AnswerHead) -> MessageEncoder:
    """Return the writer of one stream."""
    del peek
    return MessageEncoder(head)
