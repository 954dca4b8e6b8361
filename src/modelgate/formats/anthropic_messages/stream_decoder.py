"""An upstream's stream as events of the hub."""

import msgspec

from modelgate.core.records import Json
from modelgate.formats.anthropic_messages.citations import decode_citations
from modelgate.formats.anthropic_messages.errors import decode_error
from modelgate.formats.anthropic_messages.response import FINISH, Counted, arguments_of
from modelgate.formats.anthropic_messages.schema import NAME, NOTHING, AnswerBlock, Delta, Event
from modelgate.formats.chat.events import (
    ChoiceEnd,
    CitationAdded,
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
from modelgate.formats.json_fields import UNREADABLE
from modelgate.formats.sse import Splitter, data_of, name_of, split_events

_event = msgspec.json.Decoder(Event)


class _OpenBlock:
    """A block that is being told: `call` numbers calls of tools alone, whatever stands between them."""

    __slots__ = ("call", "citations", "input", "kind", "signature", "start")

    def __init__(self, kind: str, *, start: int) -> None:
        self.kind = kind
        self.start = start
        self.call = 0
        self.input = NOTHING
        self.signature: list[str] = []
        self.citations: list[Json] = []


class MessageDecoder:
    """A `StreamDecoder`. Imitators leave out the end of blocks, the beginning, and more; all of it is made up for."""

    def __init__(self) -> None:
        self._splitter = Splitter()
        self._blocks: dict[int, _OpenBlock] = {}
        self._counted = Counted()
        self._calls = 0
        self._length = 0  # characters of text so far, for citations
        self._has_started = False
        self._has_ended = False
        self._is_over = False

    def feed(self, data: bytes) -> list[StreamEvent]:
        """Take bytes, return what is complete now. Raises sse.EventTooLong."""
        complete = self._splitter.feed(data)
        return self._read(complete) if complete else []

    def finish(self) -> list[StreamEvent]:
        """The body ended; its last event may lack the blank line."""
        return self._read(self._splitter.finish())

    def _read(self, complete: bytes) -> list[StreamEvent]:
        events: list[StreamEvent] = []
        for raw in split_events(complete):
            data = data_of(raw)
            if self._is_over or not data:
                continue
            try:
                event = _event.decode(data)
            except UNREADABLE:
                continue
            delta = event.delta
            if delta is not None and delta.type == "text_delta" and event.type == "content_block_delta" and event.index in self._blocks:
                events += self._say(delta.text)  # the usual event
            else:
                events += self._read_event(event, event.type or name_of(raw).decode("ascii", "replace"), data)
        return events

    def _read_event(self, event: Event, kind: str, data: bytes) -> list[StreamEvent]:
        match kind:
            case "message_start":
                return self._start(event)
            case "content_block_start" if event.content_block is not None:
                return [*self._began(), *self._open(event.index, event.content_block)]
            case "content_block_delta" if event.delta is not None:
                return [*self._began(), *self._grow(event.index, event.delta)]
            case "content_block_stop":
                return self._close(event.index)
            case "message_delta":
                return self._end(event)
            case "message_stop":
                self._is_over = True
                return [*self._began(), *self._close_all(), *self._ended("stop", None), ResponseEnd()]
            case "error":
                self._is_over = True
                return [ResponseFailed(error=decode_error(0, data))]
            case _:
                return []

    def _began(self) -> list[StreamEvent]:
        if self._has_started:
            return []
        self._has_started = True
        return [ResponseStart()]

    def _start(self, event: Event) -> list[StreamEvent]:
        if self._has_started or event.message is None:
            return []
        self._has_started = True
        self._counted.add(event.message.usage)  # told with the first figures of output: this one is a placeholder
        return [ResponseStart(id=event.message.id or "", model=event.message.model or "")]

    def _open(self, index: int, block: AnswerBlock) -> list[StreamEvent]:
        opened: list[StreamEvent] = self._close(index)
        state = self._blocks[index] = _OpenBlock(block.type, start=self._length)
        match block.type:
            case "text":
                state.citations += block.citations or ()
                opened += self._say(block.text)
            case "thinking":
                state.signature.append(block.signature or "")
                opened += [ThinkingDelta(text=block.thinking)] if block.thinking else []
            case "redacted_thinking":
                opened += [ThinkingEnd(sealed=block.data, format=NAME)] if block.data else []
            case "tool_use":
                state.call, state.input = self._calls, block.input
                self._calls += 1
                opened.append(ToolCallStart(index=state.call, id=block.id or f"toolu_{state.call}", name=block.name or ""))
            case _:
                pass
        return opened

    def _say(self, text: str | None) -> list[StreamEvent]:
        if not text:
            return []
        self._length += len(text)
        return [TextDelta(text=text)]

    def _grow(self, index: int, delta: Delta) -> list[StreamEvent]:
        state = self._blocks.get(index)
        opened: list[StreamEvent] = []
        if state is None:
            if delta.type not in ("text_delta", "thinking_delta"):
                return []
            opened = self._open(index, AnswerBlock(type=delta.type.removesuffix("_delta")))
            state = self._blocks[index]
        match delta.type:
            case "text_delta":
                return [*opened, *self._say(delta.text)]
            case "thinking_delta" if delta.thinking:
                return [*opened, ThinkingDelta(text=delta.thinking)]
            case "signature_delta":
                state.signature.append(delta.signature or "")
            case "citations_delta":
                state.citations.append(delta.citation)
            case "input_json_delta" if state.kind == "tool_use" and delta.partial_json:
                state.input = NOTHING
                state.kind = "tool_use with input"
                return [ToolCallDelta(index=state.call, arguments=delta.partial_json)]
            case "input_json_delta" if state.kind == "tool_use with input" and delta.partial_json:
                return [ToolCallDelta(index=state.call, arguments=delta.partial_json)]
            case _:
                pass
        return opened

    def _close(self, index: int) -> list[StreamEvent]:
        state = self._blocks.pop(index, None)
        if state is None:
            return []
        match state.kind:
            case "thinking" if signature := "".join(state.signature):
                return [ThinkingEnd(signature=signature, format=NAME)]
            case "text":
                found = decode_citations(state.citations, start=state.start, end=self._length)
                return [CitationAdded(citation=citation) for citation in found]
            case "tool_use":  # its arguments came whole, or there are none
                return [ToolCallDelta(index=state.call, arguments=arguments_of(state.input)), ToolCallEnd(index=state.call)]
            case "tool_use with input":
                return [ToolCallEnd(index=state.call)]
            case _:
                return []

    def _close_all(self) -> list[StreamEvent]:
        return [event for index in sorted(self._blocks) for event in self._close(index)]

    def _end(self, event: Event) -> list[StreamEvent]:
        """Numbered cases: 1. counts; 2. why the answer ended, told once, after the blocks that were cut off."""
        told: list[StreamEvent] = self._began()
        if bytes(event.usage) not in (b"", b"null"):
            self._counted.add(event.usage)
            told.append(UsageReport(usage=self._counted.usage))
        if event.delta is not None and event.delta.stop_reason:
            told += self._close_all()
            told += self._ended(event.delta.stop_reason, event.delta.stop_sequence)
        return told

    def _ended(self, reason: str, stop_sequence: str | None) -> list[StreamEvent]:
        if self._has_ended:
            return []
        self._has_ended = True
        return [ChoiceEnd(finish=FINISH.get(reason, "stop"), stop_sequence=stop_sequence)]
