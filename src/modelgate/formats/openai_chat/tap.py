"""The tap on a passing stream: whole events go on at once, usage is read, the last words are held back.

The usual event costs a few substring searches in C and no JSON. An event that is not complete waits for its rest, so that
a usage-only chunk nobody asked for never leaks in halves.
"""

import re
from collections import deque

import msgspec

from modelgate.core.usage import Usage
from modelgate.formats.chat.collect import words_in
from modelgate.formats.chat.vendor_error import VendorError
from modelgate.formats.chat.wire_format import ChatPeek, StateIds
from modelgate.formats.json_fields import UNREADABLE, top_level
from modelgate.formats.openai_chat.errors import decode_error
from modelgate.formats.openai_chat.hub_stream import NO_ERRORS, ChatDecoder
from modelgate.formats.openai_chat.passing import seal_audio_ids
from modelgate.formats.openai_chat.peek import own
from modelgate.formats.openai_chat.response import decode_answer, has_no_choices, usage_of
from modelgate.formats.sse import Splitter, data_of, split_events

MAX_KEPT_BYTES = 256 * 1024
"""So much of a stream is kept for counting its words, in case the upstream does not count them; beyond it `events` tells."""

_MODEL = re.compile(rb'("model"\s*:\s*)"(?:[^"\\]|\\.)*"')
_FINISHED = re.compile(rb'"finish_reason"\s*:\s*"[^"]')
_RECENT_BLOCKS = 4
MAX_LOOKS = 16
"""So often a stream is tried for events that differ in their words alone; some vendors' differ in more."""
_CONTENT = re.compile(rb'"content"\s*:\s*"')
_PIECE = re.compile(rb'[^"\r\n\\]*+')
"""Words within an event that hold no quote, escape or line end: nothing but words can be in there."""
BACKSLASH = ord("\\")


class StreamTap:
    """A `StreamRelay` for one chat stream that passes as it is."""

    __slots__ = (
        "_asked",
        "_before",
        "_behind",
        "_end",
        "_kept",
        "_kept_bytes",
        "_looks",
        "_model",
        "_recent",
        "_splitter",
        "_start",
        "_state_ids",
        "_told_before",
        "error",
        "events",
        "final",
        "is_done",
        "usage",
        "usage_refused",
    )

    def __init__(self, *, usage_asked: bool, model: str | None = None, state_ids: StateIds | None = None) -> None:
        """`usage_asked`: the client wants the usage chunk. `model`: the name to put in place of the upstream's, or None. `state_ids`: None
        where no sound is asked for."""
        self._asked = usage_asked
        self._model = None if model is None else msgspec.json.encode(model)
        self._state_ids = state_ids
        self._splitter = Splitter()
        self._recent: deque[bytes] = deque(maxlen=_RECENT_BLOCKS)
        self._kept: list[bytes] = []
        self._kept_bytes = 0
        self.usage: Usage | None = None
        self.usage_refused = False
        self.final = b""
        self.is_done = False
        self.error: VendorError | None = None
        self.events = 0
        self._before = self._behind = self._told_before = b""
        self._start = self._end = 0
        self._looks = 0

    def feed(self, data: bytes) -> bytes:
        """Take bytes as they arrive, return those that may go on now. Raises sse.EventTooLong."""
        if self.is_done:
            return b""
        data = self._splitter.feed(data)
        if not data:
            return b""
        if self._kept_bytes < MAX_KEPT_BYTES:
            self._kept.append(data)
            self._kept_bytes += len(data)
        else:
            self._recent.append(data)
        start, end = self._start, self._end
        if start and data[:start] == self._before and data[end:] == self._behind and _PIECE.fullmatch(data, start, len(data) + end):
            self.events += 1
            return data if self._model is None else self._told_before + data[start:]
        return self._look(data)

    def _look(self, data: bytes) -> bytes:
        """Take events that are not the one before but for its words."""
        events = data.count(b"data:")
        # By `find`: `in` tries first whether the bytes are a number, and that takes longer than to look for them.
        is_plain = data.count(b'"usage"') == data.count(b'"usage":null') and data.find(b"[DONE]") < 0 and data.find(b'"error"') < 0
        if is_plain and (self._state_ids is None or data.find(b'"audio"') < 0):
            self.events += events
            if events == 1 and self._looks < MAX_LOOKS:
                self._remember(data)
            return data if self._model is None else _MODEL.sub(self._substitute, data)
        return b"".join([self._pass_event(event) for event in split_events(data)])

    def _remember(self, event: bytes) -> None:
        """Keep what stands around the words of a plain event: the next is told from it at a glance, if it differs in them alone."""
        self._looks += 1
        found = _CONTENT.search(event)
        start = found.end() if found is not None else len(event)
        end = event.find(b'"', start)
        if end < 0 or event[end - 1] == BACKSLASH or b'"model"' in event[end:]:
            return
        self._before, self._behind = event[:start], event[end:]
        self._start, self._end = start, end - len(event)
        if self._model is not None:
            self._told_before = _MODEL.sub(self._substitute, self._before)

    def finish(self) -> bytes:
        """Say that the stream is over; return what still waited for its blank line, made whole."""
        rest = self._splitter.finish()
        return self.feed(rest) if rest else b""

    def is_complete(self) -> bool:
        """Return whether the answer came to its end: `[DONE]`, or a finish reason in the last events."""
        return self.is_done or _FINISHED.search(b"".join((*self._kept[-_RECENT_BLOCKS:], *self._recent))) is not None

    @property
    def text(self) -> str:
        """The answer's words as far as they were kept. They are read only now: most streams are counted by their upstream."""
        return words_in(ChatDecoder().feed(b"".join(self._kept)))

    def _pass_event(self, event: bytes) -> bytes:
        payload = data_of(event)
        if self.error is None:  # what follows an error, such as its [DONE], is not of the answer
            self.events += bool(payload)
        if payload.startswith(b"[DONE]"):
            self.is_done = True
            self.final = event
            return b""
        if self.is_done:
            return b""
        if b'"error"' in payload and _is_error(payload):
            self.error = decode_error(0, payload)
            return event
        if b'"usage"' in payload and not self._count(payload):
            return b""
        if self._state_ids is not None and b'"audio"' in payload:
            event = seal_audio_ids(event, payload, self._state_ids)
        return event if self._model is None else _MODEL.sub(self._substitute, event, count=1)

    def _count(self, payload: bytes) -> bool:
        """Read an event's usage; return whether the event may go on."""
        answer = decode_answer(payload)
        if answer is None or answer.usage is None:
            return True
        usage = usage_of(answer.usage)
        self.usage_refused = usage is None
        self.usage = usage or self.usage
        return self._asked or not has_no_choices(answer)

    def _substitute(self, match: re.Match[bytes]) -> bytes:
        assert self._model is not None
        return match[1] + self._model


def _is_error(payload: bytes) -> bool:
    try:
        fields = top_level(payload)
    except UNREADABLE:
        return False
    return bytes(fields.get("error", msgspec.Raw(b"null"))) not in NO_ERRORS


def make_tap(peek: ChatPeek, renamed: bool, state_ids: StateIds) -> StreamTap:
    """Return the tap of one stream; `renamed`: put the caller's name of the model in."""
    found = own(peek)
    model = found.model if renamed else None
    return StreamTap(usage_asked=found.includes_usage, model=model, state_ids=state_ids if found.may_sound() else None)
