"""A listening edge with a toy handler, and a client that speaks raw bytes."""

import asyncio
import contextlib
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from modelgate.core.errors import ModelgateError, RateExceeded
from modelgate.core.http import BodySink, HeaderBlock, HttpRequest, HttpResponse, Reply
from modelgate.edge.limits import EdgeLimits
from modelgate.edge.server import EdgeServer

PATIENCE_S = 30.0
"""No test waits longer for anything: what hangs fails."""
PLAIN = HeaderBlock.of(("content-type", "text/plain"))


class Source:
    """A body source the test drives by hand."""

    def __init__(self) -> None:
        self.sink: BodySink | None = None
        self.calls: list[str] = []

    def start(self, sink: BodySink) -> None:
        self.sink = sink
        self.calls.append("start")

    def pause(self) -> None:
        self.calls.append("pause")

    def resume(self) -> None:
        self.calls.append("resume")

    def abort(self) -> None:
        self.calls.append("abort")


class Flood(Source):
    """Writes pieces as long as it may, and counts what was taken off it."""

    def __init__(self, total: int, piece: bytes = b"x" * 65536) -> None:
        super().__init__()
        self.left = total
        self.taken = 0
        self.piece = piece
        self.running = False

    def start(self, sink: BodySink) -> None:
        super().start(sink)
        self.running = True
        self._step()

    def pause(self) -> None:
        super().pause()
        self.running = False

    def resume(self) -> None:
        super().resume()
        self.running = True
        asyncio.get_running_loop().call_soon(self._step)

    def abort(self) -> None:
        super().abort()
        self.running = False

    def _step(self) -> None:
        assert self.sink is not None
        if not self.running:
            return
        piece = self.piece[: self.left]
        self.left -= len(piece)
        self.taken += len(piece)
        self.sink.write(piece)
        if self.left:
            asyncio.get_running_loop().call_soon(self._step)
        else:
            self.running = False
            self.sink.end()


class Begun:
    """A request taken without a coroutine, which the test answers by hand."""

    def __init__(self, request: HttpRequest, reply: Reply) -> None:
        self.request = request
        self.reply = reply
        self.cancelled = 0

    def cancel(self) -> bool:
        self.cancelled += 1
        return False

    def answer(self, body: bytes = b"") -> None:
        self.reply.answer(b"content-type: text/plain\r\n", body or f"begun {self.request.path}".encode())


@dataclass
class Toy:
    """The handler, the log of faults, and a running server around them."""

    begun: list[Begun] = field(default_factory=list)
    requests: list[HttpRequest] = field(default_factory=list)
    faults: list[BaseException] = field(default_factory=list)
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    source: Any = None
    finished: int = 0
    port: int = 0
    server: Any = None

    def begin(self, request: HttpRequest, reply: Reply) -> Begun | None:
        if not request.path.startswith("/usual"):
            return None
        self.begun.append(Begun(request, reply))
        return self.begun[-1]

    async def handle(self, request: HttpRequest) -> HttpResponse:
        self.requests.append(request)
        match request.path:
            case "/refused":
                raise RateExceeded("Slow down.", dimension="requests", retry_after_s=3)
            case "/fault":
                raise KeyError("the secret of the fault")
            case "/broken":
                return HttpResponse(status=200, headers=PLAIN, body=3)  # type: ignore[arg-type]  # meant to break the answer
            case "/wait":
                await self.gate.wait()
            case "/stream" | "/sized":
                length = int(request.query) if request.query else None
                return HttpResponse(status=200, headers=PLAIN, body=self.source, content_length=length)
            case "/empty":
                return HttpResponse(status=204, headers=HeaderBlock())
            case "/large":
                return HttpResponse(status=200, headers=PLAIN, body=bytes(range(256)) * int(request.query))
        self.finished += 1
        return HttpResponse(status=200, headers=PLAIN, body=f"{request.method} {request.path} {len(request.body)}".encode())

    def render_error(self, error: ModelgateError, path: str, request_id: str) -> HttpResponse:
        text = f"{error.message} [{path}] [{request_id}]"
        return HttpResponse(status=error.status, headers=PLAIN, body=text.encode())

    def log_fault(self, fault: BaseException, path: str, request_id: str) -> None:
        self.faults.append(fault)


class Client:
    """A socket and the answers read from it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def send_slowly(self, data: bytes) -> None:
        """One byte in each read of the server."""
        for index in range(len(data)):
            if self.writer.is_closing():  # refused, and on a slow machine cut off before all of it was sent
                return
            self.writer.write(data[index : index + 1])
            await asyncio.sleep(0)
            await asyncio.sleep(0)

    async def answer(self, *, bodyless: bool = False) -> tuple[int, dict[str, str], bytes]:
        """Read one answer: status, headers by lower-case name, body without its framing."""
        async with asyncio.timeout(PATIENCE_S):
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            first, *lines = head.split("\r\n")[:-2]
            status = int(first.split(" ")[1])
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
            assert len(headers) == len(lines), "a header came twice"
            if status == 100 or bodyless:
                return status, headers, b""
            return status, headers, await self._body(headers)

    async def _body(self, headers: dict[str, str]) -> bytes:
        if headers.get("transfer-encoding") == "chunked":
            body = b""
            while size := int((await self.reader.readuntil(b"\r\n")).strip(), 16):
                body += (await self.reader.readexactly(size + 2))[:-2]
            assert await self.reader.readexactly(2) == b"\r\n"
            return body
        if "content-length" in headers:
            return await self.reader.readexactly(int(headers["content-length"]))
        return b"" if "connection" not in headers else await self.reader.read()

    async def rest(self) -> bytes:
        """Everything up to the server's close."""
        async with asyncio.timeout(PATIENCE_S):
            try:
                return await self.reader.read()
            except ConnectionResetError:
                return b"(reset)"

    def end(self) -> None:
        """Say that no more comes, and go on reading."""
        self.writer.write_eof()

    def abort(self) -> None:
        self.writer.transport.abort()

    def reset(self) -> None:
        """Leave so that the server hears of it even if it writes nothing: after a mere end a client may still read."""
        sock = self.writer.transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


Serve = Callable[..., Any]


@pytest.fixture
def limits() -> EdgeLimits:
    return EdgeLimits()


@pytest.fixture
async def toy(limits: EdgeLimits, request: pytest.FixtureRequest) -> AsyncIterator[Toy]:
    """A running server; parametrize `toy` indirectly with keyword arguments of EdgeServer to change it."""
    toy = Toy()
    options: dict[str, Any] = getattr(request, "param", {})
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    sock.listen(64)
    toy.port = sock.getsockname()[1]
    toy.server = EdgeServer(
        toy.handle,
        begin=toy.begin,
        render_error=toy.render_error,
        log_fault=toy.log_fault,
        limits=limits,
        clock=lambda: 1000.0,
        **options,
    )
    await toy.server.start(sock)
    yield toy
    toy.gate.set()
    await toy.server.drain(0)
    assert toy.server.connection_count == 0
    assert toy.server.buffered_bytes == 0


@pytest.fixture
async def connect(toy: Toy) -> AsyncIterator[Callable[..., Any]]:
    """Open a client connection; all are closed at the end."""
    clients: list[Client] = []

    async def connect(tls: ssl.SSLContext | None = None, receive_buffer: int = 0) -> Client:
        sock = socket.socket()
        if receive_buffer:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        sock.connect(("127.0.0.1", toy.port))
        sock.setblocking(False)
        name = "localhost" if tls else None
        reader, writer = await asyncio.open_connection(sock=sock, ssl=tls, server_hostname=name, limit=2**16)
        clients.append(Client(reader, writer))
        return clients[-1]

    yield connect
    for client in clients:
        client.abort()
        with contextlib.suppress(Exception):
            await client.writer.wait_closed()


async def wait_until(condition: Callable[[], Any]) -> None:
    """Wait until something has happened; what never happens fails."""
    async with asyncio.timeout(PATIENCE_S):
        while not condition():  # noqa: ASYNC110  # what is waited for is another process's or the kernel's doing
            await asyncio.sleep(0.001)


@pytest.fixture
def until() -> Callable[..., Any]:
    return wait_until


@pytest.fixture
def source_type() -> type[Source]:
    return Source


@pytest.fixture
def flood_type() -> type[Flood]:
    return Flood
