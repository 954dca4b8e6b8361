"""Deadlines and draining; proxies; too many clients."""

import asyncio
import socket
from ipaddress import ip_network
from typing import Any

import pytest

from modelgate.edge.limits import EdgeLimits
from modelgate.edge.server import EdgeServer

pytestmark = pytest.mark.anyio

QUICK = 0.3
HEAD = b"POST /e HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n"


@pytest.fixture
def limits() -> EdgeLimits:
    return EdgeLimits(max_connections=5)


hurried = pytest.mark.parametrize(
    "limits",
    [
        EdgeLimits(
            head_timeout_s=QUICK,
            body_timeout_s=QUICK,
            min_body_rate=1_000_000,
            idle_timeout_s=QUICK,
            write_stall_timeout_s=QUICK,
            linger_timeout_s=QUICK,
            sweep_interval_s=QUICK / 5,
        )
    ],
    ids=["hurried"],
)
"""For tests of deadlines alone: a busy machine may leave any other alone for longer than these."""


@hurried
@pytest.mark.parametrize(
    "data",
    [b"GET /e HTTP/1.1\r\nHost: h\r\nX: ", HEAD, HEAD + b"x" * 60_000, b"POST /e HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhe"],
)
async def test_half_a_request_is_timed_out(toy: Any, connect: Any, data: bytes) -> None:
    client = await connect()
    await client.send(data)
    status, headers, _ = await client.answer()
    assert (status, headers["connection"]) == (408, "close")
    assert await client.rest() == b""


@hurried
@pytest.mark.parametrize("data", [b"GET /e HTTP/1.1\r\nHost: h\r\nX: ", HEAD])
async def test_bytes_that_drip_do_not_move_the_deadline(toy: Any, connect: Any, data: bytes) -> None:
    client = await connect()
    await client.send(data)
    answered = asyncio.create_task(client.answer())
    while not answered.done():
        await client.send(b"x")
        await asyncio.sleep(QUICK / 20)
    assert answered.result()[0] == 408


@hurried
async def test_silent_client_is_closed(connect: Any) -> None:
    client = await connect()
    assert await client.rest() == b""


@hurried
async def test_idle_client_is_closed_without_a_word(connect: Any) -> None:
    client = await connect()
    await client.send(b"GET /e HTTP/1.1\r\nHost: h\r\n\r\n")
    assert (await client.answer())[0] == 200
    assert await client.rest() == b""


@hurried
async def test_working_handler_has_no_deadline_here(toy: Any, connect: Any) -> None:
    client = await connect()
    await client.send(b"GET /wait HTTP/1.1\r\nHost: h\r\n\r\n")
    await asyncio.sleep(QUICK * 3)
    toy.gate.set()
    assert (await client.answer())[0] == 200


@hurried
@pytest.mark.parametrize("path", [b"/stream", b"/large?200000"])
async def test_client_that_never_reads_is_cut(toy: Any, connect: Any, flood_type: Any, path: bytes, until: Any) -> None:
    toy.source = flood_type(500_000_000)
    client = await connect(receive_buffer=16_384)
    await client.send(b"GET " + path + b" HTTP/1.1\r\nHost: h\r\n\r\n")
    await until(lambda: toy.requests and not toy.server.connection_count)
    if path == b"/stream":
        assert toy.source.calls[-1] == "abort"


@hurried
async def test_refused_client_that_goes_on_sending_is_cut(toy: Any, connect: Any) -> None:
    client = await connect()
    with pytest.raises(ConnectionError):
        async with asyncio.timeout(30):
            await client.send(b"nonsense\r\n\r\n")
            while True:
                await client.send(b"x" * 10_000)
                await asyncio.sleep(0)
    assert toy.requests == []


async def test_too_many_clients_are_told_so(connect: Any) -> None:
    clients = [await connect() for _ in range(6)]
    assert (await clients[-1].answer())[0] == 503
    await clients[0].send(b"GET /e HTTP/1.1\r\nHost: h\r\n\r\n")
    assert (await clients[0].answer())[0] == 200


@pytest.mark.parametrize("toy", [{"trusted_proxies": (ip_network("127.0.0.0/8"),)}], indirect=True)
async def test_client_address_behind_a_trusted_proxy(toy: Any, connect: Any) -> None:
    client = await connect()
    await client.send(b"GET /e HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: 1.1.1.1, 203.0.113.7\r\n\r\n")
    await client.answer()
    assert toy.requests[0].client == "203.0.113.7"


async def test_client_address_is_not_what_a_stranger_claims(toy: Any, connect: Any) -> None:
    client = await connect()
    await client.send(b"GET /e HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: 203.0.113.7\r\n\r\n")
    await client.answer()
    assert toy.requests[0].client == "127.0.0.1"


async def test_drain_lets_running_requests_finish(toy: Any, connect: Any, source_type: Any, until: Any) -> None:
    toy.source = source_type()
    waiting, streaming, idle = await connect(), await connect(), await connect()
    await waiting.send(b"GET /wait HTTP/1.1\r\nHost: h\r\n\r\n")
    await streaming.send(b"GET /stream HTTP/1.1\r\nHost: h\r\n\r\n")
    await idle.send(b"GET /e HTTP/1.1\r\nHost: h\r\n\r\n")
    await idle.answer()
    await until(lambda: len(toy.requests) == 3 and toy.source.sink)
    toy.source.sink.write(b"abc")
    drained = asyncio.create_task(toy.server.drain(30))
    assert await idle.rest() == b""
    toy.gate.set()
    status, headers, _ = await waiting.answer()
    assert (status, headers["connection"]) == (200, "close")
    assert not drained.done()
    toy.source.sink.end()
    assert (await streaming.answer())[2] == b"abc"
    assert await streaming.rest() == b""
    await drained
    with pytest.raises(ConnectionRefusedError), socket.socket() as sock:
        sock.connect(("127.0.0.1", toy.port))


async def test_drain_cuts_what_does_not_finish(toy: Any, connect: Any, source_type: Any, until: Any) -> None:
    toy.source = source_type()
    waiting, streaming = await connect(), await connect()
    await waiting.send(b"GET /wait HTTP/1.1\r\nHost: h\r\n\r\n")
    await streaming.send(b"GET /stream HTTP/1.1\r\nHost: h\r\n\r\n")
    await until(lambda: toy.source.sink)
    await toy.server.drain(QUICK)
    assert toy.server.connection_count == 0
    assert toy.source.calls == ["start", "abort"]
    assert toy.finished == 0
    assert await waiting.rest() in (b"", b"(reset)")


USUAL = b"POST /usual HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\na"


async def test_drain_lets_requests_without_a_coroutine_finish(toy: Any, connect: Any, until: Any) -> None:
    client = await connect()
    await client.send(USUAL)
    await until(lambda: toy.begun)
    drained = asyncio.create_task(toy.server.drain(30))
    await asyncio.sleep(0.01)
    assert not drained.done()
    toy.begun[0].answer()
    status, headers, body = await client.answer()
    assert (status, headers["connection"], body) == (200, "close", b"begun /usual")
    await drained
    assert toy.begun[0].cancelled == 0


@pytest.mark.parametrize("has_left", [False, True])
async def test_drain_cuts_requests_without_a_coroutine_and_forgets_them(toy: Any, connect: Any, until: Any, *, has_left: bool) -> None:
    """Nothing of them is to come that would: such a request is no task, which ends when it is cancelled."""
    client = await connect()
    await client.send(USUAL)
    await until(lambda: toy.begun)
    if has_left:
        client.reset()
        await asyncio.sleep(0.02)
    async with asyncio.timeout(30):
        await toy.server.drain(QUICK)
    assert (toy.server.connection_count, toy.server.buffered_bytes, toy.begun[0].cancelled) == (0, 0, 1)
    if not has_left:
        assert await client.rest() in (b"", b"(reset)")


async def test_drain_cuts_a_request_that_became_a_task(toy: Any, connect: Any, until: Any) -> None:
    client = await connect()
    await client.send(USUAL)
    await until(lambda: toy.begun)
    begun = toy.begun[0]
    begun.request.path = "/wait"
    begun.reply.await_answer(begun.request, toy.handle)
    await until(lambda: toy.requests)
    await toy.server.drain(QUICK)
    assert (toy.server.connection_count, toy.server.buffered_bytes, begun.cancelled, toy.finished) == (0, 0, 0, 0)
    assert await client.rest() in (b"", b"(reset)")


async def test_unix_socket(toy: Any, tmp_path: Any, limits: EdgeLimits) -> None:
    sock = socket.socket(socket.AF_UNIX)
    sock.bind(str(tmp_path / "edge.sock"))
    sock.listen()
    server = EdgeServer(toy.handle, render_error=toy.render_error, log_fault=toy.log_fault, limits=limits, clock=lambda: 0.0)
    await server.start(sock)
    reader, writer = await asyncio.open_unix_connection(str(tmp_path / "edge.sock"))
    writer.write(b"GET /e HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
    async with asyncio.timeout(30):
        assert (await reader.read()).endswith(b"GET /e 0")
    assert toy.requests[0].client == ""
    writer.close()
    await server.drain(1)
