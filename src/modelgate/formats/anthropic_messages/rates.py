"""A key's rate limits in the vendor's headers, whose times are timestamps."""

from datetime import UTC, datetime
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
    reset = datetime.fromtimestamp(ceil(reset_at), UTC).strftime("%Y-%m-%dT%H:%M:%SZ").encode()
    return b"anthropic-ratelimit-%b-limit: %d\r\nanthropic-ratelimit-%b-remaining: %d\r\nanthropic-ratelimit-%b-reset: %b\r\n" % (
        dimension,
        limit,
        dimension,
        max(0, left),
        dimension,
        reset,
    )
