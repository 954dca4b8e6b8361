import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelgate.core.errors import Overloaded, RateExceeded
from modelgate.core.records import ApiKey
from modelgate.metering.rates import (
    FAR_REQUESTS,
    FAR_TOKENS,
    GROWTH_SLOTS,
    LOOK_S,
    MAX_SLOTS,
    RateCounters,
    RateState,
    Window,
    render_duration,
)

NOON = 1_764_000_000.0  # a whole minute


def key(*, rpm: int | None = None, tpm: int | None = None, slot: int = 0, id: str = "key_a") -> ApiKey:
    return ApiKey(id=id, account="acct_a", book="test", name="n", digest="d", hint="h", rpm=rpm, tpm=tpm, slot=slot)


def pairs_of(state: RateState) -> tuple[tuple[str, str], ...]:
    lines = state.header_lines().decode().removesuffix("\r\n").split("\r\n")
    return tuple((name, value) for name, _, value in (line.partition(": ") for line in lines))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "rates"


def admitted(counters: RateCounters, by: ApiKey, now: float, tries: int) -> int:
    count = 0
    for _ in range(tries):
        try:
            counters.admit(by, now=now)
        except RateExceeded:
            continue
        count += 1
    return count


def test_a_key_without_limits_is_not_counted(path: Path) -> None:
    counters = RateCounters(path, writer=0, writers=1)

    assert counters.admit(key(), now=NOON) is None
    counters.add_tokens(key(), 10, now=NOON)
    assert path.read_bytes().strip(b"\0").count(b"\0") < 16  # the header alone


def test_the_limit_holds_over_all_writers(path: Path) -> None:
    relays = [RateCounters(path, writer=index, writers=3) for index in range(3)]
    by = key(rpm=10)

    assert sum(admitted(relay, by, NOON, 5) for relay in relays) == 10


def test_a_refusal_names_the_dimension_and_when_to_come_back(path: Path) -> None:
    counters = RateCounters(path, writer=0, writers=1)
    by = key(rpm=2, tpm=100)
    counters.admit(by, now=NOON + 30)
    counters.admit(by, now=NOON + 30)

    with pytest.raises(RateExceeded, match="2 requests per minute") as refused:
        counters.admit(by, now=NOON + 30)
    assert (refused.value.type, refused.value.status) == ("requests", 429)
    assert refused.value.retry_after_s == pytest.approx(60)
    assert admitted(counters, by, NOON + 30 + 59, 1) == 0
    assert admitted(counters, by, NOON + 30 + 60, 1) == 1


def test_tokens_are_refused_once_used_up(path: Path) -> None:
    counters = RateCounters(path, writer=0, writers=2)
    other = RateCounters(path, writer=1, writers=2)
    by = key(tpm=100)
    counters.admit(by, now=NOON)
    counters.add_tokens(by, 99, now=NOON)
    state = other.admit(by, now=NOON)
    assert state is not None
    other.add_tokens(by, 50, now=NOON)
    other.add_tokens(by, -50, now=NOON)

    with pytest.raises(RateExceeded) as refused:
        counters.admit(by, now=NOON)
    assert refused.value.type == "tokens"
    assert dict(pairs_of(state)) == {
        "x-ratelimit-limit-tokens": "100",
        "x-ratelimit-remaining-tokens": "1",
        "x-ratelimit-reset-tokens": "2m0s",
    }


def test_headers_tell_what_is_left_after_this_request(path: Path) -> None:
    counters = RateCounters(path, writer=0, writers=1)
    by = key(rpm=60, tpm=1000)
    counters.admit(by, now=NOON - 60)
    state = counters.admit(by, now=NOON + 15)
    assert state is not None

    assert pairs_of(state) == (
        ("x-ratelimit-limit-requests", "60"),
        ("x-ratelimit-remaining-requests", "58"),
        ("x-ratelimit-reset-requests", "1m45s"),
        ("x-ratelimit-limit-tokens", "1000"),
        ("x-ratelimit-remaining-tokens", "1000"),
        ("x-ratelimit-reset-tokens", "0s"),
    )


def test_the_window_slides(path: Path) -> None:
    counters = RateCounters(path, writer=0, writers=1)
    by = key(rpm=60)

    assert admitted(counters, by, NOON + 59, 100) == 60
    assert admitted(counters, by, NOON + 60, 100) == 0
    assert admitted(counters, by, NOON + 90, 100) == 30
    assert admitted(counters, by, NOON + 300, 100) == 60


def test_a_restarted_writer_goes_on_where_it_was(path: Path) -> None:
    by = key(rpm=3)
    first = RateCounters(path, writer=0, writers=2)
    assert admitted(first, by, NOON, 2) == 2
    first.close()

    assert admitted(RateCounters(path, writer=0, writers=2), by, NOON, 5) == 1


def test_a_new_key_on_a_reused_slot_starts_clean(path: Path) -> None:
    relays = [RateCounters(path, writer=index, writers=2) for index in range(2)]
    old, new = key(rpm=2, slot=7, id="key_old"), key(rpm=2, slot=7, id="key_new")
    for relay in relays:
        admitted(relay, old, NOON, 1)

    assert admitted(relays[0], new, NOON, 5) == 2


@pytest.mark.parametrize("rpm", [None, 10 * FAR_REQUESTS])
def test_a_slot_that_changes_hands_in_one_process_begins_clean_both_ways(path: Path, rpm: int | None) -> None:
    """Far from the limits, where little is looked at: a key that was heard of a moment ago counts into a cell that is another's by now."""
    counters = RateCounters(path, writer=0, writers=2)
    first, second = (key(rpm=rpm, tpm=10 * FAR_TOKENS, slot=7, id=f"key_{name}") for name in ("first", "second"))

    def seen(by: ApiKey, times: int, now: float) -> tuple[int, int, bool]:
        states = [counters.admit(by, now=now) for _ in range(times)]
        counters.add_tokens(by, 10, now=now)
        last = states[-1]
        assert last is not None
        return last.requests, last.tokens, last.elapsed_s == now % 60

    assert seen(first, 3, NOON) == (3, 0, True)
    assert seen(second, 2, NOON + LOOK_S / 4) == (2, 0, True)
    assert seen(first, 1, NOON + LOOK_S / 2) == (1, 0, True)
    assert seen(second, 1, NOON + 1) == (1, 0, True)
    assert seen(second, 1, NOON + 1) == (2, 10, True)
    assert seen(first, 1, NOON + 61) == (1, 0, True)  # nothing of the minute before is its own


def test_far_from_a_limit_the_others_are_looked_at_now_and_then(path: Path) -> None:
    here, there = RateCounters(path, writer=0, writers=2), RateCounters(path, writer=1, writers=2)
    by = key(rpm=10 * FAR_REQUESTS, tpm=10 * FAR_TOKENS)

    def seen(now: float) -> tuple[int, int]:
        state = here.admit(by, now=now)
        assert state is not None
        return state.requests, state.tokens

    assert seen(NOON) == (1, 0)
    there.admit(by, now=NOON)
    there.add_tokens(by, 7, now=NOON)
    here.add_tokens(by, 5, now=NOON)
    assert seen(NOON + LOOK_S / 2) == (2, 5)  # its own are known, theirs not yet
    assert seen(NOON + LOOK_S) == (4, 12)
    there.admit(by, now=NOON)
    assert seen(NOON + LOOK_S * 1.5) == (5, 12)
    assert seen(NOON + 60) == (1, 0)  # a minute of its own, with nothing of theirs in it
    state = here.admit(by, now=NOON + 60)
    assert state is not None
    assert (state.old_requests, state.old_tokens) == (6, 12)
    assert seen(NOON + 120 - LOOK_S / 2) == (3, 0)
    assert seen(NOON + 120 + LOOK_S / 4) == (1, 0)  # far or not, no look outlives its minute


@pytest.mark.parametrize("limits", [{"rpm": FAR_REQUESTS}, {"tpm": FAR_TOKENS}, {"rpm": 10 * FAR_REQUESTS, "tpm": FAR_TOKENS}])
def test_near_a_limit_the_others_are_looked_at_each_time(path: Path, limits: dict[str, int]) -> None:
    here, there = RateCounters(path, writer=0, writers=2), RateCounters(path, writer=1, writers=2)
    by = key(**limits)
    for turn in range(1, 6):
        there.admit(by, now=NOON)
        there.add_tokens(by, 3, now=NOON)
        state = here.admit(by, now=NOON)
        assert state is not None
        assert (state.requests, state.tokens) == (2 * turn, 3 * turn if "tpm" in limits else 0)


@pytest.mark.parametrize("step_s", [LOOK_S / 10, LOOK_S * 2])
def test_a_limit_that_was_far_is_kept_to_the_request_by_two_writers(path: Path, step_s: float) -> None:
    relays = [RateCounters(path, writer=index, writers=2) for index in range(2)]
    limit = 4 * FAR_REQUESTS
    by = key(rpm=limit)
    now, count = NOON, 0  # each writer admits no more than half of `FAR_REQUESTS` in `LOOK_S`
    for tries in range(limit + 200):
        if tries % 100 == 0:
            now = min(now + step_s, NOON + 59)
        count += admitted(relays[(tries // 3) % 2], by, now, 1)

    assert count == limit


def test_tokens_that_were_far_refuse_once_they_are_used_up(path: Path) -> None:
    here, there = RateCounters(path, writer=0, writers=2), RateCounters(path, writer=1, writers=2)
    by = key(tpm=3 * FAR_TOKENS)
    assert admitted(here, by, NOON, 1) == 1
    there.add_tokens(by, 2 * FAR_TOKENS, now=NOON)
    there.add_tokens(by, FAR_TOKENS, now=NOON)
    assert admitted(here, by, NOON + LOOK_S / 2, 1) == 1  # unseen for a moment, as the bound says
    assert admitted(here, by, NOON + LOOK_S, 5) == 0


def test_far_slots_grow_the_file_for_all(path: Path) -> None:
    near, far = RateCounters(path, writer=0, writers=2), RateCounters(path, writer=1, writers=2)
    by = key(rpm=4, slot=5 * GROWTH_SLOTS + 3)
    assert admitted(near, key(rpm=4), NOON, 3) == 3

    assert admitted(far, by, NOON, 3) == 3
    assert admitted(near, by, NOON, 3) == 1
    assert admitted(near, key(rpm=4), NOON, 3) == 1
    with pytest.raises(ValueError, match="beyond"):
        near.admit(key(rpm=1, slot=MAX_SLOTS), now=NOON)


def test_the_file_has_its_room_on_disk(path: Path) -> None:
    counters = RateCounters(path, writer=0, writers=2)
    counters.admit(key(rpm=4, slot=5 * GROWTH_SLOTS), now=NOON)
    assert path.stat().st_blocks * 512 >= path.stat().st_size  # else a write to it on a full disk would end the process


def test_on_a_full_disk_keys_without_a_place_wait_and_others_go_on(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    counters = RateCounters(path, writer=0, writers=2)

    def full(*_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    assert admitted(counters, key(rpm=4), NOON, 3) == 3
    for _ in range(2):
        with pytest.raises(Overloaded) as refused:
            counters.admit(key(id="key_far", rpm=4, slot=GROWTH_SLOTS), now=NOON)
        assert refused.value.retry_after_s == 30
    monkeypatch.undo()
    assert admitted(counters, key(id="key_far", rpm=4, slot=GROWTH_SLOTS), NOON, 5) == 4


def test_another_number_of_writers_starts_a_new_file(path: Path) -> None:
    by = key(rpm=5)
    old = RateCounters(path, writer=0, writers=2)
    assert admitted(old, by, NOON, 3) == 3

    assert admitted(RateCounters(path, writer=3, writers=4), by, NOON, 9) == 5
    assert admitted(old, by, NOON, 9) == 2  # still maps what it knew
    with pytest.raises(ValueError, match="writer 4 of 4"):
        RateCounters(path, writer=4, writers=4)


@pytest.mark.parametrize("limits", [{"rpm": 0}, {"tpm": 0}, {"rpm": 0, "tpm": 0}, {"rpm": 0, "tpm": 10 * FAR_TOKENS}])
def test_a_limit_of_zero_admits_nobody(path: Path, limits: dict[str, int]) -> None:
    counters = RateCounters(path, writer=0, writers=1)
    for _ in range(3):  # the second once was taken for one whose limit is far
        with pytest.raises(RateExceeded) as refused:
            counters.admit(key(**limits), now=NOON)
        assert refused.value.retry_after_s == 60


def test_other_processes_see_the_counts(path: Path) -> None:
    counters = RateCounters(path, writer=0, writers=2)
    by = key(rpm=10)
    admitted(counters, by, NOON, 4)
    script = f"""
from pathlib import Path
from modelgate.core.records import ApiKey
from modelgate.metering.rates import RateCounters
by = ApiKey(id="key_a", account="acct_a", book="test", name="n", digest="d", hint="h", rpm=10)
state = RateCounters(Path({str(path)!r}), writer=1, writers=2).admit(by, now={NOON})
print(state.requests)
"""
    assert subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout == "5\n"
    assert admitted(counters, by, NOON, 9) == 5


@given(st.integers(0, 500), st.integers(0, 500), st.floats(0, 59.99), st.integers(0, 500))
def test_after_the_wait_the_use_has_fallen_and_not_long_before(current: int, previous: int, elapsed_s: float, allowed: int) -> None:
    window = Window(current, previous, elapsed_s)
    wait = window.wait_s(allowed)

    def used(at: float) -> float:
        if at < 60:
            return current + previous * (1 - at / 60)
        return current * (2 - at / 60) if at < 120 else 0

    assert used(elapsed_s + wait) <= allowed + 1e-6
    if wait > 0.01:
        assert used(elapsed_s + wait - 0.01) >= allowed - 1e-6


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (-1, "0s"),
        (0.0001, "1ms"),
        (0.012, "12ms"),
        (1, "1s"),
        (1.5, "1.5s"),
        (59.9999, "1m0s"),
        (360, "6m0s"),
        (61.25, "1m1.25s"),
    ],
)
def test_durations_read_like_gos(seconds: float, text: str) -> None:
    assert render_duration(seconds) == text
