"""The calls that make-believe vendors make themselves: to the address a client gave for the news of its job."""

import asyncio
import ssl
from collections.abc import Mapping
from urllib.parse import urlsplit

CALL_S = 15.0
"""A receiver has this long to answer."""
MAX_STATUS_LINE_BYTES = 1_024
_PORTS = {"http": 80, "https": 443}


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
