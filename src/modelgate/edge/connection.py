"""The life of one client's socket: read a head and a body, let the handler answer, write, again.

    AWAITING_HEAD ──> READING_BODY ──> ANSWERING ──> AWAITING_HEAD …
          └──────────────┴── refuse ──> LINGERING ──> gone
                                ANSWERING ── close ──> CLOSING ──> gone

A request that cannot be understood is refused and the connection ends: what follows on it cannot be trusted. While
LINGERING, what still arrives is read and dropped, since closing a socket with unread data destroys the answer on its way.
"""

import asyncio
import socket
import struct
from typing import Final, cast

from modelgate.core.errors import BodyTooLarge, HeadTooLarge, InvalidRequest, ModelgateError, Overloaded, RequestTimedOut
from modelgate.core.http import Begun, BodySource, Handle, HeaderBlock, HttpRequest, HttpResponse
from modelgate.edge import framing
from modelgate.edge.answer import SLICE_BYTES, SlicedBody, StreamAnswer, count_unread
from modelgate.edge.body import DIRECT_BODY_BYTES, Collector, DirectBody, SizedBody
from modelgate.edge.chunked import ChunkedBody
from modelgate.edge.cors import render_options
from modelgate.edge.forwarded import client_behind, is_trusted, parse_address
from modelgate.edge.head import CHUNKED, NO_HEAD, Head, around_length, find_flaw, guess_path, parse_head, skip_empty_lines, take_resized
from modelgate.edge.service import Service

AWAITING_HEAD: Final = 0
READING_BODY: Final = 1
ANSWERING: Final = 2
LINGERING: Final = 3
CLOSING: Final = 4
GONE: Final = 5

NEVER: Final = float("inf")
RESET_ON_CLOSE: Final = struct.pack("ii", 1, 0)
"""SO_LINGER: drop what is unsent and reset the connection."""
OVERLOAD_RETRY_S: Final = 1.0
CR: Final = 13
NO_BODY: Final = SizedBody(0)
"""Between requests; nothing is ever fed to it."""
HEAD_END: Final = b"\r\n\r\n"
NOT_HTTP: Final = "This is not an HTTP/1.1 request."


class Connection(asyncio.Protocol):
    """One client. All calls come from the event loop or from the one task that answers the current request."""

    __slots__ = (
        "_ahead",
        "_around_length",
        "_begun",
        "_client",
        "_collector",
        "_direct",
        "_dropped_bytes",
        "_head",
        "_held_bytes",
        "_known_head",
        "_peer_ended",
        "_phase",
        "_reading_paused",
        "_request_id",
        "_service",
        "_started",
        "_stream",
        "_task",
        "_tls",
        "_transport",
        "_unread_bytes",
        "_via_proxy",
        "_write_paused",
        "deadline",
    )

    def __init__(self, service: Service, *, tls: bool) -> None:
        self._service = service
        self._tls = tls
        self._phase = AWAITING_HEAD
        self._ahead = bytearray()  # bytes that are not yet looked at as a request
        self._head = NO_HEAD
        self._around_length: tuple[bytes, bytes] | None = None
        self._known_head = b""  # its bytes: a kept connection often sends the very same head again (polls, probes, batches)
        self._collector: Collector = NO_BODY
        self._direct = False
        self._begun = 0.0
        self._started = 0.0
        self._held_bytes = 0
        self._dropped_bytes = 0
        self._unread_bytes = 0
        self._request_id = ""
        self._task: Begun | None = None
        self._stream: StreamAnswer | None = None
        self._peer_ended = False
        self._reading_paused = False
        self._write_paused = False
        self._client = ""
        self._via_proxy = False
        self.deadline = NEVER

    # Called by the transport.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client connected."""
        service = self._service
        limits = service.limits
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(high=limits.high_water_bytes, low=limits.low_water_bytes)
        peer = transport.get_extra_info("peername")
        if isinstance(peer, tuple):
            address = parse_address(peer[0])
            self._client = str(address) if address else ""
            self._via_proxy = is_trusted(address, service.trusted_proxies)
        self.deadline = service.loop.time() + limits.head_timeout_s
        service.connections.add(self)
        if len(service.connections) > limits.max_connections:
            self._refuse(Overloaded("Too many connections.", retry_after_s=OVERLOAD_RETRY_S))

    def data_received(self, data: bytes) -> None:
        """Bytes from the client."""
        phase = self._phase
        if phase == AWAITING_HEAD:
            if self._ahead or self._write_paused:
                self._keep_for_later(data)
                self._advance(len(self._ahead) - len(data))
            else:
                self._take_request(data)
        elif phase == READING_BODY:
            self._take_body(data)
        elif phase == ANSWERING:
            self._keep_for_later(data)
        elif phase == LINGERING:
            self._dropped_bytes += len(data)
            if self._dropped_bytes > self._service.limits.linger_bytes:
                self._transport.abort()

    def eof_received(self) -> bool:
        """The client sends no more; it may still read, so what runs is answered."""
        self._peer_ended = True
        if self._phase == AWAITING_HEAD:
            if self._ahead and not self._write_paused:
                self._refuse(InvalidRequest("The connection ended within the head."), self._ahead)
            elif not self._ahead:
                self._close()
        elif self._phase == READING_BODY:
            self._refuse(InvalidRequest("The connection ended within the body."), self._known_head)
        elif self._phase == LINGERING:
            self._close()
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        """The client is gone. What it asked for goes on without it: the bill must be known."""
        self._phase = GONE
        self.deadline = NEVER
        self._ahead = bytearray()
        if self._task is None:
            self._let_go()
            self._service.forget(self)
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.abandon()

    def pause_writing(self) -> None:
        """The client reads more slowly than we write. An answer's head is out by then, and its own deadline over."""
        self._write_paused = True
        self._unread_bytes = count_unread(self._transport)
        stalled_at = self._service.loop.time() + self._service.limits.write_stall_timeout_s
        self.deadline = stalled_at if self._phase == ANSWERING else min(self.deadline, stalled_at)
        if self._stream is not None:
            self._stream.pause()

    def resume_writing(self) -> None:
        """The client has caught up."""
        self._write_paused = False
        if self._phase == ANSWERING:
            self.deadline = NEVER
            if self._stream is not None:
                self._stream.resume()
        elif self._phase == AWAITING_HEAD:
            self._await_next()

    # Called by the server.

    def expire(self, now: float) -> None:
        """The deadline has passed: end what did not get on."""
        if (self._write_paused or self._phase == CLOSING) and self._read_some(now):
            return
        if self._phase == ANSWERING and not self._write_paused:
            self.deadline = NEVER
            if self._stream is not None:
                self._stream.flush_head()
        elif self._phase == READING_BODY or (self._phase == AWAITING_HEAD and self._ahead and not self._write_paused):
            self._refuse(RequestTimedOut(), self._ahead or self._known_head)
        elif self._phase == AWAITING_HEAD and not self._write_paused:
            self._close()
        else:
            self._transport.abort()

    def wind_down(self) -> None:
        """Close when idle; otherwise the current answer is the last."""
        if self._phase == AWAITING_HEAD and not self._ahead:
            self._close()

    def cut(self) -> None:
        """Drop the client and cancel what still runs for it."""
        self._transport.abort()
        if self._task is not None and not self._task.cancel():
            self._task = None
            if self._phase == GONE:
                self._let_go()
                self._service.forget(self)

    # Reading.

    def _keep_for_later(self, data: bytes) -> None:
        """Read ahead a bounded amount; beyond it the client waits."""
        self._ahead += data
        waiting = self._phase == ANSWERING or self._write_paused
        if waiting and len(self._ahead) > self._service.limits.max_read_ahead_bytes and not self._reading_paused:
            self._reading_paused = True
            self._transport.pause_reading()

    def _advance(self, searched: int = 0) -> None:
        """Look at what was kept, unless the client does not read what it asked for before."""
        if self._write_paused:
            return
        ahead = self._ahead
        if ahead[0] == CR and len(ahead) > 1:
            ahead[:] = skip_empty_lines(ahead)
            searched = 0
        if ahead.find(HEAD_END, max(searched - 3, 0)) < 0:
            self._await_rest_of_head(searched)
            return
        data = bytes(ahead)
        ahead.clear()
        self._take_request(data)

    def _take_request(self, data: bytes) -> None:
        """Read a head, and its body as far as it is there. The usual case is all of one request, exactly."""
        service = self._service
        limits = service.limits
        known = self._known_head
        if not known or not (data.startswith(known) or self._take_resized(data)):
            if data[0] == CR:
                data = skip_empty_lines(data)
            try:
                parsed = parse_head(data, limits.max_headers)
                if parsed is None:
                    self._take_partial(data)
                    return
                if parsed.size > limits.max_head_bytes:
                    raise HeadTooLarge
            except ModelgateError as error:
                self._refuse(error, data)
                return
            self._head = parsed
            self._known_head = data[: parsed.size]
            self._around_length = None
        head = self._head
        length, body = head.length, data[head.size :]
        if length != len(body) or length > limits.max_body_bytes or service.buffered_bytes + length > service.max_buffered_bytes:
            self._begin_body(head, body)
        else:
            service.buffered_bytes += length
            self._held_bytes += length
            self._dispatch(body)

    def _take_resized(self, data: bytes) -> bool:
        """Take a head that is the last one but for the length of the body."""
        around = self._around_length
        if around is None:
            around = self._around_length = around_length(self._known_head)
        if not take_resized(self._head, data, around):
            return False
        self._known_head = data[: self._head.size]
        return self._head.size <= self._service.limits.max_head_bytes

    def _take_partial(self, data: bytes) -> None:
        """Keep the beginning of a head, or refuse what is whole but no head."""
        if HEAD_END in data:
            raise InvalidRequest(NOT_HTTP)
        if data:
            self._ahead += data
            self._started = self._service.clock()
            self.deadline = self._service.loop.time() + self._service.limits.head_timeout_s
            self._await_rest_of_head(0)

    def _await_rest_of_head(self, searched: int) -> None:
        ahead = self._ahead
        if len(ahead) > self._service.limits.max_head_bytes:
            self._refuse(HeadTooLarge(), ahead)
        elif find_flaw(ahead, searched) and bytes(ahead) != b"\r":
            self._refuse(InvalidRequest(NOT_HTTP), ahead)
        elif self._peer_ended and ahead:
            self._refuse(InvalidRequest("The connection ended within the head."), ahead)
        elif self._peer_ended:
            self._close()

    def _begin_body(self, head: Head, rest: bytes) -> None:
        service = self._service
        limits = service.limits
        if head.length > limits.max_body_bytes:
            self._refuse(BodyTooLarge(), self._known_head)
            return
        if head.length != CHUNKED and service.buffered_bytes + head.length > service.max_buffered_bytes:
            self._refuse(Overloaded(retry_after_s=OVERLOAD_RETRY_S), self._known_head)
            return
        self._phase = READING_BODY
        if head.expects_continue and not rest:
            self._transport.write(framing.CONTINUE)
        self._begun = service.loop.time()
        self.body_advanced(len(rest))
        if head.length - len(rest) >= DIRECT_BODY_BYTES and not self._tls:
            self._begin_direct(head, rest)
            return
        self._collector = ChunkedBody(limits.max_body_bytes) if head.length == CHUNKED else SizedBody(head.length)
        if rest:
            self._take_body(rest)

    def _begin_direct(self, head: Head, rest: bytes) -> None:
        body = DirectBody(self, beginning=rest, length=head.length)
        if self.body_grows(len(rest)) and body.ask_room():
            self._direct = True
            self._switch_protocol(body)

    def _take_body(self, data: bytes) -> None:
        collector = self._collector
        before = len(collector.body)
        try:
            rest = collector.feed(data)
        except ModelgateError as error:
            self._refuse(error, self._known_head)
            return
        if not self.body_grows(len(collector.body) - before):
            return
        if collector.done:
            self._ahead += rest
            self._collector = NO_BODY
            self._dispatch(collector.body)
        else:
            self.body_advanced(len(collector.body))

    def body_advanced(self, received_bytes: int) -> None:
        """Move the deadline: not too long a silence, and a least rate on the whole."""
        limits = self._service.limits
        by_rate = self._begun + received_bytes / limits.min_body_rate
        self.deadline = min(self._service.loop.time(), by_rate) + limits.body_timeout_s

    def body_complete(self, body: bytearray) -> None:
        """A directly read body is there."""
        self._direct = False
        self._switch_protocol(self)
        self._dispatch(body)

    def _switch_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Hand the socket's bytes to another reader; the pause is what makes uvloop look at the new protocol's kind."""
        if self._peer_ended:
            self._transport.set_protocol(protocol)
            return
        self._transport.pause_reading()
        self._transport.set_protocol(protocol)
        self._transport.resume_reading()

    def body_grows(self, more_bytes: int) -> bool:
        """Count body bytes against what all connections may hold together; refuse the request when it is too much."""
        service = self._service
        if service.buffered_bytes + more_bytes > service.max_buffered_bytes:
            self._refuse(Overloaded(retry_after_s=OVERLOAD_RETRY_S), self._known_head)
            return False
        service.buffered_bytes += more_bytes
        self._held_bytes += more_bytes
        return True

    def _let_go(self) -> None:
        self._service.buffered_bytes -= self._held_bytes
        self._held_bytes = 0

    # Answering.

    def _dispatch(self, body: bytes | bytearray) -> None:
        service = self._service
        head = self._head
        self._phase = ANSWERING
        self.deadline = NEVER
        started = self._started
        if started:
            self._started = 0.0
        else:
            clock = service.clock
            started = clock()
        new_id = service.new_request_id
        self._request_id = request_id = new_id(started)
        client = client_behind(self._client, head.headers, service.trusted_proxies) if self._via_proxy else self._client
        # In the order of the fields: by name it takes three times as long.
        request = HttpRequest(head.method, head.path, head.headers, head.query, body, client, request_id, started)
        if head.usual:
            begin = service.begin
            self._task = begun = begin(request, self)
            if begun is not None:
                return
        elif head.method == "OPTIONS" and (service.cors or head.path == "*"):
            service.loop.call_soon(self._respond, render_options(head.headers))  # not at once: a thousand of them would nest
            return
        self._task = asyncio.Task(self._answer(request, service.handle), loop=service.loop)

    def answer(self, lines: bytes, body: bytes | bytearray) -> None:
        """See `core.http.Reply`."""
        self._task = None
        if self._phase != ANSWERING or self._service.draining or len(body) >= framing.JOIN_BYTES:
            self._respond(HttpResponse(status=200, headers=HeaderBlock(lines), body=body))
            return
        self._transport.write(framing.render_usual(framing.USUAL_LINES[200], lines, self._request_id, body))
        self.answer_ended()

    def await_answer(self, request: HttpRequest, handle: Handle) -> None:
        """See `core.http.Reply`."""
        self._task = asyncio.Task(self._answer(request, handle), loop=self._service.loop)

    async def _answer(self, request: HttpRequest, handle: Handle) -> None:
        """Ask the handler and send what it says. It is not cancelled when the client leaves."""
        service = self._service
        try:
            try:
                response = await handle(request)
            except ModelgateError as error:
                response = service.render(error, request.path, request.id)
            except Exception as fault:  # noqa: BLE001  # the request's edge
                service.log_fault(fault, request.path, request.id)
                response = service.render(ModelgateError(), request.path, request.id)
            self._task = None
            self._respond(response)
        except BaseException as fault:
            self._task = None
            self._drop_after(fault, request)
            if not isinstance(fault, Exception):
                raise

    def _drop_after(self, fault: BaseException, request: HttpRequest) -> None:
        """The answer could not even be sent, or the task was cancelled: the client gets a cut, never a hang."""
        if not isinstance(fault, asyncio.CancelledError):
            self._service.log_fault(fault, request.path, request.id)
        self._stream = None
        if self._phase == GONE:
            self._let_go()
            self._service.forget(self)
        else:
            self._transport.abort()

    def _respond(self, response: HttpResponse) -> None:
        body = response.body
        if type(body) is bytes and self._head.usual and len(body) < framing.JOIN_BYTES and self._phase == ANSWERING:
            status_line = framing.USUAL_LINES.get(response.status)
            if status_line is not None and not self._service.draining:
                self._transport.write(framing.render_usual(status_line, response.headers.raw, self._request_id, body))
                self.answer_ended()
                return
        if self._phase == GONE:
            if not isinstance(body, (bytes, bytearray)):
                body.abort()
            self._let_go()
            self._service.forget(self)
            return
        head = self._head
        if self._service.draining:
            head.keep_alive = False
        lines = framing.own_lines(head, response, cors=self._service.cors)
        if head.method == "HEAD" or framing.has_no_body(response.status):
            self._send_head_only(response, lines)
        elif not isinstance(body, (bytes, bytearray)):
            self._send_stream(response, body, lines)
        elif self._tls and len(body) > SLICE_BYTES:
            response.content_length = len(body)
            self._send_stream(response, SlicedBody(body, self._service.loop), lines)
        else:
            self._send_whole(response, body, lines)

    def _send_whole(self, response: HttpResponse, body: bytes | bytearray, lines: bytes) -> None:
        rendered = framing.render_head(response, self._request_id, lines=lines, length=len(body))
        if len(body) < framing.JOIN_BYTES:
            self._transport.write(rendered + body)
        else:
            self._transport.writelines((rendered, body))
        self.answer_ended()

    def _send_head_only(self, response: HttpResponse, lines: bytes) -> None:
        body = response.body
        if isinstance(body, (bytes, bytearray)):
            length = len(body)
        else:
            body.abort()
            length = framing.choose_length(response, modern=self._head.modern)
        self._transport.write(framing.render_head(response, self._request_id, lines=lines, length=length))
        self.answer_ended()

    def _send_stream(self, response: HttpResponse, source: BodySource, lines: bytes) -> None:
        length = framing.choose_length(response, modern=self._head.modern)
        rendered = framing.render_head(response, self._request_id, lines=lines, length=length)
        self._stream = stream = StreamAnswer(self, self._transport, source=source, head=rendered, length=length, turn=self._service.turn)
        self.deadline = min(self.deadline, self._service.loop.time() + self._service.limits.head_delay_s)
        source.start(stream)
        if self._write_paused and self._stream is stream:
            stream.pause()

    def answer_ended(self) -> None:
        """The answer is written: wait for the next request, or close."""
        service = self._service
        self._stream = None
        service.buffered_bytes -= self._held_bytes
        self._held_bytes = 0
        if not self._head.keep_alive or service.draining:
            self._close()
            return
        self._phase = AWAITING_HEAD
        if self._ahead or self._write_paused or self._peer_ended or self._reading_paused:
            self._await_next()
        else:
            self.deadline = service.loop.time() + service.limits.idle_timeout_s

    def answer_failed(self, error: Exception, *, head_sent: bool, detectable: bool) -> None:
        """A stream broke: say so when nothing was said yet, otherwise end the connection so that the client notices."""
        self._stream = None
        head = self._head
        if not head_sent:
            if not isinstance(error, ModelgateError):
                self._service.log_fault(error, head.path, self._request_id)
                error = ModelgateError()
            response = self._service.render(error, head.path, self._request_id)
            if isinstance(response.body, (bytes, bytearray)):
                self._send_whole(response, response.body, framing.own_lines(head, response, cors=self._service.cors))
                return
        self._let_go()
        if detectable:
            self._close()
            return
        sock = self._transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        self._transport.abort()

    def _await_next(self) -> None:
        if self._write_paused:
            return
        limits = self._service.limits
        self.deadline = self._service.loop.time() + (limits.head_timeout_s if self._ahead else limits.idle_timeout_s)
        if self._ahead:
            self._advance()
        elif self._peer_ended:
            self._close()
        if self._reading_paused and self._phase == AWAITING_HEAD:
            self._reading_paused = False
            self._transport.resume_reading()

    # Ending.

    def _refuse(self, error: ModelgateError, data: bytes | bytearray = b"") -> None:
        """Answer with an error and end the connection. `data`: what the request at fault begins with."""
        if self._direct:
            self._direct = False
            self._switch_protocol(self)
        self._let_go()
        request_id = self._service.new_request_id(self._service.clock())
        response = self._service.render(error, guess_path(data), request_id)
        body = response.body if isinstance(response.body, (bytes, bytearray)) else b""
        rendered = framing.render_head(response, request_id, lines=framing.refusal_lines(cors=self._service.cors), length=len(body))
        self._transport.write(rendered if data.startswith(b"HEAD ") else rendered + body)
        self._linger()

    def _linger(self) -> None:
        """End our direction, and read and drop what is still under way, for a bounded while."""
        self._phase = LINGERING
        self._ahead = bytearray()
        self._collector = NO_BODY
        if self._peer_ended:
            self._close()
            return
        self.deadline = self._service.loop.time() + self._service.limits.linger_timeout_s
        if self._reading_paused:
            self._reading_paused = False
            self._transport.resume_reading()
        self._transport.write_eof()

    def _close(self) -> None:
        """Close once everything is written; a client that does not read it is cut off in the end."""
        if self._ahead and not self._peer_ended:
            self._linger()
            return
        self._phase = CLOSING
        self.deadline = self._service.loop.time() + self._service.limits.write_stall_timeout_s
        self._unread_bytes = count_unread(self._transport)
        self._transport.close()

    def _read_some(self, now: float) -> bool:
        """Tell whether the client has read something since last looked, and look again later."""
        before, self._unread_bytes = self._unread_bytes, count_unread(self._transport)
        progress = self._unread_bytes < before
        if progress:
            self.deadline = now + self._service.limits.write_stall_timeout_s
        return progress
