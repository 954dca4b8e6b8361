"""Streams of chunks in neutral events."""

from collections.abc import Iterator

import msgspec

from modelgate.core.records import Json
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
from modelgate.formats.chat.markdown_images import MARK
from modelgate.formats.chat.request import Image
from modelgate.formats.json_fields import UNREADABLE
from modelgate.formats.openai_chat.errors import decode_error
from modelgate.formats.openai_chat.hub_response import (
    arguments_of,
    citations_of,
    content_parts,
    decode_answer_body,
    finish_of,
    image_parts,
    logprobs_of,
    made_call_id,
    text_of,
    thinking_text,
)
from modelgate.formats.openai_chat.hub_schema import AnswerCall, AnswerChoice, AnswerFunction, AnswerMessage, HubAnswer
from modelgate.formats.openai_chat.options import NAME
from modelgate.formats.openai_chat.reasoning_details import seal_of_detail, text_of_detail
from modelgate.formats.openai_chat.schema import NO_RAW
from modelgate.formats.openai_chat.usage import decode_usage
from modelgate.formats.sse import Splitter, data_of, split_events

MAX_CALLS = 256
MAX_CHOICES = 128
NO_ERRORS = (b"", b"null", b"false", b'""', b"{}")
_NULL = msgspec.Raw(b"null")


class _Call:
    """One call of a choice as it comes in pieces. It starts when its name is known; pieces before that wait."""

    __slots__ = ("custom", "id", "index", "name", "waiting")

    def __init__(self, index: int, id: str) -> None:
        self.index = index
        self.id = id
        self.name = ""
        self.custom = False
        self.waiting: list[str] = []


class _Choice:
    """One choice as it comes in pieces."""

    __slots__ = ("answer_id", "by_key", "calls", "detail", "index", "is_over", "last")

    def __init__(self, index: int, answer_id: str) -> None:
        self.index = index
        self.answer_id = answer_id
        self.calls: list[_Call] = []
        self.by_key: dict[int, _Call] = {}
        self.last: _Call | None = None
        self.detail: dict[str, Json] | None = None  # the entry of thoughts that is under way
        self.is_over = False

    def take(self, choice: AnswerChoice) -> Iterator[StreamEvent]:
        """Yield what a piece of this choice tells."""
        delta = choice.delta or choice.message
        if delta is not None:
            yield from self._thoughts(delta)
            yield from self._words(delta, logprobs_of(choice.logprobs))
            for call in delta.tool_calls or ():
                yield from self._call(call)
            if delta.function_call is not None:
                yield from self._call(AnswerCall(index=0, function=delta.function_call))
        finish = finish_of(choice.finish_reason, has_calls=bool(self.calls))
        if finish is not None:
            yield from self._thoughts_end()
            yield from self._calls_end()
            self.is_over = True
            yield ChoiceEnd(finish=finish, choice=self.index)

    def _thoughts(self, delta: AnswerMessage) -> Iterator[StreamEvent]:
        if not delta.reasoning_details:
            text = thinking_text(delta)
            if text:
                yield ThinkingDelta(text=text, choice=self.index)
            return
        for detail in delta.reasoning_details:
            if self.detail is not None and detail.get("index") != self.detail.get("index"):
                yield from self._thoughts_end()
            text = text_of_detail(detail)
            self.detail = {**(self.detail or {}), **{name: value for name, value in detail.items() if value is not None}}
            if text:
                yield ThinkingDelta(text=text, choice=self.index)

    def _thoughts_end(self) -> Iterator[StreamEvent]:
        if self.detail is not None:
            sealed = seal_of_detail(self.detail)
            self.detail = None
            yield ThinkingEnd(sealed=sealed, format=NAME, choice=self.index)

    def _words(self, delta: AnswerMessage, logprobs: list[Json] | None) -> Iterator[StreamEvent]:
        parts = [*content_parts(delta.content), *image_parts(delta.images)]
        if parts or delta.refusal or delta.audio or delta.tool_calls or delta.function_call:
            yield from self._thoughts_end()
        for part in parts:
            if isinstance(part, Image):
                yield ImageAdded(image=part, choice=self.index)
            else:
                yield TextDelta(text=part.text, choice=self.index, logprobs=logprobs)
                logprobs = None
        if delta.refusal:
            yield RefusalDelta(text=delta.refusal, choice=self.index)
        if delta.audio is not None:
            heard = delta.audio
            expires_at = None if heard.expires_at is None else int(heard.expires_at)
            yield AudioDelta(
                id=heard.id or "", data=heard.data or "", transcript=heard.transcript or "", expires_at=expires_at, choice=self.index
            )
        for citation in delta.annotations or ():
            yield CitationAdded(citation=citation, choice=self.index)

    def _call(self, piece: AnswerCall) -> Iterator[StreamEvent]:
        call = self._call_of(piece)
        if call is None:
            return
        function = piece.function or AnswerFunction()
        name, arguments = function.name or "", arguments_of(function)
        if piece.custom is not None:
            call.custom = True
            name, arguments = piece.custom.name or "", piece.custom.input or ""
        if not call.name and name:
            call.name = name
            yield ToolCallStart(index=call.index, id=call.id, name=name, custom=call.custom, choice=self.index)
            arguments = "".join((*call.waiting, arguments))
            call.waiting.clear()
        if arguments and call.name:
            yield ToolCallDelta(index=call.index, arguments=arguments, choice=self.index)
        elif arguments:
            call.waiting.append(arguments)

    def _call_of(self, piece: AnswerCall) -> _Call | None:
        """Return the call a piece belongs to. `index` joins; imitators leave it out or always say 0, then a new id is a new call."""
        call = self.last if piece.index is None else self.by_key.get(piece.index)
        if call is None or (piece.id and call.id != piece.id):
            if piece.index is None and not piece.id and call is not None:
                return call
            if len(self.calls) >= MAX_CALLS:
                return None
            call = _Call(len(self.calls), piece.id or made_call_id(self.answer_id, len(self.calls)))
            self.calls.append(call)
        if piece.index is not None:
            self.by_key[piece.index] = call
        self.last = call
        return call

    def _calls_end(self) -> Iterator[StreamEvent]:
        for call in self.calls:
            if call.name:
                yield ToolCallEnd(index=call.index, choice=self.index)


class ChatDecoder:
    """Reads a stream of chunks. What is no chunk is skipped."""

    def __init__(self) -> None:
        self._splitter = Splitter()
        self._choices: dict[int, _Choice] = {}
        self._id = ""
        self._is_started = False
        self._is_done = False

    def feed(self, data: bytes) -> list[StreamEvent]:
        """Take bytes, return what is complete now. Raises sse.EventTooLong."""
        return self._read(self._splitter.feed(data))

    def finish(self) -> list[StreamEvent]:
        """The body ended; return what still waited."""
        return self._read(self._splitter.finish())

    def _read(self, complete: bytes) -> list[StreamEvent]:
        events: list[StreamEvent] = []
        for raw in split_events(complete):
            payload = data_of(raw)
            if self._is_done or not payload:
                continue
            if payload.startswith(b"[DONE]"):
                self._is_done = True
                events.append(ResponseEnd())
                continue
            try:
                chunk = decode_answer_body(payload)
            except UNREADABLE:
                continue
            words = self._only_words(chunk)
            if words is not None:
                events.append(words)
            else:
                events += self._chunk(chunk, payload)
        return events

    def _only_words(self, chunk: HubAnswer) -> TextDelta | None:
        """Return what the usual chunk says, one piece of text of a choice that has begun; None for all others."""
        if chunk.error is not NO_RAW or chunk.usage not in (NO_RAW, _NULL) or chunk.choices is None or len(chunk.choices) != 1:
            return None
        piece = chunk.choices[0]
        choice, delta = self._choices.get(piece.index or 0), piece.delta
        if choice is None or choice.is_over or choice.detail is not None or delta is None or piece.finish_reason or piece.logprobs:
            return None
        text = delta.content
        if not isinstance(text, str) or not text or MARK in text or _says_more(delta):
            return None
        return TextDelta(text=text, choice=choice.index)

    def _chunk(self, chunk: HubAnswer, payload: bytes) -> Iterator[StreamEvent]:
        if bytes(chunk.error) not in NO_ERRORS:
            self._is_done = True
            yield ResponseFailed(error=decode_error(0, payload))
            return
        # Azure's first chunk holds no choices and names nothing: the answer begins with the next.
        if not self._is_started and (chunk.choices or text_of(chunk.id)):
            self._is_started = True
            self._id = text_of(chunk.id)
            yield ResponseStart(id=self._id, model=text_of(chunk.model))
        for piece in chunk.choices or ():
            number = piece.index or 0
            if not 0 <= number < MAX_CHOICES:
                continue
            choice = self._choices.get(number)
            if choice is None:
                choice = self._choices[number] = _Choice(number, self._id)
                for citation in citations_of(chunk.citations):
                    yield CitationAdded(citation=citation, choice=number)
            if not choice.is_over:
                yield from choice.take(piece)
        usage, refused = decode_usage(chunk.usage)
        if usage is not None or refused:
            yield UsageReport(usage=usage)


def _says_more(delta: AnswerMessage) -> bool:
    """Return whether there is anything but content."""
    return bool(
        delta.reasoning_content
        or delta.reasoning
        or delta.reasoning_details
        or delta.refusal
        or delta.tool_calls
        or delta.function_call
        or delta.audio
        or delta.annotations
        or delta.images
    )


def make_decoder() -> ChatDecoder:
    """Return a reader of one stream."""
    return ChatDecoder()
