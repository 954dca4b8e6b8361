"""Sums as charts want them."""

import pytest

from modelgate.control.overview import BUCKETS_MS, quantile_ms
from modelgate.storage.schema import usage


def test_the_classes_of_durations_are_those_that_are_kept() -> None:
    assert BUCKETS_MS == usage.BUCKETS_MS


@pytest.mark.parametrize(
    ("took", "share", "expected"),
    [
        ({}, 0.5, None),
        ({0: 10}, 0.5, 25),
        ({3: 4}, 0.5, 300),
        ({0: 50, 4: 50}, 0.95, 760),
        ({11: 3}, 0.5, 60_000),
        ({0: 1, 11: 1}, 0.95, 60_000),
    ],
)
def test_quantiles(took: dict[int, int], share: float, expected: int | None) -> None:
    assert quantile_ms([took.get(number, 0) for number in range(len(BUCKETS_MS) + 1)], share) == expected
