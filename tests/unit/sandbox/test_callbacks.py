import asyncio

import pytest

from modelgate.sandbox.callbacks import CallbackFailed, post_callback


async def _receive(answer: bytes) -> tuple[asyncio.Server, list[bytes], str]:
    received: list[bytes] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        received.append(head + await reader.readexactly(length))
        writer.write(answer)
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    return server, received, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


@pytest.mark.anyio
async def test_json_is_posted() -> None:
    server, received, origin = await _receive(b"HTTP/1.1 204 No Content\r\n\r\n")
    async with server:
        assert await post_callback(f"{origin}/hook?of=1", b'{"a":1}', headers={"x-sign": "s"}) == 204
    head, _, body = received[0].partition(b"\r\n\r\n")
    assert head.split(b"\r\n")[0] == b"POST /hook?of=1 HTTP/1.1"
    assert {b"content-type: application/json", b"x-sign: s", b"host: " + origin[7:].encode()} <= set(head.split(b"\r\n"))
    assert body == b'{"a":1}'


@pytest.mark.anyio
@pytest.mark.parametrize("answer", [b"", b"nonsense\r\n", b"HTTP/1.1 abc\r\n", b"x" * 5_000])
async def test_a_receiver_that_speaks_no_http(answer: bytes) -> None:
    server, _, origin = await _receive(answer)
    async with server:
        with pytest.raises(CallbackFailed):
            await post_callback(origin, b"{}", headers={})


@pytest.mark.anyio
@pytest.mark.parametrize("url", ["ftp://127.0.0.1/", "http://", "http://127.0.0.1:1/", "http://127.0.0.1:x/", "nothing"])
async def test_an_address_that_leads_nowhere(url: str) -> None:
    with pytest.raises(CallbackFailed):
        await post_callback(url, b"{}", headers={})
