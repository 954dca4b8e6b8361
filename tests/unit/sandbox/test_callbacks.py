import asyncio

import pytest

from modelgate.sandbox.callbacks import MARGIN_S, MAX_TOLD, RETRY_PAUSE_S, CallbackFailed, Teller, post_callback, post_json


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


async def followed(url: object, *, answers: list[int], retries: int = 0) -> tuple[list[float], list[tuple[str, bytes]]]:
    waits: list[float] = []
    told: list[tuple[str, bytes]] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    async def post(url: str, body: bytes) -> int:
        told.append((url, body))
        return answers.pop(0) if answers else 200

    Teller(retries=retries, sleep=sleep, post=post).follow(url, (0.3, -0.1), lambda: b"%d" % len(told))
    for _ in range(50):
        await asyncio.sleep(0)
    return waits, told


@pytest.mark.anyio
async def test_each_change_is_told_in_order() -> None:
    waits, told = await followed("http://caller/hook", answers=[500, 500])
    assert waits == pytest.approx([0.3 + MARGIN_S, MARGIN_S])
    assert told == [("http://caller/hook", b"0"), ("http://caller/hook", b"1")]


@pytest.mark.anyio
async def test_what_is_not_answered_with_200_is_told_again_and_then_given_up() -> None:
    waits, told = await followed("http://caller/hook", answers=[204, 0], retries=3)
    assert (len(told), waits.count(RETRY_PAUSE_S)) == (4, 2)
    _, told = await followed("http://caller/hook", answers=[500] * 10, retries=3)
    assert len(told) == 8


@pytest.mark.anyio
@pytest.mark.parametrize("url", ["", None, 7])
async def test_nobody_is_told_without_an_address(url: object) -> None:
    assert await followed(url, answers=[]) == ([], [])


@pytest.mark.anyio
async def test_so_many_are_told_at_once_and_no_more() -> None:
    told: list[str] = []
    done = asyncio.Event()

    async def post(url: str, _body: bytes) -> int:
        told.append(url)
        await done.wait()
        return 200

    teller = Teller(post=post)
    for _ in range(MAX_TOLD + 1):
        teller.follow("http://caller/hook", (0.0,), lambda: b"")
    async with asyncio.timeout(10):
        while len(told) < MAX_TOLD:  # noqa: ASYNC110  # whoever tells says nothing of it
            await asyncio.sleep(0.01)
    await asyncio.sleep(0.1)
    assert len(told) == MAX_TOLD
    done.set()


@pytest.mark.anyio
async def test_trouble_is_the_receivers() -> None:
    assert await post_json("nowhere", b"{}") == 0
