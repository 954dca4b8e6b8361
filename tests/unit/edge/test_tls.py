"""TLS to clients, over plain transports."""

import ssl
from typing import Any

import pytest
import trustme

from modelgate.edge.limits import EdgeLimits

pytestmark = pytest.mark.anyio

_AUTHORITY = trustme.CA()


def server_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    _AUTHORITY.issue_cert("localhost").configure_cert(context)
    return context


@pytest.fixture
def trusting() -> ssl.SSLContext:
    context = ssl.create_default_context()
    _AUTHORITY.configure_trust(context)
    return context


@pytest.fixture
def limits() -> EdgeLimits:
    return EdgeLimits(head_timeout_s=0.3, linger_timeout_s=0.2, sweep_interval_s=0.02)


over_tls = pytest.mark.parametrize("toy", [{"tls": server_context()}], indirect=True)


@over_tls
async def test_requests_and_large_bodies(toy: Any, connect: Any, trusting: ssl.SSLContext) -> None:
    client = await connect(trusting)
    await client.send(b"GET /e HTTP/1.1\r\nHost: h\r\n\r\n")
    assert (await client.answer())[2] == b"GET /e 0"
    body = bytes(range(250)) * 4000
    await client.send(b"POST /e HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\n\r\n" + body)
    assert (await client.answer())[2] == b"POST /e 1000000"
    assert bytes(toy.requests[1].body) == body


@over_tls
async def test_large_answers_are_sliced_and_whole(toy: Any, connect: Any, trusting: ssl.SSLContext) -> None:
    client = await connect(trusting)
    await client.send(b"GET /large?20000 HTTP/1.1\r\nHost: h\r\n\r\nGET /e HTTP/1.1\r\nHost: h\r\n\r\n")
    _, headers, body = await client.answer()
    assert headers["content-length"] == str(256 * 20_000)
    assert body == bytes(range(256)) * 20_000
    assert (await client.answer())[2] == b"GET /e 0"


@over_tls
async def test_slow_reader_pauses_the_source(toy: Any, connect: Any, trusting: ssl.SSLContext, flood_type: Any, until: Any) -> None:
    toy.source = flood_type(100_000_000)
    client = await connect(trusting, receive_buffer=16_384)
    await client.send(b"GET /stream HTTP/1.1\r\nHost: h\r\n\r\n")
    await until(lambda: "pause" in toy.source.calls)
    assert toy.source.taken < 20_000_000


@over_tls
async def test_refusal_is_readable_and_ends_cleanly(toy: Any, connect: Any, trusting: ssl.SSLContext) -> None:
    client = await connect(trusting)
    await client.send(b"GET /e HTTP/1.1\r\n\r\n")
    assert (await client.answer())[0] == 400
    assert await client.rest() == b""


@over_tls
async def test_close_is_said(toy: Any, connect: Any, trusting: ssl.SSLContext) -> None:
    client = await connect(trusting)
    await client.send(b"GET /e HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
    assert (await client.answer())[0] == 200
    assert await client.rest() == b""


@over_tls
async def test_plain_bytes_end_the_connection(toy: Any, connect: Any) -> None:
    client = await connect()
    await client.send(b"GET /e HTTP/1.1\r\nHost: h\r\n\r\n")
    assert b"HTTP" not in await client.rest()
    assert toy.requests == []
    assert toy.faults == []


@over_tls
async def test_handshake_that_stalls_is_closed(toy: Any, connect: Any) -> None:
    client = await connect()
    await client.send(bytes.fromhex("1603010200"))
    assert await client.rest() in (b"", b"(reset)")


@over_tls
async def test_client_that_vanishes_ends_the_stream(toy: Any, connect: Any, trusting: ssl.SSLContext, source_type: Any, until: Any) -> None:
    toy.source = source_type()
    client = await connect(trusting)
    await client.send(b"GET /stream HTTP/1.1\r\nHost: h\r\n\r\n")
    await until(lambda: toy.source.sink)
    client.abort()
    await until(lambda: toy.source.sink.write(b"data") or "abort" in toy.source.calls)
