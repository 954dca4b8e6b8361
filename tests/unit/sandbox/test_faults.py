import asyncio
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import Response

from modelgate.sandbox.faults import DROP, BrokenAnswer, DroppedAnswer, Left, answer_submit, drop_connection, malformed, request_id_of
from modelgate.sandbox.magic import read_magic


class Connection:
    """An ASGI connection that a drop closes."""

    def __init__(self) -> None:
        self.closed = asyncio.Event()
        self.sent: list[dict[str, Any]] = []
        self.scope = {"type": "http", "state": {DROP: self.closed.set}}

    async def receive(self) -> dict[str, Any]:
        await self.closed.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        self.sent.append(message)


@pytest.mark.anyio
async def test_no_answer_at_all() -> None:
    connection = Connection()
    await DroppedAnswer()(connection.scope, connection.receive, connection.send)
    assert connection.closed.is_set()
    assert connection.sent == []


@pytest.mark.anyio
async def test_half_an_answer_then_a_closed_connection() -> None:
    connection = Connection()
    await BrokenAnswer(b"0123456789", stalls=False)(connection.scope, connection.receive, connection.send)
    assert connection.closed.is_set()
    assert (b"content-length", b"10") in connection.sent[0]["headers"]
    assert [message.get("body") for message in connection.sent[1:]] == [b"01234"]


@pytest.mark.anyio
async def test_half_an_answer_then_silence_until_the_client_leaves() -> None:
    connection = Connection()
    answering = asyncio.ensure_future(BrokenAnswer(b"0123456789", stalls=True)(connection.scope, connection.receive, connection.send))
    done, _ = await asyncio.wait({answering}, timeout=0.05)
    assert not done
    assert not connection.closed.is_set()
    connection.closed.set()
    await answering


@pytest.mark.anyio
async def test_a_client_that_leaves_is_noticed() -> None:
    connection = Connection()
    left = Left(connection.receive)
    await left.wait(0.01)
    assert not left.gone
    connection.closed.set()
    await left.wait(5)
    assert left.gone
    await left.close()


def test_malformed_bodies_are_not_json() -> None:
    assert bytes(malformed(b'{"a": "b"}').body) == b'{"a":' + b"\x07" + b" 'b'}"


def test_a_server_that_cannot_drop_says_so() -> None:
    with pytest.raises(RuntimeError, match="DroppableProtocol"):
        drop_connection({"type": "http"})


def test_request_ids_are_bounded() -> None:
    assert request_id_of(Request({"type": "http", "headers": [(b"x-request-id", b"r" * 500)]})) == "r" * 200
    assert request_id_of(Request({"type": "http", "headers": []})) == ""


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("word", "kind"),
    [("fail-task", Response), ("unknown-submit", DroppedAnswer), ("cut-stream", BrokenAnswer), ("malformed-chunk", Response)],
)
async def test_a_submit_is_answered_as_magic_wants_it(word: str, kind: type[Response]) -> None:
    answer = await answer_submit(b'{"id": "one"}', magic=read_magic("", f"magic: {word}"), status=201)
    assert type(answer) is kind
    if word == "fail-task":
        assert (answer.status_code, bytes(answer.body)) == (201, b'{"id": "one"}')
    if word == "malformed-chunk":
        assert b"\x07" in bytes(answer.body)
