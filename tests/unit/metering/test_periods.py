from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelgate.core.records import LimitReset
from modelgate.metering.periods import current_period, current_periods


def at(*parts: int) -> float:
    return datetime(*parts, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("reset", "now", "period", "ends_at"),
    [
        ("never", at(2026, 11, 23), "all", None),
        ("daily", at(2026, 11, 23), "2026-11-23", at(2026, 11, 24)),
        ("daily", at(2026, 12, 31, 23, 59, 59), "2026-12-31", at(2027, 1, 1)),
        ("weekly", at(2026, 11, 23), "2026-W48", at(2026, 11, 30)),
        ("weekly", at(2026, 11, 22, 23, 59), "2026-W47", at(2026, 11, 23)),
        ("weekly", at(2027, 1, 1), "2026-W53", at(2027, 1, 4)),
        ("monthly", at(2026, 11, 30, 12), "2026-11", at(2026, 12, 1)),
        ("monthly", at(2026, 12, 1), "2026-12", at(2027, 1, 1)),
        ("monthly", at(2028, 2, 29), "2028-02", at(2028, 3, 1)),
    ],
)
def test_periods(reset: LimitReset, now: float, period: str, ends_at: float | None) -> None:
    assert current_period(reset, now) == (period, ends_at)


@given(reset=st.sampled_from(("daily", "weekly", "monthly")), now=st.floats(0, 4e9))
def test_a_period_ends_where_the_next_begins(reset: LimitReset, now: float) -> None:
    period, ends_at = current_period(reset, now)
    assert ends_at is not None
    assert ends_at > now
    assert current_period(reset, ends_at - 1)[0] == period
    assert current_period(reset, ends_at)[0] != period


def test_every_kind_of_period_has_a_name_now() -> None:
    assert current_periods(0.0) == {"never": "all", "daily": "1970-01-01", "weekly": "1970-W01", "monthly": "1970-01"}
