"""Ids carry their kind and never meet."""

import re

import pytest

from modelgate.core.ids import REQUESTS_PER_DRAW, RequestIds, began_at_ms, new_id, new_secret

NOW = 1_795_000_000.0  # 2026-11-18


def test_request_ids_differ_and_are_in_the_order_of_time() -> None:
    make = RequestIds().new
    ids = [make(NOW + number / 1000) for number in range(3 * REQUESTS_PER_DRAW)]
    assert len({make(NOW) for _ in range(3 * REQUESTS_PER_DRAW)}) == len(ids) == len(set(ids))
    assert all(re.fullmatch(r"req_[0-9a-f]{24}", one) for one in ids)
    assert ids == sorted(ids)


def test_an_id_tells_when_its_request_began() -> None:
    """By it alone a request is found: it must be the very millisecond that the record has."""
    began_at = 1_795_000_000.123456
    assert began_at_ms(RequestIds().new(began_at), now=began_at) == int(began_at * 1000)


@pytest.mark.parametrize(
    "other", ["", "req_", "req_1", "req_zz", "req_ffffffffffffffffffffffff", "req_000000000000000000000000", "task_1", "req_１a1f0e2b3c7f"]
)
def test_an_id_that_tells_no_time_is_left_alone(other: str) -> None:
    assert began_at_ms(other, now=NOW) is None


def test_ids_and_secrets_name_their_kind() -> None:
    assert re.fullmatch(r"task_[0-9A-Za-z]{22}", new_id("task"))
    assert re.fullmatch(r"sk-test-[0-9A-Za-z]{40}", new_secret(test=True))
    assert re.fullmatch(r"sk-live-[0-9A-Za-z]{40}", new_secret(test=False))
