"""A streamed answer of which a copy is kept for later: for the same request sent again, or for the cache."""

import asyncio
from collections.abc import Callable
from urllib.parse import parse_qsl

from modelgate.core.http import BodySink, HeaderBlock
from modelgate.gateway.answer_stream import AnswerStream

_KEPT_HEADERS = frozenset((b"content-type", b"cache-control", b"x-accel-buffering"))
_OUR_PREFIX = b"modelgate-"


def lines_of_answer(headers: HeaderBlock) -> bytes:
    """Return the header lines that belong to an answer and not to the moment it was given: type, and what we say of it."""
    return b"".join(line + b"\r\n" for line in headers.raw.split(b"\r\n") if _belongs_to_answer(line))


def _belongs_to_answer(line: bytes) -> bool:
    name = line.partition(b":")[0].lower()
    return name in _KEPT_HEADERS or name.startswith(_OUR_PREFIX)


def asked_in_query(query: str) -> bytes:
    """Return what a query asks for, in one order, without a secret in it."""
    return repr(sorted(pair for pair in parse_qsl(query, keep_blank_values=True) if pair[0] != "key")).encode()


class Room:
    """What all streams that are being copied may hold together; one that finds no room is not kept."""

    __slots__ = ("held_bytes", "max_bytes")

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self.held_bytes = 0


class RecordedStream:
    """Between a streamed answer and its client: passes everything on and keeps a copy, to the end even when the client leaves.

    `finish(body)` is called once at the end, with None when there is nothing to keep: it was longer than `max_bytes`, or its client
    left and it did not come to its end. The client's last word waits for the task it returns.
    """

    __slots__ = ("_chunks", "_finish", "_left", "_max_bytes", "_over", "_room", "_sink", "_size_bytes", "_source", "_started")

    def __init__(
        self,
        source: AnswerStream,
        *,
        room: Room,
        max_bytes: int,
        finish: "Callable[[bytes | None], asyncio.Task[None] | None]",
    ) -> None:
        self._source = source
        self._room = room
        self._max_bytes = max_bytes
        self._finish = finish
        self._sink: BodySink | None = None
        self._chunks: list[bytes] | None = []
        self._size_bytes = 0
        self._left = False
        self._started = False
        self._over = False

    # The client's side.

    def start(self, sink: BodySink) -> None:
        """The client is there."""
        self._started = True
        self._sink = sink
        self._source.start(self)

    def pause(self) -> None:
        """The client reads slower than the upstream writes."""
        self._source.pause()

    def resume(self) -> None:
        """The client has caught up."""
        self._source.resume()

    def abort(self) -> None:
        """The client left: the rest is drained into the copy."""
        if self._left:
            return
        self._left = True
        self._sink = None
        if not self._started:
            self._started = True
            self._source.start(self)
        if self._over:
            return
        self._source.leave(self if self._chunks is not None else None)
        if self._chunks is None:
            self._conclude(None)

    # The answer's side.

    def write(self, data: bytes) -> None:
        """Take a piece."""
        if self._chunks is not None:
            self._keep(data)
        if self._sink is not None:
            self._sink.write(data)

    def _keep(self, data: bytes) -> None:
        assert self._chunks is not None
        self._chunks.append(data)
        self._size_bytes += len(data)
        self._room.held_bytes += len(data)
        if self._size_bytes > self._max_bytes or self._room.held_bytes > self._room.max_bytes:
            self._forget()
            if self._left:
                self._source.leave(None)
                self._conclude(None)

    def _forget(self) -> bytes:
        body, self._chunks = b"".join(self._chunks or ()), None
        self._room.held_bytes -= self._size_bytes
        self._size_bytes = 0
        return body

    def end(self) -> None:
        """The answer is complete: keep it, then let the client know."""
        is_kept = self._chunks is not None and not (self._left and self._source.failure is not None)
        body = self._forget()
        ended = self._conclude(body if is_kept else None)
        sink, self._sink = self._sink, None
        if sink is not None and ended is not None:
            ended.add_done_callback(lambda _: None if self._left else sink.end())
        elif sink is not None:
            sink.end()

    def fail(self, error: Exception) -> None:
        """The answer cannot be completed."""
        self._forget()
        self._conclude(None)
        sink, self._sink = self._sink, None
        if sink is not None:
            sink.fail(error)

    def _conclude(self, body: bytes | None) -> "asyncio.Task[None] | None":
        if self._over:
            return None
        self._over = True
        finish, self._finish = self._finish, _finished  # it knows the answer, and so this object: nobody looks for cycles
        return finish(body)


def _finished(_: bytes | None) -> None:
    """What is called in place of `finish` once that was called."""
