"""Framing: whole messages in, whole messages out, whatever the socket does to the bytes between."""

import asyncio
import stat
from pathlib import Path
from typing import Any

import msgspec
import pytest

from modelgate.transport import frames
from modelgate.transport.frames import FrameClient, FrameConnection, serve_frames


class Ping(msgspec.Struct, frozen=True, tag=True):
    n: int
    padding: bytes = b""


class Pong(msgspec.Struct, frozen=True, tag=True):
    n: int


Message = Ping | Pong
DECODER: msgspec.msgpack.Decoder[Message] = msgspec.msgpack.Decoder(Message)


class Recorder:
    def __init__(self, connection: FrameConnection[Message] | None = None) -> None:
        self.connection = connection
        self.messages: list[Message] = []
        self.ended = asyncio.Event()
        self.news = asyncio.Event()

    def received(self, message: Message) -> None:
        self.messages.append(message)
        self.news.set()

    def lost(self) -> None:
        assert not self.ended.is_set(), "lost is said once"
        self.ended.set()

    async def wait_for(self, count: int) -> None:
        async with asyncio.timeout(30):
            while len(self.messages) < count:
                self.news.clear()
                await self.news.wait()


class FakeTransport(asyncio.Transport):
    def __init__(self) -> None:
        super().__init__()
        self.written = bytearray()
        self.closed = self.aborted = False
        self.unsent = 0

    def write(self, data: Any) -> None:
        self.written += data

    def get_write_buffer_size(self) -> int:
        return self.unsent

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.aborted = True


def connected(max_message_bytes: int = frames.MAX_MESSAGE_BYTES) -> tuple[FrameConnection[Message], Recorder, FakeTransport]:
    recorder, transport = Recorder(), FakeTransport()
    connection = FrameConnection(decoder=DECODER, accepted=lambda made: recorder, max_message_bytes=max_message_bytes)
    connection.connection_made(transport)
    return connection, recorder, transport


def wire(*messages: Message) -> bytes:
    connection, _, transport = connected()
    for message in messages:
        connection.send(message)
    return bytes(transport.written)


def test_messages_survive_every_split_of_the_bytes() -> None:
    sent = [Ping(n=1, padding=b"x" * 9), Pong(n=2), Ping(n=3)]
    stream = wire(*sent)
    for first in range(len(stream) + 1):
        for second in range(first, len(stream) + 1):
            connection, recorder, _ = connected()
            for piece in (stream[:first], stream[first:second], stream[second:]):
                connection.data_received(piece)
            assert recorder.messages == sent


def test_byte_by_byte() -> None:
    connection, recorder, _ = connected()
    for byte in wire(Ping(n=1), Ping(n=2)):
        connection.data_received(bytes([byte]))
    assert recorder.messages == [Ping(n=1), Ping(n=2)]


def test_a_length_above_the_bound_ends_the_connection_before_the_body_comes() -> None:
    for split in (False, True):
        connection, recorder, transport = connected(max_message_bytes=100)
        header = (101).to_bytes(4, "big")
        for piece in (header[:2], header[2:]) if split else (header,):
            connection.data_received(piece)
        assert transport.aborted
        assert not recorder.messages


def test_a_message_above_the_bound_is_not_sent() -> None:
    connection, _, transport = connected(max_message_bytes=100)
    with pytest.raises(ValueError, match="above the bound of 100"):
        connection.send(Ping(n=1, padding=b"x" * 100))
    assert not transport.written


@pytest.mark.parametrize("body", [b"\xc1", msgspec.msgpack.encode({"type": "Nobody", "n": 1}), b""])
def test_a_message_nobody_understands_ends_the_connection_and_nothing_after_it_is_handed_on(body: bytes) -> None:
    connection, recorder, transport = connected()
    connection.data_received(len(body).to_bytes(4, "big") + body + wire(Pong(n=1)))
    assert transport.aborted
    assert not recorder.messages


def test_a_peer_that_never_reads_is_dropped() -> None:
    connection, _, transport = connected()
    transport.unsent = frames.MAX_UNSENT_BYTES + 1
    connection.send(Ping(n=1))
    assert transport.aborted
    connection.send(Ping(n=2))  # nothing happens


def test_nothing_is_handed_on_once_the_handler_closed_the_connection() -> None:
    connection, recorder, _ = connected()
    seen: list[Message] = []

    def close_at_once(message: Message) -> None:
        seen.append(message)
        connection.close()

    recorder.received = close_at_once  # type: ignore[method-assign]
    connection.data_received(wire(Ping(n=1), Ping(n=2)))
    assert seen == [Ping(n=1)]


@pytest.mark.anyio
async def test_client_and_server_talk_and_only_this_user_may_connect(tmp_path: Path) -> None:
    path = tmp_path / "book.sock"
    path.touch()  # what a dead process left is replaced
    at_server: asyncio.Queue[Recorder] = asyncio.Queue()
    at_client: list[Recorder] = []

    def at_server_accepted(connection: FrameConnection[Message]) -> Recorder:
        recorder = Recorder(connection)
        at_server.put_nowait(recorder)
        return recorder

    def at_client_accepted(connection: FrameConnection[Message]) -> Recorder:
        at_client.append(Recorder(connection))
        connection.send(Ping(n=len(at_client), padding=b"x" * 1_000_000))
        return at_client[-1]

    server = await serve_frames(path, decoder=DECODER, accepted=at_server_accepted)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    client = FrameClient(path, decoder=DECODER, accepted=at_client_accepted)
    client.start()
    async with asyncio.timeout(30):
        first = await at_server.get()
    await first.wait_for(1)
    assert first.connection is not None
    first.connection.send(Pong(n=1))
    await at_client[0].wait_for(1)
    assert at_client[0].messages == [Pong(n=1)]

    first.connection.abort()  # dropped: the client comes back by itself, as a new connection with a new handler
    async with asyncio.timeout(30):
        await at_client[0].ended.wait()
        second = await at_server.get()
    await second.wait_for(1)
    assert isinstance(second.messages[0], Ping)
    assert second.messages[0].n == 2

    await client.close()
    async with asyncio.timeout(30):
        await second.ended.wait()
    server.close()
    await server.wait_closed()


@pytest.mark.anyio
async def test_a_client_waits_for_a_server_that_is_not_there_yet(tmp_path: Path) -> None:
    path = tmp_path / "book.sock"
    recorder = Recorder()
    client = FrameClient(path, decoder=DECODER, accepted=lambda connection: recorder)
    client.start()
    await asyncio.sleep(0.03)

    def accepted(connection: FrameConnection[Message]) -> Recorder:
        connection.send(Pong(n=7))
        return Recorder(connection)

    server = await serve_frames(path, decoder=DECODER, accepted=accepted)
    await recorder.wait_for(1)
    assert recorder.messages == [Pong(n=7)]
    await client.close()
    server.close()
    await server.wait_closed()
