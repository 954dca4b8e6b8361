"""What an attempt's outcome means: whose fault it was, and whether another attempt may follow.

1. 2xx: served.
2. 400, 413, 415, 422: the caller's fault; said to the caller, tried nowhere else.
3. 401, 403, 404: our credential or our configuration at that upstream; another one may do, this credential cools.
4. 408, 409, 425, 429, 5xx, a broken connection, a time-out: the upstream's; another one may do, then the same once more.
5. Other 4xx: as 2.
"""

from email.utils import parsedate_to_datetime
from typing import Literal

from modelgate.core.http import HeaderBlock

MAX_ATTEMPTS = 4
MAX_WAIT_S = 2.0
"""The longest pause before the same upstream is asked once more; a longer Retry-After is told to the caller instead."""
FIRST_BACKOFF_S = 0.1

Verdict = Literal["served", "caller", "credential", "upstream"]

_CREDENTIAL_STATUSES = frozenset((401, 403, 404))
_UPSTREAM_STATUSES = frozenset((408, 409, 425, 429))


def judge(status: int) -> Verdict:
    """Return whose turn it is after an upstream answered with `status`."""
    if 200 <= status < 300:
        return "served"
    if status in _CREDENTIAL_STATUSES:
        return "credential"
    if status in _UPSTREAM_STATUSES or status >= 500 or status < 400:
        return "upstream"
    return "caller"


def parse_retry_after(headers: HeaderBlock, now: float) -> float | None:
    """Return the seconds an upstream asks us to wait (`retry-after-ms`, or `retry-after` in seconds or as a date)."""
    milliseconds = _number(headers.get(b"retry-after-ms"))
    seconds = _until(headers.get(b"retry-after"), now) if milliseconds is None else milliseconds / 1000
    return None if seconds is None else min(max(seconds, 0.0), 86_400.0)


def _number(value: bytes | None) -> float | None:
    try:
        number = float(value) if value is not None else None
    except ValueError:
        return None
    return number if number == number else None  # NaN is a float too


def _until(value: bytes | None, now: float) -> float | None:
    """Return seconds given as such or as a date."""
    if value is None or value[:1].isdigit():
        return _number(value)
    try:
        return parsedate_to_datetime(value.decode("latin-1")).timestamp() - now
    except (ValueError, TypeError):
        return None


def backoff_s(attempt: int, *, retry_after_s: float | None, draw: float) -> float:
    """Return the pause before the same upstream is asked again; `attempt` counts from 1, `draw` is in [0, 1)."""
    if retry_after_s is not None:
        return retry_after_s
    longest: float = min(FIRST_BACKOFF_S * 2.0 ** (attempt - 1), MAX_WAIT_S)
    return longest * (0.5 + draw / 2)
