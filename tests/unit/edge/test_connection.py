"""One client's socket under use and abuse: every case ends in an answer or a close, never in a hang."""

import asyncio
import itertools
import re
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from modelgate.core.errors import UpstreamUnreachable
from modelgate.edge.connection import Connection
from modelgate.edge.limits import EdgeLimits
from modelgate.edge.service import Service

pytestmark = pytest.mark.anyio

CHUNKED_HEAD = b"POST /e HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
QUICK = 0.15
"""A timeout that a test waits for."""


@pytest.fixture
def limits() -> EdgeLimits:
    return EdgeLimits(
        max_head_bytes=4096,
        max_headers=20,
        max_body_bytes=300_000,
        max_buffered_bytes=500_000,
        max_read_ahead_bytes=8192,
        linger_timeout_s=10.0,  # a request that is sent byte by byte may take longer than what is quick
        head_delay_s=QUICK,
        sweep_interval_s=QUICK / 5,
    )


ABUSE: list[tuple[str, bytes, int]] = [
    ("both lengths", b"POST /e HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    ("two lengths", b"POST /e HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!", 400),
    ("list of lengths", b"POST /e HTTP/1.1\r\nHost: h\r\nContent-Length: 5,5\r\n\r\nhello", 400),
    ("signed length", b"POST /e HTTP/1.1\r\nHost: h\r\nContent-Length: +5\r\n\r\nhello", 400),
    ("negative length", b"POST /e HTTP/1.1\r\nHost: h\r\nContent-Length: -5\r\n\r\nhello", 400),
    ("other coding", b"POST /e HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip\r\n\r\n", 400),
    ("old chunked", b"POST /e HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    ("folded line", b"GET /e HTTP/1.1\r\nHost: h\r\nX: a\r\n b\r\n\r\n", 400),
    ("bare LF", b"GET /e HTTP/1.1\nHost: h\n\n", 400),
    ("bare LF in a header", b"GET /e HTTP/1.1\r\nHost: h\nX: y\r\n\r\n", 400),
    ("bare CR", b"GET /e HTTP/1.1\r\nHost: h\rX: y\r\n\r\n", 400),
    ("space before colon", b"POST /e HTTP/1.1\r\nHost: h\r\nContent-Length : 5\r\n\r\nhello", 400),
    ("NUL", b"GET /e HTTP/1.1\r\nHost: h\r\nX: \0\r\n\r\n", 400),
    ("no Host", b"GET /e HTTP/1.1\r\n\r\n", 400),
    ("two Hosts", b"GET /e HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
    ("two Authorizations", b"GET /e HTTP/1.1\r\nHost: h\r\nAuthorization: a\r\nAuthorization: b\r\n\r\n", 400),
    ("HTTP/2 preface", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
    ("TLS on the plain port", bytes.fromhex("160301020001000200"), 400),
    ("no HTTP at all", b"\x00\x01\x02\x03", 400),
    ("HTTP/0.9", b"GET /e\r\n\r\n", 400),
    ("CONNECT", b"CONNECT h:443 HTTP/1.1\r\nHost: h\r\n\r\n", 405),
    ("too long a head", b"GET /e HTTP/1.1\r\nHost: h\r\nX: " + b"y" * 5000 + b"\r\n\r\n", 431),
    ("too long a target", b"GET /" + b"y" * 5000 + b" HTTP/1.1\r\nHost: h\r\n\r\n", 431),
    ("head without an end", b"GET /" + b"y" * 5000, 431),
    ("too many headers", b"GET /e HTTP/1.1\r\nHost: h\r\n" + b"X: y\r\n" * 20 + b"\r\n", 431),
    ("too large a body", b"POST /e HTTP/1.1\r\nHost: h\r\nContent-Length: 300001\r\n\r\n", 413),
    ("too large a chunk", CHUNKED_HEAD + b"493e1\r\n", 413),
    ("unknown expectation", b"POST /e HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nExpect: tea\r\n\r\n", 417),
    ("hexadecimal prefix", CHUNKED_HEAD + b"0x5\r\nhello\r\n0\r\n\r\n", 400),
    ("signed chunk", CHUNKED_HEAD + b"+5\r\nhello\r\n0\r\n\r\n", 400),
    ("underscore in a chunk size", CHUNKED_HEAD + b"1_0\r\nhello\r\n0\r\n\r\n", 400),
    ("chunk with bare LF", CHUNKED_HEAD + b"5\nhello\r\n0\r\n\r\n", 400),
    ("chunk longer than said", CHUNKED_HEAD + b"5\r\nhello!\r\n0\r\n\r\n", 400),
    ("endless extension", CHUNKED_HEAD + b"5;" + b"x" * 2000, 400),
    ("endless trailers", CHUNKED_HEAD + b"0\r\n" + b"X: yyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n" * 400, 400),
]


async def test_heads_that_differ_in_their_length_alone(toy: Any, connect: Any) -> None:
    client = await connect()
    for length in (5, 0, 12, 7, 100_000, 7):
        await client.send(b"POST /e HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\nX: y\r\n\r\n" % length + b"x" * length)
        status, _, body = await client.answer()
        assert (status, body) == (200, b"POST /e %d" % length)
    assert [request.headers.get(b"content-length") for request in toy.requests] == [b"5", b"0", b"12", b"7", b"100000", b"7"]


@pytest.mark.parametrize("case", [case for case in ABUSE if b"Content-Length" in case[1]], ids=lambda case: case[0])
async def test_abuse_behind_a_good_request_of_the_same_kind(toy: Any, connect: Any, *, case: tuple[str, bytes, int]) -> None:
    client = await connect()
    await client.send(b"POST /e HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello")
    assert (await client.answer())[0] == 200
    await client.send(case[1])
    status, headers, _ = await client.answer()
    assert (status, headers["connection"]) == (case[2], "close")
    assert await client.rest() == b""
    assert len(toy.requests) == 1


@pytest.mark.parametrize(("data", "status"), [case[1:] for case in ABUSE], ids=[case[0] for case in ABUSE])
@pytest.mark.parametrize("slowly", [False, True], ids=["whole", "bytewise"])
async def test_abuse_is_refused_and_closed(toy: Any, connect: Any, *, data: bytes, status: int, slowly: bool) -> None:
    client = await connect()
    if slowly:
        await client.send_slowly(data)
    else:
        await client.send(data)
    got, headers, _ = await client.answer()
    assert got == status
    assert headers["connection"] == "close"
    assert headers["x-request-id"].startswith("req_")
    assert await client.rest() == b""
    assert toy.requests == []
    assert toy.faults == []


GOOD: list[tuple[str, bytes, bytes]] = [
    ("plain", b"GET /e HTTP/1.1\r\nHost: h\r\n\r\n", b"GET /e 0"),
    ("body", b"POST /e HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello", b"POST /e 5"),
    ("chunked", CHUNKED_HEAD + b"5;x=y\r\nhello\r\nA\r\n0123456789\r\n0\r\nX: y\r\n\r\n", b"POST /e 15"),
    ("empty lines before", b"\r\n\r\n\r\nGET /e HTTP/1.1\r\nHost: h\r\n\r\n", b"GET /e 0"),
    ("absolute form", b"GET http://h/e?q HTTP/1.1\r\nHost: h\r\n\r\n", b"GET /e 0"),
    ("websocket upgrade", b"GET /e HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n", b"GET /e 0"),
    ("h2c upgrade", b"GET /e HTTP/1.1\r\nHost: h\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\r\n", b"GET /e 0"),
]


@pytest.mark.parametrize(("data", "body"), [case[1:] for case in GOOD], ids=[case[0] for case in GOOD])
@pytest.mark.parametrize("slowly", [False, True], ids=["whole", "bytewise"])
async def test_good_requests_are_answered_again_and_again(connect: Any, *, data: bytes, body: bytes, slowly: bool) -> None:
    client = await connect()
    for _ in range(2):
        await (client.send_slowly(data) if slowly else client.send(data))
        status, headers, got = await client.answer()
        assert (status, got) == (200, body)
        assert "connection" not in headers
        assert headers["x-request-id"].startswith("req_")


async def test_request_reaches_the_handler_whole(toy: Any, connect: Any) -> None:
    client = await connect()
    await client.send(b"POST /e?a=b HTTP/1.1\r\nHost: h\r\nX-A: 1\r\nContent-Length: 2\r\n\r\nhi")
    _, headers, _ = await client.answer()
    request = toy.requests[0]
    assert (request.method, request.path, request.query, bytes(request.body)) == ("POST", "/e", "a=b", b"hi")
    assert request.headers.get(b"x-a") == b"1"
    assert request.client == "127.0.0.1"
    assert request.started == 1000.0
    assert headers["x-request-id"] == request.id


async def test_pipelined_requests_are_answered_in_order(toy: Any, connect: Any) -> None:
    client = await connect()
    await client.send(
        b"POST /1 HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\na"
        b"OPTIONS /2 HTTP/1.1\r\nHost: h\r\n\r\n"
        b"GET /wait HTTP/1.1\r\nHost: h\r\n\r\n" + CHUNKED_HEAD + b"1\r\nb\r\n0\r\n\r\n"
        b"GET /5 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
        b"GET /6 HTTP/1.1\r\nHost: h\r\n\r\n"
    )
    assert (await client.answer())[2] == b"POST /1 1"
    assert (await client.answer())[0] == 204
    assert len(toy.requests) == 2
    toy.gate.set()
    assert (await client.answer())[2] == b"GET /wait 0"
    assert (await client.answer())[2] == b"POST /e 1"
    assert (await client.answer())[2] == b"GET /5 0"
    assert await client.rest() == b""
    assert [request.path for request in toy.requests] == ["/1", "/wait", "/e", "/5"]
    assert bytes(toy.requests[0].body) == b"a"


USUAL = b"POST /usual/%d HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\na"


async def test_a_request_taken_without_a_coroutine_is_answered_alike(toy: Any, connect: Any, until: Any) -> None:
    client = await connect()
    seen = []
    for number, path in enumerate((b"/usual/1", b"/e")):
        await client.send(b"POST %b HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi" % path)
        if not number:
            await until(lambda: toy.begun)
            assert toy.server.buffered_bytes == 2
            toy.begun[0].answer(b"POST /e 2")
        status, headers, body = await client.answer()
        request = (toy.begun[0].request, *toy.requests)[number]
        assert headers.pop("x-request-id") == request.id
        seen.append((status, headers, body, request.method, bytes(request.body), request.started, request.client))
    assert seen[0] == seen[1]
    assert (toy.server.buffered_bytes, len(toy.requests)) == (0, 1)


async def test_pipelined_requests_without_a_coroutine_are_answered_in_order(toy: Any, connect: Any, until: Any) -> None:
    client = await connect()
    await client.send(USUAL % 1 + USUAL % 2 + b"GET /wait HTTP/1.1\r\nHost: h\r\n\r\n" + USUAL % 4 + USUAL % 5)
    for number in (1, 2):
        await until(lambda number=number: len(toy.begun) == number)
        await asyncio.sleep(QUICK / 10)
        assert len(toy.begun) == number  # one at a time
        toy.begun[-1].answer()
        assert (await client.answer())[2] == b"begun /usual/%d" % number
    await until(lambda: toy.requests)
    assert len(toy.begun) == 2
    toy.gate.set()
    assert (await client.answer())[2] == b"GET /wait 0"
    await until(lambda: len(toy.begun) == 3)
    toy.begun[2].reply.await_answer(toy.begun[2].request, toy.handle)  # it becomes a task after all
    assert (await client.answer())[2] == b"POST /usual/4 1"
    await until(lambda: len(toy.begun) == 4)
    toy.begun[3].answer()
    assert (await client.answer())[2] == b"begun /usual/5"
    assert [begun.cancelled for begun in toy.begun] == [0] * 4


async def test_a_large_answer_without_a_coroutine_arrives_intact(toy: Any, connect: Any, until: Any) -> None:
    client = await connect()
    body = bytes(range(256)) * 4096
    await client.send(USUAL % 1 + USUAL % 2)
    await until(lambda: toy.begun)
    toy.begun[0].answer(body)
    assert (await client.answer())[2] == body
    await until(lambda: len(toy.begun) == 2)
    toy.begun[1].answer()
    assert (await client.answer())[2] == b"begun /usual/2"


async def test_a_half_closed_client_gets_its_answer_without_a_coroutine(toy: Any, connect: Any, until: Any) -> None:
    client = await connect()
    await client.send(USUAL % 1)
    client.end()
    await until(lambda: toy.begun)
    toy.begun[0].answer()
    assert (await client.answer())[2] == b"begun /usual/1"
    assert await client.rest() == b""


@pytest.mark.parametrize("leave", ["abort", "reset"])
@pytest.mark.parametrize("is_handed_on", [False, True])
async def test_a_request_goes_on_when_its_client_vanishes_and_then_all_is_forgotten(
    toy: Any, connect: Any, until: Any, *, is_handed_on: bool, leave: str
) -> None:
    """What it asked for goes on, so that the bill is known; only its answer has nowhere to go."""
    client = await connect()
    await client.send(USUAL % 1)
    await until(lambda: toy.begun)
    getattr(client, leave)()
    await asyncio.sleep(0.02)
    begun = toy.begun[0]
    assert (toy.server.connection_count, toy.server.buffered_bytes, begun.cancelled) == (1, 1, 0)
    if is_handed_on:
        begun.reply.await_answer(begun.request, toy.handle)
        await until(lambda: toy.finished == 1)
    else:
        begun.answer()
    await until(lambda: not toy.server.connection_count)
    assert (toy.server.buffered_bytes, toy.faults) == (0, [])


async def test_a_fault_after_a_request_was_handed_on_is_an_error_answer(toy: Any, connect: Any, until: Any) -> None:
    async def fail(_request: Any) -> Any:
        raise KeyError("the secret of the fault")

    client = await connect()
    await client.send(USUAL % 1)
    await until(lambda: toy.begun)
    toy.begun[0].reply.await_answer(toy.begun[0].request, fail)
    status, _, body = await client.answer()
    assert (status, b"secret" in body, len(toy.faults)) == (500, False, 1)


async def test_many_pipelined_preflights_do_not_nest(connect: Any) -> None:
    client = await connect()
    await client.send(b"OPTIONS /2 HTTP/1.1\r\nHost: h\r\n\r\n" * 1500)
    for _ in range(1500):
        assert (await client.answer(bodyless=True))[0] == 204


async def test_read_ahead_is_bounded(toy: Any, connect: Any) -> None:
    client = await connect()
    await client.send(b"GET /wait HTTP/1.1\r\nHost: h\r\n\r\n")
    sent = 0
    piece = b"GET /more HTTP/1.1\r\nHost: h\r\n\r\n" * 1000
    with pytest.raises(TimeoutError):
        while True:
            async with asyncio.timeout(QUICK if sent > len(piece) else None):  # so many of them fit in any case
                await client.send(piece)
                sent += len(piece)
    assert sent < 50_000_000  # what the kernel's socket buffers take
    assert len(toy.requests) == 1
    toy.gate.set()
    for _ in range(2001):
        assert (await client.answer())[0] == 200


async def test_expect_continue(toy: Any, connect: Any) -> None:
    client = await connect()
    await client.send(b"POST /e HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
    assert (await client.answer())[0] == 100
    await client.send(b"hello")
    assert (await client.answer())[2] == b"POST /e 5"


async def test_expect_continue_of_a_body_too_large_is_refused_at_once(connect: Any) -> None:
    client = await connect()
    await client.send(b"POST /e HTTP/1.1\r\nHost: h\r\nContent-Length: 300001\r\nExpect: 100-continue\r\n\r\n")
    assert (await client.answer())[0] == 413


async def test_head_has_the_same_headers_and_no_body(toy: Any, connect: Any, source_type: Any) -> None:
    client = await connect()
    await client.send(b"HEAD /e HTTP/1.1\r\nHost: h\r\n\r\n")
    status, headers, _ = await client.answer(bodyless=True)
    assert (status, headers["content-length"]) == (200, str(len("HEAD /e 0")))
    toy.source = source_type()
    await client.send(b"HEAD /stream HTTP/1.1\r\nHost: h\r\n\r\nHEAD /stream?7 HTTP/1.1\r\nHost: h\r\n\r\n")
    assert (await client.answer(bodyless=True))[1]["transfer-encoding"] == "chunked"
    assert (await client.answer(bodyless=True))[1]["content-length"] == "7"
    assert toy.source.calls == ["abort", "abort"]


@pytest.mark.parametrize("path", [b"/refused", b"/fault"])
async def test_the_error_of_a_head_request_has_no_body(connect: Any, path: bytes) -> None:
    client = await connect()
    await client.send(b"HEAD %b HTTP/1.1\r\nHost: h\r\n\r\nGET /e HTTP/1.1\r\nHost: h\r\n\r\n" % path)
    status, headers, _ = await client.answer(bodyless=True)
    assert status >= 400
    assert int(headers["content-length"]) > 0
    assert (await client.answer())[2] == b"GET /e 0"


REFUSED_HEADS = [(case[0], re.sub(rb"\A(GET|POST) ", b"HEAD ", case[1]), case[2]) for case in ABUSE if re.match(rb"(GET|POST) ", case[1])]


@pytest.mark.parametrize(("data", "status"), [case[1:] for case in REFUSED_HEADS], ids=[case[0] for case in REFUSED_HEADS])
@pytest.mark.parametrize("slowly", [False, True], ids=["whole", "bytewise"])
async def test_the_refusal_of_a_head_request_has_no_body(connect: Any, *, data: bytes, status: int, slowly: bool) -> None:
    """What was refused by the edge itself came with its sentence as a body, which RFC 9110 (9.3.2) forbids."""
    client = await connect()
    await (client.send_slowly(data) if slowly else client.send(data))
    got, headers, _ = await client.answer(bodyless=True)
    assert (got, headers["connection"]) == (status, "close")
    assert int(headers["content-length"]) > 0
    assert await client.rest() == b""


@pytest.mark.parametrize("data", [b"HEAD /e HT", b"HEAD /e HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhe"], ids=["head", "body"])
@pytest.mark.parametrize("limits", [EdgeLimits(head_timeout_s=QUICK, body_timeout_s=QUICK, sweep_interval_s=QUICK / 5)])
@pytest.mark.parametrize("ends", [True, False], ids=["ended", "late"])
async def test_the_refusal_of_half_a_head_request_has_no_body(connect: Any, *, data: bytes, ends: bool) -> None:
    client = await connect()
    await client.send(data)
    if ends:
        client.end()
    status, headers, _ = await client.answer(bodyless=True)
    assert status in {400, 408}
    assert int(headers["content-length"]) > 0
    assert await client.rest() == b""


@pytest.mark.parametrize("data", [b"GET /e HT", b"GET /e HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhe"], ids=["head", "body"])
async def test_half_a_request_is_refused_in_the_words_of_its_path(connect: Any, data: bytes) -> None:
    client = await connect()
    await client.send(data)
    client.end()
    assert b"[/e]" in (await client.answer())[2]


async def test_no_content_has_no_length(connect: Any) -> None:
    client = await connect()
    await client.send(b"GET /empty HTTP/1.1\r\nHost: h\r\n\r\n")
    status, headers, _ = await client.answer(bodyless=True)
    assert status == 204
    assert "content-length" not in headers
    await client.send(b"GET /e HTTP/1.1\r\nHost: h\r\n\r\n")
    assert (await client.answer())[0] == 200


async def test_cors(toy: Any, connect: Any) -> None:
    client = await connect()
    await client.send(
        b"OPTIONS /e HTTP/1.1\r\nHost: h\r\nOrigin: https://a.example\r\n"
        b"Access-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: authorization\r\n\r\n"
        b"OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n"
        b"GET /e HTTP/1.1\r\nHost: h\r\nOrigin: https://a.example\r\n\r\n"
    )
    status, headers, _ = await client.answer(bodyless=True)
    assert (status, headers["access-control-allow-headers"]) == (204, "authorization")
    assert headers["access-control-allow-origin"] == "*"
    status, headers, _ = await client.answer(bodyless=True)
    assert (status, "access-control-allow-origin" in headers) == (204, False)
    _, headers, _ = await client.answer()
    assert headers["access-control-allow-origin"] == "*"
    assert "x-request-id" in headers["access-control-expose-headers"]
    assert len(toy.requests) == 1


@pytest.mark.parametrize("head", [b"POST /e HTTP/1.1\r\nHost: h\r\nOrigin: o\r\nContent-Length: 999999\r\n\r\n", b"nonsense\r\n\r\n"])
async def test_a_page_may_read_why_its_request_was_refused(connect: Any, head: bytes) -> None:
    """A browser said "network error" where the body was too large: refusals of the edge itself told it nothing of origins."""
    client = await connect()
    await client.send(head)
    status, headers, _ = await client.answer()
    assert status >= 400
    assert headers["access-control-allow-origin"] == "*"


@pytest.mark.parametrize("toy", [{"cors": False}], indirect=True)
async def test_cors_can_be_off(toy: Any, connect: Any) -> None:
    client = await connect()
    await client.send(b"OPTIONS /e HTTP/1.1\r\nHost: h\r\nOrigin: https://a.example\r\n\r\n")
    status, headers, _ = await client.answer()
    assert (status, "access-control-allow-origin" in headers) == (200, False)


async def test_old_version_is_closed_and_never_chunked(toy: Any, connect: Any, source_type: Any, until: Any) -> None:
    toy.source = source_type()
    client = await connect()
    await client.send(b"GET /stream HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
    await until(lambda: toy.source.sink)
    toy.source.sink.write(b"abc")
    toy.source.sink.end()
    answer = await client.rest()
    assert b"transfer-encoding" not in answer
    assert b"connection: close" in answer
    assert answer.endswith(b"\r\n\r\nabc")


async def test_errors_are_rendered_and_the_connection_stays(toy: Any, connect: Any) -> None:
    client = await connect()
    await client.send(b"GET /refused HTTP/1.1\r\nHost: h\r\n\r\n")
    status, headers, body = await client.answer()
    assert status == 429
    assert body == f"Slow down. [/refused] [{headers['x-request-id']}]".encode()
    await client.send(b"GET /fault HTTP/1.1\r\nHost: h\r\n\r\n")
    status, _, body = await client.answer()
    assert status == 500
    assert b"secret" not in body
    assert [type(fault) for fault in toy.faults] == [KeyError]


async def test_answer_that_cannot_be_sent_is_a_cut_not_a_hang(toy: Any, connect: Any) -> None:
    client = await connect()
    await client.send(b"GET /broken HTTP/1.1\r\nHost: h\r\n\r\n")
    assert await client.rest() in (b"", b"(reset)")
    assert len(toy.faults) == 1


@pytest.mark.parametrize("size", [65_536, 200_000, 299_999])
@pytest.mark.parametrize("first", [0, 1, 70_000])
async def test_large_body_arrives_intact_and_the_next_request_too(toy: Any, connect: Any, size: int, first: int) -> None:
    body = bytes(range(251)) * (size // 251 + 1)
    body = body[:size]
    client = await connect()
    data = b"POST /e HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n" % size + body[:first]
    await client.send(data)
    await asyncio.sleep(0.01)
    await client.send(body[first:] + b"GET /next HTTP/1.1\r\nHost: h\r\n\r\n")
    assert (await client.answer())[2] == f"POST /e {size}".encode()
    assert (await client.answer())[2] == b"GET /next 0"
    assert bytes(toy.requests[0].body) == body
    assert toy.server.buffered_bytes == 0


async def test_bodies_of_all_connections_are_bounded_together(toy: Any, connect: Any, until: Any) -> None:
    first, second, third = await connect(), await connect(), await connect()
    head = b"POST /wait HTTP/1.1\r\nHost: h\r\nContent-Length: 290000\r\n\r\n"
    await first.send(head + b"x" * 290_000)
    await until(lambda: toy.requests)
    await second.send(head)
    assert (await second.answer())[0] == 503
    await third.send(CHUNKED_HEAD + (b"C350\r\n" + b"x" * 50_000 + b"\r\n") * 5)
    assert (await third.answer())[0] == 503
    toy.gate.set()
    assert (await first.answer())[0] == 200


async def test_half_closed_client_gets_its_answer(toy: Any, connect: Any, until: Any) -> None:
    client = await connect()
    await client.send(b"GET /wait HTTP/1.1\r\nHost: h\r\n\r\nGET /e HTTP/1.1\r\nHost: h\r\n\r\n")
    client.end()
    await until(lambda: toy.requests)
    toy.gate.set()
    assert (await client.answer())[2] == b"GET /wait 0"
    assert (await client.answer())[2] == b"GET /e 0"
    assert await client.rest() == b""


async def test_line_end_behind_the_last_request_is_no_half_request(toy: Any, connect: Any, until: Any) -> None:
    client = await connect()
    await client.send(b"GET /wait HTTP/1.1\r\nHost: h\r\n\r\n\r\n")
    client.end()
    await until(lambda: toy.requests)
    toy.gate.set()
    assert (await client.answer())[0] == 200
    assert await client.rest() == b""


@pytest.mark.parametrize(
    "data",
    [b"GET /e HT", b"POST /e HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhe", CHUNKED_HEAD + b"5\r\nhe"],
    ids=["head", "body", "chunk"],
)
async def test_half_request_is_refused(toy: Any, connect: Any, data: bytes) -> None:
    client = await connect()
    await client.send(data)
    client.end()
    assert (await client.answer())[0] == 400
    assert await client.rest() == b""
    assert toy.requests == []


async def test_half_a_large_body_is_refused(toy: Any, connect: Any) -> None:
    client = await connect()
    await client.send(b"POST /e HTTP/1.1\r\nHost: h\r\nContent-Length: 290000\r\n\r\n" + b"x" * 100_000)
    client.end()
    assert (await client.answer())[0] == 400
    assert await client.rest() == b""


async def test_client_that_vanishes_within_the_body(toy: Any, connect: Any, until: Any) -> None:
    for size in (10, 290_000):
        client = await connect()
        await client.send(b"POST /e HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\nabc" % size)
        await until(lambda: toy.server.connection_count)
        client.abort()
        await until(lambda: not toy.server.connection_count)
    assert toy.requests == []
    assert toy.server.buffered_bytes == 0


async def test_handler_is_not_cancelled_when_its_client_vanishes(toy: Any, connect: Any, until: Any) -> None:
    client = await connect()
    await client.send(b"POST /wait HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi")
    await until(lambda: toy.requests)
    client.abort()
    await asyncio.sleep(0.02)
    assert toy.server.connection_count == 1
    toy.gate.set()
    await until(lambda: not toy.server.connection_count)
    assert toy.finished == 1


async def test_stream_for_a_client_that_vanished_is_aborted(toy: Any, connect: Any, source_type: Any, until: Any) -> None:
    toy.source = source_type()
    client = await connect()
    await client.send(b"GET /stream HTTP/1.1\r\nHost: h\r\n\r\n")
    await until(lambda: toy.source.sink)
    toy.source.sink.write(b"abc")
    client.abort()
    await until(lambda: "abort" in toy.source.calls)
    toy.source.sink.write(b"late")
    toy.source.sink.end()
    assert toy.source.calls == ["start", "abort"]
    await until(lambda: not toy.server.connection_count)


async def test_stream_in_chunks_then_the_next_request(toy: Any, connect: Any, source_type: Any, until: Any) -> None:
    toy.source = source_type()
    client = await connect()
    await client.send(b"GET /stream HTTP/1.1\r\nHost: h\r\n\r\nGET /e HTTP/1.1\r\nHost: h\r\n\r\n")
    await until(lambda: toy.source.sink)
    for piece in (b"data: 1\n\n", b"", b"x" * 100_000):
        toy.source.sink.write(piece)
    toy.source.sink.end()
    status, headers, body = await client.answer()
    assert (status, headers["transfer-encoding"]) == (200, "chunked")
    assert body == b"data: 1\n\n" + b"x" * 100_000
    assert (await client.answer())[2] == b"GET /e 0"


async def test_head_of_a_silent_stream_is_sent_before_its_data(toy: Any, connect: Any, source_type: Any) -> None:
    toy.source = source_type()
    client = await connect()
    await client.send(b"GET /stream HTTP/1.1\r\nHost: h\r\n\r\n")
    assert (await client.answer(bodyless=True))[0] == 200
    toy.source.sink.end()
    async with asyncio.timeout(30):
        assert await client.reader.readexactly(5) == b"0\r\n\r\n"


async def test_stream_that_fails_before_its_head_is_an_error_answer(toy: Any, connect: Any, source_type: Any, until: Any) -> None:
    client = await connect()
    for error, status in ((UpstreamUnreachable(), 502), (OSError("secret"), 500)):
        toy.source = source_type()
        await client.send(b"GET /stream HTTP/1.1\r\nHost: h\r\n\r\n")
        await until(lambda: toy.source.sink)
        toy.source.sink.fail(error)
        got, _, body = await client.answer()
        assert got == status
        assert b"secret" not in body
    assert len(toy.faults) == 1


@pytest.mark.parametrize(
    ("request_line", "ending"),
    [
        (b"GET /stream HTTP/1.1", b"3\r\nabc\r\n"),
        (b"GET /sized?10 HTTP/1.1", b"\r\n\r\nabc"),
        (b"GET /stream HTTP/1.0", b"(reset)"),
    ],
)
async def test_stream_that_breaks_off_is_noticed(
    toy: Any, connect: Any, source_type: Any, request_line: bytes, ending: bytes, until: Any
) -> None:
    toy.source = source_type()
    client = await connect()
    await client.send(request_line + b"\r\nHost: h\r\n\r\n")
    await until(lambda: toy.source.sink)
    toy.source.sink.write(b"abc")
    toy.source.sink.fail(UpstreamUnreachable())
    assert (await client.rest()).endswith(ending)


async def test_stream_never_breaks_its_announced_length(toy: Any, connect: Any, source_type: Any, until: Any) -> None:
    for pieces, body in (([b"abc", b"de"], b"abc"), ([b"ab"], b"ab")):
        toy.source = source_type()
        client = await connect()
        await client.send(b"GET /sized?4 HTTP/1.1\r\nHost: h\r\n\r\n")
        await until(lambda: toy.source.sink)
        for piece in pieces:
            toy.source.sink.write(piece)
        toy.source.sink.end()
        assert (await client.rest()).endswith(b"\r\n\r\n" + body)


async def test_memory_stays_flat_while_a_slow_client_reads_a_fast_stream(toy: Any, connect: Any, flood_type: Any, until: Any) -> None:
    total = 200_000_000
    toy.source = flood_type(total)
    client = await connect(receive_buffer=16_384)
    await client.send(b"GET /stream HTTP/1.1\r\nHost: h\r\n\r\n")
    await until(lambda: "pause" in toy.source.calls)
    taken = toy.source.taken
    await asyncio.sleep(0.05)
    assert toy.source.taken == taken, "a paused source was asked for more"
    assert taken < 20_000_000  # what the kernel takes, and one buffer
    async with asyncio.timeout(60):
        for _ in range(200):
            await client.reader.readexactly(100_000)
    assert toy.source.taken < 20_000_000 + taken
    assert "resume" in toy.source.calls


async def test_a_client_that_does_not_read_at_once_gets_its_stream_whole(toy: Any, connect: Any, flood_type: Any) -> None:
    """A download over a slow line broke off after a second: the delay of a stream's head counted as the time to read some of it."""
    total = 30_000_000
    toy.source = flood_type(total)
    client = await connect(receive_buffer=16_384)
    await client.send(b"GET /sized?%d HTTP/1.1\r\nHost: h\r\n\r\n" % total)
    await asyncio.sleep(3 * QUICK)
    assert "pause" in toy.source.calls
    assert len((await client.answer())[2]) == total


@pytest.mark.parametrize("limits", [EdgeLimits(write_stall_timeout_s=4 * QUICK, sweep_interval_s=QUICK / 5)])
async def test_a_client_that_reads_slowly_is_not_one_that_reads_nothing(toy: Any, connect: Any, flood_type: Any) -> None:
    """It was cut off, since what it read came out of the kernel's buffer, and ours stood still meanwhile."""
    toy.source = flood_type(200_000_000)
    client = await connect(receive_buffer=16_384)
    await client.send(b"GET /stream HTTP/1.1\r\nHost: h\r\n\r\n")
    for _ in range(80):
        assert await client.reader.read(8192)
        await asyncio.sleep(QUICK / 8)
    assert toy.source.calls == ["start", "pause"]


async def test_large_answer_arrives_intact(connect: Any) -> None:
    client = await connect()
    await client.send(b"GET /large?20000 HTTP/1.1\r\nHost: h\r\n\r\nGET /e HTTP/1.1\r\nHost: h\r\n\r\n")
    _, _, body = await client.answer()
    assert body == bytes(range(256)) * 20_000
    assert (await client.answer())[2] == b"GET /e 0"


async def test_requests_wait_until_the_answers_before_are_read(toy: Any, connect: Any, until: Any) -> None:
    client = await connect(receive_buffer=16_384)
    await client.send(b"GET /large?30000 HTTP/1.1\r\nHost: h\r\n\r\n" * 10)
    await until(lambda: toy.requests)
    await asyncio.sleep(0.05)
    assert len(toy.requests) < 5
    for _ in range(10):
        assert len((await client.answer())[2]) == 256 * 30_000


FRAGMENTS = [
    b"GET /e HTTP/1.1\r\n",
    b"POST /e HTTP/1.1\r\n",
    b"OPTIONS * HTTP/1.1\r\n",
    b"GET /refused HTTP/1.0\r\n",
    b"Host: h\r\n",
    b"host:h\r\n",
    b"Content-Length: 3\r\n",
    b"Content-Length: 0\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"Connection: close\r\n",
    b"Expect: 100-continue\r\n",
    b"X: y\r\n",
    b"\r\n",
    b"\n",
    b"\r",
    b" ",
    b"\0",
    b"abc",
    b"3\r\nabc\r\n",
    b"0\r\n\r\n",
    b"0\r\nX: y\r\n\r\n",
]
WHOLE = [
    b"GET /e HTTP/1.1\r\nHost: h\r\n\r\n",
    b"POST /e HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc",
    CHUNKED_HEAD + b"3\r\nabc\r\n0\r\n\r\n",
]


class Wire:
    """A transport that keeps what was written."""

    def __init__(self) -> None:
        self.sent = b""
        self.open = True

    def write(self, data: bytes) -> None:
        assert self.open
        self.sent += data

    def close(self) -> None:
        self.open = False

    write_eof = abort = close

    def get_extra_info(self, name: str) -> None:
        return None

    def get_write_buffer_size(self) -> int:
        return 0

    def set_write_buffer_limits(self, high: int, low: int) -> None: ...

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...


async def outcome(pieces: list[bytes], toy: Any) -> tuple[list[int], bool, int]:
    """Feed pieces to a connection of its own; return the statuses of its answers, whether it is open, and the requests handled."""
    faults: list[BaseException] = []
    service = Service(
        toy.handle,
        render_error=toy.render_error,
        log_fault=lambda fault, path, request_id: faults.append(fault),
        limits=EdgeLimits(),
        clock=lambda: 1000.0,
        trusted_proxies=(),
        cors=True,
    )
    wire, connection = Wire(), Connection(service, tls=False)
    connection.connection_made(wire)  # type: ignore[arg-type]
    handled = len(toy.requests)
    for piece in pieces:
        connection.data_received(piece)
        for _ in range(3):
            await asyncio.sleep(0)
    for _ in range(60):
        await asyncio.sleep(0)
    assert faults == []
    statuses = [int(status) for status in re.findall(rb"HTTP/1.1 (\d+)", wire.sent) if status != b"100"]
    still_open, handled = wire.open, len(toy.requests) - handled
    connection.connection_lost(None)
    assert service.buffered_bytes == 0
    assert not service.connections
    return statuses, still_open, handled


@example(parts=[b"\r\n", b"\r\n", b"\r\n", WHOLE[0]], cuts=[1, 5])
@example(parts=[WHOLE[0], b"\r\n", b"\r", b"\n", WHOLE[1], b"\r"], cuts=[])
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(parts=st.lists(st.sampled_from(FRAGMENTS + WHOLE * 3), max_size=12), cuts=st.lists(st.integers(0, 400), max_size=6))
async def test_any_bytes_mean_the_same_however_they_are_cut(toy: Any, parts: list[bytes], cuts: list[int]) -> None:
    data = b"".join(parts)
    edges = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    pieces = [data[start:end] for start, end in itertools.pairwise(edges)]
    whole = await outcome([data] if data else [], toy)
    assert await outcome(pieces, toy) == whole
    assert await outcome([data[index : index + 1] for index in range(len(data))], toy) == whole
    assert all(status in (200, 204, 400, 429) for status in whole[0])
