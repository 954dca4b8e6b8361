"""A file on its way to the client: as the upstream sends it, or put together again out of events. Its last byte is held back until paid."""

import binascii
from base64 import b64decode

import msgspec

from modelgate.core.usage import Usage
from modelgate.formats.chat.vendor_error import VendorError
from modelgate.formats.json_fields import UNREADABLE
from modelgate.formats.openai_chat.errors import decode_error
from modelgate.formats.single.event_relay import DONE, Ending, decode_event
from modelgate.formats.sse import Splitter, parse_frames


class FileRelay:
    """A `StreamRelay` for a file that comes as such; it counts nothing."""

    text = ""

    usage_refused = False  # what cannot be is taken as if nothing were said

    def __init__(self, usage: Usage) -> None:
        """`usage` is what it costs whatever comes."""
        self.usage: Usage | None = usage
        self.final = b""
        self.is_done = False
        self.error: VendorError | None = None
        self.events = 0
        self._ended = False

    def feed(self, data: bytes) -> bytes:
        """Take bytes of the upstream, return all that have come but the last."""
        if not data:
            return b""
        self.events += 1
        passing = self.final + data[:-1]
        self.final = data[-1:]
        return passing

    def finish(self) -> bytes:
        """The upstream's body ended; its last byte stays."""
        self._ended = True
        return b""

    def is_complete(self) -> bool:
        """Return whether the file came to its end, which only the framing tells."""
        return self._ended


class _Piece(msgspec.Struct, frozen=True):
    audio: str


_decode_piece = msgspec.json.Decoder(_Piece).decode


class EventFileRelay:
    """A `StreamRelay` for a file that comes in events, `audio` in base64, for a client that wants the file: their last one counts."""

    text = ""

    usage_refused = False  # what cannot be is taken as if nothing were said

    def __init__(self, ending: Ending, *, piece: str) -> None:
        """`piece` is the type of the events that carry the file."""
        self._ending = ending
        self._piece = piece
        self._splitter = Splitter()
        self.usage: Usage | None = ending.expected
        self.final = b""
        self.is_done = False
        self.error: VendorError | None = None
        self.events = 0

    def feed(self, data: bytes) -> bytes:
        """Take bytes of the upstream, return the file's that may go on now. Raises sse.EventTooLong."""
        whole = self._splitter.feed(data)
        return self._pass(whole) if whole else b""

    def finish(self) -> bytes:
        """The upstream's body ended; return what still waited."""
        rest = self._splitter.finish()
        return self._pass(rest) if rest else b""

    def is_complete(self) -> bool:
        """Return whether the file came to its end."""
        return self.is_done

    def _pass(self, whole: bytes) -> bytes:
        pieces: list[bytes] = []
        for frame in parse_frames(whole):
            if self.is_done or self.error is not None:
                break
            facts = decode_event(frame.data) if frame.data and frame.data != DONE else None
            if facts is None:
                continue
            self.events += 1
            if facts.is_error:
                self.error = decode_error(0, frame.data)
                self.usage = self._ending.spoiled
            elif facts.type == self._ending.done:
                self.usage = self._ending.read_usage(facts.usage) or self.usage
                self.is_done = True
            elif facts.type == self._piece:
                pieces.append(self._decoded(frame.data))
        data = b"".join(pieces)
        if not data:
            return b""
        passing = self.final + data[:-1]
        self.final = data[-1:]
        return passing

    def _decoded(self, payload: bytes) -> bytes:
        try:
            return b64decode(_decode_piece(payload).audio, validate=True)
        except (*UNREADABLE, binascii.Error, ValueError):  # ValueError: no ASCII
            self.error = VendorError(status=502, message="A piece of the file is not valid.")
            self.usage = self._ending.spoiled
            return b""
