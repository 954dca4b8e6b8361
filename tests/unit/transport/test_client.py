"""The client against raw sockets."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from modelgate.core.http import HeaderBlock
from modelgate.transport.client import DEFAULT_TIMEOUTS, Pool, Transport
from modelgate.transport.connection import Awaited, Connection
from modelgate.transport.errors import BadResponse, BodyTooLong, ConnectFailed, ConnectionBroken, TimedOut, TransportError
from modelgate.transport.framing import NO_HEAD, ResponseHead
from modelgate.transport.response import UpstreamResponse
from modelgate.transport.target import Target, Timeouts, target_of

pytestmark = pytest.mark.anyio

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Tag: a\r\n\r\nhello"
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Server:
    """A server whose every connection runs `serve`; counts them."""

    def __init__(self, serve: Serve, *, tls: ssl.SSLContext | None = None) -> None:
        self.serve = serve
        self.tls = tls
        self.accepted = 0

    async def __aenter__(self) -> "Server":
        self._server = await asyncio.start_server(self._run, "127.0.0.1", 0, ssl=self.tls)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    async def _run(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        try:
            await self.serve(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError, RuntimeError):  # uvloop says RuntimeError for a closed socket
            pass
        finally:
            writer.close()

    @property
    def target(self) -> Target:
        return target_of(f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}")


async def read_request(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    block = HeaderBlock(head.partition(b"\r\n")[2])
    return head + await reader.readexactly(int(block.get(b"content-length") or 0))


def answering(*answers: bytes, step: int = 0, close: bool = False) -> Serve:
    """Serve the answers in turn, one for each request, `step` bytes a write."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for answer in answers:
            await read_request(reader)
            for at in range(0, len(answer), step or len(answer)):
                writer.write(answer[at : at + (step or len(answer))])
                if step:
                    await asyncio.sleep(0)
        if not close:
            await reader.read()

    return serve


@pytest.fixture
async def transport() -> AsyncIterator[Transport]:
    client = Transport()
    yield client
    await client.close()


async def get(client: Transport, target: Target, **more: object) -> bytes:
    response = await client.send(target, method="GET", path="/", **more)  # type: ignore[arg-type]
    return await response.read(10_000_000)


class Collecting:
    """A sink that remembers."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.error: Exception | None = None
        self.calls: list[str] = []
        self.done = asyncio.Event()

    def write(self, data: bytes) -> None:
        self.calls.append("write")
        self.data += data

    def end(self) -> None:
        self.calls.append("end")
        self.done.set()

    def fail(self, error: Exception) -> None:
        self.calls.append("fail")
        self.error = error
        self.done.set()


async def test_a_request_and_its_answer(transport: Transport) -> None:
    seen = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await read_request(reader))
        writer.write(OK)
        await reader.read()

    async with Server(serve) as server:
        response = await transport.send(
            server.target, method="POST", path="/v1/x?y=1", headers=HeaderBlock.of(("authorization", "Bearer k")), body=b"{}"
        )
        assert (response.status, response.content_length, response.headers.get(b"x-tag")) == (200, 5, b"a")
        assert response.body_if_complete() == b"hello"
        assert await response.read(5) == b"hello"
    assert seen == [
        b"POST /v1/x?y=1 HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Length: 2\r\nauthorization: Bearer k\r\n\r\n{}" % server.port
    ]


async def test_connections_are_kept(transport: Transport) -> None:
    async with Server(answering(OK, OK, OK)) as server:
        for _ in range(3):
            assert await get(transport, server.target) == b"hello"
        assert server.accepted == 1
        assert transport.connections == 1


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nhel\r\n2\r\nlo\r\n0\r\nTrailer: z\r\n\r\n"
ANSWERS = {
    "length": OK,
    "chunked": CHUNKED,
    "interim": b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nLink: x\r\n\r\n" + OK,
    "zero": b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    "no_content": b"HTTP/1.1 204 No Content\r\n\r\n",
    "not_modified": b"HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\n\r\n",
}


@pytest.mark.parametrize("name", ANSWERS)
@pytest.mark.parametrize("step", [0, 1])
async def test_every_framing_whole_and_byte_by_byte(transport: Transport, name: str, step: int) -> None:
    expected = b"" if name in ("zero", "no_content", "not_modified") else b"hello"
    async with Server(answering(ANSWERS[name], ANSWERS[name], step=step)) as server:
        assert await get(transport, server.target) == expected
        assert await get(transport, server.target) == expected
        assert server.accepted == 1


async def test_a_body_until_close(transport: Transport) -> None:
    async with Server(answering(b"HTTP/1.1 200 OK\r\n\r\nhello", close=True)) as server:
        response = await transport.send(server.target, method="GET", path="/")
        assert response.content_length is None
        assert await response.read(100) == b"hello"


async def test_head_has_no_body(transport: Transport) -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n"
    async with Server(answering(answer, OK)) as server:
        response = await transport.send(server.target, method="HEAD", path="/")
        assert (response.content_length, response.body_if_complete()) == (500, b"")
        assert await get(transport, server.target) == b"hello"
        assert server.accepted == 1


BROKEN = {
    "nothing": b"",
    "half_a_head": b"HTTP/1.1 200 OK\r\nContent-",
    "short_length": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel",
    "cut_chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel",
    "no_last_chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
}


@pytest.mark.parametrize("name", BROKEN)
async def test_a_cut_is_an_error_never_an_end(transport: Transport, name: str) -> None:
    async with Server(answering(BROKEN[name] or b"", close=True) if BROKEN[name] else silent) as server:
        with pytest.raises(ConnectionBroken) as broken:
            await get(transport, server.target)
        assert broken.value.sent
        assert not broken.value.reused
        assert broken.value.response_started == bool(BROKEN[name])


async def silent(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    await read_request(reader)


BAD = {
    "two_lengths": b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
    "same_length_twice": b"Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
    "length_and_chunked": b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "signed_length": b"Content-Length: +5\r\n\r\nhello",
    "list_of_lengths": b"Content-Length: 5, 5\r\n\r\nhello",
    "gzip_coding": b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "two_codings": b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "identity": b"Transfer-Encoding: identity\r\n\r\nhello",
    "folded": b"X: a\r\n b\r\nContent-Length: 5\r\n\r\nhello",
    "bare_lf": b"X: a\nContent-Length: 5\r\n\r\nhello",
    "space_before_colon": b"Content-Length : 5\r\n\r\nhello",
    "nul": b"X: a\0b\r\nContent-Length: 5\r\n\r\nhello",
    "chunk_sign": b"Transfer-Encoding: chunked\r\n\r\n+5\r\nhello\r\n0\r\n\r\n",
    "chunk_bare_lf": b"Transfer-Encoding: chunked\r\n\r\n5\nhello\n0\n\n",
    "chunk_too_long": b"Transfer-Encoding: chunked\r\n\r\n5\r\nhelloX\r\n0\r\n\r\n",
    "chunk_overflow": b"Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nhello\r\n0\r\n\r\n",
    "endless_head": b"X: " + b"a" * 70_000,
}


@pytest.mark.parametrize("name", BAD)
async def test_shapes_that_two_readers_could_read_differently_are_refused(transport: Transport, name: str) -> None:
    async with Server(answering(b"HTTP/1.1 200 OK\r\n" + BAD[name])) as server:
        with pytest.raises(BadResponse):
            await get(transport, server.target)
        assert transport.connections == 0 or await gone(transport)


async def gone(transport: Transport) -> bool:
    for _ in range(2_000):
        if transport.connections == 0:
            return True
        await asyncio.sleep(0.005)
    return False


async def heard(server: Server) -> None:
    """Wait until a connection has reached a server, and its request with it."""
    async with asyncio.timeout(10):
        while not server.accepted:  # noqa: ASYNC110  # the kernel's doing
            await asyncio.sleep(0.005)
    await asyncio.sleep(0.02)


@pytest.mark.parametrize("first_line", [b"HTTP/2 200 OK", b"RTSP/1.0 200 OK", b"SSH-2.0-x", b"HTTP/1.1 101 Switching\r\nUpgrade: x"])
async def test_another_protocol_is_refused(transport: Transport, first_line: bytes) -> None:
    async with Server(answering(first_line + b"\r\n\r\n")) as server:
        with pytest.raises(BadResponse):
            await get(transport, server.target)


async def test_endless_interim_answers_end(transport: Transport) -> None:
    async with Server(answering(b"HTTP/1.1 100 Continue\r\n\r\n" * 50)) as server:
        with pytest.raises(BadResponse, match="interim"):
            await get(transport, server.target)


@pytest.mark.parametrize("answer", [OK + b"junk", CHUNKED + b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil", CHUNKED + b"x"])
async def test_leftover_bytes_never_answer_the_next_request(transport: Transport, answer: bytes) -> None:
    async with Server(answering(answer, OK)) as server:
        assert await get(transport, server.target) == b"hello"
        assert await get(transport, server.target) == b"hello"
        assert server.accepted == 2


async def test_bytes_on_an_idle_connection_end_it(transport: Transport) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(OK)
        await asyncio.sleep(0.02)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")
        await reader.read()

    async with Server(serve) as server:
        assert await get(transport, server.target) == b"hello"
        assert await gone(transport)
        assert await get(transport, server.target) == b"hello"


@pytest.mark.parametrize("answer", [b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello", OK.replace(b"X-Tag: a", b"Connection: close")])
async def test_an_upstream_that_says_close_is_not_asked_again(transport: Transport, answer: bytes) -> None:
    async with Server(answering(answer, OK)) as server:
        assert await get(transport, server.target) == b"hello"
        assert await get(transport, server.target) == b"hello"
        assert server.accepted == 2


async def test_a_kept_connection_that_broke_says_so(transport: Transport) -> None:
    """The caller may repeat a chat then, and only then: reused, and not a byte of an answer."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(OK)
        await read_request(reader)

    async with Server(serve) as server:
        await get(transport, server.target)
        with pytest.raises(ConnectionBroken) as broken:
            await get(transport, server.target)
        assert (broken.value.sent, broken.value.reused, broken.value.response_started) == (True, True, False)


async def test_a_kept_connection_found_closed_is_replaced(transport: Transport) -> None:
    async with Server(answering(OK, close=True)) as server:
        await get(transport, server.target)
        assert await gone(transport)
        assert await get(transport, server.target) == b"hello"


async def test_nobody_listens(transport: Transport) -> None:
    async with Server(silent) as server:
        target = server.target
    with pytest.raises(ConnectFailed) as failed:
        await get(transport, target)
    assert not failed.value.sent


async def test_a_unix_socket(transport: Transport, tmp_path: Path) -> None:
    seen = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await read_request(reader))
        writer.write(OK)
        await reader.read()
        writer.close()

    server = await asyncio.start_unix_server(serve, tmp_path / "s")
    assert await get(transport, target_of("http://sandbox/openai/v1", socket=str(tmp_path / "s"))) == b"hello"
    assert b"\r\nHost: sandbox\r\n" in seen[0]
    server.close()


@pytest.mark.parametrize(
    ("phase", "answer"),
    [
        ("head", b""),
        ("head", b"HTTP/1.1 200 OK\r\n"),
        ("body", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe"),
    ],
)
async def test_silence_is_bounded(transport: Transport, phase: str, answer: bytes) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(answer)
        await reader.read()

    async with Server(serve) as server:
        with pytest.raises(TimedOut) as timed_out:
            await get(transport, server.target, timeouts=Timeouts(head_s=0.3 if phase == "head" else 60.0, idle_s=0.3))
        assert timed_out.value.phase == phase
        assert timed_out.value.sent
        assert timed_out.value.response_started == bool(answer)


async def test_idle_connections_end(transport: Transport) -> None:
    transport.idle_s = 0.05
    async with Server(answering(OK)) as server:
        await get(transport, server.target)
        assert transport.connections == 1
        assert await gone(transport)


async def test_waiting_for_a_connection_is_bounded_in_number_and_time() -> None:
    transport = Transport(max_connections_per_target=1, max_waiting_per_target=1)
    async with Server(silent_for_ever) as server:
        first = asyncio.create_task(get(transport, server.target))
        await heard(server)
        second = asyncio.create_task(get(transport, server.target, timeouts=Timeouts(connect_s=2.0)))
        await asyncio.sleep(0.02)
        with pytest.raises(ConnectFailed, match="too many"):
            await get(transport, server.target)
        with pytest.raises(TimedOut) as timed_out:
            await second
        assert (timed_out.value.phase, timed_out.value.sent) == ("queue", False)
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
    await transport.close()


async def silent_for_ever(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    await reader.read()
    await reader.read()


async def test_who_waits_gets_the_next_free_connection() -> None:
    transport = Transport(max_connections_per_target=2)
    async with Server(answering(*[OK] * 20)) as server:
        bodies = await asyncio.gather(*(get(transport, server.target) for _ in range(20)))
        assert bodies == [b"hello"] * 20
        assert server.accepted == 2
    await transport.close()


async def test_who_waits_gets_a_new_one_when_connections_break() -> None:
    transport = Transport(max_connections_per_target=1)
    async with Server(answering(OK.replace(b"X-Tag: a", b"Connection: close"), close=True)) as server:
        bodies = await asyncio.gather(*(get(transport, server.target) for _ in range(5)))
        assert bodies == [b"hello"] * 5
        assert server.accepted == 5
    await transport.close()


async def test_a_cancelled_request_drops_its_connection(transport: Transport) -> None:
    ended = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        try:
            await reader.read()
            await reader.read()
        finally:
            ended.set()

    async with Server(serve) as server:
        task = asyncio.create_task(get(transport, server.target))
        await heard(server)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await gone(transport)
        await asyncio.wait_for(ended.wait(), 10)


async def test_a_cancelled_read_drops_its_connection(transport: Transport) -> None:
    async with Server(answering(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe")) as server:
        response = await transport.send(server.target, method="GET", path="/")
        task = asyncio.create_task(response.read(100))
        await asyncio.sleep(0.02)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await gone(transport)


@pytest.mark.parametrize("answer", [OK, CHUNKED, b"HTTP/1.1 200 OK\r\n\r\nhello"])
async def test_a_body_over_the_limit_is_refused(transport: Transport, answer: bytes) -> None:
    async with Server(answering(answer, step=1)) as server:
        response = await transport.send(server.target, method="GET", path="/")
        with pytest.raises(BodyTooLong):
            await response.read(4)
        assert await gone(transport)


async def test_a_sink_hears_everything_and_one_end(transport: Transport) -> None:
    async with Server(answering(CHUNKED, step=1)) as server:
        response = await transport.send(server.target, method="GET", path="/")
        sink = Collecting()
        response.start(sink)
        await sink.done.wait()
        assert bytes(sink.data) == b"hello"
        assert sink.calls.count("end") == 1
        assert sink.calls[-1] == "end"


async def test_a_sink_of_a_broken_body_hears_one_failure(transport: Transport) -> None:
    async with Server(answering(BROKEN["cut_chunk"], close=True)) as server:
        response = await transport.send(server.target, method="GET", path="/")
        sink = Collecting()
        response.start(sink)
        await sink.done.wait()
        assert isinstance(sink.error, ConnectionBroken)
        assert sink.calls.count("fail") == 1
        assert "end" not in sink.calls


async def test_after_an_abort_the_sink_hears_nothing(transport: Transport) -> None:
    async with Server(answering(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello")) as server:
        response = await transport.send(server.target, method="GET", path="/")
        sink = Collecting()
        response.start(sink)
        response.abort()
        calls = list(sink.calls)
        assert await gone(transport)
        assert sink.calls == calls
        with pytest.raises(TransportError):
            await response.read(100)


async def stream(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, size: int, sent: list[int]) -> None:
    await read_request(reader)
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
    for at in range(0, size, 65536):
        writer.write(b"z" * min(65536, size - at))
        await writer.drain()
        sent.append(at)
    await reader.read()


@pytest.mark.parametrize("when", ["before_start", "paused"])
async def test_an_unread_body_stays_in_the_upstream(transport: Transport, when: str) -> None:
    """A slow client and a fast upstream: memory must not grow by the difference."""
    size, sent = 64 * 1024 * 1024, [0]
    async with Server(lambda reader, writer: stream(reader, writer, size=size, sent=sent)) as server:
        response = await transport.send(server.target, method="GET", path="/")
        sink = Collecting()
        if when == "paused":
            response.start(sink)
            response.pause()
        await asyncio.sleep(0.1)
        assert len(sink.data) + response._size < 2_000_000
        assert sent[-1] < size // 2
        if when == "paused":
            response.resume()
        else:
            response.start(sink)
        await sink.done.wait()
        assert len(sink.data) == size
        assert sink.error is None


async def test_a_paused_answer_does_not_time_out(transport: Transport) -> None:
    size, sent = 8 * 1024 * 1024, [0]
    async with Server(lambda reader, writer: stream(reader, writer, size=size, sent=sent)) as server:
        response = await transport.send(server.target, method="GET", path="/", timeouts=Timeouts(idle_s=0.4))
        sink = Collecting()
        response.start(sink)
        response.pause()
        await asyncio.sleep(1.2)
        response.resume()
        await sink.done.wait()
        assert (sink.error, len(sink.data)) == (None, size)


async def test_an_answer_nobody_asks_for_is_dropped_in_time(transport: Transport) -> None:
    async with Server(lambda reader, writer: stream(reader, writer, size=8 * 1024 * 1024, sent=[])) as server:
        await transport.send(server.target, method="GET", path="/", timeouts=Timeouts(idle_s=0.05))
        assert await gone(transport)


async def test_a_large_body_arrives_whole(transport: Transport) -> None:
    body = bytes(range(256)) * 20_000
    seen = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await read_request(reader))
        writer.write(OK)
        await reader.read()

    async with Server(serve) as server:
        response = await transport.send(server.target, method="POST", path="/", body=body)
        assert await response.read(5) == b"hello"
        assert transport.connections == 1
    assert seen[0].endswith(body)


async def test_an_early_refusal_ends_the_upload(transport: Transport) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK.replace(b"200 OK", b"413 Too Large"))
        await writer.drain()
        await asyncio.sleep(1)

    async with Server(serve) as server:
        response = await transport.send(server.target, method="POST", path="/", body=b"z" * 64_000_000)
        assert (response.status, await response.read(5)) == (413, b"hello")
        assert await gone(transport)


async def test_an_upstream_that_closes_during_the_upload(transport: Transport) -> None:
    async def serve(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")

    async with Server(serve) as server:
        with pytest.raises(ConnectionBroken) as broken:
            await transport.send(server.target, method="POST", path="/", body=b"z" * 64_000_000)
        assert broken.value.sent


async def test_an_upstream_that_never_reads_the_upload(transport: Transport) -> None:
    async def serve(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await asyncio.sleep(2)

    async with Server(serve) as server:
        with pytest.raises(TimedOut) as timed_out:
            await transport.send(server.target, method="POST", path="/", body=b"z" * 64_000_000, timeouts=Timeouts(idle_s=0.1))
        assert timed_out.value.phase == "send"


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/a b", ()),
        ("/a\r\nX: y", ()),
        ("http://x/", ()),
        ("", ()),
        ("/é", ()),
        ("/", (("Host", "x"),)),
        ("/", (("x", "y"), ("content-LENGTH", "3"))),
        ("/", (("transfer-encoding", "chunked"),)),
    ],
)
async def test_a_request_that_would_break_the_framing_is_refused(
    transport: Transport, path: str, headers: tuple[tuple[str, str], ...]
) -> None:
    with pytest.raises(ValueError, match=r"request line|belongs to the transport"):
        await transport.send(target_of("http://127.0.0.1:1"), method="GET", path=path, headers=HeaderBlock.of(*headers))


async def test_a_closed_transport_breaks_off_and_refuses(transport: Transport) -> None:
    async with Server(silent_for_ever) as server:
        task = asyncio.create_task(get(transport, server.target))
        await heard(server)
        await transport.close()
        with pytest.raises(ConnectionBroken):
            await task
        with pytest.raises(ConnectFailed):
            await get(transport, server.target)


HEAD_OF_OK, _, _ = OK.partition(b"hello")


@pytest.mark.parametrize("step", [0, 1, 7])
async def test_a_head_that_repeats_is_read_as_the_first_was(transport: Transport, step: int) -> None:
    async with Server(answering(OK, OK, HEAD_OF_OK + b"again", OK, step=step)) as server:
        assert [await get(transport, server.target) for _ in range(4)] == [b"hello", b"hello", b"again", b"hello"]
        assert server.accepted == 1


async def test_a_head_that_only_begins_like_the_last_is_read_anew(transport: Transport) -> None:
    other = OK.replace(b"X-Tag: a\r\n", b"X-Tag: a\r\nX-More: b\r\n")
    async with Server(answering(OK, other, OK)) as server:
        tags = []
        for _ in range(3):
            response = await transport.send(server.target, method="GET", path="/")
            tags.append(response.headers.get(b"x-more"))
            assert await response.read(100) == b"hello"
        assert tags == [None, b"b", None]


async def test_bytes_behind_a_repeated_answer_cost_the_connection(transport: Transport) -> None:
    """They would be taken for the answer of whoever asks next."""
    async with Server(answering(OK, OK + b"HTTP/1.1 200 OK\r\n", OK)) as server:
        assert [await get(transport, server.target) for _ in range(3)] == [b"hello", b"hello", b"hello"]
        assert server.accepted == 2


async def test_a_repeated_head_whose_body_breaks_off_is_an_error(transport: Transport) -> None:
    async with Server(answering(OK, OK[:-2], close=True)) as server:
        assert await get(transport, server.target) == b"hello"
        with pytest.raises(ConnectionBroken):
            await get(transport, server.target)


async def test_a_repeated_head_answers_a_head_request_without_a_body(transport: Transport) -> None:
    async with Server(answering(OK, HEAD_OF_OK, OK)) as server:
        assert await get(transport, server.target) == b"hello"
        response = await transport.send(server.target, method="HEAD", path="/")
        assert await response.read(100) == b""
        assert await get(transport, server.target) == b"hello"
        assert server.accepted == 1


# Asking without a coroutine.

ASK = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"


class Heard:
    """A listener that remembers what it was told; with `next` it has that one ask as soon as it has its own answer."""

    def __init__(self, next: "Heard | None" = None, *, pool: Pool | None = None) -> None:
        self.next = next
        self.pool = pool
        self.calls: list[str] = []
        self.body = b""
        self.head: ResponseHead | None = None
        self.response: UpstreamResponse | None = None
        self.error: TransportError | None = None
        self.connection: Connection | None = None
        self.done = asyncio.Event()

    def whole(self, head: ResponseHead, body: bytes) -> None:
        self._note("whole")
        self.head, self.body = head, body
        if self.next is not None and self.pool is not None:
            self.next.connection = self.pool.ask_idle(ASK, self.next, timeouts=DEFAULT_TIMEOUTS)

    def begun(self, response: UpstreamResponse) -> None:
        self._note("begun")
        self.response = response

    def failed(self, error: TransportError) -> None:
        self._note("failed")
        self.error = error

    def _note(self, call: str) -> None:
        self.calls.append(call)
        self.done.set()

    async def ask(self, pool: Pool, timeouts: Timeouts = DEFAULT_TIMEOUTS) -> "Heard":
        self.connection = pool.ask_idle(ASK, self, timeouts=timeouts)
        assert self.connection is not None
        assert self.calls == []  # never before who asks has the connection
        async with asyncio.timeout(30):
            await self.done.wait()
        return self


async def test_nobody_is_asked_where_no_connection_is_idle(transport: Transport) -> None:
    async with Server(answering(OK, OK, close=True)) as server:
        pool, heard = transport.pool(server.target), Heard()
        assert pool.ask_idle(ASK, heard, timeouts=DEFAULT_TIMEOUTS) is None
        assert server.accepted == 0
        await get(transport, server.target)
        await heard.ask(pool)
        assert await gone(transport)
        assert pool.ask_idle(ASK, Heard(), timeouts=DEFAULT_TIMEOUTS) is None
        assert heard.calls == ["whole"]


async def test_an_answer_in_one_piece_comes_when_its_connection_is_free_again(transport: Transport) -> None:
    async with Server(answering(OK, OK, OK.replace(b"hello", b"again"), OK)) as server:
        await get(transport, server.target)
        pool = transport.pool(server.target)
        second = Heard()
        first = await Heard(second, pool=pool).ask(pool)
        assert second.connection is first.connection
        async with asyncio.timeout(30):
            await second.done.wait()
        assert (first.calls, first.body, second.calls, second.body) == (["whole"], b"hello", ["whole"], b"again")
        assert first.head is not None
        assert (first.head.status, first.head.headers.get(b"x-tag")) == (200, b"a")
        assert await get(transport, server.target) == b"hello"
        assert server.accepted == 1


@pytest.mark.parametrize(
    ("answer", "is_kept"),
    [
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", True),
        (OK.replace(b"X-Tag: a", b"Connection: close"), False),
        (OK + b"junk", False),
        (b"HTTP/1.0 200 OK\r\n\r\nhello", False),
    ],
)
async def test_any_other_answer_is_one_that_has_begun(transport: Transport, answer: bytes, is_kept: bool) -> None:
    async with Server(answering(OK, answer, close=not is_kept)) as server:
        await get(transport, server.target)
        heard = await Heard().ask(transport.pool(server.target))
        assert heard.calls == ["begun"]
        assert heard.response is not None
        assert await heard.response.read(100) == b"hello"
        assert is_kept == (transport.connections == 1) or await gone(transport)
        assert heard.calls == ["begun"]


@pytest.mark.parametrize("step", [1, 7])
async def test_an_answer_in_pieces_is_one_that_has_begun(transport: Transport, step: int) -> None:
    async with Server(answering(OK, OK, step=step)) as server:
        await get(transport, server.target)
        heard = await Heard().ask(transport.pool(server.target))
        body = heard.body if heard.response is None else await heard.response.read(100)  # the kernel may join the pieces
        assert (body, len(heard.calls)) == (b"hello", 1)


async def test_a_listener_hears_of_a_break_and_of_silence(transport: Transport) -> None:
    async with Server(answering(OK, b"HTTP/1.1 200 OK\r\n", close=True)) as server:
        await get(transport, server.target)
        heard = await Heard().ask(transport.pool(server.target))
        assert isinstance(heard.error, ConnectionBroken)
        assert (heard.error.reused, heard.error.response_started, heard.calls) == (True, True, ["failed"])
    async with Server(answering(OK)) as server:
        await get(transport, server.target)
        heard = await Heard().ask(transport.pool(server.target), Timeouts(head_s=0.05))
        assert isinstance(heard.error, TimedOut)
        assert (heard.error.phase, heard.calls) == ("head", ["failed"])
        assert await gone(transport)


async def test_a_connection_is_left_by_whom_it_works_for_and_by_nobody_else(transport: Transport) -> None:
    async with Server(answering(OK, OK)) as server:
        await get(transport, server.target)
        pool = transport.pool(server.target)
        first = await Heard().ask(pool)
        connection = first.connection
        assert connection is not None
        connection.leave(first)  # it has its answer
        second = Heard()
        assert pool.ask_idle(ASK, second, timeouts=DEFAULT_TIMEOUTS) is connection
        connection.leave(first)
        assert transport.connections == 1
        connection.leave(second)
        assert await gone(transport)
        assert (first.calls, second.calls) == (["whole"], [])


async def test_a_connection_that_is_about_to_go_is_not_asked(transport: Transport) -> None:
    async with Server(answering(OK, OK)) as server:
        await get(transport, server.target)
        pool = transport.pool(server.target)
        heard = await Heard().ask(pool)
        assert heard.connection is not None
        heard.connection.abort()
        assert pool.ask_idle(ASK, heard, timeouts=DEFAULT_TIMEOUTS) is None
        assert heard.calls == ["whole"]


async def test_a_proxy_that_wants_a_line_of_its_own_in_each_head_is_not_asked_so(transport: Transport) -> None:
    async with Server(answering(OK, OK)) as server:
        target = target_of("http://vendor.example", proxy=f"http://user:password@127.0.0.1:{server.port}")
        assert await get(transport, target) == b"hello"
        assert transport.pool(target).ask_idle(ASK, Heard(), timeouts=DEFAULT_TIMEOUTS) is None
        assert await get(transport, target) == b"hello"
        assert server.accepted == 1  # the connection is idle still


async def test_who_awaits_an_answer_gets_it_whole_and_may_have_left() -> None:
    loop = asyncio.get_running_loop()
    awaited = Awaited(loop)
    awaited.whole(NO_HEAD, b"hello")
    assert (await awaited.answer).body_if_complete() == b"hello"
    awaited.failed(ConnectionBroken("late", sent=True))  # told twice, the first stands
    broken = Awaited(loop)
    broken.failed(ConnectionBroken("gone", sent=True))
    broken.whole(NO_HEAD, b"late")
    with pytest.raises(ConnectionBroken, match="gone"):
        await broken.answer
    left = Awaited(loop)
    left.answer.cancel()
    left.whole(NO_HEAD, b"hello")
    left.failed(ConnectionBroken("gone", sent=True))
    assert left.answer.cancelled()
