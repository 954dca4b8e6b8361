"""Counting tokens with the real tokenizer: at the desk, because its table is large and building it would hold up a relay.

The relay sends texts to the desk's socket and gets counts. It never waits long: without an answer the caller estimates by sizes.
"""

import asyncio

import msgspec

from modelgate.core.http import HeaderBlock
from modelgate.transport.client import Transport
from modelgate.transport.errors import TransportError
from modelgate.transport.target import Timeouts, target_of

COUNT_PATH = "/internal/tokens"
MAX_COUNTED_BYTES = 16 * 1024 * 1024
"""Longer texts are not counted: their size tells as much."""
TIMEOUTS = Timeouts(connect_s=1.0, head_s=10.0, idle_s=10.0)
MAX_ANSWER_BYTES = 1024 * 1024
MAX_CONCURRENT_COUNTS = 32

_HEADERS = HeaderBlock.of(("content-type", "application/json"))
_decode_counts = msgspec.json.Decoder(list[int]).decode
_decode_texts = msgspec.json.Decoder(list[str]).decode
_encode = msgspec.json.Encoder().encode


class TokenCounting:
    """The relay's side. One per process."""

    def __init__(self, *, transport: Transport, socket: str) -> None:
        self._transport = transport
        self._target = target_of("http://desk", socket=socket)
        self._room = asyncio.Semaphore(MAX_CONCURRENT_COUNTS)

    async def count(self, texts: list[str]) -> list[int] | None:
        """Return the tokens of each text, None when the desk cannot say."""
        body = _encode(texts)
        if len(body) > MAX_COUNTED_BYTES:
            return None
        async with self._room:
            try:
                response = await self._transport.send(
                    self._target, method="POST", path=COUNT_PATH, headers=_HEADERS, body=body, timeouts=TIMEOUTS
                )
                answer = await response.read(MAX_ANSWER_BYTES)
                counts = _decode_counts(answer) if response.status == 200 else []
            except (TransportError, msgspec.DecodeError):
                return None
        return counts if len(counts) == len(texts) else None


def decode_texts(body: bytes | bytearray) -> list[str]:
    """Return the texts that a relay wants counted. Raises msgspec.DecodeError."""
    return _decode_texts(body)


def encode_counts(counts: list[int]) -> bytes:
    """Return the desk's answer."""
    return _encode(counts)
