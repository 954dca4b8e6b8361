"""Streamed answers: bodies that move by callbacks from their source to the client."""

import asyncio
import fcntl
import sys
import termios
from typing import Protocol

from modelgate.core.errors import UpstreamError
from modelgate.core.http import BodySink, BodySource
from modelgate.edge.framing import IN_CHUNKS, JOIN_BYTES, LAST_CHUNK, UNTIL_CLOSE

SLICE_BYTES = 64 * 1024
"""One write over TLS at most: encrypting holds the loop for 4 ms a megabyte."""

_NO_COUNT = bytes(4)


def count_unread(transport: asyncio.WriteTransport) -> int:
    """Return the bytes that the other side has not taken: what waits here, and what waits in the kernel.

    The kernel's part has to count: it takes megabytes, and asks for more only when a good part of them is gone.
    """
    try:
        in_kernel = fcntl.ioctl(transport.get_extra_info("socket").fileno(), termios.TIOCOUTQ, _NO_COUNT)
    except (OSError, ValueError):  # the socket is gone
        in_kernel = _NO_COUNT
    return transport.get_write_buffer_size() + int.from_bytes(in_kernel, sys.byteorder)


class AnswerOwner(Protocol):
    """The connection a streamed answer goes out on."""

    def answer_ended(self) -> None:
        """The answer is complete."""

    def answer_failed(self, error: Exception, *, head_sent: bool, detectable: bool) -> None:
        """The answer cannot be completed; `detectable`: its framing tells the client so once the connection ends."""


class TurnWrites:
    """Streams whose small pieces wait for the end of the event loop's turn.

    First everything is read that came in a turn, then all of it is written: a chunk costs a fifth less than with each read
    followed by its write, and pieces of one stream that came together leave together.
    """

    __slots__ = ("_loop", "_streams")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._streams: list[StreamAnswer] = []

    def add(self, stream: "StreamAnswer") -> None:
        """Flush the stream when this turn is over."""
        if not self._streams:
            self._loop.call_soon(self._flush)
        self._streams.append(stream)

    def _flush(self) -> None:
        streams, self._streams = self._streams, []
        for stream in streams:
            stream.flush()


class StreamAnswer:
    """The sink of one streamed answer: frames what comes and writes it, the head with the first data.

    Of a chunked body less than `JOIN_BYTES` wait, and no longer than a turn.
    """

    __slots__ = ("_head", "_left", "_over", "_owner", "_source", "_transport", "_turn", "_waiting")

    def __init__(
        self, owner: AnswerOwner, transport: asyncio.WriteTransport, *, source: BodySource, head: bytes, length: int, turn: TurnWrites
    ) -> None:
        self._owner = owner
        self._transport = transport
        self._source = source
        self._head = head
        self._left = length
        self._turn = turn
        self._over = False
        self._waiting = b""

    def write(self, data: bytes) -> None:
        """Send a piece of the body."""
        if self._over or not data:
            return
        if self._left != IN_CHUNKS:
            self._write_plain(data)
        elif self._head:
            self._transport.write(b"%b%x\r\n%b\r\n" % (self._head, len(data), data))
            self._head = b""
        elif len(data) >= JOIN_BYTES:
            self.flush()
            self._transport.writelines((b"%x\r\n" % len(data), data, b"\r\n"))
        elif not self._waiting:
            self._waiting = data
            self._turn.add(self)
        else:
            self._waiting += data
            if len(self._waiting) >= JOIN_BYTES:
                self.flush()

    def flush(self) -> None:
        """Write what waits, as one chunk."""
        data = self._waiting
        if data:
            self._waiting = b""
            self._transport.write(b"%x\r\n%b\r\n" % (len(data), data))

    def end(self) -> None:
        """The body is complete."""
        if self._over:
            return
        if self._left > 0:
            self._stop(UpstreamError("The answer ended before its announced length."))
            return
        self._over = True
        if self._left == IN_CHUNKS:
            data = self._waiting
            self._transport.write(self._head + (b"%x\r\n%b\r\n" % (len(data), data) if data else b"") + LAST_CHUNK)
            self._waiting = b""
        elif self._head:
            self._transport.write(self._head)
        self._owner.answer_ended()

    def fail(self, error: Exception) -> None:
        """The body will not be completed."""
        if not self._over:
            self._stop(error)

    def pause(self) -> None:
        """The client is slow: ask the source for a break."""
        if not self._over:
            self._source.pause()

    def resume(self) -> None:
        """The client has caught up."""
        if not self._over:
            self._source.resume()

    def abandon(self) -> None:
        """The client is gone."""
        if not self._over:
            self._over = True
            self._waiting = b""
            self._source.abort()

    def flush_head(self) -> None:
        """Send the head now, although no data has come: the client learns that its request was accepted."""
        if self._head and not self._over:
            self._transport.write(self._head)
            self._head = b""

    def _write_plain(self, data: bytes) -> None:
        if self._left >= 0:
            if len(data) > self._left:
                self._source.abort()
                self._stop(UpstreamError("The answer is longer than its announced length."))
                return
            self._left -= len(data)
        self._transport.write(self._head + data if self._head else data)
        self._head = b""

    def _stop(self, error: Exception) -> None:
        self.flush()
        self._over = True
        self._owner.answer_failed(error, head_sent=not self._head, detectable=self._left != UNTIL_CLOSE)


class SlicedBody:
    """A body that is all there, handed out one slice per turn of the event loop."""

    __slots__ = ("_body", "_loop", "_paused", "_position", "_scheduled", "_sink")

    def __init__(self, body: bytes | bytearray, loop: asyncio.AbstractEventLoop) -> None:
        self._body = body
        self._loop = loop
        self._position = 0
        self._sink: BodySink | None = None
        self._paused = False
        self._scheduled = False

    def start(self, sink: BodySink) -> None:
        """Begin."""
        self._sink = sink
        self._step()

    def pause(self) -> None:
        """Hold the next slice back."""
        self._paused = True

    def resume(self) -> None:
        """Go on."""
        self._paused = False
        self._schedule()

    def abort(self) -> None:
        """Forget the sink."""
        self._sink = None

    def _schedule(self) -> None:
        if not self._scheduled and not self._paused:
            self._scheduled = True
            self._loop.call_soon(self._step)

    def _step(self) -> None:
        self._scheduled = False
        if self._sink is None or self._paused:
            return
        if self._position >= len(self._body):
            sink, self._sink = self._sink, None
            sink.end()
            return
        piece = bytes(memoryview(self._body)[self._position : self._position + SLICE_BYTES])
        self._position += len(piece)
        self._sink.write(piece)
        self._schedule()
