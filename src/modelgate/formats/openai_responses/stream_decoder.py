"""A stream read: deltas as they come, and where an upstream leaves them out, what its closing events say."""

import msgspec

from modelgate.formats.chat.events import (
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
from modelgate.formats.chat.request import Image
from modelgate.formats.chat.wire_format import UnreadableAnswer
from modelgate.formats.json_fields import UNREADABLE
from modelgate.formats.openai_responses import NAME, schema
from modelgate.formats.openai_responses.errors import stream_error_of
from modelgate.formats.openai_responses.items import as_text
from modelgate.formats.openai_responses.nesting import nested_citation
from modelgate.formats.openai_responses.response import (
    CALLS,
    call_id_of,
    citations_of,
    decode_answer,
    finish_of,
    output_items,
    parts_of,
    thoughts_of,
)
from modelgate.formats.openai_responses.usage import decode_usage
from modelgate.formats.sse import Splitter, parse_frames

_event = msgspec.json.Decoder(schema.Event)
_THOUGHTS, _CITATIONS, _WHOLE = -1, -2, -3
"""Beside the numbers of an item's parts: what else is told once."""


class _Call(msgspec.Struct):
    index: int
    has_arguments: bool = False
    is_done: bool = False


class ResponsesDecoder:
    """A `StreamDecoder`."""

    def __init__(self) -> None:
        self._splitter = Splitter()
        self._has_started = False
        self._is_over = False
        self._calls: dict[int, _Call] = {}  # by the place of their items
        self._told: set[tuple[int, int]] = set()  # (item, part) that was told, or of which deltas came

    def feed(self, data: bytes) -> list[StreamEvent]:
        """Take bytes, return what is complete now. Raises sse.EventTooLong."""
        return self._read(self._splitter.feed(data))

    def finish(self) -> list[StreamEvent]:
        """The body ended; an event that lacks its blank line is read all the same."""
        return self._read(self._splitter.finish())

    def _read(self, data: bytes) -> list[StreamEvent]:
        events: list[StreamEvent] = []
        for frame in parse_frames(data):
            if self._is_over or not frame.data or frame.data.startswith(b"[DONE]"):
                continue
            try:
                found = _event.decode(frame.data)
            except UNREADABLE:
                continue
            told = self._take(found.type or frame.event.decode("ascii", "replace"), found)
            if told and not self._has_started:
                self._has_started = True
                events.append(ResponseStart())
            events += told
        return events

    def _take(self, kind: str, found: schema.Event) -> list[StreamEvent]:
        at = found.output_index or 0
        part = found.content_index or 0
        match kind:
            case "response.output_text.delta":
                self._told.add((at, part))
                return [TextDelta(text=found.delta, logprobs=found.logprobs or None)] if found.delta else []
            case "response.output_text.done" if found.text and self._is_new(at, part):
                return [TextDelta(text=found.text, logprobs=found.logprobs or None)]
            case "response.refusal.delta":
                self._told.add((at, part))
                return [RefusalDelta(text=found.delta)] if found.delta else []
            case "response.refusal.done" if found.refusal and self._is_new(at, part):
                return [RefusalDelta(text=found.refusal)]
            case "response.reasoning_summary_part.added" if found.summary_index and (at, _THOUGHTS) in self._told:
                return [ThinkingDelta(text="\n\n")]  # parts of a summary are paragraphs
            case "response.reasoning_summary_text.delta" | "response.reasoning_text.delta":
                self._told.add((at, _THOUGHTS))
                return [ThinkingDelta(text=found.delta)] if found.delta else []
            case "response.function_call_arguments.delta" | "response.custom_tool_call_input.delta":
                return self._add_arguments(at, found.delta or "")
            case "response.output_text.annotation.added" if found.annotation is not None:
                self._told.add((at, _CITATIONS))
                return [CitationAdded(citation=nested_citation(found.annotation))]
            case _:
                return self._take_frame(kind, found, at)

    def _take_frame(self, kind: str, found: schema.Event, at: int) -> list[StreamEvent]:
        """Take an event that is about an item or the answer as a whole."""
        match kind:
            case "response.output_item.added" if found.item is not None and found.item.type in CALLS:
                return self._start_call(at, found.item)
            case "response.output_item.done" if found.item is not None:
                return self._end_item(at, found.item)
            case "response.created" | "response.queued" | "response.in_progress":
                return self._start(found)
            case "response.completed" | "response.incomplete":
                return self._end(found)
            case "response.failed" | "response.cancelled":
                self._is_over = True
                return [*_usage_of_response(found.response), ResponseFailed(error=stream_error_of(found))]
            case _ if kind == "error" or (not kind and found.error):
                self._is_over = True
                return [ResponseFailed(error=stream_error_of(found))]
            case _:
                return []

    def _is_new(self, at: int, part: int) -> bool:
        """Return whether nothing of a part was told yet, and note that now it is."""
        if (at, part) in self._told:
            return False
        self._told.add((at, part))
        return True

    def _start(self, found: schema.Event) -> list[StreamEvent]:
        if self._has_started:
            return []
        try:
            answer = decode_answer(found.response)
        except UnreadableAnswer:
            return []
        self._has_started = True
        return [ResponseStart(id=as_text(answer.id), model=as_text(answer.model))]

    # Calls.

    def _start_call(self, at: int, item: schema.OutputItem) -> list[StreamEvent]:
        if at in self._calls:
            return []
        call = self._calls[at] = _Call(len(self._calls))
        custom = item.type == "custom_tool_call"
        return [ToolCallStart(index=call.index, id=call_id_of(item), name=item.name or "", custom=custom)]

    def _add_arguments(self, at: int, arguments: str) -> list[StreamEvent]:
        call = self._calls.get(at)
        if call is None or call.is_done or not arguments:
            return []
        call.has_arguments = True
        return [ToolCallDelta(index=call.index, arguments=arguments)]

    # Ends.

    def _end_item(self, at: int, item: schema.OutputItem) -> list[StreamEvent]:
        """Tell of a complete item what its deltas did not."""
        match item.type:
            case "function_call" | "custom_tool_call" as kind:
                events = self._start_call(at, item)
                call = self._calls[at]
                if not call.has_arguments:
                    events += self._add_arguments(at, as_text(item.input if kind == "custom_tool_call" else item.arguments))
                return events + _end_call(call)
            case "message":
                return self._end_message(at, item)
            case "reasoning":
                text = thoughts_of(item)
                thought: list[StreamEvent] = [ThinkingDelta(text=text)] if text and self._is_new(at, _THOUGHTS) else []
                if item.encrypted_content and self._is_new(at, _WHOLE):
                    thought.append(ThinkingEnd(signature=as_text(item.id), sealed=item.encrypted_content, format=NAME))
                return thought
            case _ if self._is_new(at, _WHOLE):
                return [ImageAdded(image=part) for part in parts_of(item) if isinstance(part, Image)]
            case _:
                return []

    def _end_message(self, at: int, item: schema.OutputItem) -> list[StreamEvent]:
        events: list[StreamEvent] = []
        for index, part in enumerate(item.content or []):
            if part.refusal and self._is_new(at, index):
                events.append(RefusalDelta(text=part.refusal))
            elif part.text and self._is_new(at, index):
                events.append(TextDelta(text=part.text, logprobs=part.logprobs or None))
        cited = citations_of(item)
        if cited and self._is_new(at, _CITATIONS):
            events += [CitationAdded(citation=citation) for citation in cited]
        return events

    def _end(self, found: schema.Event) -> list[StreamEvent]:
        try:
            answer = decode_answer(found.response)
            items = output_items(answer.output)
        except UnreadableAnswer:
            return []
        events = self._start(found)
        if not self._told and not self._calls:  # an upstream that says everything at once
            for at, item in enumerate(items):
                events += self._end_item(at, item)
        for call in self._calls.values():
            events += _end_call(call)
        self._is_over = True
        finish = finish_of(answer, has_calls=bool(self._calls))
        return [*events, ChoiceEnd(finish=finish), *_usage(answer.usage), ResponseEnd()]


def _end_call(call: _Call) -> list[StreamEvent]:
    if call.is_done:
        return []
    call.is_done = True
    return [ToolCallEnd(index=call.index)]


def _usage(raw: msgspec.Raw) -> list[StreamEvent]:
    usage, refused = decode_usage(raw)
    return [UsageReport(usage=usage)] if usage is not None or refused else []


def _usage_of_response(response: msgspec.Raw) -> list[StreamEvent]:
    try:
        return _usage(decode_answer(response).usage)
    except UnreadableAnswer:
        return []
