"""A stream between an upstream and a client that both speak this dialect: chunks pass, counts are read, the last bytes are held back.

A stream has no end of its own but the body's. So from the chunk on that says why the answer ended, each one's last brace is held back
until the next one comes: without it no client reads the chunk. (Held back whole, an answer of one chunk would look like none.)
"""

import re

import msgspec

from modelgate.core.usage import Usage
from modelgate.formats.chat.events import TextDelta, ThinkingDelta, ToolCallDelta
from modelgate.formats.chat.translator import MAX_KEPT_BYTES
from modelgate.formats.chat.vendor_error import VendorError, for_callers
from modelgate.formats.chat.wire_format import Passed, UnreadableAnswer
from modelgate.formats.gemini_content.decode_response import AnswerReader, answer_decoder
from modelgate.formats.gemini_content.errors import decode_error, encode_passed_error
from modelgate.formats.gemini_content.finish import UNSPECIFIED
from modelgate.formats.gemini_content.peek import RequestPeek
from modelgate.formats.gemini_content.schema import NOTHING, PromptFeedback, UsageMetadata, is_said
from modelgate.formats.gemini_content.stream import BETWEEN, ArraySplitter
from modelgate.formats.gemini_content.usage import decode_usage, leaves_pictures_out, says_something, usage_of
from modelgate.formats.json_fields import UNREADABLE, replace_field
from modelgate.formats.sse import Splitter, data_of, split_events

_MODEL_FIELD = b'"modelVersion"'
_MODEL = re.compile(rb'("modelVersion"\s*:\s*)"(?:[^"\\]|\\.)*"')
_PICTURE = re.compile(rb'"mimeType"\s*:\s*"image/')
MAX_UNREAD_BYTES = 32 * 1024
"""So much of a stream passes before its counts are looked at, unless something else asks for them."""


class _PassingCandidate(msgspec.Struct, rename="camel"):
    finish_reason: str | None = None


class _Passing(msgspec.Struct, rename="camel"):
    """What is looked at of an answer that passes."""

    candidates: list[_PassingCandidate] | None = None
    prompt_feedback: PromptFeedback | None = None
    usage_metadata: msgspec.Raw = NOTHING
    model_version: str | None = None
    error: msgspec.Raw = NOTHING

    @property
    def is_last(self) -> bool:
        """Whether it says why the answer ended."""
        reasons = [candidate.finish_reason for candidate in self.candidates or ()]
        return any(reason and reason != UNSPECIFIED for reason in reasons) or self.is_blocked

    @property
    def is_blocked(self) -> bool:
        """Whether the prompt was refused."""
        return self.prompt_feedback is not None and bool(self.prompt_feedback.block_reason)

    @property
    def is_error(self) -> bool:
        """Whether it is an error."""
        return is_said(self.error) and bytes(self.error) != b"{}"


_decode = msgspec.json.Decoder(_Passing, strict=False).decode


def _rename(payload: bytes | bytearray, model: bytes) -> bytes:
    """Return an answer that names a model with another name in its place. The arguments of a call may have a field of that name too."""
    found = _MODEL.match(payload, payload.find(_MODEL_FIELD)) if payload.count(_MODEL_FIELD) == 1 else None
    if found is None:
        return replace_field(payload, "modelVersion", model)
    return bytes(payload[: found.end(1)] + model + payload[found.end() :])


def pass_response(body: bytes | bytearray, peeked: RequestPeek, renamed: bool, state_ids: object) -> Passed:
    """Return a whole answer for a client of the same dialect.

    Raises:
        UnreadableAnswer: not an answer, or one that says nothing at all.
    """
    del state_ids
    try:
        found = _decode(body)
    except UNREADABLE:
        raise UnreadableAnswer from None
    if found.is_error or not (found.candidates or found.is_blocked):
        raise UnreadableAnswer
    counted = decode_usage(found.usage_metadata)
    said = counted is not None and says_something(counted)
    pictures = _count_pictures(body) if leaves_pictures_out(counted) else 0
    usage = usage_of(counted, images=pictures) if counted is not None and said else None
    if renamed and found.model_version is not None:
        body = _rename(body, msgspec.json.encode(peeked.model))
    return Passed(body=body, usage=usage, usage_refused=said and usage is None)


def _count_pictures(data: bytes | bytearray) -> int:
    return sum(1 for _ in _PICTURE.finditer(data)) if b"inlineData" in data else 0


class StreamTap:
    """See `StreamRelay`. Chunks of an array pass with separators of ours between them.

    Every chunk says what was counted so far, and only the last one matters: an event in the middle costs a few searches and no JSON.
    """

    def __init__(self, *, is_sse: bool, model: str | None) -> None:
        """`model`: the name to put in place of the upstream's, or None."""
        self._model = None if model is None else msgspec.json.encode(model)
        self._events = Splitter() if is_sse else None
        self._array = ArraySplitter()
        self._has_begun = False
        self._held = b""
        self._is_ended = False
        self._pictures = 0
        self._kept: list[bytes] = []
        self._kept_bytes = 0
        self._unread: list[bytes] = []  # runs of events that passed since the last counts that were read
        self._unread_bytes = 0
        self._usage: Usage | None = None
        self._is_refused = False
        self.final = b""
        self.is_done = False
        self.error: VendorError | None = None
        self.events = 0

    def feed(self, data: bytes) -> bytes:
        """Take bytes as they arrive, return those that may go on now. Raises sse.EventTooLong."""
        if self.is_done or self.error is not None:
            return b""
        if self._events is not None:
            complete = self._events.feed(data)
            return self._take_plain(complete) if self._is_plain(complete) else self._take_events(complete)
        passing = b"".join([self._take(chunk, chunk) for chunk in self._array.feed(data)])
        self.is_done = self._array.is_closed and self.is_complete()
        return passing

    def finish(self) -> bytes:
        """The body ended, which is how a stream of this dialect ends; return what still waited."""
        passing = b""
        if self._events is not None and not self.is_done and self.error is None:
            passing = self._take_events(self._events.finish())
        self.is_done = self.is_done or self.is_complete()
        return passing

    def is_complete(self) -> bool:
        """Return whether the answer came to its end."""
        return self._is_ended and self.error is None

    @property
    def usage(self) -> Usage | None:
        """The last credible counts so far."""
        self._read_back()
        return self._usage

    @property
    def usage_refused(self) -> bool:
        """Whether any of the counts cannot be."""
        self._read_back()
        return self._is_refused

    @property
    def text(self) -> str:
        """The answer's words, as far as they were kept: none once the upstream counts."""
        self._read_back()
        reader = AnswerReader()
        words: list[str] = []
        for chunk in self._kept:
            try:
                events = reader.read(answer_decoder.decode(chunk))
            except UNREADABLE:
                continue
            for event in events:
                match event:
                    case TextDelta(text=text) | ThinkingDelta(text=text) | ToolCallDelta(arguments=text):
                        words.append(text)
                    case _:
                        pass
        return "".join(words)

    def _is_plain(self, data: bytes) -> bool:
        """Return whether events hold nothing but pieces of the answer and counts. By `find`, which costs less than `in`."""
        return (
            data.find(b'"finishReason"') < 0
            and data.find(b'"error"') < 0
            and data.find(b'"promptFeedback"') < 0
            and data.find(b'"inlineData"') < 0
            and not self._is_ended
            and (self._model is None or self._is_plainly_named(data))
        )

    @staticmethod
    def _is_plainly_named(data: bytes) -> bool:
        """Return whether each event is one line that names its model once. (The arguments of a call may say `modelVersion` too.)"""
        return b'"functionCall"' not in data and data.count(b"\n") == 2 * data.count(_MODEL_FIELD)

    def _take_plain(self, data: bytes) -> bytes:
        self.events += data.count(b'"candidates"')
        self._unread.append(data)
        self._unread_bytes += len(data)
        if self._unread_bytes > MAX_UNREAD_BYTES:
            self._read_back()
        return data if self._model is None else _MODEL.sub(self._substitute, data)

    def _substitute(self, match: re.Match[bytes]) -> bytes:
        assert self._model is not None
        return match[1] + self._model

    def _read_back(self) -> None:
        """Read the last credible counts of what passed unread; where there are none, keep its words."""
        runs, self._unread, self._unread_bytes = self._unread, [], 0
        for event in (event for run in reversed(runs) for event in reversed(split_events(run))):  # nearly always it is the very last
            try:
                counted = decode_usage(_decode(data_of(event) or event.strip()).usage_metadata)
            except UNREADABLE:
                continue
            if counted is not None and self._count(counted):
                return
        if self._usage is None:
            for event in (event for run in runs for event in split_events(run)):
                self._keep(data_of(event) or event.strip())

    def _take_events(self, data: bytes) -> bytes:
        if not data:
            return b""
        passing: list[bytes] = []
        for event in split_events(data):
            if self.error is not None:
                break
            payload = data_of(event)
            bare = b"" if payload else event.strip()
            if payload or bare[:1] in (b"{", b"["):
                passing.append(self._take(event, payload or bare))
            elif not self._held:
                passing.append(event)
        return b"".join(passing)

    def _take(self, raw: bytes, payload: bytes) -> bytes:
        """Take one chunk; return what may go on because of it."""
        try:
            found = _decode(payload)
        except UNREADABLE:
            if payload[:1] == b"[" and b'"error"' in payload:
                return self._fail(payload)
            return b"" if self._held else self._framed(raw)
        if found.is_error:
            return self._fail(payload)
        self._note(found, payload)
        if self._model is not None and found.model_version is not None:
            start = raw.find(payload)
            if start < 0:  # the event's data stands in several lines
                raw, start = b"data: %b\r\n\r\n" % payload.replace(b"\n", b" "), len(b"data: ")
            end = start + len(payload)
            raw = raw[:start] + _rename(raw[start:end], self._model) + raw[end:]
        self._is_ended = self._is_ended or found.is_last
        framed = self._release() + self._framed(raw)
        if not self._is_ended:
            return framed
        end = framed.rindex(b"}")
        self._held = framed[end:]
        self.final = self._held + (b"" if self._events is not None else b"\n]")
        return framed[:end]

    def _note(self, found: _Passing, payload: bytes) -> None:
        counted = decode_usage(found.usage_metadata)
        if found.candidates:
            self.events += 1
            self._pictures += _count_pictures(payload) if leaves_pictures_out(counted) else 0
        if counted is not None and self._count(counted):
            return
        self._read_back()
        if self._usage is None:
            self._keep(payload)

    def _count(self, counted: UsageMetadata) -> bool:
        """Take counts, which stand for all before; return whether they are credible."""
        is_said = says_something(counted)
        usage = usage_of(counted, images=self._pictures) if is_said else None
        self._is_refused = self._is_refused or (is_said and usage is None)
        if usage is None:
            return False
        self._usage = usage
        self._kept, self._unread, self._unread_bytes = [], [], 0
        return True

    def _keep(self, payload: bytes) -> None:
        if self._kept_bytes < MAX_KEPT_BYTES:
            self._kept.append(payload)
            self._kept_bytes += len(payload)

    def _framed(self, raw: bytes) -> bytes:
        if self._events is not None:
            return raw
        before = BETWEEN if self._has_begun else b"["
        self._has_begun = True
        return before + raw

    def _release(self) -> bytes:
        released, self._held, self.final = self._held, b"", b""
        return released

    def _fail(self, payload: bytes) -> bytes:
        self.error = decode_error(0, payload)
        said = encode_passed_error(for_callers(self.error))
        if self._events is not None:
            return self._release() + b"data: " + said + b"\r\n\r\n"
        passing = self._release() + self._framed(said)
        self.final = b"]"
        return passing
