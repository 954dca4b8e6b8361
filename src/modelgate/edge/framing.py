"""Answers as bytes: status line, our own header lines, and how the body's end is told. Pure."""

from http import HTTPStatus

from modelgate.core.http import HttpResponse
from modelgate.edge.cors import ORIGIN_LINES
from modelgate.edge.head import Head

JOIN_BYTES = 32 * 1024
"""Below this, joining head and body costs less than a second buffer in the write."""

STATUS_LINES = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode("ascii") for status in HTTPStatus}
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
CLOSE_LINE = b"connection: close\r\n"
CHUNKED_LINE = b"transfer-encoding: chunked\r\n"
LAST_CHUNK = b"0\r\n\r\n"

UNTIL_CLOSE = -1
"""The `length` of a body whose end is the connection's end (HTTP/1.0)."""
IN_CHUNKS = -2
"""The `length` of a body that is sent in chunks."""


def has_no_body(status: int) -> bool:
    """Tell whether an answer of this status never has a body."""
    return status in (204, 304) or status < 200


USUAL_LINES = {status: line for status, line in STATUS_LINES.items() if not has_no_body(status)}
"""Status lines of answers that have a body."""


def render_usual(status_line: bytes, headers: bytes, request_id: str, body: bytes | bytearray) -> bytes:
    """Return a whole answer that needs no header line of ours but the request id and the length."""
    identity = request_id.encode("ascii")
    return b"%b%bx-request-id: %b\r\ncontent-length: %d\r\n\r\n%b" % (status_line, headers, identity, len(body), body)  # type: ignore[str-format]


def own_lines(head: Head, response: HttpResponse, *, cors: bool) -> bytes:
    """Return the header lines that the answer to a request gets from us, framing and request id apart."""
    lines = b"" if head.keep_alive else CLOSE_LINE
    if head.origin and cors and response.headers.get(b"access-control-allow-origin") is None:
        lines += ORIGIN_LINES
    return lines


def refusal_lines(*, cors: bool) -> bytes:
    """Return our header lines of a refusal that ends the connection. Whether a browser asked may be unknown, so it may always read why."""
    return CLOSE_LINE + ORIGIN_LINES if cors else CLOSE_LINE


def choose_length(response: HttpResponse, *, modern: bool) -> int:
    """Return the length of a streamed body, `IN_CHUNKS`, or `UNTIL_CLOSE` for a client that knows no chunks."""
    if response.content_length is not None:
        return response.content_length
    return IN_CHUNKS if modern else UNTIL_CLOSE


def render_head(response: HttpResponse, request_id: str, *, lines: bytes, length: int) -> bytes:
    """Return a whole head; `lines` are whole header lines of ours, `length` is the body's or one of the two constants."""
    if has_no_body(response.status) or length == UNTIL_CLOSE:
        framing = b""
    elif length == IN_CHUNKS:
        framing = CHUNKED_LINE
    else:
        framing = b"content-length: %d\r\n" % length
    status_line = STATUS_LINES.get(response.status) or b"HTTP/1.1 %d \r\n" % response.status
    identity = b"x-request-id: %b\r\n" % request_id.encode("ascii")
    return b"".join((status_line, response.headers.raw, identity, lines, framing, b"\r\n"))
