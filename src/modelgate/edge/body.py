"""Request bodies of known length: joined from pieces, or when large read straight into their own buffer (0.9 of the CPU at 1 MB)."""

import asyncio
from typing import Protocol

DIRECT_BODY_BYTES = 64 * 1024
"""Bodies with at least this much still to come are read directly; below it the switch costs more than it saves."""
FIRST_CAPACITY_BYTES = 256 * 1024
GROWTH = 2


class Collector(Protocol):
    """Makes a body out of the bytes of a connection."""

    body: bytearray

    @property
    def done(self) -> bool:
        """Whether the body is complete."""

    def feed(self, data: bytes) -> bytes:
        """Take bytes from the wire; return those behind the body's end. Raises InvalidRequest when they are no body."""


class SizedBody:
    """Collects a body of known length."""

    __slots__ = ("_length", "body")

    def __init__(self, length: int) -> None:
        self.body = bytearray()
        self._length = length

    @property
    def done(self) -> bool:
        """Whether the body is complete."""
        return len(self.body) == self._length

    def feed(self, data: bytes) -> bytes:
        """Take bytes from the wire; return those behind the body's end."""
        missing = self._length - len(self.body)
        self.body += data[:missing]
        return data[missing:]


class BodyOwner(Protocol):
    """The connection whose request the body belongs to."""

    def body_grows(self, more_bytes: int) -> bool:
        """Room for more bytes is wanted; False when there is none (the owner has refused the request)."""

    def body_advanced(self, received_bytes: int) -> None:
        """So much of the body is there."""

    def body_complete(self, body: bytearray) -> None:
        """All of it is there."""

    def eof_received(self) -> bool | None:
        """See asyncio."""

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio."""

    def pause_writing(self) -> None:
        """See asyncio."""

    def resume_writing(self) -> None:
        """See asyncio."""


class DirectBody(asyncio.BufferedProtocol):
    """Stands in for the connection's protocol while one body is read.

    The buffer grows with what has really come, not with what was announced: an announcement costs a client nothing.
    It ends exactly where the body ends, so not a byte of the next request is read into it.
    """

    __slots__ = ("_body", "_capacity", "_filled", "_length", "_owner")

    def __init__(self, owner: BodyOwner, *, beginning: bytes, length: int) -> None:
        self._owner = owner
        self._length = length
        self._filled = len(beginning)
        self._capacity = self._filled
        self._body = bytearray(beginning)

    def ask_room(self) -> bool:
        """Ask the owner for room for the next bytes. False: it has refused the request."""
        wanted = min(self._length, max(FIRST_CAPACITY_BYTES, GROWTH * self._capacity))
        granted = self._owner.body_grows(wanted - self._capacity)
        if granted:
            self._capacity = wanted
        return granted

    def get_buffer(self, sizehint: int) -> memoryview:
        """Return where the next bytes go. Nothing else may happen in here: the event loop is about to read."""
        if len(self._body) < self._capacity:
            self._body += bytes(self._capacity - len(self._body))
        return memoryview(self._body)[self._filled :]

    def buffer_updated(self, nbytes: int) -> None:
        """Count what came."""
        self._filled += nbytes
        if self._filled == self._length:
            self._owner.body_complete(self._body)
        elif self._filled < self._capacity or self.ask_room():
            self._owner.body_advanced(self._filled)

    def eof_received(self) -> bool | None:
        """The client said that no more comes."""
        return self._owner.eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        """The client is gone."""
        self._owner.connection_lost(exc)

    def pause_writing(self) -> None:
        """Pass it on."""
        self._owner.pause_writing()

    def resume_writing(self) -> None:
        """Pass it on."""
        self._owner.resume_writing()
