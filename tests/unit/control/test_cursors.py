"""Cursors: what was given comes back, anything else is refused."""

import pytest

from modelgate.control.cursors import decode_cursor, encode_cursor
from modelgate.core.errors import InvalidRequest
from modelgate.core.log import LogPosition


@pytest.mark.parametrize("place", [LogPosition(1_795_000_000.123, 0, "inc_1/7"), LogPosition(0.1 + 0.2, 3, "")])
def test_a_place_comes_back(place: LogPosition) -> None:
    assert decode_cursor(encode_cursor(place), LogPosition) == place


@pytest.mark.parametrize(
    "change", [lambda c: c[:-1], lambda c: "A" + c, lambda c: c.partition(".")[0], lambda c: "", lambda c: "é." + c, lambda c: c.swapcase()]
)
def test_what_was_not_given_is_refused(change: object) -> None:
    cursor = encode_cursor(LogPosition(1.5, 0, "inc_1/7"))
    with pytest.raises(InvalidRequest) as caught:
        decode_cursor(change(cursor), LogPosition)  # type: ignore[operator]  # a function
    assert caught.value.param == "after"
