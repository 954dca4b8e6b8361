"""Events of a call that is no conversation, on their way to the client: they go on whole, the end of the last is held back until paid."""

from collections.abc import Callable

import msgspec

from modelgate.core.usage import Usage
from modelgate.formats.chat.vendor_error import VendorError
from modelgate.formats.json_fields import UNREADABLE
from modelgate.formats.openai_chat.errors import decode_error, passed_error
from modelgate.formats.sse import Splitter, parse_frames

EVENTS_TYPE = b"text/event-stream; charset=utf-8"
NOTHING = (b"", b"null", b"false", b'""', b"{}")
DONE = b"[DONE]"
HELD_BYTES = 2
"""The blank line, without which no client takes an event for whole. Holding all of a last event back, which may be the only one, would make
it look as if none had come."""


class EventFacts(msgspec.Struct, frozen=True):
    """What is looked at of an event; a picture in it is skipped."""

    type: str = ""
    usage: msgspec.Raw = msgspec.Raw()
    error: msgspec.Raw = msgspec.Raw()

    @property
    def is_error(self) -> bool:
        """Whether it says that something went wrong."""
        return bytes(self.error).strip() not in NOTHING or self.type == "error"


ReadUsage = Callable[[msgspec.Raw], Usage | None]
"""Reads the usage of an event's own; None: there is none, or what cannot be."""

_decode = msgspec.json.Decoder(EventFacts).decode


def decode_event(payload: bytes) -> EventFacts | None:
    """Return what is looked at of an event, None of one that cannot be read."""
    try:
        return _decode(payload)
    except UNREADABLE:
        return None


class Ending(msgspec.Struct, frozen=True, kw_only=True):
    """How such an answer ends. `done` is the type of its last event, of which `count` come, each with a usage that `read_usage` reads.

    `expected` is charged when the upstream counts nothing, `spoiled` when it breaks off with an error of its own. Both are estimates.
    """

    done: str
    count: int = 1
    read_usage: ReadUsage
    expected: Usage
    spoiled: Usage


class EventRelay:
    """A `StreamRelay` for events that pass as they are."""

    text = ""

    usage_refused = False  # what cannot be is taken as if nothing were said

    def __init__(self, ending: Ending) -> None:
        self._ending = ending
        self._splitter = Splitter()
        self._dones = 0
        self._counted: list[Usage] = []
        self.usage: Usage | None = ending.expected
        self.final = b""
        self.is_done = False
        self.error: VendorError | None = None
        self.events = 0

    def feed(self, data: bytes) -> bytes:
        """Take bytes of the upstream, return those that may go to the client now. Raises sse.EventTooLong."""
        if self.is_done or self.error is not None:
            return b""
        whole = self._splitter.feed(data)
        return self._pass(whole) if whole else b""

    def finish(self) -> bytes:
        """The upstream's body ended; return what still waited."""
        rest = self._splitter.finish()
        return self._pass(rest) if rest and not self.is_done and self.error is None else b""

    def is_complete(self) -> bool:
        """Return whether the answer came to its end."""
        return self.is_done

    def _pass(self, whole: bytes) -> bytes:
        passing: list[bytes] = []
        for frame in parse_frames(whole):
            facts = decode_event(frame.data) if frame.data and frame.data != DONE else None
            if facts is None:
                if frame.data != DONE:  # it stands for nothing without the event that it follows
                    passing.append(frame.raw)
                continue
            self.events += 1
            if facts.is_error:
                self.error = decode_error(0, frame.data)
                if not self._counted:
                    self.usage = self._ending.spoiled
                passing.append(passed_error(frame.raw, self.error))
                break
            if facts.type != self._ending.done:
                passing.append(frame.raw)
                continue
            usage = self._ending.read_usage(facts.usage)
            if usage is not None:
                self._counted.append(usage)
                self.usage = sum_usage(self._counted)
            self._dones += 1
            if self._dones == self._ending.count:
                self.final = frame.raw[-HELD_BYTES:]
                self.is_done = True
                passing.append(frame.raw[:-HELD_BYTES])
                break
            passing.append(frame.raw)
        return b"".join(passing)


def sum_usage(each: list[Usage]) -> Usage:
    """Return the sum of the usages of the parts of one call."""
    if len(each) == 1:
        return each[0]
    sums = {
        name: sum(getattr(one, name) for one in each) for name in Usage.__struct_fields__ if name not in ("variant", "estimated", "calls")
    }
    return Usage(**sums, variant=each[0].variant, estimated=any(one.estimated for one in each))
