"""HTTP/1.1 messages as bytes: the request head we write, the answer's head and chunks we read. No I/O.

httptools (llhttp, strict) judges the syntax; the head stays raw bytes, because most headers are never looked at.
"""

import re

import httptools
import msgspec

from modelgate.core.http import HeaderBlock
from modelgate.transport.errors import BadResponse

METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))
_PATH = re.compile(r"/[\x21-\x7e]*")
_OURS = (b"\nhost:", b"\ncontent-length:", b"\ntransfer-encoding:", b"\nconnection:")
"""Headers that are written here alone: a second one would let two readers disagree about where a message ends."""


class ResponseHead(msgspec.Struct, frozen=True, gc=False):
    """Status line and headers. `content_length` None: not said. `keep_alive`: the connection outlives this answer. `is_events`: the body is
    a stream of server-sent events."""

    status: int
    headers: HeaderBlock
    content_length: int | None
    chunked: bool
    keep_alive: bool
    is_events: bool = False


NO_HEAD = ResponseHead(0, HeaderBlock(), None, False, False)
"""Before the first answer of a connection."""


def encode_request_head(method: str, path: str, *, host: str, headers: HeaderBlock, length: int, prefix: str = "") -> bytes:
    """Return request line and headers up to and with the empty line. `prefix` is `http://host` on the way to a proxy.

    Raises:
        ValueError: a part that would break the framing, or a header in `headers` that is written here.
    """
    if method not in METHODS or _PATH.fullmatch(path) is None:
        raise ValueError(f"{method} {path!r} cannot be a request line")
    raw = headers.raw
    lines = b"\n" + raw.lower()
    for name in _OURS:
        if name in lines:
            raise ValueError(f"header {name.decode().strip()!r} belongs to the transport")
    sized = f"Content-Length: {length}\r\n" if length or method in ("POST", "PUT", "PATCH") else ""
    return b"%b%b\r\n" % (f"{method} {prefix}{path} HTTP/1.1\r\nHost: {host}\r\n{sized}".encode("ascii"), raw)


def encode_prepared_head(method: str, path: str, *, host: str, headers: HeaderBlock, prefix: str = "") -> bytes:
    """Return the part of a request head that stays the same from request to request: all but the last lines and the empty one.

    Checked once as by `encode_request_head`, so that requests on it cost one formatting each.
    """
    whole = encode_request_head(method, path, host=host, headers=headers, length=0, prefix=prefix)
    return whole.replace(b"Content-Length: 0\r\n", b"", 1)[:-2]


class _Silent:
    """A parser's listener that wants no callback."""


_SILENT = _Silent()


def parse_response_head(raw: bytes) -> ResponseHead:
    """Read a head that ends with its empty line.

    Raises:
        BadResponse: syntax llhttp refuses, contradicting or repeated framing, an unknown transfer coding.
    """
    parser = httptools.HttpResponseParser(_SILENT)
    if not raw.startswith(b"HTTP/1."):
        raise BadResponse("the answer is not HTTP/1.1")
    try:
        parser.feed_data(raw)
    except httptools.HttpParserUpgrade:
        raise BadResponse("the answer switches protocols") from None
    except httptools.HttpParserError as error:
        raise BadResponse(f"the answer's head is malformed: {error}") from None
    headers = HeaderBlock(raw[raw.index(b"\r\n") + 2 : -2])
    lower = raw.lower()  # plain searches first: most answers have neither, and looking them up in the block costs a microsecond
    return ResponseHead(
        parser.get_status_code(),
        headers,
        _content_length(lower),
        b"transfer-encoding" in lower and _is_chunked(headers),
        lower.startswith(b"http/1.1") and (b"close" not in lower or not _says_close(headers)),
        b"text/event-stream" in lower and (headers.get(b"content-type") or b"").lower().startswith(b"text/event-stream"),
    )


def _content_length(lower: bytes) -> int | None:
    """The only Content-Length, digits alone: llhttp refused everything else."""
    at = lower.find(b"\r\ncontent-length:") + 17
    return None if at < 17 else int(lower[at : lower.index(b"\r\n", at)])


def _is_chunked(headers: HeaderBlock) -> bool:
    codings = headers.get_all(b"transfer-encoding")
    if not codings:
        return False
    if len(codings) == 1 and codings[0].lower() == b"chunked":
        return True
    raise BadResponse("the answer has a transfer coding that is not chunked")


def _says_close(headers: HeaderBlock) -> bool:
    return any(b"close" in value.lower() for value in headers.get_all(b"connection"))


class Unchunker:
    """Takes a chunked body apart. Trailers are dropped.

    `done`: the last chunk and the trailers are in. `junk`: bytes came after that.
    """

    __slots__ = ("_parser", "_pieces", "done", "junk")

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self.done = False
        self.junk = False
        self._parser: httptools.HttpResponseParser | None = httptools.HttpResponseParser(self)
        self._parser.feed_data(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")

    def feed(self, data: bytes) -> bytes:
        """Return the body bytes in `data`.

        Raises:
            BadResponse: a chunk size or an end of chunk that is not exactly as it should be.
        """
        self._pieces.clear()
        parser = self._parser
        if parser is None:
            self.junk = self.junk or data != b""
            return b""
        try:
            parser.feed_data(data)
        except httptools.HttpParserError as error:
            if not self.done:
                raise BadResponse(f"the answer's chunks are malformed: {error}") from None
            self.junk = True
        return self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)

    def let_go(self) -> None:
        """Take nothing more. The parser knows this object, which therefore lets go of it: nobody looks for cycles."""
        self._parser = None

    def on_message_begin(self) -> None:
        """Called by the parser at the first byte of a message; the one after `done` is not ours."""
        if self.done:
            self.junk = True

    def on_body(self, data: bytes) -> None:
        """Called by the parser for each run of body bytes."""
        if not self.junk:
            self._pieces.append(data)

    def on_message_complete(self) -> None:
        """Called by the parser after the trailers."""
        self.done = True
        self.let_go()
