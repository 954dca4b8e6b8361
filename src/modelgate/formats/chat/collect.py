"""A whole answer as events, and events as a whole answer: upstreams answer either way, whatever was asked."""

from collections.abc import Iterable

import msgspec

from modelgate.core.records import Json
from modelgate.core.usage import Usage
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
    Words,
    words_of,
)
from modelgate.formats.chat.request import Audio, Image, Refusal, Text, Thinking, ToolCall
from modelgate.formats.chat.response import AnswerPart, ChatResponse, Choice


def events_of(response: ChatResponse) -> list[StreamEvent]:
    """Return the events that tell a whole answer."""
    events: list[StreamEvent] = [ResponseStart(id=response.id, model=response.model)]
    for choice in response.choices:
        calls = 0
        logprobs = choice.logprobs
        for part in choice.parts:
            told = _part_events(part, choice=choice.index, call=calls, logprobs=logprobs)
            if isinstance(part, Text):
                logprobs = None  # they are the whole text's: told once
            calls += isinstance(part, ToolCall)
            events += told
        events += [CitationAdded(citation=citation, choice=choice.index) for citation in choice.citations]
        events.append(ChoiceEnd(finish=choice.finish, stop_sequence=choice.stop_sequence, choice=choice.index))
    if response.usage is not None or response.usage_refused:
        events.append(UsageReport(usage=response.usage))
    return [*events, ResponseEnd()]


def words_in(events: Iterable[StreamEvent]) -> str:
    """Return what a tokenizer can count of events: words, refusals, thoughts, names and arguments of calls."""
    return "".join(words_of(event) for event in events if isinstance(event, Words))


def _part_events(part: AnswerPart, *, choice: int, call: int, logprobs: Json) -> list[StreamEvent]:
    match part:
        case Text(text=text):
            return [TextDelta(text=text, choice=choice, logprobs=logprobs)] if text else []
        case Thinking(text=text):
            delta: list[StreamEvent] = [ThinkingDelta(text=text, choice=choice)] if text else []
            if part.signature or part.sealed:
                delta.append(ThinkingEnd(signature=part.signature, sealed=part.sealed, format=part.format, choice=choice))
            return delta
        case Refusal(text=text):
            return [RefusalDelta(text=text, choice=choice)]
        case Image():
            return [ImageAdded(image=part, choice=choice)]
        case Audio():
            return [AudioDelta(id=part.vendor_id, data=part.data, transcript=part.transcript, choice=choice)]
        case ToolCall():
            start = ToolCallStart(
                index=call, id=part.id, name=part.name, custom=part.custom, signature=part.signature, format=part.format, choice=choice
            )
            told: list[StreamEvent] = [start]
            if part.arguments:
                told.append(ToolCallDelta(index=call, arguments=part.arguments, choice=choice))
            return [*told, ToolCallEnd(index=call, choice=choice)]


class _Growing:
    """One choice while it is collected. A part grows while events of its kind follow one another."""

    def __init__(self) -> None:
        self.parts: list[AnswerPart] = []
        self.calls: dict[int, int] = {}
        self.arguments: dict[int, list[str]] = {}
        self.citations: list[Json] = []
        self.logprobs: list[Json] = []
        self.end: ChoiceEnd | None = None
        self._words: list[str] = []
        self._kind: type[Text | Thinking | Refusal] | None = None

    def say(self, kind: type[Text | Thinking | Refusal], text: str) -> None:
        if self._kind is not kind:
            self.settle()
            self._kind = kind
        self._words.append(text)

    def settle(self) -> None:
        """Make a part of the words so far."""
        if self._kind is not None:
            self.parts.append(self._kind(text="".join(self._words)))
        self._kind, self._words = None, []

    def seal_thinking(self, event: ThinkingEnd) -> None:
        text = "".join(self._words) if self._kind is Thinking else ""
        if self._kind is Thinking:
            self._kind, self._words = None, []
        self.settle()
        self.parts.append(Thinking(text=text, signature=event.signature, sealed=event.sealed, format=event.format))

    def start_call(self, event: ToolCallStart) -> None:
        self.settle()
        self.calls[event.index] = len(self.parts)
        self.arguments[event.index] = []
        call = ToolCall(id=event.id, name=event.name, arguments="", custom=event.custom, signature=event.signature, format=event.format)
        self.parts.append(call)

    def finished(self, index: int) -> Choice:
        self.settle()
        for call, at in self.calls.items():
            part = self.parts[at]
            assert isinstance(part, ToolCall)
            self.parts[at] = msgspec.structs.replace(part, arguments="".join(self.arguments[call]))
        return Choice(
            index=index,
            parts=tuple(self.parts),
            finish=self.end.finish if self.end is not None else "stop",
            stop_sequence=self.end.stop_sequence if self.end is not None else None,
            citations=tuple(self.citations),
            logprobs=self.logprobs or None,
        )


class Collector:
    """Makes one whole answer of a stream's events. `failed` is the error that ended it, `is_done` says that its end was told."""

    def __init__(self) -> None:
        self._choices: dict[int, _Growing] = {}
        self._start = ResponseStart()
        self._usage: Usage | None = None
        self._usage_refused = False
        self.failed: ResponseFailed | None = None
        self.is_done = False

    def add(self, event: StreamEvent) -> None:
        """Take the next event."""
        match event:
            case ResponseStart():
                self._start = event
            case UsageReport(usage=usage):
                self._usage, self._usage_refused = usage, usage is None
            case ResponseFailed():
                self.failed = event
            case ResponseEnd():
                self.is_done = True
            case _:
                self._grow(self._choices.setdefault(event.choice, _Growing()), event)

    def response(self) -> ChatResponse:
        """Return the answer so far."""
        return ChatResponse(
            id=self._start.id,
            model=self._start.model,
            choices=tuple(growing.finished(index) for index, growing in sorted(self._choices.items())),
            usage=self._usage,
            usage_refused=self._usage_refused,
        )

    @staticmethod
    def _grow(growing: _Growing, event: StreamEvent) -> None:
        match event:
            case TextDelta(text=text, logprobs=logprobs):
                growing.say(Text, text)
                growing.logprobs += logprobs or ()
            case ThinkingDelta(text=text):
                growing.say(Thinking, text)
            case RefusalDelta(text=text):
                growing.say(Refusal, text)
            case ThinkingEnd():
                growing.seal_thinking(event)
            case ToolCallStart():
                growing.start_call(event)
            case ToolCallDelta(index=index, arguments=arguments):
                growing.arguments[index].append(arguments)
            case ImageAdded(image=image):
                growing.settle()
                growing.parts.append(image)
            case AudioDelta():
                growing.settle()
                growing.parts.append(Audio(vendor_id=event.id, data=event.data, transcript=event.transcript))
            case CitationAdded(citation=citation):
                growing.citations.append(citation)
            case ChoiceEnd():
                growing.end = event
            case _:
                pass
