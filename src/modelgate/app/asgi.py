"""Between ASGI (Starlette on uvicorn) and `HttpRequest`/`HttpResponse`, bodies streamed with backpressure.

The desk listens on a private Unix socket, and only the relay speaks to it: the client's address and the request id are believed.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

from starlette.types import Receive, Scope, Send

from modelgate.core.clock import Clock, system_clock
from modelgate.core.errors import BodyTooLarge, ModelgateError
from modelgate.core.http import HOP_BY_HOP, BodySource, HeaderBlock, HttpRequest, HttpResponse
from modelgate.core.ids import RequestIds

CLIENT_HEADER = b"x-modelgate-client"
REQUEST_ID_HEADER = b"x-modelgate-request-id"
HOST_HEADER = b"x-modelgate-host"
INTERNAL_HEADERS = frozenset((CLIENT_HEADER, REQUEST_ID_HEADER, HOST_HEADER))
HIGH_WATER_BYTES = 1024 * 1024
LOW_WATER_BYTES = 256 * 1024

Handler = Callable[[HttpRequest], Awaitable[HttpResponse]]
RenderError = Callable[[ModelgateError, HttpRequest], HttpResponse]
LogFault = Callable[[Exception, HttpRequest], None]


class HandlerApp:
    """An ASGI application around one handler; errors are rendered in the dialect of the path."""

    def __init__(
        self, handle: Handler, *, render_error: RenderError, log_fault: LogFault, max_body_bytes: int, clock: Clock = system_clock
    ) -> None:
        self._handle = handle
        self._render_error = render_error
        self._log_fault = log_fault
        self._max_body_bytes = max_body_bytes
        self._clock = clock
        self._new_request_id = RequestIds().new

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request. A client that leaves while its body still comes is not answered."""
        request = self._request_of(scope)
        try:
            body = await self._read_body(receive)
            if body is None:
                return
            request.body = body
            response = await self._handle(request)
        except ModelgateError as error:
            response = self._render_error(error, request)
        except Exception as error:  # noqa: BLE001  # the request edge: the fault is logged and the caller told the request id
            self._log_fault(error, request)
            response = self._render_error(ModelgateError(), request)
        await _send_response(response, request, receive=receive, send=send)

    def _request_of(self, scope: Scope) -> HttpRequest:
        headers = HeaderBlock(b"".join(name + b": " + value + b"\r\n" for name, value in scope["headers"] if name not in HOP_BY_HOP))
        request_id = headers.get(REQUEST_ID_HEADER)
        client = headers.get(CLIENT_HEADER)
        host = headers.get(HOST_HEADER)
        if host is not None:  # what the client sent; the relay's own names only this socket
            headers = headers.without(frozenset((b"host",))).with_line(b"host", host)
        started = self._clock()
        return HttpRequest(
            method=scope["method"],
            path=(scope.get("raw_path") or scope["path"].encode()).decode("latin-1"),
            query=scope["query_string"].decode("latin-1"),
            headers=headers.without(INTERNAL_HEADERS),
            client=client.decode("latin-1") if client else "",
            id=request_id.decode("latin-1") if request_id else self._new_request_id(started),
            started=started,
        )

    async def _read_body(self, receive: Receive) -> bytes | bytearray | None:
        message = await receive()
        if message["type"] == "http.request" and not message.get("more_body"):
            body = message.get("body", b"")
            if len(body) > self._max_body_bytes:
                raise BodyTooLarge
            return bytes(body)
        gathered = bytearray()
        while message["type"] == "http.request":
            gathered += message.get("body", b"")
            if len(gathered) > self._max_body_bytes:
                raise BodyTooLarge
            if not message.get("more_body"):
                return gathered
            message = await receive()
        return None


async def _send_response(response: HttpResponse, request: HttpRequest, *, receive: Receive, send: Send) -> None:
    headers = [(name.lower(), value) for name, value in response.headers.items()]
    headers.append((b"x-request-id", request.id.encode("latin-1")))
    body = response.body
    length = len(body) if isinstance(body, bytes | bytearray) else response.content_length
    if length is not None and response.status not in (204, 304):
        headers.append((b"content-length", str(length).encode()))
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    if isinstance(body, bytes | bytearray):
        await send({"type": "http.response.body", "body": bytes(body) if request.method != "HEAD" else b""})
    elif request.method == "HEAD":
        body.abort()
        await send({"type": "http.response.body", "body": b""})
    else:
        await _stream(body, receive=receive, send=send)


async def _stream(source: BodySource, *, receive: Receive, send: Send) -> None:
    """Pass a streamed body on; a client that leaves aborts the source, a source that fails cuts the answer."""
    sink = QueueSink(source)
    leaving = asyncio.ensure_future(_wait_for_disconnect(receive))
    leaving.add_done_callback(lambda _: sink.leave())
    try:
        source.start(sink)
        while (data := await sink.next()) is not None:
            await send({"type": "http.response.body", "body": data, "more_body": True})
        if not sink.left:
            await send({"type": "http.response.body", "body": b""})
    except BaseException:
        source.abort()
        raise
    finally:
        leaving.cancel()


async def _wait_for_disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


class BodyCut(Exception):
    """The source of a streamed body failed midway; the connection is closed so that the cut shows."""


class QueueSink:
    """A bounded queue between a source that pushes and a sender that waits."""

    def __init__(self, source: BodySource) -> None:
        self._source = source
        self._chunks: deque[bytes] = deque()
        self._held_bytes = 0
        self._paused = False
        self._over = False
        self._failure: Exception | None = None
        self._wake = asyncio.Event()
        self.left = False

    def write(self, data: bytes) -> None:
        """Take a chunk; over the high water mark the source is asked to pause."""
        self._chunks.append(data)
        self._held_bytes += len(data)
        if self._held_bytes > HIGH_WATER_BYTES and not self._paused:
            self._paused = True
            self._source.pause()
        self._wake.set()

    def end(self) -> None:
        self._over = True
        self._wake.set()

    def fail(self, error: Exception) -> None:
        self._failure = error
        self._over = True
        self._wake.set()

    def leave(self) -> None:
        """The client is gone: stop the source and forget what is held."""
        if not self._over:
            self._source.abort()
        self.left = self._over = True
        self._chunks.clear()
        self._wake.set()

    async def next(self) -> bytes | None:
        """Return the next chunk, None at the end. Raises BodyCut when the source failed."""
        while not self._chunks:
            if self._failure is not None and not self.left:
                raise BodyCut from self._failure
            if self._over:
                return None
            self._wake.clear()
            await self._wake.wait()
        data = self._chunks.popleft()
        self._held_bytes -= len(data)
        if self._paused and self._held_bytes < LOW_WATER_BYTES:
            self._paused = False
            self._source.resume()
        return data
