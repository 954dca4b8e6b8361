"""Time is handed in, so that tests can own it."""

import time
from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], float]
"""Seconds since the Unix epoch; `time.time` in production."""


system_clock: Clock = time.time  # itself, not wrapped: a request asks some ten times


def as_utc(seconds: float) -> datetime:
    """Return an aware UTC datetime for seconds since the epoch."""
    return datetime.fromtimestamp(seconds, UTC)
