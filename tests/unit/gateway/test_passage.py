"""What passes from a relay to the desk, over a real socket."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from modelgate.core.errors import MethodNotAllowed, Overloaded
from modelgate.core.http import HeaderBlock, HttpRequest
from modelgate.gateway.passage import Passage
from modelgate.transport.client import Transport

pytestmark = pytest.mark.anyio

ANSWER = (
    b"HTTP/1.1 202 Accepted\r\ncontent-length: 2\r\nserver: desk\r\nx-request-id: inner\r\nconnection: keep-alive\r\nx-fine: yes\r\n\r\nok"
)


class Desk:
    """Answers every request alike, and remembers it. `lives`: requests it answers on one connection before it hangs up."""

    def __init__(self) -> None:
        self.seen: list[bytes] = []
        self.lives = 100

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(self.lives):
            try:
                head = await reader.readuntil(b"\r\n\r\n")
            except (asyncio.IncompleteReadError, ConnectionError):
                break
            body = await reader.readexactly(int(HeaderBlock(head).get(b"content-length") or 0))
            self.seen.append(head + body)
            writer.write(ANSWER)
        writer.close()


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    made = Desk()
    server = await asyncio.start_unix_server(made.serve, tmp_path / "desk.sock")
    yield made
    server.close()


@pytest.fixture
async def passage(tmp_path: Path) -> AsyncIterator[Passage]:
    transport = Transport()
    yield Passage(transport=transport, socket=str(tmp_path / "desk.sock"))
    await transport.close()


def asked(method: str = "POST", *headers: tuple[str, str], body: bytes = b"{}") -> HttpRequest:
    return HttpRequest(
        method=method, path="/kling/x", query="a=1", headers=HeaderBlock.of(*headers), body=body, client="203.0.113.7", id="req_outer"
    )


async def test_the_request_arrives_with_our_word_on_who_asks(desk: Desk, passage: Passage) -> None:
    """A caller who sends the internal headers himself must not be believed."""
    lies = (
        ("X-Modelgate-Client", "10.0.0.1"),
        ("x-modelgate-request-id", "req_lie"),
        ("x-modelgate-anything", "1"),
        ("x-modelgate-host", "lie"),
    )
    await passage.handle(
        asked(
            "POST", *lies, ("Host", "gateway.example:8080"), ("Authorization", "Bearer k"), ("Connection", "close"), ("Content-Length", "9")
        )
    )
    (seen,) = desk.seen
    head = HeaderBlock(seen.partition(b"\r\n\r\n")[0].partition(b"\r\n")[2] + b"\r\n")
    assert seen.startswith(b"POST /kling/x?a=1 HTTP/1.1\r\n")
    assert seen.endswith(b"\r\n\r\n{}")
    assert head.get_all(b"x-modelgate-client") == [b"203.0.113.7"]
    assert head.get_all(b"x-modelgate-request-id") == [b"req_outer"]
    assert head.get_all(b"x-modelgate-host") == [b"gateway.example:8080"]
    assert head.get(b"x-modelgate-anything") is None
    assert head.get(b"authorization") == b"Bearer k"
    assert head.get_all(b"content-length") == [b"2"]


async def test_the_answer_comes_back_without_what_is_the_edges(desk: Desk, passage: Passage) -> None:
    response = await passage.handle(asked())
    assert response.status == 202
    assert [name for name, _ in response.headers.items()] == [b"x-fine"]
    assert len(desk.seen) == 1


async def test_no_desk_is_said_kindly(passage: Passage) -> None:
    with pytest.raises(Overloaded) as raised:
        await passage.handle(asked())
    assert raised.value.retry_after_s == 1.0


async def test_a_desk_that_was_started_again_is_asked_again_only_for_what_changes_nothing(desk: Desk, passage: Passage) -> None:
    """A submit that may have been taken must not be sent twice."""
    desk.lives = 1
    for _ in range(5):
        assert (await passage.handle(asked("GET", body=b""))).status == 202
        await asyncio.sleep(0)
    assert len(desk.seen) == 5


@pytest.mark.parametrize("method", ["TRACE", "PROPFIND"])
async def test_a_method_nobody_serves_is_refused_here(desk: Desk, passage: Passage, method: str) -> None:
    """Symptom: 500 and a stack in the log, because no request line may be written for it."""
    with pytest.raises(MethodNotAllowed) as refused:
        await passage.handle(asked(method))
    assert b"allow: DELETE, GET," in refused.value.header_lines
    assert desk.seen == []
