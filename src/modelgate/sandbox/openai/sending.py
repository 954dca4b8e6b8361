"""How a thought-out answer leaves: whole or event by event, broken where magic says so, counted as it goes."""

import asyncio

import msgspec
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from modelgate.core.records import Json
from modelgate.sandbox.count import Counted
from modelgate.sandbox.faults import SLOW_S, STALL_S, BrokenAnswer, Left, drop_connection, malformed
from modelgate.sandbox.magic import Magic
from modelgate.sandbox.openai.errors import provoked

DONE = b"data: [DONE]\n\n"
EVENT_STREAM = "text/event-stream; charset=utf-8"
MALFORMED_EVENT = b'data: {"id":"broken","choices":[{"index":0,"delta":{"content":"bro\n\n'
IN_STREAM_MESSAGE = "The server had an error while processing your request."
ERROR_EVENT = (
    b"data: "
    + msgspec.json.encode({"error": {"message": IN_STREAM_MESSAGE, "type": "server_error", "param": None, "code": None}})
    + b"\n\n"
)


class Thought(msgspec.Struct, frozen=True, kw_only=True):
    """All that goes out for one request: `parts` are the one body, or what a stream sends piece by piece.

    `malformed` and `failure` are what a stream breaks with; a stream without `failure` can only drop its connection.
    """

    magic: Magic
    parts: list[bytes]
    stream: bool = False
    prompt_tokens: int = 0
    completion_tokens: int = 0
    content_type: str = "application/json"
    malformed: bytes = MALFORMED_EVENT
    failure: bytes | None = ERROR_EVENT


def event(data: Json, *, name: str = "") -> bytes:
    """Return one event of a stream; only some of the vendor's streams name theirs."""
    return (f"event: {name}\n".encode() if name else b"") + b"data: " + msgspec.json.encode(data) + b"\n\n"


async def send_thought(thought: Thought, *, entry: Counted) -> Response:
    """Return the answer, after the time that a slow one takes. Raises Refused for an error that has no stream to appear in."""
    if thought.stream:
        return StreamedAnswer(thought, entry=entry)
    if thought.magic.has("error-in-stream"):
        raise provoked(500)
    if thought.magic.has("slow"):
        await asyncio.sleep(SLOW_S)
    return _whole(thought, entry=entry)


def _whole(thought: Thought, *, entry: Counted) -> Response:
    """Return an answer that is not streamed, broken where magic says so."""
    body, magic = thought.parts[0], thought.magic
    entry.completion_tokens = thought.completion_tokens
    if magic.has("cut-stream") or magic.has("stalled-stream"):
        return BrokenAnswer(body, stalls=magic.has("stalled-stream"))
    entry.finished = True
    return malformed(body) if magic.has("malformed-chunk") else Response(body, media_type=thought.content_type)


class StreamedAnswer(Response):
    """Sends the parts one by one, broken where magic says so, and keeps the count up to date."""

    def __init__(self, thought: Thought, *, entry: Counted) -> None:
        super().__init__(media_type=thought.content_type, headers={"cache-control": "no-cache"})
        del self.headers["content-length"]
        self._thought = thought
        self._entry = entry

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        left = Left(receive)
        try:
            await self._send_parts(scope, left=left, send=send)
        finally:
            await left.close()

    async def _send_parts(self, scope: Scope, *, left: Left, send: Send) -> None:
        parts = self._thought.parts
        pause_s = SLOW_S / len(parts) if self._thought.magic.has("slow") else 0.0
        for index, part in enumerate(parts):
            if index == len(parts) // 2 and await self._broke(scope, left=left, send=send):
                return
            await (left.wait(pause_s) if pause_s else asyncio.sleep(0))  # also lets each part leave in a write of its own
            if left.gone:
                return
            self._entry.completion_tokens = self._thought.completion_tokens * (index + 1) // len(parts)
            self._entry.finished = index == len(parts) - 1
            await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    async def _broke(self, scope: Scope, *, left: Left, send: Send) -> bool:
        """Do the mischief that was asked for; return whether it ended the answer."""
        magic, failure = self._thought.magic, self._thought.failure
        if magic.has("malformed-chunk"):
            await send({"type": "http.response.body", "body": self._thought.malformed, "more_body": True})
        if magic.has("stalled-stream"):
            await left.wait(STALL_S)
        if magic.has("error-in-stream") and failure is not None:
            await send({"type": "http.response.body", "body": failure})
            return True
        if any(magic.has(word) for word in ("cut-stream", "stalled-stream", "error-in-stream")):
            drop_connection(scope)
            await left.wait(STALL_S)
            return True
        return False
