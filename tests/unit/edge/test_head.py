"""Request heads: what is taken, what is refused."""

import pytest

from modelgate.core.errors import InvalidRequest, ModelgateError
from modelgate.edge.head import CHUNKED, Head, around_length, find_flaw, guess_path, parse_head, take_resized


def parse(lines: str, request_line: str = "POST /v1/x HTTP/1.1") -> Head | None:
    return parse_head(f"{request_line}\r\n{lines}\r\n".encode("latin-1"), 100)


def test_usual_head_is_taken_apart() -> None:
    data = b"POST /v1/chat?a=1&b=%20 HTTP/1.1\r\nHost: h:1\r\nX-A: b \r\nContent-Length: 3\r\n\r\nabcGET"
    head = parse_head(data, 100)
    assert head is not None
    assert (head.method, head.path, head.query, head.length) == ("POST", "/v1/chat", "a=1&b=%20", 3)
    assert head.keep_alive
    assert head.modern
    assert not head.origin
    assert head.usual
    assert data[head.size :] == b"abcGET"
    assert head.headers.get(b"x-a") == b"b"
    assert head.headers.raw == b"Host: h:1\r\nX-A: b \r\nContent-Length: 3\r\n"


@pytest.mark.parametrize(
    ("target", "path", "query"),
    [
        ("/", "/", ""),
        ("/a?", "/a", ""),
        ("/a?b?c", "/a", "b?c"),
        ("//evil.example/x", "//evil.example/x", ""),
        ("http://host:80/a/b?c=d", "/a/b", "c=d"),
        ("HTTPS://host?c=d", "/", "c=d"),
        ("http://host", "/", ""),
    ],
)
def test_targets(target: str, path: str, query: str) -> None:
    head = parse("Host: h\r\n", f"GET {target} HTTP/1.1")
    assert head is not None
    assert (head.path, head.query) == (path, query)


def test_options_of_the_whole_server() -> None:
    head = parse("Host: h\r\n", "OPTIONS * HTTP/1.1")
    assert head is not None
    assert head.path == "*"


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.1\nHost: h\n\n",
        b"GET / HTTP/1.1\r\nHost: h\nX: y\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: h\rX: y\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: h\r\n folded\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: h\r\n\tfolded: x\r\n\r\n",
        b"GET / HTTP/1.1\r\n Host: h\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost : h\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost\t: h\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: h\0\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: h\r\nX\0: y\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: h\r\nX: \x7f\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: h\r\n: y\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: h\r\nno colon\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: h\r\nX\xe9: y\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: h\r\n(X): y\r\n\r\n",
        b"GET /\r\n\r\n",
        b"GET / HTTP/2.0\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET / HTTP/1.2\r\nHost: h\r\n\r\n",
        b"GET / HTTP/1.10\r\nHost: h\r\n\r\n",
        b"GET / http/1.1\r\nHost: h\r\n\r\n",
        b"GET  / HTTP/1.1\r\nHost: h\r\n\r\n",
        b"GET\t/ HTTP/1.1\r\nHost: h\r\n\r\n",
        b" GET / HTTP/1.1\r\nHost: h\r\n\r\n",
        b"GET / HTTP/1.1 \r\nHost: h\r\n\r\n",
        b"get / HTTP/1.1\r\nHost: h\r\n\r\n",
        b"GET /a b HTTP/1.1\r\nHost: h\r\n\r\n",
        b"GET /#f HTTP/1.1\r\nHost: h\r\n\r\n",
        b"GET /\xc3\xa9 HTTP/1.1\r\nHost: h\r\n\r\n",
        b"GET /\x01 HTTP/1.1\r\nHost: h\r\n\r\n",
        b"G@T / HTTP/1.1\r\nHost: h\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n",
    ],
)
def test_no_head_in_the_strict_grammar(head: bytes) -> None:
    assert parse_head(head, 100) is None


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        ("", 400),
        ("Host: a\r\nHost: a\r\n", 400),
        ("Host: a\r\nhOST: b\r\n", 400),
        ("Host: a/b\r\n", 400),
        ("Host: a@b\r\n", 400),
        ("Host: a b\r\n", 400),
        ("Host: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n", 400),
        ("Host: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n", 400),
        ("Host: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n", 400),
        ("Host: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n", 400),
        ("Host: a\r\nContent-Length: 1, 1\r\n", 400),
        ("Host: a\r\nContent-Length: +1\r\n", 400),
        ("Host: a\r\nContent-Length: -1\r\n", 400),
        ("Host: a\r\nContent-Length: 1 1\r\n", 400),
        ("Host: a\r\nContent-Length: 0x10\r\n", 400),
        ("Host: a\r\nContent-Length: 1_0\r\n", 400),
        ("Host: a\r\nContent-Length: 1.0\r\n", 400),
        ("Host: a\r\nContent-Length: ²\r\n", 400),
        ("Host: a\r\nContent-Length:\r\n", 400),
        ("Host: a\r\nContent-Length: 99999999999999999999\r\n", 400),
        ("Host: a\r\nTransfer-Encoding: gzip, chunked\r\n", 400),
        ("Host: a\r\nTransfer-Encoding: chunked, chunked\r\n", 400),
        ("Host: a\r\nTransfer-Encoding: xchunked\r\n", 400),
        ("Host: a\r\nTransfer-Encoding: identity\r\n", 400),
        ("Host: a\r\nTransfer-Encoding: \x0bchunked\r\n".replace("\x0b", '"'), 400),
        ("Host: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", 400),
        ("Host: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n", 400),
        ("Host: a\r\nAuthorization: Bearer a\r\nAuthorization: Bearer b\r\n", 400),
        ("Host: a\r\nExpect: a-pony\r\n", 417),
        ("Host: a\r\n" + "X: y\r\n" * 100, 431),
    ],
)
def test_refused_heads(lines: str, status: int) -> None:
    with pytest.raises(InvalidRequest) as caught:
        parse(lines)
    assert caught.value.status == status


@pytest.mark.parametrize(
    ("line", "status"),
    [
        ("CONNECT h:443 HTTP/1.1", 405),
        ("GET * HTTP/1.1", 400),
        ("GET ftp://h/x HTTP/1.1", 400),
        ("GET h/x HTTP/1.1", 400),
        ("GET http:///x HTTP/1.1", 400),
    ],
)
def test_refused_targets(line: str, status: int) -> None:
    with pytest.raises(ModelgateError) as caught:
        parse("Host: h\r\n", line)
    assert caught.value.status == status


def test_lengths() -> None:
    for lines, length in (("", 0), ("Content-Length: 007 \r\n", 7), ("Transfer-Encoding:\tChunked \r\n", CHUNKED)):
        head = parse("Host: h\r\n" + lines)
        assert head is not None
        assert head.length == length


def test_old_version() -> None:
    head = parse("", "GET / HTTP/1.0")
    assert head is not None
    assert not head.modern
    assert not head.keep_alive
    with pytest.raises(InvalidRequest):
        parse("Transfer-Encoding: chunked\r\n", "POST / HTTP/1.0")


@pytest.mark.parametrize(
    ("lines", "stays"),
    [
        ("", True),
        ("Connection: close\r\n", False),
        ("Connection: Keep-Alive, Close\r\n", False),
        ("Connection: x\r\nConnection: close\r\n", False),
        ("Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n", True),
        ("Connection: closed\r\n", True),
    ],
)
def test_keep_alive(lines: str, stays: bool) -> None:
    head = parse("Host: h\r\n" + lines)
    assert head is not None
    assert head.keep_alive is stays


def test_expectation_and_origin() -> None:
    head = parse("Host: h\r\nExpect: 100-Continue\r\nOrigin: https://a.example\r\n")
    assert head is not None
    assert head.expects_continue
    assert head.origin


def test_header_count_at_the_bound() -> None:
    head = parse("Host: h\r\n" + "X: y\r\n" * 99)
    assert head is not None


@pytest.mark.parametrize(
    ("beginning", "flawed"),
    [
        (b"GET / HTTP/1.1\r\nHo", False),
        (b"GET / HTTP/1.1\r", False),
        (b"", False),
        (b"GET / HTTP/1.1\nHo", True),
        (b"GET / HTTP/1.1\rHo", True),
        (b"GET /\0", True),
        (b"\x16\x03\x01", True),
        (b"{", True),
    ],
)
def test_flaws_are_seen_before_the_head_ends(beginning: bytes, flawed: bool) -> None:
    assert find_flaw(beginning, 0) is flawed
    assert any(find_flaw(beginning[:end], end - 1) for end in range(1, len(beginning) + 1)) is flawed


def test_path_of_a_refused_head() -> None:
    assert guess_path(b"POST /mj/submit?x HTTP/1.1\r\nbad") == "/mj/submit"
    assert guess_path(b"POST http://h/mj/submit HTTP/1.1\r\n") == "/mj/submit"
    assert guess_path(bytearray(b"HEAD HTTPS://h/mj/submit")) == "/mj/submit"
    assert guess_path(b"\x16\x03") == ""


SIZED = b"POST /v1/x?y HTTP/1.1\r\nHost: h\r\nContent-Length: 12\r\nAuthorization: Bearer a\r\n\r\n"


@pytest.mark.parametrize("digits", [b"0", b"7", b"12", b"345678", b"007", b"9" * 18])
def test_a_head_of_another_length_is_taken_as_if_it_were_read_anew(digits: bytes) -> None:
    head = parse_head(SIZED, 100)
    assert head is not None
    assert head.headers.get(b"content-length") == b"12"
    assert head.headers.get(b"authorization") == b"Bearer a"
    head.headers.known = "something"
    earlier = head.headers
    data = SIZED.replace(b"12", digits) + b"the body\r\n"
    assert take_resized(head, data, around_length(SIZED))

    anew = parse_head(data, 100)
    assert anew is not None
    assert (head.length, head.size, head.headers.raw) == (anew.length, anew.size, anew.headers.raw)
    assert (head.method, head.path, head.query, head.usual, head.keep_alive) == (
        anew.method,
        anew.path,
        anew.query,
        anew.usual,
        anew.keep_alive,
    )
    assert head.headers.get(b"content-length") == digits
    assert head.headers.get(b"authorization") == b"Bearer a"
    assert head.headers.known == "something"
    assert earlier.raw == SIZED[SIZED.index(b"\n") + 1 : -2]
    assert earlier.get(b"content-length") == b"12"


@pytest.mark.parametrize(
    "data",
    [
        SIZED.replace(b"12", b""),
        SIZED.replace(b"12", b"+12"),
        SIZED.replace(b"12", b"-1"),
        SIZED.replace(b"12", b"1_2"),
        SIZED.replace(b"12", b"0x12"),
        SIZED.replace(b"12", b"12, 13"),
        SIZED.replace(b"12", b"12 "),
        SIZED.replace(b"12", "１２".encode()),
        SIZED.replace(b"12", b"9" * 19),
        SIZED.replace(b"12\r\n", b"12\n"),
        SIZED.replace(b"12\r\n", b"12\r\nContent-Length: 5\r\n"),
        SIZED.replace(b"12\r\n", b"12\r\nTransfer-Encoding: chunked\r\n"),
        SIZED.replace(b"Bearer a", b"Bearer b"),
        SIZED.replace(b"/v1/x", b"/v1/z"),
        SIZED.replace(b"Host: h", b"Host: g"),
        SIZED[:-2],
        SIZED[:-1],
        SIZED[: SIZED.index(b"12") + 1],
        b"",
    ],
)
def test_whatever_differs_in_more_than_the_digits_is_read_anew(data: bytes) -> None:
    head = parse_head(SIZED, 100)
    assert head is not None
    before = head.headers
    assert not take_resized(head, data, around_length(SIZED))
    assert (head.length, head.size) == (12, len(SIZED))
    assert head.headers is before


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.1\r\nHost: h\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5 \r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: h\r\nX-Content-Length: 5\r\n\r\n",
    ],
)
def test_heads_whose_length_is_no_mere_number_are_always_read(head: bytes) -> None:
    assert around_length(head) == (b"", b"")


def test_the_length_is_found_however_it_is_written() -> None:
    assert around_length(b"POST / HTTP/1.1\r\nCONTENT-length:\t5\r\nHost: h\r\n\r\n") == (
        b"POST / HTTP/1.1\r\nCONTENT-length:\t",
        b"\r\nHost: h\r\n\r\n",
    )
