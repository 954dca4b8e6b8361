"""Ids that carry their kind, and API key secrets."""

import os
import secrets
from collections.abc import Iterator

_ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
RANDOM_LENGTH = 22  # 62**22 > 2**130: two ids never meet
KEY_RANDOM_LENGTH = 40
REQUEST_RANDOM_BYTES = 12
REQUESTS_PER_DRAW = 256


def random_text(length: int) -> str:
    """Return `length` random characters out of 0-9, a-z, A-Z, fit for secrets."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


def new_id(kind: str) -> str:
    """Return a fresh id such as `task_0aZ…`; `kind` is acct, key, task, hold, req, inc, up, cred, blob, mem or inv."""
    return f"{kind}_{random_text(RANDOM_LENGTH)}"


def new_request_id() -> str:
    """Return a fresh request id; cheaper than `new_id`, because every request needs one."""
    return "req_" + os.urandom(REQUEST_RANDOM_BYTES).hex()


def request_ids() -> Iterator[str]:
    """Yield request ids as `new_request_id` makes them, but ask the kernel for randomness once for many: a quarter of the cost."""
    while True:
        random = os.urandom(REQUEST_RANDOM_BYTES * REQUESTS_PER_DRAW).hex()
        for at in range(0, len(random), 2 * REQUEST_RANDOM_BYTES):
            yield "req_" + random[at : at + 2 * REQUEST_RANDOM_BYTES]


def new_secret(*, test: bool) -> str:
    """Return a fresh API key: `sk-test-…` for the test book, `sk-live-…` for the live one."""
    return ("sk-test-" if test else "sk-live-") + random_text(KEY_RANDOM_LENGTH)
