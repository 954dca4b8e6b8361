"""A key's rate limits in the vendor's headers, whose times are timestamps."""

from datetime import UTC, datetime
from functools import lru_cache
from math import ceil

from modelgate.core.rates import RateFacts


def rate_lines(facts: RateFacts, now: float) -> bytes:
    """Return header lines, each ending in CRLF, for the limits there are; `now` is in unix seconds."""
    lines = b""
    if facts.request_limit is not None:
        lines = _lines(b"requests", facts.request_limit, facts.requests_left, now + facts.requests_reset_s)
    if facts.token_limit is not None:
        lines += _lines(b"tokens", facts.token_limit, facts.tokens_left, now + facts.tokens_reset_s)
    return lines


def _lines(dimension: bytes, limit: int, left: int, reset_at: float) -> bytes:
    return _template(dimension, limit, ceil(reset_at)) % max(0, left)


@lru_cache(maxsize=4_096)
def _template(dimension: bytes, limit: int, reset_at_s: int) -> bytes:
    """Return the lines but for what is left: a key's requests within one second have the rest in common."""
    reset = datetime.fromtimestamp(reset_at_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ").encode()
    name = b"anthropic-ratelimit-" + dimension
    return b"%b-limit: %d\r\n%b-remaining: %%d\r\n%b-reset: %b\r\n" % (name, limit, name, name, reset)
