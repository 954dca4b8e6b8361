"""Answers kept in memory for requests that are the same to the byte: bounded, the longest unused go first."""

import hashlib
from collections import OrderedDict

import msgspec

from modelgate.core.http import HttpRequest
from modelgate.core.records import ApiKey
from modelgate.gateway.recorded_stream import asked_in_query
from modelgate.metering.prices import Price

MAX_ANSWERS = 10_000
MAX_BYTES = 64 * 1024 * 1024
"""What all answers of a relay take together."""
MAX_ANSWER_BYTES = 1024 * 1024
MAX_REQUEST_BYTES = 1024 * 1024
"""Longer requests are not looked up: telling that two are the same would hold the loop."""
MAX_AGE_S = 86_400
ANSWER_COST_BYTES = 1_000
"""What an answer takes besides its body."""

_HEADERS = (b"content-type", b"anthropic-version", b"anthropic-beta", b"openai-beta")
"""Those that change what a body means."""


class CachedAnswer(msgspec.Struct, frozen=True):
    """A complete answer of status 200, and what it had cost. Times are seconds since the epoch."""

    header_lines: bytes
    body: bytes
    model: str
    stream: bool | None
    price: Price
    charged_nanos: int
    stored_at: float
    expires_at: float


def cache_key(request: HttpRequest, key: ApiKey) -> bytes:
    """Return what two requests have in common that may have the same answer: account, book, path, query, dialect's headers, body."""
    about = (key.account, key.book, request.path, *((request.headers.get(name) or b"").decode("latin-1") for name in _HEADERS))
    digest = hashlib.sha256(repr(about).encode() + b"\0" + asked_in_query(request.query) + b"\0")
    digest.update(request.body)
    return digest.digest()


class AnswerCache:
    """The answers of one relay."""

    def __init__(self, *, max_answers: int = MAX_ANSWERS, max_bytes: int = MAX_BYTES) -> None:
        self._max_answers = max_answers
        self._max_bytes = max_bytes
        self._answers: OrderedDict[bytes, CachedAnswer] = OrderedDict()
        self.size_bytes = 0

    def __len__(self) -> int:
        return len(self._answers)

    def get(self, key: bytes, *, now: float, max_age_s: float) -> CachedAnswer | None:
        """Return an answer that is not older than it may be for whoever kept it and whoever asks."""
        answer = self._answers.get(key)
        if answer is None:
            return None
        if not answer.stored_at <= now < answer.expires_at:
            self._drop(key)
            return None
        if now - answer.stored_at > max_age_s:
            return None
        self._answers.move_to_end(key)
        return answer

    def put(self, key: bytes, answer: CachedAnswer) -> None:
        """Keep an answer, and let go of the longest unused ones that it leaves no room for."""
        if len(answer.body) > MAX_ANSWER_BYTES:
            return
        self._drop(key)
        self._answers[key] = answer
        self.size_bytes += _size_of(answer)
        while len(self._answers) > self._max_answers or self.size_bytes > self._max_bytes:
            self._drop(next(iter(self._answers)))

    def _drop(self, key: bytes) -> None:
        answer = self._answers.pop(key, None)
        if answer is not None:
            self.size_bytes -= _size_of(answer)


def _size_of(answer: CachedAnswer) -> int:
    return len(answer.body) + len(answer.header_lines) + ANSWER_COST_BYTES
