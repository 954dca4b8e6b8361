"""Many connections that do little. Run as `python -m bench.crowd PORT SECRET COUNT BODY_FILE|idle`.

Each connection either has asked `/healthz` and keeps silent, or reads a stream, and another when that has ended. Prints `ready`
once all are in that state, and ends at the end of its stdin.
"""

import asyncio
import sys
from pathlib import Path

import uvloop

OPENING_AT_ONCE = 50


async def hold(port: int, request: bytes, *, again: bool, arrived: asyncio.Queue[None], gate: asyncio.Semaphore) -> None:
    """Open one connection and stay in the wanted state."""
    async with gate:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request)
        await reader.readuntil(b"\r\n\r\n")
        if again:
            await reader.readuntil(b"\n\n")
    arrived.put_nowait(None)
    if not again:
        await reader.read()  # until the server closes, which it should not
    while again:
        await reader.readuntil(b"0\r\n\r\n")
        writer.write(request)


def request_for(secret: str, what: str) -> bytes:
    """Return what each connection sends."""
    if what != "idle":
        body = Path(what).read_bytes()
        head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nAuthorization: Bearer {secret}\r\n"
        return head.encode() + b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
    return b"GET /healthz HTTP/1.1\r\nHost: bench\r\n\r\n"


async def main(port: int, request: bytes, count: int, *, streaming: bool) -> None:
    """Open all, say so, wait for the end of stdin."""
    arrived: asyncio.Queue[None] = asyncio.Queue()
    gate = asyncio.Semaphore(OPENING_AT_ONCE)
    tasks = [asyncio.create_task(hold(port, request, again=streaming, arrived=arrived, gate=gate)) for _ in range(count)]
    for _ in range(count):
        await arrived.get()
    print("ready", flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]), request_for(sys.argv[2], sys.argv[4]), int(sys.argv[3]), streaming=sys.argv[4] != "idle"))
