"""The tap on a passing stream: whole events go on as they came, usage is read, the last words are held back.

The usual event costs a few substring searches in C and no JSON.
"""

import re

import msgspec

from modelgate.core.usage import Usage
from modelgate.formats.anthropic_messages.errors import decode_error, render_vendor_error
from modelgate.formats.anthropic_messages.response import Counted
from modelgate.formats.anthropic_messages.schema import Event
from modelgate.formats.anthropic_messages.stream_decoder import MessageDecoder
from modelgate.formats.chat.collect import words_in
from modelgate.formats.chat.vendor_error import VendorError, for_callers
from modelgate.formats.chat.wire_format import ChatPeek, StateIds
from modelgate.formats.json_fields import UNREADABLE
from modelgate.formats.kept_words import KeptWords
from modelgate.formats.sse import Splitter, data_of, split_events

KEEP_ALIVE = b'event: ping\ndata: {"type": "ping"}\n\n'

_MODEL = re.compile(rb'("model"\s*:\s*)"(?:[^"\\]|\\.)*"')
_WORDS_FIELD = re.compile(rb'"(?:text|thinking|partial_json)"\s*:\s*"(?!")')
_event = msgspec.json.Decoder(Event)


class StreamTap:
    """A `StreamRelay` for one stream that passes as it is.

    `usage` is set by the first figures of output that mean something, those of `message_delta`: what `message_start` says of it is a
    placeholder, and an answer that breaks off before would be charged as one token.
    """

    __slots__ = (
        "_counted",
        "_has_ended",
        "_has_rest",
        "_kept",
        "_model",
        "_splitter",
        "error",
        "events",
        "final",
        "is_done",
        "usage",
        "usage_refused",
    )

    def __init__(self, *, model: str | None = None) -> None:
        """`model`: the name to put in place of the upstream's, or None."""
        self._model = None if model is None else msgspec.json.encode(model)
        self._splitter = Splitter()
        self._counted = Counted()
        self._has_ended = False
        self._has_rest = False
        self._kept = KeptWords(_WORDS_FIELD)
        self.usage: Usage | None = None
        self.usage_refused = False
        self.final = b""
        self.is_done = False
        self.error: VendorError | None = None
        self.events = 0

    def feed(self, data: bytes) -> bytes:
        """Take bytes as they arrive, return those that may go on now. Raises sse.EventTooLong."""
        if self.is_done or self.error is not None:
            return b""
        is_joined = self._has_rest
        if is_joined:
            data = self._whole(data)
        pieces = 0 if self._has_ended else self._kept.take_run(data)
        if pieces:
            self.events += pieces
            return data
        if not is_joined:
            data = self._whole(data)
        return self._pass(data) if data else b""

    def _whole(self, data: bytes) -> bytes:
        """Return the events that are complete now. As long as reads end where events do, nothing waits for its rest."""
        whole = self._splitter.feed(data)
        self._has_rest = whole is not data
        return whole

    def finish(self) -> bytes:
        """Say that the stream is over; return what still waited for its blank line, made whole."""
        rest = self._splitter.finish()
        return self._pass(rest) if rest and not self.is_done and self.error is None else b""

    def is_complete(self) -> bool:
        """Return whether the answer came to its end: it was said why it ended."""
        return self.is_done or self._has_ended

    @property
    def text(self) -> str:
        """The answer's words as far as they were kept. They are read only now: most streams are counted by their upstream."""
        return words_in(MessageDecoder().feed(self._kept.as_events))

    def _pass(self, data: bytes) -> bytes:
        """Return what goes on of complete events."""
        pieces = data.count(b'"content_block_delta"')
        self.events += pieces
        if not self._has_ended and data.find(b'"message_') < 0 and data.find(b'"error"') < 0:  # costs less than `in`
            if pieces:
                self._kept.take_plain(data)
            else:
                self._kept.take(data)
            return data
        self._kept.take(data)
        return b"".join([self._pass_event(event) for event in split_events(data)])

    def _pass_event(self, event: bytes) -> bytes:
        """Return what goes on of one event. Numbered cases: 1. after the end; 2. a piece of the answer; 3. the beginning; 4. counts, and
        why it ended: held back from there on; 5. the end; 6. a failure, after which nothing comes."""
        if self.is_done or self.error is not None:
            return b""
        if event.startswith(b"event: content_block_"):
            return event
        payload = data_of(event)
        try:
            found = _event.decode(payload)
        except UNREADABLE:
            return self._held(event)
        match found.type:
            case "message_start":
                if found.message is not None:
                    self._counted.add(found.message.usage)
                return event if self._model is None else _MODEL.sub(self._substitute, event, count=1)
            case "message_delta":
                self._count(found)
            case "message_stop":
                self.final += event
                self.is_done = True
                return b""
            case "error":
                self.error = decode_error(0, payload)
                return render_vendor_error(for_callers(self.error))
            case _:
                pass
        return self._held(event)

    def _count(self, event: Event) -> None:
        if bytes(event.usage) not in (b"", b"null"):
            self._counted.add(event.usage)
            self.usage, self.usage_refused = self._counted.usage, self._counted.is_refused
        if event.delta is not None and event.delta.stop_reason:
            self._has_ended = True

    def _held(self, event: bytes) -> bytes:
        if not self._has_ended:
            return event
        self.final += event
        return b""

    def _substitute(self, match: re.Match[bytes]) -> bytes:
        assert self._model is not None
        return match[1] + self._model


def make_tap(peek: ChatPeek, renamed: bool, state_ids: StateIds) -> StreamTap:
    """Return the tap of one stream; `renamed`: put the caller's name of the model in."""
    del state_ids  # nothing in this dialect is kept at an upstream
    return StreamTap(model=peek.model if renamed else None)
