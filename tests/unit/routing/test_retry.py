import pytest

from modelgate.core.http import HeaderBlock
from modelgate.formats.chat.vendor_error import is_callers_fault
from modelgate.routing.retry import MAX_WAIT_S, backoff_s, judge, parse_retry_after


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        (200, "served"),
        (400, "caller"),
        (413, "caller"),
        (422, "caller"),
        (401, "credential"),
        (403, "credential"),
        (404, "credential"),
        (408, "upstream"),
        (429, "upstream"),
        (500, "upstream"),
        (529, "upstream"),
        (302, "upstream"),
    ],
)
def test_whose_fault_a_status_is(status: int, verdict: str) -> None:
    assert judge(status) == verdict


def test_callers_are_told_a_vendors_words_where_the_fault_is_theirs() -> None:
    assert [status for status in range(100, 700) if is_callers_fault(status) is not (judge(status) == "caller" and status < 500)] == [402]


@pytest.mark.parametrize(
    ("pairs", "seconds"),
    [
        ([], None),
        ([("retry-after", "7")], 7.0),
        ([("retry-after", "1.5")], 1.5),
        ([("retry-after-ms", "250"), ("retry-after", "7")], 0.25),
        ([("retry-after", "Thu, 01 Jan 1970 00:01:40 GMT")], 60.0),
        ([("retry-after", "Thu, 01 Jan 1970 00:00:00 GMT")], 0.0),
        ([("retry-after", "soon")], None),
        ([("retry-after-ms", "nan")], None),
        ([("retry-after-ms", "-5")], 0.0),
        ([("retry-after-ms", "soon"), ("retry-after", "7")], 7.0),
        ([("retry-after-ms", "nan"), ("retry-after", "7")], 7.0),
        ([("retry-after", "99999999999")], 86_400.0),
    ],
)
def test_the_pause_an_upstream_asks_for(pairs: list[tuple[str, str]], seconds: float | None) -> None:
    assert parse_retry_after(HeaderBlock.of(*pairs), 40.0) == seconds


def test_backoff_grows_is_bounded_and_yields_to_the_vendors_word() -> None:
    assert backoff_s(1, retry_after_s=None, draw=0.0) == 0.05
    assert backoff_s(3, retry_after_s=None, draw=0.99) < 0.4
    assert backoff_s(30, retry_after_s=None, draw=0.99) <= MAX_WAIT_S
    assert backoff_s(1, retry_after_s=1.25, draw=0.5) == 1.25
