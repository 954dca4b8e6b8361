"""Typed messages over a Unix stream socket: four bytes of length, then MessagePack.

Both sides of a connection are a `FrameConnection`; what is kept for a connection belongs to the handler made for it and
dies with it. There are no acknowledgements here: messages carry totals, so whoever loses a connection says hello again.
"""

import asyncio
import random
import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar, cast

import msgspec

LENGTH_BYTES = 4
MAX_MESSAGE_BYTES = 64 * 1024 * 1024
"""The largest message; a longer one ends the connection."""
MAX_UNSENT_BYTES = 2 * MAX_MESSAGE_BYTES
"""A peer that reads so little that more than this piles up loses the connection: it says hello again when it can."""
BACKLOG = 256
FIRST_RETRY_S = 0.01
LAST_RETRY_S = 0.5

Incoming = TypeVar("Incoming")
Received = TypeVar("Received", contravariant=True)

_encode = msgspec.msgpack.Encoder().encode


class FrameHandler(Protocol[Received]):
    """What one connection's messages and its end are told to. `lost` is the last call, once."""

    def received(self, message: Received) -> None: ...

    def lost(self) -> None: ...


class FrameConnection(asyncio.Protocol, Generic[Incoming]):
    """One end of a connection. `accepted` makes its handler when the connection stands."""

    def __init__(
        self,
        *,
        decoder: msgspec.msgpack.Decoder[Incoming],
        accepted: "Callable[[FrameConnection[Incoming]], FrameHandler[Incoming]]",
        max_message_bytes: int = MAX_MESSAGE_BYTES,
    ) -> None:
        self._decode = decoder.decode
        self._accepted = accepted
        self._max_message_bytes = max_message_bytes
        self._transport: asyncio.Transport | None = None
        self._handler: FrameHandler[Incoming] | None = None
        self._unread = bytearray()
        self.is_open = False
        self.messages_received = 0

    def send(self, message: msgspec.Struct) -> None:
        """Write one message; silently nothing when the connection is gone (its handler has been or is about to be told).

        Raises:
            ValueError: the message is larger than the other side would take.
        """
        transport = self._transport
        if transport is None or not self.is_open:
            return
        body = _encode(message)
        if len(body) > self._max_message_bytes:
            raise ValueError(f"a message of {len(body)} bytes is above the bound of {self._max_message_bytes}")
        transport.write(len(body).to_bytes(LENGTH_BYTES, "big") + body)
        if transport.get_write_buffer_size() > MAX_UNSENT_BYTES:
            self.abort()

    def close(self) -> None:
        """Send what is written, then end the connection."""
        self.is_open = False
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """End the connection now; what is not sent yet is dropped."""
        self.is_open = False
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's are none of asyncio's classes
        self.is_open = True
        self._handler = self._accepted(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_open = False
        self._unread.clear()
        handler, self._handler = self._handler, None
        if handler is not None:
            handler.lost()

    def data_received(self, data: bytes) -> None:
        unread = self._unread
        if unread:
            unread += data
            taken = self._take(bytes(unread)) if self._has_message(unread) else 0
            del unread[:taken]
        else:
            unread += data[self._take(data) :]

    def _has_message(self, data: bytes | bytearray) -> bool:
        # Asked first, so that a message of megabytes is not copied once per piece that arrives.
        if len(data) < LENGTH_BYTES:
            return False
        length = int.from_bytes(data[:LENGTH_BYTES], "big")
        return length > self._max_message_bytes or len(data) >= LENGTH_BYTES + length

    def _take(self, data: bytes) -> int:
        """Hand on every whole message; return how many bytes they took."""
        view, at, end = memoryview(data), 0, len(data)
        while end - at >= LENGTH_BYTES and self.is_open:
            start = at + LENGTH_BYTES
            length = int.from_bytes(view[at:start], "big")
            if length > self._max_message_bytes:
                self.abort()
                break
            if end - start < length:
                break
            at = start + length
            if not self._hand_on(view[start:at]):
                break
        return at if self.is_open else end

    def _hand_on(self, body: memoryview) -> bool:
        try:
            message = self._decode(body)
        except msgspec.DecodeError:  # also of a wrong shape: the peer is of another version, or not ours
            self.abort()
            return False
        self.messages_received += 1
        handler = self._handler
        if handler is not None:
            handler.received(message)
        return True


async def serve_frames(
    path: Path,
    *,
    decoder: msgspec.msgpack.Decoder[Incoming],
    accepted: Callable[[FrameConnection[Incoming]], FrameHandler[Incoming]],
) -> asyncio.AbstractServer:
    """Listen on a Unix socket, replacing what a dead process left there. Only this user may connect.

    Args:
        path: of the socket; its folder must exist.
        decoder: of the messages that come in, such as `msgspec.msgpack.Decoder(ToBook)`.
        accepted: makes the handler of a new connection; it may already send.
    """
    return await asyncio.get_running_loop().create_unix_server(
        lambda: FrameConnection(decoder=decoder, accepted=accepted), sock=_listening_socket(path), backlog=BACKLOG
    )


def _listening_socket(path: Path) -> socket.socket:
    with suppress(FileNotFoundError):
        path.unlink()
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listening.bind(str(path))
        path.chmod(0o600)  # before anybody can connect, which needs the listen that follows
    except OSError:
        listening.close()
        raise
    return listening


class FrameClient(Generic[Incoming]):
    """Keeps one connection to a server's socket: connects again, with a bounded and jittered pause, whenever it is lost."""

    def __init__(
        self,
        path: Path,
        *,
        decoder: msgspec.msgpack.Decoder[Incoming],
        accepted: Callable[[FrameConnection[Incoming]], FrameHandler[Incoming]],
    ) -> None:
        self._path = path
        self._decoder = decoder
        self._accepted = accepted
        self._task: asyncio.Task[None] | None = None
        self.connection: FrameConnection[Incoming] | None = None

    def start(self) -> None:
        """Begin connecting. The handler made by `accepted` tells when the connection stands."""
        self._task = asyncio.get_running_loop().create_task(self._keep_connected(), name="frame client")

    async def close(self) -> None:
        """Stop connecting and end the connection after what is written has been sent."""
        if self.connection is not None:
            self.connection.close()
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    async def _keep_connected(self) -> None:
        pause_s = FIRST_RETRY_S
        while True:
            if await self._connect_once():  # it was a working connection, so the next try need not wait long
                pause_s = FIRST_RETRY_S
            await asyncio.sleep(pause_s * random.uniform(0.5, 1.0))
            pause_s = min(LAST_RETRY_S, pause_s * 2)

    async def _connect_once(self) -> bool:
        """Connect and wait for the end; return whether anything was heard."""
        ended = asyncio.Event()

        def watched(made: FrameConnection[Incoming]) -> FrameHandler[Incoming]:
            self.connection = made
            return _Watched(self._accepted(made), ended)

        connection = FrameConnection(decoder=self._decoder, accepted=watched)
        try:
            await asyncio.get_running_loop().create_unix_connection(lambda: connection, str(self._path))
        except OSError:
            return False
        await ended.wait()
        self.connection = None
        return connection.messages_received > 0


class _Watched(Generic[Incoming]):
    """A handler whose end the client waits for."""

    def __init__(self, handler: FrameHandler[Incoming], ended: asyncio.Event) -> None:
        self.received: Any = handler.received
        self._handler = handler
        self._ended = ended

    def lost(self) -> None:
        self._ended.set()
        self._handler.lost()
