import pytest
from starlette.requests import Request
from starlette.types import Message

from modelgate.sandbox.request_body import BodyTooLarge, NotJson, read_body, read_json


def _request(*parts: bytes) -> Request:
    waiting = [{"type": "http.request", "body": part, "more_body": True} for part in parts] + [{"type": "http.request", "body": b""}]

    async def receive() -> Message:
        return waiting.pop(0)

    return Request({"type": "http", "method": "POST", "headers": []}, receive)


@pytest.mark.anyio
async def test_a_body_within_the_bound() -> None:
    assert await read_body(_request(b"abc", b"de"), limit_bytes=5) == b"abcde"


@pytest.mark.anyio
async def test_a_body_beyond_it() -> None:
    with pytest.raises(BodyTooLarge):
        await read_body(_request(b"abc", b"def"), limit_bytes=5)


def _json_request(content_type: str, body: bytes) -> Request:
    async def receive() -> Message:
        return {"type": "http.request", "body": body}

    return Request({"type": "http", "method": "POST", "headers": [(b"content-type", content_type.encode())]}, receive)


@pytest.mark.anyio
async def test_json_must_be_said_to_be_json_and_be_it() -> None:
    assert await read_json(_json_request("application/json; charset=utf-8", b'{"a": 1}'), limit_bytes=10) == {"a": 1}
    for content_type, body in (("text/plain", b"{}"), ("application/json", b"{"), ("application/json", b"[" * 5_000)):
        with pytest.raises(NotJson):
            await read_json(_json_request(content_type, body), limit_bytes=10_000)
