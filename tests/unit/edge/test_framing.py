"""Answers as bytes."""

from typing import Any

import pytest

from modelgate.core.http import HeaderBlock, HttpResponse
from modelgate.edge.cors import ORIGIN_LINES
from modelgate.edge.framing import (
    CLOSE_LINE,
    IN_CHUNKS,
    STATUS_LINES,
    UNTIL_CLOSE,
    USUAL_LINES,
    choose_length,
    has_no_body,
    own_lines,
    refusal_lines,
    render_head,
    render_usual,
)
from modelgate.edge.head import Head, parse_head


def response(status: int = 200, **more: Any) -> HttpResponse:
    return HttpResponse(status=status, headers=HeaderBlock.of(("a", "b")), **more)


def head_of(lines: str) -> Head:
    head = parse_head(f"GET / HTTP/1.1\r\nHost: h\r\n{lines}\r\n".encode(), 10)
    assert head is not None
    return head


@pytest.mark.parametrize(
    ("status", "length", "framing"),
    [
        (200, 5, b"content-length: 5\r\n"),
        (200, 0, b"content-length: 0\r\n"),
        (200, IN_CHUNKS, b"transfer-encoding: chunked\r\n"),
        (200, UNTIL_CLOSE, b""),
        (204, 0, b""),
        (304, IN_CHUNKS, b""),
    ],
)
def test_head(status: int, length: int, framing: bytes) -> None:
    rendered = render_head(response(status), "req_1", lines=b"x: y\r\n", length=length)
    assert rendered == STATUS_LINES[status] + b"a: b\r\nx-request-id: req_1\r\nx: y\r\n" + framing + b"\r\n"


def test_status_without_a_phrase() -> None:
    assert render_head(response(599), "r", lines=b"", length=0).startswith(b"HTTP/1.1 599 \r\n")


def test_usual_answer_is_what_the_long_way_gives() -> None:
    body = b"hello"
    usual = render_usual(USUAL_LINES[200], response().headers.raw, "req_1", body)
    assert usual == render_head(response(), "req_1", lines=b"", length=len(body)) + body


def test_statuses_without_a_body() -> None:
    assert [status for status in (101, 200, 204, 304, 404) if has_no_body(status)] == [101, 204, 304]
    assert not [status for status in USUAL_LINES if has_no_body(status)]


def test_lengths() -> None:
    assert choose_length(response(content_length=7), modern=False) == 7
    assert choose_length(response(), modern=True) == IN_CHUNKS
    assert choose_length(response(), modern=False) == UNTIL_CLOSE


def test_own_lines() -> None:
    assert own_lines(head_of(""), response(), cors=True) == b""
    assert own_lines(head_of("Connection: close\r\n"), response(), cors=True) == CLOSE_LINE
    browser = head_of("Origin: https://a.example\r\n")
    assert own_lines(browser, response(), cors=True) == ORIGIN_LINES
    assert own_lines(browser, response(), cors=False) == b""
    said = HttpResponse(status=200, headers=HeaderBlock.of(("Access-Control-Allow-Origin", "https://a.example")))
    assert own_lines(browser, said, cors=True) == b""


def test_refusals() -> None:
    assert refusal_lines(cors=True) == CLOSE_LINE + ORIGIN_LINES
    assert refusal_lines(cors=False) == CLOSE_LINE
