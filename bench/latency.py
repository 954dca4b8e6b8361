"""An open-loop client: requests leave at a fixed rate, whether or not the answers before are in.

Run as `python -m bench.latency PORT SECRET RATE SECONDS BODY_FILE`; prints JSON with milliseconds.
"""

import asyncio
import json
import sys
import time
from pathlib import Path

import uvloop


class Exchange(asyncio.Protocol):
    """One keep-alive connection, one request at a time; answers carry their length."""

    def __init__(self) -> None:
        self.buffer = b""
        self.done: asyncio.Future[float] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: asyncio.Transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        head, found, rest = self.buffer.partition(b"\r\n\r\n")
        if not found or self.done is None:
            return
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
        if len(rest) >= length:
            assert head.startswith(b"HTTP/1.1 200"), head
            self.buffer = b""
            self.done.set_result(time.perf_counter())

    async def ask(self, request: bytes) -> float:
        """Return how long one request takes, in seconds."""
        self.done = asyncio.get_running_loop().create_future()
        started = time.perf_counter()
        self.transport.write(request)
        return await self.done - started


async def measure(port: int, request: bytes, rate: float, seconds: float) -> list[float]:
    """Send at the rate for so long; return the sorted latencies."""
    loop = asyncio.get_running_loop()
    free: list[Exchange] = []
    latencies: list[float] = []

    async def one() -> None:
        exchange = free.pop() if free else (await loop.create_connection(Exchange, "127.0.0.1", port))[1]
        latencies.append(await exchange.ask(request))
        free.append(exchange)

    warm = [asyncio.create_task(one()) for _ in range(8)]
    await asyncio.gather(*warm)
    latencies.clear()
    started = loop.time()
    tasks = []
    for index in range(int(rate * seconds)):
        await asyncio.sleep(max(0.0, started + index / rate - loop.time()))
        tasks.append(asyncio.create_task(one()))
    await asyncio.gather(*tasks)
    return sorted(latencies)


def main() -> None:
    """Measure and print."""
    port, secret, rate, seconds, path = sys.argv[1:]
    body = Path(path).read_bytes()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nAuthorization: Bearer {secret}\r\n"
    request = head.encode() + b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
    latencies = uvloop.run(measure(int(port), request, float(rate), float(seconds)))
    p50, p99 = (latencies[int(len(latencies) * part)] * 1000 for part in (0.5, 0.99))
    print(json.dumps({"p50_ms": round(p50, 3), "p99_ms": round(p99, 3), "requests": len(latencies)}))


if __name__ == "__main__":
    main()
