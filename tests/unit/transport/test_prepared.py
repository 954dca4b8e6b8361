"""Requests on a head made once say exactly what requests made whole say."""

import asyncio

import pytest

from modelgate.core.http import HeaderBlock
from modelgate.transport.client import Transport
from modelgate.transport.framing import encode_prepared_head, encode_request_head
from modelgate.transport.target import target_of

pytestmark = pytest.mark.anyio

HEADERS = HeaderBlock.of(("authorization", "Bearer sk-x"), ("content-type", "application/json"))


async def test_a_prepared_head_and_its_lines_go_out_as_one_request() -> None:
    seen: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(2):
            seen.append(await reader.readuntil(b"\r\n\r\n") + await reader.readexactly(5))
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    target = target_of(f"http://127.0.0.1:{port}")
    transport = Transport()
    head = transport.prepare(target, method="POST", path="/v1/x", headers=HEADERS)
    for number in (1, 2):
        response = await transport.send_prepared(target, head, lines=b"x-request-id: %d\r\n" % number, body=b"hello")
        assert await response.read(10) == b"ok"
    await transport.close()
    server.close()
    for number, request in enumerate(seen, start=1):
        assert request == (
            f"POST /v1/x HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n".encode()
            + HEADERS.raw
            + f"x-request-id: {number}\r\nContent-Length: 5\r\n\r\nhello".encode()
        )


async def test_what_would_break_the_framing_is_refused_when_preparing() -> None:
    transport = Transport()
    target = target_of("http://127.0.0.1:9")
    with pytest.raises(ValueError, match="request line"):
        transport.prepare(target, method="POST", path="/a b")
    with pytest.raises(ValueError, match="belongs to the transport"):
        transport.prepare(target, method="POST", path="/", headers=HeaderBlock.of(("content-length", "3")))
    await transport.close()


def test_the_prepared_part_is_the_whole_head_without_its_length() -> None:
    whole = encode_request_head("POST", "/p", host="h", headers=HEADERS, length=0, prefix="http://h")
    prepared = encode_prepared_head("POST", "/p", host="h", headers=HEADERS, prefix="http://h")
    assert prepared + b"\r\n" == whole.replace(b"Content-Length: 0\r\n", b"")
