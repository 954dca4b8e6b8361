"""Reading a request's body, within a bound."""

import msgspec
from starlette.requests import Request

from modelgate.core.records import Json

UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What the decoder says of bytes that are no JSON, no UTF-8, or nested beyond all measure."""


class BodyTooLarge(Exception):
    """The body is longer than the vendor takes."""


class NotJson(Exception):
    """The body is not JSON, or is not said to be."""


async def read_body(request: Request, *, limit_bytes: int) -> bytes:
    """Return the whole body. Raises BodyTooLarge as soon as there is too much of it."""
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > limit_bytes:
            raise BodyTooLarge
        parts.append(part)
    return b"".join(parts)


async def read_json(request: Request, *, limit_bytes: int, any_type: bool = False) -> Json:
    """Return the body as JSON, `any_type`: whatever it is said to be. Raises BodyTooLarge, and NotJson."""
    body = await read_body(request, limit_bytes=limit_bytes)
    if not any_type and not request.headers.get("content-type", "").lower().startswith("application/json"):
        raise NotJson
    try:
        return msgspec.json.decode(body)
    except UNREADABLE:
        raise NotJson from None
