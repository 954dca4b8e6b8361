"""An upstream that answers with a hundred separately written chunks, paced, and counts them. Run as `python -m bench.streams PORT MS`.

Paced, because chunks that are written back to back arrive together at a busy proxy, and then a slow proxy looks cheap.
"""

import asyncio
import json
import sys

import uvloop

from bench.scenarios import CHUNKS

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nx-accel-buffering: no\r\ntransfer-encoding: chunked\r\n\r\n"


def event(delta: dict[str, str] | None, finish: str | None = None, **more: object) -> bytes:
    """Return one event of a streamed chat, framed as a chunk."""
    choices = [] if delta is None else [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}]
    chunk = {"id": "chatcmpl-bench", "object": "chat.completion.chunk", "created": 1700000000, "model": "bench-stream"}
    return frame(b"data: " + json.dumps({**chunk, "choices": choices, **more}).encode() + b"\n\n")


def frame(data: bytes) -> bytes:
    """Return the data as one HTTP chunk."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def pieces(*, with_usage: bool) -> list[bytes]:
    """Return what is written, one piece at a time."""
    words = [event({"content": f" word{index:04}"}) for index in range(CHUNKS - 2)]
    end = event({}, "stop")
    usage = event(None, usage={"prompt_tokens": 200, "completion_tokens": 98, "total_tokens": 298}) if with_usage else b""
    return [*words, end, usage + frame(b"data: [DONE]\n\n") + b"0\r\n\r\n"]


class Upstream:
    """All streams that run, moved on one piece each by one clock."""

    def __init__(self, interval_s: float) -> None:
        self.interval_s = interval_s
        self.running: dict[asyncio.Transport, tuple[list[bytes], int]] = {}
        self.requests = 0
        self.chunks = 0
        self.pieces = {flag: pieces(with_usage=flag) for flag in (True, False)}

    def begin(self, transport: asyncio.Transport, head: bytes, body: bytes) -> None:
        """Answer a request."""
        del head
        self.requests += 1
        transport.write(HEAD)
        self.running[transport] = (self.pieces[b'"include_usage":true' in body.replace(b" ", b"")], 0)

    def tick(self) -> None:
        """Write the next piece of every stream."""
        asyncio.get_running_loop().call_later(self.interval_s, self.tick)
        for transport, (todo, position) in list(self.running.items()):
            transport.write(todo[position])
            self.chunks += 1
            if position + 1 == len(todo):
                del self.running[transport]
            else:
                self.running[transport] = (todo, position + 1)


class Connection(asyncio.Protocol):
    """Reads requests of known length."""

    def __init__(self, upstream: Upstream) -> None:
        self.upstream = upstream
        self.buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: asyncio.Transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        head, found, rest = self.buffer.partition(b"\r\n\r\n")
        if not found:
            return
        if head.startswith(b"GET"):
            body = json.dumps({"requests": self.upstream.requests, "chunks": self.upstream.chunks}).encode()
            self.transport.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\nconnection: close\r\n\r\n%b" % (len(body), body))
            self.transport.close()
            return
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
        if len(rest) >= length:
            self.buffer = rest[length:]
            self.upstream.begin(self.transport, head, rest[:length])

    def connection_lost(self, exc: Exception | None) -> None:
        self.upstream.running.pop(self.transport, None)


async def main(port: int, upstream: Upstream) -> None:
    """Serve until killed."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(upstream), "127.0.0.1", port, backlog=2048)
    upstream.tick()
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]), Upstream(float(sys.argv[2]) / 1000)))
