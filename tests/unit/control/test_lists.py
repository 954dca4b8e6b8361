"""Pages of lists."""

import msgspec
import pytest

from modelgate.control.lists import MAX_ROWS, After, Limit, page_of


class Query(msgspec.Struct):
    limit: Limit = 2
    after: After = ""


@pytest.mark.parametrize(("rows", "shown", "more"), [("", "", False), ("ab", "ab", False), ("abc", "ab", True)])
def test_one_row_too_many_says_that_more_follow(rows: str, shown: str, more: bool) -> None:
    assert page_of(tuple(rows), 2) == (tuple(shown), more)


@pytest.mark.parametrize("limit", ["0", str(MAX_ROWS + 1), "many"])
def test_a_page_is_bounded(limit: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"limit": limit}, Query, strict=False)
