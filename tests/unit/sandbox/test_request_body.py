import pytest
from starlette.requests import Request
from starlette.types import Message

from modelgate.sandbox.request_body import BodyTooLarge, read_body


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
