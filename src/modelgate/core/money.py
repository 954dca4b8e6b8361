"""Money is integers in nano-USD; decimal strings at the rims; never a float."""

from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Literal

NANOS_PER_USD = 1_000_000_000
MAX_USD = 1_000_000_000  # 10**18 nanos fit a signed 64-bit column

Book = Literal["test", "live"]


def parse_usd(text: str) -> int:
    """Return the nano-USD of a decimal string such as `"12.50"`.

    Raises:
        ValueError: not a finite decimal, finer than a nano-dollar, or beyond `MAX_USD`.
    """
    try:
        amount = Decimal(text.strip().removeprefix("$"))
    except InvalidOperation:
        raise ValueError(f"{text!r} is not an amount in USD, such as 12.50") from None
    if not amount.is_finite() or abs(amount) > MAX_USD:
        raise ValueError(f"{text!r} is not an amount between -{MAX_USD} and {MAX_USD} USD")
    nanos = amount * NANOS_PER_USD
    if nanos != nanos.to_integral_value():
        raise ValueError(f"{text!r} is finer than a nano-dollar (9 decimals)")
    return int(nanos)


def render_usd(nanos: int) -> str:
    """Return the exact decimal string of an amount, at least two decimals: `1500000000` gives `1.50`."""
    sign = "-" if nanos < 0 else ""
    whole, rest = divmod(abs(nanos), NANOS_PER_USD)
    decimals = f"{rest:09d}".rstrip("0").ljust(2, "0")
    return f"{sign}{whole}.{decimals}"


def round_half_up(nanos: Decimal) -> int:
    """Round once, at the end of a price formula; halves go away from zero."""
    return int(nanos.to_integral_value(rounding=ROUND_HALF_UP))
