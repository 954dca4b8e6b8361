"""Request heads out, response heads and chunks in."""

import pytest

from modelgate.core.http import HeaderBlock
from modelgate.transport.errors import BadResponse
from modelgate.transport.framing import Unchunker, encode_request_head, parse_response_head


def test_a_head_has_host_length_and_the_callers_lines() -> None:
    head = encode_request_head("POST", "/v1/x?a=b", host="h:1", headers=HeaderBlock.of(("A", "b")), length=3)
    assert head == b"POST /v1/x?a=b HTTP/1.1\r\nHost: h:1\r\nContent-Length: 3\r\nA: b\r\n\r\n"


@pytest.mark.parametrize(
    ("method", "said"), [("GET", False), ("HEAD", False), ("DELETE", False), ("POST", True), ("PUT", True), ("PATCH", True)]
)
def test_an_empty_body_is_said_where_one_is_expected(method: str, said: bool) -> None:
    assert (b"Content-Length: 0" in encode_request_head(method, "/", host="h", headers=HeaderBlock(), length=0)) == said


def test_the_way_to_a_proxy_has_the_whole_url() -> None:
    head = encode_request_head("GET", "/x", host="h", headers=HeaderBlock(), length=0, prefix="http://h")
    assert head.startswith(b"GET http://h/x HTTP/1.1\r\n")


@pytest.mark.parametrize("method", ["CONNECT", "get", "TRACE", "", "GET /x HTTP/1.1\r\nA"])
def test_a_method_that_is_not_sent(method: str) -> None:
    with pytest.raises(ValueError, match="request line"):
        encode_request_head(method, "/", host="h", headers=HeaderBlock(), length=0)


@pytest.mark.parametrize("name", ["Host", "content-length", "Transfer-Encoding", "Connection"])
def test_a_header_that_is_ours(name: str) -> None:
    with pytest.raises(ValueError, match="belongs to the transport"):
        encode_request_head("GET", "/", host="h", headers=HeaderBlock.of(("a", "b"), (name, "x")), length=0)


def test_a_header_that_only_sounds_like_ours_passes() -> None:
    headers = HeaderBlock.of(("x-forwarded-host", "a"), ("x-content-length", "5"))
    assert headers.raw in encode_request_head("GET", "/", host="h", headers=headers, length=0)


def test_a_response_head() -> None:
    head = parse_response_head(b"HTTP/1.1 429 Too Many\r\nRetry-After: 3\r\nContent-Length: 12\r\n\r\n")
    assert (head.status, head.content_length, head.chunked, head.keep_alive) == (429, 12, False, True)
    assert head.headers.get(b"retry-after") == b"3"
    assert head.headers.raw == b"Retry-After: 3\r\nContent-Length: 12\r\n"


def test_a_response_without_headers_or_reason() -> None:
    assert parse_response_head(b"HTTP/1.1 200\r\n\r\n").headers.raw == b""


@pytest.mark.parametrize(
    ("line", "kept"),
    [(b"HTTP/1.1 200 OK\r\nConnection: Close", False), (b"HTTP/1.0 200 OK", False), (b"HTTP/1.1 200 OK\r\nConnection: keep-alive", True)],
)
def test_whether_the_connection_is_kept(line: bytes, kept: bool) -> None:
    assert parse_response_head(line + b"\r\nContent-Length: 0\r\n\r\n").keep_alive == kept


@pytest.mark.parametrize("step", [1, 2, 3, 1000])
def test_chunks_however_they_are_split(step: int) -> None:
    wire = b"3;name=value\r\nhel\r\nA\r\nlo, world!\r\n0\r\nTrailer: x\r\n\r\n"
    unchunker = Unchunker()
    got = b"".join(unchunker.feed(wire[at : at + step]) for at in range(0, len(wire), step))
    assert (got, unchunker.done, unchunker.junk) == (b"hello, world!", True, False)


@pytest.mark.parametrize("junk", [b"x", b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil", b"\x00"])
def test_what_follows_the_last_chunk_is_never_body(junk: bytes) -> None:
    unchunker = Unchunker()
    assert unchunker.feed(b"5\r\nhello\r\n0\r\n\r\n" + junk) == b"hello"
    assert unchunker.done
    assert unchunker.junk


def test_nothing_is_taken_after_the_last_chunk_was_read() -> None:
    unchunker = Unchunker()
    assert unchunker.feed(b"5\r\nhello\r\n0\r\n\r\n") == b"hello"
    assert (unchunker.feed(b""), unchunker.junk) == (b"", False)
    assert (unchunker.feed(b"5\r\nworld\r\n"), unchunker.junk) == (b"", True)


@pytest.mark.parametrize(
    "wire", [b"+5\r\n", b"0x5\r\n", b"5_0\r\n", b"-1\r\n", b" 5\r\n", b"5\n", b"5\r\nhelloX\r\n", b"f" * 17 + b"\r\n", b"\r\n"]
)
def test_a_chunk_that_is_not_exactly_right(wire: bytes) -> None:
    with pytest.raises(BadResponse):
        Unchunker().feed(wire)
