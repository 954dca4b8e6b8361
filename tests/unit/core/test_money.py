"""Money is whole nano-dollars, exactly, both ways."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelgate.core.money import MAX_USD, NANOS_PER_USD, parse_usd, render_usd, round_half_up


@pytest.mark.parametrize(
    ("text", "nanos"),
    [
        ("0", 0),
        ("12.50", 12_500_000_000),
        (" $1 ", NANOS_PER_USD),
        ("0.000000001", 1),
        ("-0.1", -100_000_000),
        ("1e-9", 1),
        (str(MAX_USD), MAX_USD * NANOS_PER_USD),
    ],
)
def test_amounts_are_read(text: str, nanos: int) -> None:
    assert parse_usd(text) == nanos


@pytest.mark.parametrize("text", ["", "money", "1,5", "NaN", "inf", "-inf", "0.0000000001", str(MAX_USD + 1), "1e400", "--1"])
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"amount|finer"):
        parse_usd(text)


@pytest.mark.parametrize(
    ("nanos", "text"), [(0, "0.00"), (1_500_000_000, "1.50"), (-1, "-0.000000001"), (1, "0.000000001"), (-2_000_000_000, "-2.00")]
)
def test_amounts_are_written(nanos: int, text: str) -> None:
    assert render_usd(nanos) == text


@given(st.integers(-(10**18), 10**18))
def test_what_is_written_is_read_again(nanos: int) -> None:
    assert parse_usd(render_usd(nanos)) == nanos


@pytest.mark.parametrize(("exact", "rounded"), [("0.5", 1), ("1.5", 2), ("2.5", 3), ("0.499999999999", 0), ("-0.5", -1)])
def test_halves_go_away_from_zero(exact: str, rounded: int) -> None:
    assert round_half_up(Decimal(exact)) == rounded
