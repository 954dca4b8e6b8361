"""Broken answers, on purpose: written straight to ASGI, because a framework's responses would mend them."""

import asyncio
from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from modelgate.sandbox.magic import Magic

DROP = "modelgate.drop"
"""Key of the connection's drop function in the ASGI scope's state; see `server.DroppableProtocol`."""

SLOW_S = 3.0
"""How much longer a `slow` answer takes, in all."""

STALL_S = 600.0
"""A stalled answer gives its connection up after this."""


class Left:
    """Tells whether the client has gone. Reads the rest of the request, so it is made after the body was read."""

    def __init__(self, receive: Receive) -> None:
        self._listening = asyncio.ensure_future(_until_gone(receive))

    @property
    def gone(self) -> bool:
        """True once the client has closed its connection."""
        return self._listening.done()

    async def wait(self, timeout_s: float) -> None:
        """Return when the client has gone, or after `timeout_s`."""
        await asyncio.wait({self._listening}, timeout=timeout_s)

    async def close(self) -> None:
        """Stop listening."""
        self._listening.cancel()
        await asyncio.gather(self._listening, return_exceptions=True)


async def _until_gone(receive: Receive) -> None:
    message: Message = {"type": ""}
    while message["type"] != "http.disconnect":
        message = await receive()


def drop_connection(scope: Scope) -> None:
    """Close the connection under a request, whatever was or was not answered."""
    drop: Callable[[], None] | None = scope.get("state", {}).get(DROP)
    if drop is None:
        raise RuntimeError("this server cannot drop connections: run it with DroppableProtocol")
    drop()


class DroppedAnswer(Response):
    """No answer at all: the connection closes."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        drop_connection(scope)
        left = Left(receive)
        await left.wait(STALL_S)
        await left.close()


class BrokenAnswer(Response):
    """A JSON answer that announces its whole length, sends half, then closes (`cut-stream`) or falls silent (`stalled-stream`)."""

    def __init__(self, body: bytes, *, stalls: bool) -> None:
        super().__init__(body, media_type="application/json")
        self._stalls = stalls

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = bytes(self.body)
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
        left = Left(receive)
        if self._stalls:
            await left.wait(STALL_S)
        drop_connection(scope)
        await left.wait(STALL_S)
        await left.close()


def malformed(body: bytes) -> Response:
    """Return an answer of whole length whose JSON is not JSON."""
    return Response(body[: len(body) // 2] + b"\x07" + body[len(body) // 2 :].replace(b'"', b"'"), media_type="application/json")


async def answer_submit(body: bytes, *, magic: Magic, status: int = 200) -> Response:
    """Return a vendor's answer to a submit it has taken, late, broken or not at all where magic asks for that."""
    if magic.has("slow"):
        await asyncio.sleep(SLOW_S)
    if magic.has("unknown-submit"):
        return DroppedAnswer()
    if magic.has("cut-stream") or magic.has("stalled-stream"):
        return BrokenAnswer(body, stalls=magic.has("stalled-stream"))
    return malformed(body) if magic.has("malformed-chunk") else Response(body, status_code=status, media_type="application/json")


def request_id_of(request: Request) -> str:
    """Return the caller's own request id, as the gateway sends it; empty when there is none."""
    return request.headers.get("x-request-id", "")[:200]
