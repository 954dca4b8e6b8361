"""HTTP messages and streamed bodies as every room sees them; no server and no client in here.

Bodies that stream move by callbacks, not by async generators: measured at 11-13 µs a chunk against 17.
"""

from collections.abc import Awaitable, Callable, Iterator
from typing import Protocol

import msgspec

from modelgate.core.records import ApiKey


class HeaderBlock:
    """Header lines kept as the raw bytes `Name: value\\r\\n…`, searched on demand.

    Parsing each header into Python objects costs a fifth of a relayed request, and most are never looked at. Only
    syntactically checked blocks may be put in here: no bare LF, no folded lines, every line ends in CRLF.
    """

    __slots__ = ("_found", "_lower", "known", "raw")

    def __init__(self, raw: bytes = b"", lower: bytes | None = None) -> None:
        """Wrap header lines; `lower` is `\\r\\n` and the same lines in lower case, when the caller has them already."""
        self.raw = raw
        self._lower = lower
        # Kept connections repeat their heads, and then the block is the same.
        self._found: dict[bytes | tuple[bytes, ...], bytes | None] = {}
        self.known: object = None  # what a handler remembers of the requests that came under this very head

    @classmethod
    def of(cls, *pairs: tuple[str, str]) -> "HeaderBlock":
        """Build a block from pairs. Raises ValueError when a name or value could break the framing."""
        for name, value in pairs:
            if any(c in name + value for c in "\r\n\0"):
                raise ValueError(f"header {name!r} holds a control character")
        return cls("".join(f"{name}: {value}\r\n" for name, value in pairs).encode("latin-1"))

    def _find(self, name: bytes, start: int) -> tuple[int, int]:
        lower = self._lower
        if lower is None:
            lower = self._lower = b"\r\n" + self.raw.lower()
        at = lower.find(b"\r\n" + name + b":", start)
        if at < 0:
            return -1, -1
        return at + len(name) + 1, lower.index(b"\r\n", at + 2) - 2  # positions in `raw`

    def get(self, name: bytes) -> bytes | None:
        """Return the first value of a header, stripped; `name` is lower case."""
        found = self._found
        if name not in found:
            start, end = self._find(name, 0)
            found[name] = self.raw[start:end].strip() if start >= 0 else None
        return found[name]

    def mentions(self, starts: tuple[bytes, ...]) -> bool:
        """Tell whether a line starts with one of these: `\\r\\n`, a name in lower case, its colon. One look for several rare headers."""
        found = self._found
        if starts not in found:
            lower = self._lower
            if lower is None:
                lower = self._lower = b"\r\n" + self.raw.lower()
            found[starts] = None
            for start in starts:
                if start in lower:
                    found[starts] = start
        return found[starts] is not None

    def get_all(self, name: bytes) -> list[bytes]:
        """Return every value of a header in order; `name` is lower case."""
        values: list[bytes] = []
        start, end = self._find(name, 0)
        while start >= 0:
            values.append(self.raw[start:end].strip())
            start, end = self._find(name, end)
        return values

    def items(self) -> Iterator[tuple[bytes, bytes]]:
        """Yield every (name, value) in order, names as sent, values stripped."""
        for line in self.raw.split(b"\r\n"):
            name, colon, value = line.partition(b":")
            if colon:
                yield name, value.strip()

    def resized(self, raw: bytes) -> "HeaderBlock":
        """Return the block of lines that differ from these in the value of Content-Length alone: what was found out holds for it too."""
        block = HeaderBlock(raw)
        block._found, block.known = self._found.copy(), self.known
        block._found.pop(b"content-length", None)
        return block

    def without(self, names: frozenset[bytes]) -> "HeaderBlock":
        """Return a copy without the named headers; names are lower case."""
        kept = [line for line in self.raw.split(b"\r\n") if line and line.partition(b":")[0].lower() not in names]
        return HeaderBlock(b"".join(line + b"\r\n" for line in kept))

    def with_line(self, name: bytes, value: bytes) -> "HeaderBlock":
        """Return a copy with one more line at the end."""
        return HeaderBlock(self.raw + name + b": " + value + b"\r\n")


class BodySink(Protocol):
    """Where a streamed body goes. Exactly one of `end` and `fail` is called, once, as the last call."""

    def write(self, data: bytes) -> None: ...

    def end(self) -> None: ...

    def fail(self, error: Exception) -> None: ...


class BodySource(Protocol):
    """Where a streamed body comes from.

    `start` may call the sink before it returns. `pause` asks for no more `write` soon (what is already read may still
    arrive); `resume` undoes it. `abort` is said by a sink that will take nothing more: no call to the sink follows.
    """

    def start(self, sink: BodySink) -> None: ...

    def pause(self) -> None: ...

    def resume(self) -> None: ...

    def abort(self) -> None: ...


class HttpRequest(msgspec.Struct):
    """A request with its whole body, as the edge (or the desk) received it.

    `path` is percent-encoded as sent, without the query; `query` is what follows `?`; `client` is the peer's IP address
    (after trusted proxies); `id` is our request id; `started` is the clock at its first byte, in seconds. `key` is the key it came with,
    once that is known, and None again when something is kept of the call.
    """

    method: str
    path: str
    headers: HeaderBlock
    query: str = ""
    body: bytes | bytearray = b""
    client: str = ""
    id: str = ""
    started: float = 0.0
    key: ApiKey | None = None


class HttpResponse(msgspec.Struct, kw_only=True):
    """A response. `headers` carries neither framing (content-length, transfer-encoding, connection) nor x-request-id:
    whoever writes it to the wire adds those. A `BodySource` body is sent with `content_length` or chunked.
    """

    status: int
    headers: HeaderBlock
    body: bytes | bytearray | BodySource = b""
    content_length: int | None = None


Handle = Callable[[HttpRequest], Awaitable[HttpResponse]]
"""Answers a request."""


class Reply(Protocol):
    """Where the answer goes to a request that is answered without a coroutine. One of the two is called, once, and not before `Begin` has
    returned."""

    def answer(self, lines: bytes, body: bytes | bytearray) -> None:
        """Answer with 200, header lines (as those of a response) and a body."""
        ...

    def await_answer(self, request: HttpRequest, handle: Handle) -> None:
        """Have a coroutine answer after all."""
        ...


class Begun(Protocol):
    """A request that is under way without a coroutine."""

    def cancel(self) -> bool:
        """Drop it where it stands; return whether the end of it is still to come (a task's is)."""
        ...


Begin = Callable[[HttpRequest, Reply], Begun | None]
"""Takes a request to answer it without a coroutine; None: it is one for `Handle`."""

HOP_BY_HOP = frozenset(
    (
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
        b"proxy-connection",
        b"content-length",
    )
)
"""Headers that speak about one connection and never travel on (RFC 9110 section 7.6.1), with the framing we redo."""
