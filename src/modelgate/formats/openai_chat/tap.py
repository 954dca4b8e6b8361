"""The tap on a passing stream: whole events go on at once, usage is read, the last words are held back.

The usual event costs a few substring searches in C and no JSON. An event that is not complete waits for its rest, so that
a usage-only chunk nobody asked for never leaks in halves.
"""

import re
from typing import ClassVar

import msgspec

from modelgate.core.usage import Usage
from modelgate.formats.chat.collect import words_in
from modelgate.formats.chat.vendor_error import VendorError
from modelgate.formats.chat.wire_format import ChatPeek, StateIds
from modelgate.formats.json_fields import UNREADABLE, top_level
from modelgate.formats.kept_words import KeptWords
from modelgate.formats.openai_chat.errors import decode_error, passed_error
from modelgate.formats.openai_chat.hub_stream import NO_ERRORS, ChatDecoder
from modelgate.formats.openai_chat.passing import seal_audio_ids
from modelgate.formats.openai_chat.peek import own
from modelgate.formats.openai_chat.response import decode_answer, has_no_choices, usage_of
from modelgate.formats.sse import Splitter, data_of, split_events

LAST_EVENTS = 4
"""A finish reason in one of these ends an answer without `[DONE]`. Behind it may come usage, or what a filter found."""

_MODEL = re.compile(rb'("model"\s*:\s*)"(?:[^"\\]|\\.)*"')
REASON = b'"finish_reason"'
NO_REASON = b'"finish_reason":null'
_FINISHED = re.compile(rb'"finish_reason"\s*:\s*"[^"]')


class StreamTap:
    """A `StreamRelay` for one chat stream that passes as it is."""

    __slots__ = (
        "_asked",
        "_before",
        "_finished_at",
        "_has_rest",
        "_kept",
        "_model",
        "_splitter",
        "_state_ids",
        "_told_before",
        "error",
        "events",
        "final",
        "is_done",
        "usage",
        "usage_refused",
    )

    words_field: ClassVar[re.Pattern[bytes]] = re.compile(rb'"(?:content|reasoning_content|reasoning|arguments)"\s*:\s*"(?!")')

    def __init__(self, *, usage_asked: bool, model: str | None = None, state_ids: StateIds | None = None) -> None:
        """`usage_asked`: the client wants the usage chunk. `model`: the name to put in place of the upstream's, or None. `state_ids`: None
        where no sound is asked for."""
        self._asked = usage_asked
        self._model = None if model is None else msgspec.json.encode(model)
        self._state_ids = state_ids
        self._splitter = Splitter()
        self._kept = KeptWords(self.words_field)
        self._finished_at = -LAST_EVENTS
        self._has_rest = False
        self.usage: Usage | None = None
        self.usage_refused = False
        self.final = b""
        self.is_done = False
        self.error: VendorError | None = None
        self.events = 0
        self._before = self._told_before = b""

    def feed(self, data: bytes) -> bytes:
        """Take bytes as they arrive, return those that may go on now. Raises sse.EventTooLong."""
        if self.is_done:
            return b""
        is_joined = self._has_rest
        if is_joined:
            data = self._whole(data)
        events = self._kept.take_run(data)
        if events:
            self.events += events
            return data if self._model is None else self._renamed_run(data)
        if not is_joined:
            data = self._whole(data)
        return self._look(data) if data else b""

    def _whole(self, data: bytes) -> bytes:
        """Return the events that are complete now. As long as reads end where events do, nothing waits for its rest."""
        whole = self._splitter.feed(data)
        self._has_rest = whole is not data
        return whole

    def _look(self, data: bytes) -> bytes:
        """Take events that are not the one before but for its words."""
        events = data.count(b"data:")
        is_last = data.count(REASON) != data.count(NO_REASON) and _FINISHED.search(data) is not None
        # By `find`: `in` tries first whether the bytes are a number, and that takes longer than to look for them.
        is_plain = data.count(b'"usage"') == data.count(b'"usage":null') and data.find(b"[DONE]") < 0 and data.find(b'"error"') < 0
        if is_plain and (self._state_ids is None or data.find(b'"audio"') < 0):
            self.events += events
            if events and not is_last:
                self._kept.take_plain(data)
            else:
                self._kept.take(data)
            passing = data if self._model is None else _MODEL.sub(self._substitute, data)
        else:
            self._kept.take(data)
            passing = b"".join([self._pass_event(event) for event in split_events(data)])
        if is_last:
            self._finished_at = self.events
        return passing

    def _renamed_run(self, data: bytes) -> bytes:
        """Return events that are one but for their words, the model named as the caller did."""
        before = self._kept.before
        if before is not self._before:
            self._before = before
            told = _MODEL.sub(self._substitute, before)
            self._told_before = told if told != before and b'"model"' not in data[len(before) :] else b""
        if not self._told_before:  # it stands behind the words, too
            return _MODEL.sub(self._substitute, data)
        return data.replace(before, self._told_before)

    def finish(self) -> bytes:
        """Say that the stream is over; return what still waited for its blank line, made whole."""
        rest = self._splitter.finish()
        return self.feed(rest) if rest else b""

    def is_complete(self) -> bool:
        """Return whether the answer came to its end: `[DONE]`, or a finish reason in the last events."""
        return self.is_done or self.events - self._finished_at < LAST_EVENTS

    @property
    def text(self) -> str:
        """The answer's words as far as they were kept. They are read only now: most streams are counted by their upstream."""
        return words_in(ChatDecoder().feed(self._kept.as_events))

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
            return passed_error(event, self.error)
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
