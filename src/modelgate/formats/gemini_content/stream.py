"""Streams of the dialect: events or one array, cut into chunks, decoded and written."""

import re

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
)
from modelgate.formats.chat.request import Thinking, ToolCall
from modelgate.formats.chat.wire_format import AnswerHead
from modelgate.formats.gemini_content.decode_response import AnswerReader, answer_decoder
from modelgate.formats.gemini_content.encode_response import Signing, encode_image, encode_sound
from modelgate.formats.gemini_content.errors import decode_error
from modelgate.formats.gemini_content.finish import encode_finish
from modelgate.formats.gemini_content.grounding import encode_citations, encode_logprobs
from modelgate.formats.gemini_content.schema import NOTHING, is_said
from modelgate.formats.gemini_content.sound import RAW_FORMAT
from modelgate.formats.gemini_content.usage import encode_usage
from modelgate.formats.json_fields import UNREADABLE
from modelgate.formats.sse import MAX_EVENT_BYTES, EventTooLong, Splitter, data_of, split_events

BETWEEN = b",\r\n"
_OPENINGS = (b"{", b"[")
_BRACKETS = re.compile(rb'["{}\[\]]')
_STRING_END = re.compile(rb'["\\]')


class ArraySplitter:
    """Cuts a streamed array into its objects. Every byte is looked at once: strings are jumped through, nothing is scanned again.

    Objects that stand alone (an error instead of an array) are objects as well. `is_closed`: the array's end was read.
    """

    __slots__ = ("_depth", "_floor", "_in_string", "_is_escaped", "_parts", "_size", "is_closed")

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._size = 0
        self._depth = 0
        self._floor: int | None = None  # the depth at which objects begin: 1 in an array
        self._in_string = False
        self._is_escaped = False
        self.is_closed = False

    def feed(self, data: bytes) -> list[bytes]:
        """Take bytes, return the objects that are complete now. Raises EventTooLong."""
        done: list[bytes] = []
        start = 0 if self._is_inside else len(data)
        at = 0
        while at < len(data) and not self.is_closed:
            if self._is_escaped:
                self._is_escaped = False
                at += 1
                continue
            found = (_STRING_END if self._in_string else _BRACKETS).search(data, at)
            if found is None:
                break
            at = found.end()
            sign = found[0]
            if sign == b"\\":
                self._is_escaped = True
            elif sign == b'"':
                self._in_string = not self._in_string
            elif sign in b"{[":
                if self._open(sign):
                    start = found.start()
            elif self._close():
                done.append(b"".join([*self._parts, data[start:at]]))
                self._parts, self._size, start = [], 0, len(data)
        if self._is_inside:
            self._size += len(data) - start
            if self._size > MAX_EVENT_BYTES:
                raise EventTooLong
            self._parts.append(data[start:])
        return done

    @property
    def _is_inside(self) -> bool:
        return self._floor is not None and self._depth > self._floor

    def _open(self, sign: bytes) -> bool:
        """Go one deeper; return whether an object begins here."""
        if self._floor is None:
            self._floor = 1 if sign == b"[" else 0
        self._depth += 1
        return self._depth == self._floor + 1

    def _close(self) -> bool:
        """Come up by one; return whether an object ends here."""
        self._depth -= 1
        self.is_closed = self._depth <= 0
        return self._depth == self._floor


class EventDecoder:
    """Reads an upstream's stream: events, or an array where the upstream does not know `alt=sse`."""

    def __init__(self) -> None:
        self._reader = AnswerReader()
        self._splitter = Splitter()
        self._array: ArraySplitter | None = None
        self._has_begun = False
        self._head = b""
        self._is_failed = False

    def feed(self, data: bytes) -> list[StreamEvent]:
        """Take bytes, return what they tell. Raises EventTooLong."""
        if not self._has_begun:
            data = (self._head + data).lstrip()
            self._head = b""
            if not data:
                return []
            self._has_begun = True
            self._array = ArraySplitter() if data[:1] in b"[{" else None
        if self._array is not None:
            return self._read_all(self._array.feed(data))
        return self._read_frames(self._splitter.feed(data))

    def finish(self) -> list[StreamEvent]:
        """The body ended, which is how a stream of this dialect ends."""
        rest = [] if self._array is not None else self._read_frames(self._splitter.finish())
        return rest if self._is_failed else rest + self._reader.end()

    def _read_frames(self, data: bytes) -> list[StreamEvent]:
        events: list[StreamEvent] = []
        for event in split_events(data):
            # An error in the middle comes as bare JSON, without `data:` before it.
            chunk = data_of(event) or event.strip()
            if chunk.startswith(_OPENINGS) and not self._is_failed:
                events += self._read(chunk)
        return events

    def _read_all(self, chunks: list[bytes]) -> list[StreamEvent]:
        events: list[StreamEvent] = []
        for chunk in chunks:
            if not self._is_failed:
                events += self._read(chunk)
        return events

    def _read(self, chunk: bytes) -> list[StreamEvent]:
        if chunk.startswith(b"["):
            return self._fail(chunk) if b'"error"' in chunk else []
        try:
            answer = answer_decoder.decode(chunk)
        except UNREADABLE:
            return []
        if answer.error is not NOTHING and is_said(answer.error) and bytes(answer.error) != b"{}":
            return self._fail(chunk)
        return self._reader.read(answer)

    def _fail(self, chunk: bytes) -> list[StreamEvent]:
        self._is_failed = True
        return [ResponseFailed(error=decode_error(0, chunk))]


class _Writing:
    """One answer while it is written."""

    __slots__ = ("calls", "citations", "end", "signing", "texts", "thoughts")

    def __init__(self) -> None:
        self.calls: dict[int, tuple[ToolCallStart, list[str]]] = {}
        self.citations: list[Json] = []
        self.end: ChoiceEnd | None = None
        self.signing = Signing()
        self.texts: list[str] = []
        self.thoughts: list[str] = []


class EventEncoder:
    """Writes a stream for a client: text as it comes, calls when they are complete, counts and reasons on the last chunk."""

    def __init__(self, head: AnswerHead, *, is_sse: bool) -> None:
        self._is_sse = is_sse
        self._has_begun = False
        self._choices: dict[int, _Writing] = {}
        self._usage: Usage | None = None
        about = msgspec.json.encode({"modelVersion": head.model, "responseId": head.request_id})
        self._about = about[1:-1]

    def encode(self, event: StreamEvent) -> bytes:
        """Return what goes on the wire for one event; with `ResponseEnd` the last words."""
        match event:
            case UsageReport(usage=usage):
                self._usage = usage
            case ResponseEnd():
                return self._last()
            case ResponseStart() | ResponseFailed():
                pass
            case _:
                writing = self._choices.get(event.choice)
                if writing is None:
                    writing = self._choices[event.choice] = _Writing()
                parts, extra = self._parts(writing, event)
                if not parts and isinstance(event, ChoiceEnd) and not self._has_begun:
                    parts = [{"text": ""}]  # an answer without words: its last words are held back, and it must have begun before
                if parts:
                    return self._chunk(parts, event.choice, extra)
        return b""

    def _parts(self, writing: _Writing, event: StreamEvent) -> tuple[list[Json], dict[str, Json]]:
        parts: list[Json] = []
        extra: dict[str, Json] = {}
        match event:
            case TextDelta(text=text, logprobs=logprobs):
                writing.texts.append(text)
                parts = [{"text": text}]
                if logprobs:
                    extra["logprobsResult"] = encode_logprobs(logprobs)
            case RefusalDelta(text=text):
                parts = [{"text": text}]
            case ThinkingDelta(text=text):
                writing.thoughts.append(text)
                parts = [{"text": text, "thought": True}]
            case ThinkingEnd():
                thought = Thinking(text="".join(writing.thoughts), signature=event.signature, sealed=event.sealed, format=event.format)
                writing.thoughts = []
                parts = writing.signing.seal(thought)
            case ImageAdded(image=image):
                parts = [encode_image(image)]
            case AudioDelta(data=data, transcript=transcript):
                parts = [*([encode_sound(data, RAW_FORMAT)] if data else []), *([{"text": transcript}] if transcript else [])]
            case CitationAdded(citation=citation):
                writing.citations.append(citation)
            case ToolCallStart() | ToolCallDelta() | ToolCallEnd():
                parts = _call_parts(writing, event)
            case ChoiceEnd():
                writing.end = event
                parts = [part for index in sorted(writing.calls) for part in _finished_call(writing, index)] + writing.signing.rest()
            case _:
                pass
        return parts, extra

    def _chunk(self, parts: list[Json], choice: int, extra: dict[str, Json]) -> bytes:
        candidate: dict[str, Json] = {"content": {"parts": parts, "role": "model"}, "index": choice, **extra}
        return self._framed(b'{"candidates":[' + msgspec.json.encode(candidate) + b"]," + self._about + b"}")

    def _last(self) -> bytes:
        candidates: list[Json] = []
        for index, writing in sorted(self._choices.items()):
            candidate: dict[str, Json] = {
                "content": {"parts": [{"text": ""}], "role": "model"},
                "finishReason": encode_finish(writing.end.finish if writing.end is not None else "stop"),
                "index": index,
            }
            grounding = encode_citations(writing.citations, "".join(writing.texts)) if writing.citations else None
            if grounding is not None:
                candidate["groundingMetadata"] = grounding
            candidates.append(candidate)
        counts = b',"usageMetadata":' + msgspec.json.encode(encode_usage(self._usage)) if self._usage is not None else b""
        last = self._framed(b'{"candidates":' + msgspec.json.encode(candidates) + counts + b"," + self._about + b"}")
        return last if self._is_sse else last + b"\n]"

    def _framed(self, chunk: bytes) -> bytes:
        before = BETWEEN if self._has_begun else b"["
        self._has_begun = True
        return b"data: " + chunk + b"\r\n\r\n" if self._is_sse else before + chunk


def _call_parts(writing: _Writing, event: ToolCallStart | ToolCallDelta | ToolCallEnd) -> list[Json]:
    match event:
        case ToolCallStart():
            writing.calls[event.index] = (event, [])
        case ToolCallDelta():
            if event.index in writing.calls:
                writing.calls[event.index][1].append(event.arguments)
        case ToolCallEnd():
            return _finished_call(writing, event.index)
    return []


def _finished_call(writing: _Writing, index: int) -> list[Json]:
    found = writing.calls.pop(index, None)
    if found is None:
        return []
    start, arguments = found
    call = ToolCall(
        id=start.id, name=start.name, arguments="".join(arguments), custom=start.custom, signature=start.signature, format=start.format
    )
    return [writing.signing.call(call)]
