"""Crashes at every point, and two movers at once: one job, money settled once, an end."""

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from modelgate.core.providers import VendorState
from modelgate.tasks.recorder import LEASE_S

pytestmark = pytest.mark.anyio

SCENARIOS: dict[str, list[str]] = {
    "taken": ["take"],
    "taken by the second": ["refuse", "take"],
    "taken by the second after a refused connection": ["unsent", "take"],
    "answer lost after taking": ["lose"],
    "answer lost without taking": ["drop"],
    "answer unreadable": ["garble"],
    "the caller's fault": ["reject"],
    "nobody wants it": ["refuse", "refuse"],
}
MAX_POINTS = 34


def prepare(world: Any, scenario: str) -> None:
    world.vendor.submits = list(SCENARIOS[scenario])
    world.vendor.polls = [VendorState(state="running", progress=40)]


@pytest.mark.parametrize("scenario", SCENARIOS)
async def test_a_kill_at_any_point_leaves_one_job_and_settles_once(make_world: Callable[[], Any], scenario: str) -> None:
    whole = make_world()
    prepare(whole, scenario)
    points = await whole.live_through_kills([])
    whole.check_money()
    assert 4 <= points <= MAX_POINTS

    for kill in range(points):
        world = make_world()
        prepare(world, scenario)
        await world.live_through_kills([kill])
        world.check_money()
        assert len(world.vendor.taken) <= 1
        if world.store.rows and world.vendor.taken:
            assert (await world.stored()).state == "succeeded"


@pytest.mark.parametrize("scenario", ["taken by the second", "answer lost after taking"])
async def test_two_kills_are_survived_as_well(make_world: Callable[[], Any], scenario: str) -> None:
    for first in range(MAX_POINTS):
        for second in range(first + 1, MAX_POINTS):
            world = make_world()
            prepare(world, scenario)
            await world.live_through_kills([first, second])
            world.check_money()
            assert len(world.vendor.taken) <= 1


@pytest.mark.parametrize("ending", ["succeeded", "failed", "expired"])
async def test_two_movers_at_once_settle_once(
    make_world: Callable[[], Any], shuffled_pauses: Callable[[int], Callable[[], Any]], ending: str
) -> None:
    """A failed task was once refunded twice, by two pollers."""
    for seed in range(30):
        world = make_world()
        world.vendor.polls = [] if ending == "succeeded" else [VendorState(state="failed", error_code="generation_failed")] * 2
        await world.life().advance(await world.queue())
        world.now += 10 if ending != "expired" else 10_000
        (mine,) = await world.store.claim_due(now=world.now, limit=1, lease_until=world.now + LEASE_S)
        world.now += LEASE_S
        (theirs,) = await world.store.claim_due(now=world.now, limit=1, lease_until=world.now + LEASE_S)
        world.vendor.pause = shuffled_pauses(seed)

        ends = await asyncio.gather(world.life().advance(mine), world.life().advance(theirs))

        assert {task.state for task in ends} <= {ending, "running"}
        assert (await world.stored()).state == ending
        world.check_money()


async def test_a_mover_that_comes_late_with_the_answer_is_heard(world: Any) -> None:
    """The lease ran out while the vendor thought; the task was looked up too early and must not be lost."""

    async def think() -> None:
        world.vendor.pause = None
        world.now += LEASE_S + 1
        (claimed,) = await world.store.claim_due(now=world.now, limit=1, lease_until=world.now + LEASE_S)
        assert claimed.state == "submitting"
        world.vendor.hides = True
        assert (await world.life().advance(claimed)).state == "unknown"
        world.vendor.hides = False

    world.vendor.pause = think

    task = await world.life().advance(await world.queue())

    assert (task.state, task.vendor_task) == ("running", "job-0")
    await world.live_on()
    world.check_money()
    assert len(world.vendor.taken) == 1


async def test_what_has_ended_is_not_touched(world: Any) -> None:
    await world.life().advance(await world.queue())
    await world.live_on()
    ended = await world.stored()
    before = list(world.vendor.calls)

    assert await world.life().advance(ended) == ended
    reopened = msgspec.structs.replace(ended, state="running", finished_at=None)
    assert (await world.life().advance(reopened)).state == "succeeded"
    assert await world.stored() == ended
    assert len(world.vendor.calls) - len(before) == 1
    world.check_money()


@pytest.mark.parametrize("state", ["queued", "submitting", "unknown", "running", "waiting_input"])
async def test_every_unfinished_state_ends_at_the_deadline(world: Any, state: str) -> None:
    task = await world.queue(state=state, upstream="up_first", vendor_task="job-0")
    world.now = task.deadline_at

    ended = await world.life().advance(task)

    assert (ended.state, ended.error_code, ended.progress) == ("expired", "deadline_passed", 100)
    assert world.vendor.calls == []
    world.check_money()


async def test_a_task_that_waits_for_its_caller_sleeps_until_its_deadline(world: Any) -> None:
    task = await world.queue(state="waiting_input")

    left = await world.life().advance(task)

    assert (left.state, left.due_at) == ("waiting_input", task.deadline_at)


async def test_a_free_task_holds_and_charges_nothing(world: Any) -> None:
    await world.life().advance(await world.queue(amount_nanos=0))
    await world.live_on()

    assert (await world.stored()).state == "succeeded"
    world.check_money()
