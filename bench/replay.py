"""An upstream of every dialect: whole answers at once, streams paced as `bench.streams` does. Run as `python -m bench.replay PORT MS`."""

import asyncio
import sys

import uvloop

from bench.dialects import DIALECTS
from bench.streams import HEAD, Upstream, frame, main

_STREAMED = (b"streamGenerateContent", b'"stream": true', b'"stream":true')
_PLACES = {
    b"/chat/completions": "openai_chat",
    b"/responses": "openai_responses",
    b"/messages": "anthropic_messages",
    b"enerateContent": "gemini_content",
}


class Replay(Upstream):
    """Says canned bytes, whatever it is asked."""

    def __init__(self, interval_s: float) -> None:
        super().__init__(interval_s)
        self.streams: dict[str, list[bytes]] = {}
        self.answers: dict[str, bytes] = {}
        for name, dialect in DIALECTS.items():
            framed = [frame(event) for event in dialect.events]
            self.streams[name] = [*framed[:-1], framed[-1] + b"0\r\n\r\n"]
            lines = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(dialect.answer)
            self.answers[name] = lines + dialect.answer

    def begin(self, transport: asyncio.Transport, head: bytes, body: bytes) -> None:
        """Answer a request in the dialect of its path."""
        self.requests += 1
        target = head.split(b" ", 2)[1]
        name = next(name for place, name in _PLACES.items() if place in target)
        if any(mark in target or mark in body for mark in _STREAMED):
            transport.write(HEAD)
            self.running[transport] = (self.streams[name], 0)
        else:
            transport.write(self.answers[name])


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]), Replay(float(sys.argv[2]) / 1000)))
