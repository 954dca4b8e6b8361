"""The periods of a key's resetting limit, all in UTC."""

from datetime import UTC, datetime, timedelta
from typing import assert_never, get_args

from modelgate.core.records import LimitReset

ENDLESS = "all"
"""The one period of a key whose limit never resets."""


def current_period(reset: LimitReset, now: float) -> tuple[str, float | None]:
    """Return the name of the period that holds `now` (seconds since the epoch) and when it ends; None: never.

    Names: `all`, `2026-11-23` for a day, `2026-W48` for an ISO week (begins Monday), `2026-11` for a month.
    """
    day = datetime.fromtimestamp(now, UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    match reset:
        case "never":
            return ENDLESS, None
        case "daily":
            return f"{day:%Y-%m-%d}", (day + timedelta(days=1)).timestamp()
        case "weekly":
            monday = day - timedelta(days=day.weekday())
            year, week, _ = monday.isocalendar()
            return f"{year:04d}-W{week:02d}", (monday + timedelta(days=7)).timestamp()
        case "monthly":
            first = day.replace(day=1)
            return f"{day:%Y-%m}", (first + timedelta(days=32)).replace(day=1).timestamp()
        case _:
            assert_never(reset)


def current_periods(now: float) -> dict[LimitReset, str]:
    """Return the name of the period of each kind that holds `now`."""
    return {reset: current_period(reset, now)[0] for reset in get_args(LimitReset)}
