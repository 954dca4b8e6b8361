"""One connection to an upstream: writes a request, reads its answer, one at a time.

Cases of bytes that arrive:
    1. nothing was asked (idle)     somebody is confused: the connection is dropped
    2. head                         1xx are skipped; then the listener gets the `UpstreamResponse`
    3. body by length, by chunks    goes to the response; anything behind its end drops the connection afterwards
    4. body until the end           only a clean end is an end (TLS: close_notify)
An end at any other point is `ConnectionBroken`. Broken and aborted connections are reset, never closed gently: a peer that is
still streaming over TLS would notice a gentle close only much later.
"""

import asyncio
import ssl
from math import inf
from typing import Protocol

from modelgate.core.tls import TlsFailed, TlsLayer
from modelgate.transport.errors import BadResponse, ConnectFailed, ConnectionBroken, TimedOut, TimeoutPhase, TransportError
from modelgate.transport.framing import NO_HEAD, ResponseHead, Unchunker, parse_response_head
from modelgate.transport.response import UpstreamResponse
from modelgate.transport.target import Timeouts

MAX_HEAD_BYTES = 64 * 1024
MAX_INTERIM_ANSWERS = 16
"""1xx answers before the real one."""
JOIN_BYTES = 16 * 1024
"""Bodies up to this are copied behind their head: one buffer, one write."""
MAX_OPENING_BYTES = 256 * 1024
"""What a proxy or a TLS handshake may send before it is read."""
SLICE_BYTES = 128 * 1024
"""Larger bodies are written in slices, because encrypting a megabyte holds the event loop for 4 ms."""
MAX_UNREAD_WRITE_BYTES = 256 * 1024
"""What the kernel has not taken yet, before an upload waits."""

BODILESS = frozenset((204, 304))


OPENING, IDLE, HEAD, BODY, CLOSED = range(5)
"""Phases; plain integers, because an enum's members cost a look-up more on every read."""


class Owner(Protocol):
    """The pool, as its connections see it."""

    def resumable(self, session: ssl.SSLSession | None) -> None: ...

    def released(self, connection: "Connection") -> None: ...

    def lost(self, connection: "Connection") -> None: ...


class Listener(Protocol):
    """Who asked. Exactly one of these is called, once."""

    def whole(self, head: ResponseHead, body: bytes) -> None:
        """The answer came in one piece; its connection belongs to others again."""
        ...

    def begun(self, response: UpstreamResponse) -> None:
        """The head is here, the body is on its way, or here."""
        ...

    def failed(self, error: TransportError) -> None:
        """There is no answer."""
        ...


class Awaited:
    """A listener for who waits in a coroutine."""

    __slots__ = ("answer",)

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.answer: asyncio.Future[UpstreamResponse] = loop.create_future()

    def whole(self, head: ResponseHead, body: bytes) -> None:
        """See `Listener`."""
        self.begun(UpstreamResponse(None, head, body))

    def begun(self, response: UpstreamResponse) -> None:
        """See `Listener`."""
        if not self.answer.done():
            self.answer.set_result(response)

    def failed(self, error: TransportError) -> None:
        """See `Listener`."""
        if not self.answer.done():
            self.answer.set_exception(error)


class Connection(asyncio.Protocol):
    """A socket with the state of its current exchange. `deadline`: loop time after which `expire` is due."""

    __slots__ = (
        "_head_only",
        "_interim",
        "_keep",
        "_known_head",
        "_known_raw",
        "_listener",
        "_loop",
        "_name",
        "_opening",
        "_owner",
        "_partial",
        "_reading",
        "_remaining",
        "_response",
        "_timeouts",
        "_unchunker",
        "_uploading",
        "_wire",
        "_writable",
        "deadline",
        "exchanges",
        "phase",
        "tls",
    )

    def __init__(self, owner: Owner, name: str) -> None:
        self.deadline = inf
        self.phase = OPENING
        self.exchanges = 0
        self.tls: TlsLayer | None = None
        self._owner = owner
        self._name = name
        self._loop = asyncio.get_running_loop()
        self._wire: asyncio.Transport | None = None
        self._opening: asyncio.Future[None] | None = None  # wakes whoever opens: bytes came, or the end did
        self._listener: Listener | None = None
        self._writable: asyncio.Future[None] | None = None
        self._response: UpstreamResponse | None = None
        self._unchunker: Unchunker | None = None
        self._timeouts = Timeouts()
        self._partial = b""
        self._known_raw = b""  # the last head as it came: many a server sends the very same one for a second on end
        self._known_head = NO_HEAD
        self._remaining = -1  # body bytes to come; -1: the length is not known
        self._interim = 0
        self._head_only = False
        self._keep = False
        self._uploading = False
        self._reading = True

    def is_usable(self) -> bool:
        """Whether a request may be written now."""
        return self.phase == IDLE and self._wire is not None and not self._wire.is_closing()

    # Opening, driven by the pool.

    async def ask_proxy(self, request: bytes) -> None:
        """Write a CONNECT and read its answer. Raises ConnectFailed unless the tunnel stands."""
        answer = b""
        self._write(request)
        while b"\r\n\r\n" not in answer:
            answer += await self._next_opening()
            if len(answer) > MAX_HEAD_BYTES:
                raise ConnectFailed(f"{self._name}: the proxy's answer is too long")
        status = answer[9:12]
        if not answer.startswith(b"HTTP/1.") or status != b"200" or not answer.endswith(b"\r\n\r\n"):
            raise ConnectFailed(f"{self._name}: the proxy refused the tunnel ({status.decode('latin-1')})")

    async def start_tls(self, context: ssl.SSLContext, *, server_name: str, session: ssl.SSLSession | None) -> None:
        """Make the TLS handshake. Raises ConnectFailed."""
        layer = TlsLayer(context, server_name=server_name, session=session)
        try:
            self._write(layer.start())
            while not layer.handshake_done:
                plaintext, flight = layer.feed(await self._next_opening())
                self._write(flight)
                if plaintext:
                    raise ConnectFailed(f"{self._name}: spoke before it was asked")
        except TlsFailed as error:
            self._write(error.to_send)
            raise ConnectFailed(f"{self._name}: TLS: {error}") from error
        self.tls = layer

    def opened(self) -> None:
        """The connection is ready for its first request. Raises ConnectFailed when it ended meanwhile."""
        if self.phase == CLOSED:
            raise ConnectFailed(f"{self._name}: closed while opening")
        self.phase = IDLE

    async def _next_opening(self) -> bytes:
        if not self._partial and self.phase == OPENING:
            self._opening = self._loop.create_future()
            await self._opening
        if not self._partial:
            raise ConnectFailed(f"{self._name}: closed while opening")
        data, self._partial = self._partial, b""
        return data

    def _on_opening(self, data: bytes) -> None:
        self._partial += data
        if len(self._partial) > MAX_OPENING_BYTES:
            self.abort()
        self._wake_opening()

    def _wake_opening(self) -> None:
        opening, self._opening = self._opening, None
        if opening is not None and not opening.done():
            opening.set_result(None)

    # The exchange.

    def begin(self, head: bytes, body: bytes | bytearray, *, timeouts: Timeouts, head_only: bool) -> asyncio.Future[UpstreamResponse]:
        """Write a request whose body needs no slicing; return the future of its answer."""
        awaited = Awaited(self._loop)
        if len(body) > JOIN_BYTES:
            self.ask(head, awaited, timeouts=timeouts, head_only=head_only)
            self._write(body)
        else:
            self.ask(head + body, awaited, timeouts=timeouts, head_only=head_only)
        return awaited.answer

    def ask(self, data: bytes | bytearray, listener: Listener, *, timeouts: Timeouts, head_only: bool = False) -> None:
        """Write a request, or the head of one. The listener hears of the answer, in a later turn of the event loop."""
        self.phase = HEAD
        self.exchanges += 1
        self._timeouts = timeouts
        self._head_only = head_only
        self._interim = 0
        self._uploading = False
        self.deadline = self._loop.time() + timeouts.head_s
        self._listener = listener
        if self.tls is None and self._wire is not None:  # it is usable, or nobody would ask
            self._wire.write(data)
        else:
            self._write(data)

    def leave(self, listener: Listener) -> None:
        """Drop the connection if it still works for this listener, who hears no more."""
        if self._listener is listener:
            self._listener = None
            self.abort()

    async def upload(self, body: bytes | bytearray) -> None:
        """Write a large body behind its head, in slices and no faster than the upstream reads.

        An early refusal (4xx, 5xx) ends the upload; its connection is not used again.
        """
        self._uploading = True
        view = memoryview(body)
        for at in range(0, len(view), SLICE_BYTES):
            self.deadline = self._loop.time() + self._timeouts.idle_s
            self._write(view[at : at + SLICE_BYTES])
            await self._written()
            if not self._uploading:
                return
        self._uploading = False
        if self.phase == HEAD:
            self.deadline = self._loop.time() + self._timeouts.head_s

    def _write(self, data: bytes | bytearray | memoryview) -> None:
        wire = self._wire
        if wire is None or self.phase == CLOSED or wire.is_closing() or not data:
            return  # `connection_lost` is on its way, and tells
        if self.tls is None:
            wire.write(data)
            return
        try:
            wire.write(self.tls.write(data))
        except TlsFailed as error:
            self.break_off(ConnectionBroken(f"{self._name}: TLS: {error}", sent=True, reused=self.exchanges > 1))

    async def _written(self) -> None:
        """Wait until the kernel took enough; always let others run."""
        if self._writable is None:
            await asyncio.sleep(0)
        else:
            await self._writable

    # What the event loop says.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._wire = transport  # type: ignore[assignment]  # a stream protocol is given a stream transport
        transport.set_write_buffer_limits(MAX_UNREAD_WRITE_BYTES)  # type: ignore[attr-defined]

    def data_received(self, data: bytes) -> None:
        if self.tls is not None:
            data = self._decrypted(data)
        phase = self.phase
        if not data:
            pass  # the layer's own business
        elif phase == BODY:
            if self._reading:
                self.deadline = self._loop.time() + self._timeouts.idle_s
            self._on_body(data)
        elif phase == HEAD:
            if self._known_raw and not self._partial and data.startswith(self._known_raw):
                self._on_known_head(data)
            else:
                self.deadline = self._loop.time() + self._timeouts.idle_s
                self._on_head(data)
        elif phase == IDLE:
            self.abort()
        elif phase == OPENING:
            self._on_opening(data)
        if self.tls is not None and self.tls.ended:
            self._ended(clean=True)

    def _decrypted(self, data: bytes) -> bytes:
        """Return what the peer said, and send what the layer has to say about it."""
        assert self.tls is not None
        try:
            plaintext, flight = self.tls.feed(data)
        except TlsFailed as error:
            self.break_off(self._broken(f"TLS: {error}"))
            return b""
        if flight and self._wire is not None and not self._wire.is_closing():
            self._wire.write(flight)
        return plaintext

    def eof_received(self) -> None:
        self._ended(clean=self.tls is None or self.tls.ended)

    def connection_lost(self, exc: Exception | None) -> None:
        self._ended(clean=exc is None and self.tls is None)
        self._owner.lost(self)

    def pause_writing(self) -> None:
        if self._writable is None:
            self._writable = self._loop.create_future()

    def resume_writing(self) -> None:
        writable, self._writable = self._writable, None
        if writable is not None and not writable.done():
            writable.set_result(None)

    # Reading.

    def _on_known_head(self, data: bytes) -> None:
        """Take an answer whose head is known. Nearly always all of it is there, and its end is the end of the exchange."""
        head = self._known_head
        body = data[len(self._known_raw) :]
        if len(body) != head.content_length or self._head_only or self._uploading or not head.keep_alive:
            self.deadline = self._loop.time() + self._timeouts.idle_s
            self._on_answer(head, body)
            return
        listener, self._listener = self._listener, None
        self.phase = IDLE
        self._owner.released(self)
        if listener is not None:
            listener.whole(head, body)

    def _on_head(self, data: bytes) -> None:
        if self._partial:
            data = self._partial + data
        try:
            while (end := data.find(b"\r\n\r\n") + 4) > 3:
                if end > MAX_HEAD_BYTES:
                    raise BadResponse("the answer's head is too long")
                head = parse_response_head(data[:end])
                if head.status >= 200:
                    self._partial = b""
                    if head.status not in BODILESS and head.content_length and (self.tls is None or self.exchanges > 1):
                        self._known_raw, self._known_head = data[:end], head
                        self._on_known_head(data)
                    else:
                        self._on_answer(head, data[end:])
                    return
                data = data[end:]
                self._interim += 1
                if self._interim > MAX_INTERIM_ANSWERS:
                    raise BadResponse("too many interim answers")
            if len(data) > MAX_HEAD_BYTES:
                raise BadResponse("the answer's head is too long")
        except BadResponse as error:
            self.break_off(BadResponse(f"{self._name}: {error}", reused=self.exchanges > 1))
            return
        self._partial = data

    def _on_answer(self, head: ResponseHead, rest: bytes) -> None:
        response = self._response = UpstreamResponse(self, head)
        if self._uploading and head.status >= 400:
            self._uploading = False
            self._keep = False
            self.resume_writing()
        else:
            self._keep = head.keep_alive
        self._remaining = -1
        self._unchunker = None
        if self._head_only or head.status in BODILESS:
            self._remaining = 0
        elif head.chunked:
            self._unchunker = Unchunker()
        elif head.content_length is not None:
            self._remaining = head.content_length
        self.phase = BODY
        listener, self._listener = self._listener, None
        if rest or self._remaining == 0:
            self._on_body(rest)
        if listener is not None:
            listener.begun(response)

    def _on_body(self, data: bytes) -> None:
        response = self._response
        assert response is not None
        if self._unchunker is not None:
            self._on_chunks(self._unchunker, response, data)
            return
        if self._remaining < 0 or len(data) < self._remaining:
            if self._remaining > 0:
                self._remaining -= len(data)
            response.take(data)
            return
        if len(data) > self._remaining:
            self._keep = False
            data = data[: self._remaining]
        self._finish(response, data)

    def _on_chunks(self, unchunker: Unchunker, response: UpstreamResponse, data: bytes) -> None:
        try:
            piece = unchunker.feed(data)
        except BadResponse as error:
            self.break_off(BadResponse(f"{self._name}: {error}", reused=self.exchanges > 1))
            return
        if unchunker.done:
            self._keep = self._keep and not unchunker.junk
            self._finish(response, piece)
        elif piece:
            response.take(piece)

    def _finish(self, response: UpstreamResponse, data: bytes) -> None:
        """The answer is whole: the connection first, so that whoever reads the end may use it at once."""
        self._response = None
        self._unchunker = None
        if self.tls is not None and not self.tls.session_reused and self.exchanges == 1:
            self._owner.resumable(self.tls.session)
        if self._keep and not self._uploading and self._wire is not None and not self._wire.is_closing():
            self.phase = IDLE
            if not self._reading:
                self.resume_reading()
            self._owner.released(self)
        else:
            self.abort()
        response.finish(data)

    # Ends.

    def expire(self) -> None:
        """The deadline is over."""
        if self.phase == IDLE:
            self.abort()
            return
        phase: TimeoutPhase = "send" if self._uploading else "body" if self.phase == BODY else "head"
        started = self.phase == BODY or bool(self._partial)
        self.break_off(TimedOut(f"{self._name}: no {phase} in time", phase=phase, reused=self.exchanges > 1, response_started=started))

    def abort(self) -> None:
        """Reset the connection. Nobody is told: who aborts knows."""
        self.phase = CLOSED
        self.deadline = inf
        self._response = None
        if self._unchunker is not None:
            self._unchunker.let_go()
        self.resume_writing()
        if self._wire is not None:
            self._wire.abort()

    def break_off(self, error: TransportError) -> None:
        """Reset the connection and tell whoever waits for the answer."""
        listener, self._listener = self._listener, None
        response = self._response
        self._uploading = False
        self.abort()
        if listener is not None:
            listener.failed(error)
        if response is not None:
            response.break_off(error)

    def _ended(self, *, clean: bool) -> None:
        if self.phase == OPENING:
            self.phase = CLOSED
            self._wake_opening()
        elif self.phase == BODY and self._remaining < 0 and self._unchunker is None and clean:
            self._keep = False
            if self._response is not None:
                self._finish(self._response, b"")
        elif self.phase in (HEAD, BODY):
            self.break_off(self._broken("closed before the whole answer"))
        elif self.phase == IDLE:
            self.abort()

    def _broken(self, text: str) -> TransportError:
        if self.phase == OPENING:
            return ConnectFailed(f"{self._name}: {text}")
        started = self.phase == BODY or bool(self._partial)
        return ConnectionBroken(f"{self._name}: {text}", sent=True, reused=self.exchanges > 1, response_started=started)

    # Backpressure, asked for by the response.

    def hold_reading(self) -> None:
        """Leave the socket unread; the idle bound goes on counting, because nobody may ever ask for the body."""
        if self._reading and self._wire is not None and not self._wire.is_closing():
            self._reading = False
            self._wire.pause_reading()

    def pause_reading(self) -> None:
        """Leave the socket unread for a slow reader, who has bounds of his own."""
        self.hold_reading()
        self.deadline = inf

    def resume_reading(self) -> None:
        """Read on, and count again."""
        if not self._reading and self._wire is not None and not self._wire.is_closing():
            self._reading = True
            self.deadline = self._loop.time() + self._timeouts.idle_s
            self._wire.resume_reading()
