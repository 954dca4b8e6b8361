"""Ids that carry their kind, and API key secrets."""

import os
import secrets
from collections.abc import Iterator

_ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
RANDOM_LENGTH = 22  # 62**22 > 2**130: two ids never meet
KEY_RANDOM_LENGTH = 40
REQUEST_TIME_DIGITS = 11  # milliseconds until the year 2527
REQUEST_RANDOM_DIGITS = 13
REQUEST_RANDOM_BYTES = 7
FIRST_TIMED_ID_MS = 1_767_225_600_000
"""2026: before, ids were random all through."""
CLOCKS_DIFFER_MS = 60_000
REQUESTS_PER_DRAW = 256


def random_text(length: int) -> str:
    """Return `length` random characters out of 0-9, a-z, A-Z, fit for secrets."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


def new_id(kind: str) -> str:
    """Return a fresh id such as `task_0aZ…`; `kind` is acct, key, task, hold, req, inc, up, cred, blob, mem or inv."""
    return f"{kind}_{random_text(RANDOM_LENGTH)}"


class RequestIds:
    """Makes request ids such as `req_01a1f0e2b3c7f…`: when the request began, in milliseconds as 11 hex digits, and 13 random ones.

    Their order is that of time, so that a request is found by its id without an index on ids, which would cost every request. The kernel
    is asked for randomness once for many.
    """

    __slots__ = ("_at_ms", "_beginning", "_tails")

    def __init__(self) -> None:
        self._tails = _tails()
        self._at_ms = -1
        self._beginning = ""

    def new(self, began_at: float) -> str:
        """Return a fresh id; `began_at`: seconds since the epoch."""
        at_ms = int(began_at * 1000)
        if at_ms != self._at_ms:
            self._at_ms, self._beginning = at_ms, f"req_{at_ms:0{REQUEST_TIME_DIGITS}x}"
        return self._beginning + next(self._tails)


def _tails() -> Iterator[str]:
    while True:
        random = os.urandom(REQUEST_RANDOM_BYTES * REQUESTS_PER_DRAW).hex()
        for at in range(0, len(random), 2 * REQUEST_RANDOM_BYTES):
            yield random[at : at + REQUEST_RANDOM_DIGITS]


def began_at_ms(request_id: str, *, now: float) -> int | None:
    """Return when a request began by its id, None for an id that is not ours or tells no time that can be (before 2026, or to come)."""
    digits = request_id.removeprefix("req_")[:REQUEST_TIME_DIGITS]
    try:
        at_ms = int(digits, 16)
    except ValueError:
        return None
    return at_ms if len(digits) == REQUEST_TIME_DIGITS and FIRST_TIMED_ID_MS <= at_ms <= now * 1000 + CLOCKS_DIFFER_MS else None


def new_secret(*, test: bool) -> str:
    """Return a fresh API key: `sk-test-…` for the test book, `sk-live-…` for the live one."""
    return ("sk-test-" if test else "sk-live-") + random_text(KEY_RANDOM_LENGTH)
