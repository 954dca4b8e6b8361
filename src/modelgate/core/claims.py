"""Claims: who may answer a request that carries an `Idempotency-Key`, and the answer that is kept for its repeats."""

from typing import Literal

import msgspec

MAX_STORED_BYTES = 8 * 1024 * 1024
"""The largest answer that is kept; a longer one goes to its client all the same."""

ClaimState = Literal["granted", "running", "stored", "not_stored", "reused"]


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """One request's wish to be the one that is answered.

    `scope` is the SHA-256 in hex of (account, book, path, key), `digest` that of what was asked. `request_id` and `at_ms`, the
    start of the request in milliseconds since the epoch, are those of its request record: by them a charge is found again.
    """

    scope: str
    account: str
    digest: str
    request_id: str
    at_ms: int


class StoredAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """An answer as its client got it; `header_lines` are those that belong to the answer and not to the moment."""

    status: int
    header_lines: bytes
    body: bytes


class ClaimVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """What a claim came to. Cases:

    granted: go on, and end the claim afterwards. running: another request with the key is. stored: `answer` is it.
    not_stored: there was an answer, it may have been charged, and it is not kept. reused: the key came with something else.
    """

    state: ClaimState
    answer: StoredAnswer | None = None


class ClaimEnding(msgspec.Struct, frozen=True, kw_only=True):
    """How a granted claim ended: with an `answer`, released (nothing was charged: a repeat is a new try), or neither: not stored."""

    scope: str
    account: str
    request_id: str
    answer: StoredAnswer | None = None
    released: bool = False
