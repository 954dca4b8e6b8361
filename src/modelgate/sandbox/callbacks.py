"""The calls that make-believe vendors make themselves: to the address a client gave for the news of its job."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from urllib.parse import urlsplit

CALL_S = 15.0
"""A receiver has this long to answer."""
MAX_STATUS_LINE_BYTES = 1_024
MAX_TOLD = 200
"""Jobs told of at once; those beyond are not."""
MARGIN_S = 0.02
"""Told so long after a change, when the clock surely shows it."""
RETRY_PAUSE_S = 0.1
_TAKEN = 200
_PORTS = {"http": 80, "https": 443}

Post = Callable[[str, bytes], Awaitable[int]]
Sleep = Callable[[float], Awaitable[object]]


class CallbackFailed(Exception):
    """The receiver cannot be reached, does not speak HTTP, or takes too long."""


async def post_callback(url: str, body: bytes, *, headers: Mapping[str, str]) -> int:
    """Send JSON to an http or https address and return the status of the answer, the rest of which is not read. Raises CallbackFailed."""
    try:
        async with asyncio.timeout(CALL_S):
            return await _post(url, body, headers)
    except (OSError, TimeoutError, ValueError, asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
        raise CallbackFailed(str(error)) from None


async def _post(url: str, body: bytes, headers: Mapping[str, str]) -> int:
    parts = urlsplit(url)
    if parts.scheme not in _PORTS or not parts.hostname:
        raise ValueError("not an http or https address")
    port = parts.port or _PORTS[parts.scheme]
    secured = ssl.create_default_context() if parts.scheme == "https" else None
    reader, writer = await asyncio.open_connection(parts.hostname, port, ssl=secured, limit=MAX_STATUS_LINE_BYTES)
    try:
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        fields = {
            "host": parts.netloc.rpartition("@")[2],
            "content-type": "application/json",
            "content-length": str(len(body)),
            "connection": "close",
            **headers,
        }
        head = f"POST {target} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in fields.items()) + "\r\n"
        writer.write(head.encode("latin-1") + body)
        await writer.drain()
        status_line = await reader.readuntil(b"\r\n")
        return int(status_line.split(b" ", 2)[1])
    except IndexError:
        raise ValueError("not an answer of HTTP") from None
    finally:
        writer.close()


async def post_json(url: str, body: bytes) -> int:
    """Send one POST and return the status of the answer, 0 without one: trouble is the receiver's."""
    try:
        return await post_callback(url, body, headers={})
    except CallbackFailed:
        return 0


class Teller:
    """Tells addresses of the changes of jobs, unsigned and in order, in the background for as long as the process lives."""

    def __init__(self, *, retries: int = 0, sleep: Sleep = asyncio.sleep, post: Post = post_json) -> None:
        """`retries`: how often what is not answered with 200 is told again."""
        self._retries = retries
        self._sleep = sleep
        self._post = post
        self._telling: set[asyncio.Task[None]] = set()

    def follow(self, url: object, waits_s: Sequence[float], describe: Callable[[], bytes]) -> None:
        """Tell of changes that are so far apart; `describe` returns the body as the job then stands. Needs a running loop."""
        if not isinstance(url, str) or not url or len(self._telling) >= MAX_TOLD:
            return
        telling = asyncio.ensure_future(self._tell(url, waits_s, describe))
        self._telling.add(telling)
        telling.add_done_callback(self._telling.discard)

    async def _tell(self, url: str, waits_s: Sequence[float], describe: Callable[[], bytes]) -> None:
        for wait_s in waits_s:
            await self._sleep(max(0.0, wait_s) + MARGIN_S)
            for _ in range(self._retries):
                if await self._post(url, describe()) == _TAKEN:
                    break
                await self._sleep(RETRY_PAUSE_S)
            else:
                await self._post(url, describe())
