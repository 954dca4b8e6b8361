"""An upstream's answer: the head is here, the body is on its way."""

import asyncio
from typing import Protocol

from modelgate.core.http import BodySink, HeaderBlock
from modelgate.transport.errors import BodyTooLong, ConnectionBroken, TransportError
from modelgate.transport.framing import ResponseHead

BUFFER_BYTES = 256 * 1024
"""What is held of a body nobody has asked for yet; then the socket is left unread."""


class Wire(Protocol):
    """The connection as its answer sees it."""

    def hold_reading(self) -> None: ...

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...

    def abort(self) -> None: ...


class UpstreamResponse:
    """A `core.http.BodySource` with status and headers. `content_length` None: the upstream did not say.

    The body is taken once: by `body_if_complete`, by `read` or by `start`. An answer that is not wanted is aborted. Content
    coding is passed through as sent (none is asked for).
    """

    # Not slots: most answers come whole and never touch these, so the class says it once for all of them.
    _size = 0
    _sink: BodySink | None = None
    _paused = False
    _error: Exception | None = None

    def __init__(self, wire: Wire | None, head: ResponseHead, whole: bytes | None = None) -> None:
        """`whole`: the body, when all of it came with the head; the connection is done with it then."""
        self.status: int = head.status
        self.headers: HeaderBlock = head.headers
        self.content_length: int | None = head.content_length
        self.is_events: bool = head.is_events
        self._wire: Wire | None = wire
        self._ended = whole is not None
        self._pieces: list[bytes] = []
        if whole is not None:
            self._pieces.append(whole)
            self._size = len(whole)

    def body_if_complete(self) -> bytes | None:
        """Return the whole body if it is already here, else None. Costs no turn of the event loop."""
        if not self._ended:
            return None
        pieces = self._pieces
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    async def read(self, limit: int) -> bytes:
        """Return the whole body.

        Raises:
            BodyTooLong: it has more than `limit` bytes; the connection is dropped.
            TransportError: it did not arrive whole.
        """
        if (self.content_length or 0) > limit or self._size > limit:
            self.abort()
            raise BodyTooLong(f"the answer is longer than {limit} bytes")
        whole = self.body_if_complete()
        if whole is not None:
            return whole
        collector = _Collector(self, limit)
        try:
            self.start(collector)
            return await collector.done
        except asyncio.CancelledError:
            self.abort()
            raise

    def start(self, sink: BodySink) -> None:
        """Give everything that came and will come to `sink`."""
        self._sink = sink
        for piece in self._pieces:
            if self._sink is not sink:  # it aborted in the middle
                return
            sink.write(piece)
        self._pieces = []
        if self._sink is not sink:
            return
        if self._ended:
            self._let_go().end()
        elif self._error is not None:
            self._let_go().fail(self._error)
        elif self._size > BUFFER_BYTES and not self._paused:
            self.resume()

    def pause(self) -> None:
        """Leave the socket unread, for as long as the sink needs: no idle time counts meanwhile."""
        self._paused = True
        if self._wire is not None:
            self._wire.pause_reading()

    def resume(self) -> None:
        """Read on."""
        self._paused = False
        if self._wire is not None:
            self._wire.resume_reading()

    def abort(self) -> None:
        """Drop the rest and its connection; the sink hears nothing more."""
        self._sink = None
        self._pieces = []
        wire, self._wire = self._wire, None
        if wire is not None:
            self._error = ConnectionBroken("the answer was given up", sent=True, response_started=True)
            wire.abort()

    # Called by the connection:

    def take(self, data: bytes) -> None:
        """One more piece of the body."""
        sink = self._sink
        if sink is not None:
            sink.write(data)
            return
        self._pieces.append(data)
        self._size += len(data)
        if self._size > BUFFER_BYTES and self._wire is not None:
            self._wire.hold_reading()

    def finish(self, last: bytes = b"") -> None:
        """The body is whole with its last piece; the connection belongs to somebody else now, whatever the sink does with the piece."""
        self._wire = None
        if last:
            self.take(last)
        self._ended = True
        if self._sink is not None:
            self._let_go().end()

    def break_off(self, error: TransportError) -> None:
        """The body will not become whole."""
        self._wire = None
        self._error = error
        if self._sink is not None:
            self._let_go().fail(error)

    def _let_go(self) -> BodySink:
        """Return the sink for its last call. Many a sink knows its source: what both hold would wait for a collector that comes rarely."""
        sink = self._sink
        assert sink is not None
        self._sink = None
        return sink


class _Collector:
    """A sink that makes one bytes object, within a limit."""

    def __init__(self, response: UpstreamResponse, limit: int) -> None:
        self.done: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._response = response
        self._limit = limit
        self._pieces: list[bytes] = []
        self._size = 0

    def write(self, data: bytes) -> None:
        self._pieces.append(data)
        self._size += len(data)
        if self._size > self._limit:
            self._response.abort()
            self.fail(BodyTooLong(f"the answer is longer than {self._limit} bytes"))

    def end(self) -> None:
        if not self.done.done():
            self.done.set_result(b"".join(self._pieces))

    def fail(self, error: Exception) -> None:
        if not self.done.done():
            self.done.set_exception(error)
