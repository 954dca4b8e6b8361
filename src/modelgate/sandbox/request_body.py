"""Reading a request's body, within a bound."""

from starlette.requests import Request


class BodyTooLarge(Exception):
    """The body is longer than the vendor takes."""


async def read_body(request: Request, *, limit_bytes: int) -> bytes:
    """Return the whole body. Raises BodyTooLarge as soon as there is too much of it."""
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > limit_bytes:
            raise BodyTooLarge
        parts.append(part)
    return b"".join(parts)
