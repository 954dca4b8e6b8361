from typing import Any

import msgspec
import pytest

from modelgate.core.records import TaskOutput
from modelgate.tasks.recorder import LEASE_S, MAX_ERROR_CHARACTERS, MAX_PAUSE_S, Recorder, count_of

pytestmark = pytest.mark.anyio


def recorder(world: Any, draw: float = 0.0) -> Recorder:
    return Recorder(world.store, clock=world.clock, draw=lambda: draw)


async def test_keeping_holds_the_lease_and_later_gives_it_up(world: Any) -> None:
    task = await world.queue()

    kept = await recorder(world).keep(task)
    assert kept is not None
    assert (await world.store.next_wake(), kept.version) == (world.now + LEASE_S, task.version + 1)
    left = await recorder(world, draw=1.0).later(kept, 10.0)
    assert left.due_at == await world.store.next_wake() == world.now + 12.0


async def test_a_pause_ends_at_the_deadline(world: Any) -> None:
    task = await world.queue()

    assert (await recorder(world).later(task, 10**9)).due_at == task.deadline_at


async def test_trouble_counts_in_a_row_and_its_pauses_grow_up_to_a_bound(world: Any) -> None:
    task, pen, pauses = await world.queue(), recorder(world), []
    for _ in range(7):
        task = await pen.trouble(task, "poll_failed", first_pause_s=2.0)
        pauses.append(task.due_at - world.now)

    assert pauses == [2, 4, 8, 16, 32, MAX_PAUSE_S, MAX_PAUSE_S]
    assert count_of(task, "poll_failed") == 7
    other = await pen.trouble(task, "task_not_found", first_pause_s=2.0, retry_after_s=500.0)
    assert (count_of(other, "task_not_found"), other.due_at - world.now) == (1, 500)


async def test_no_key_in_a_vendors_words_is_kept(world: Any) -> None:
    # What an upstream said of a failed job went to the caller as it was, with the key it may have quoted.
    await world.queue("failing00")
    failed = await recorder(world).fail(await world.stored("failing00"), "generation_failed", "sk-live-abcdefghijkl has no credit")
    assert failed.error_message == "[removed] has no credit"


async def test_ends_settle_the_hold(world: Any) -> None:
    for name in ("failing00", "expiring0", "succeeds0"):
        await world.queue(name)
    pen = recorder(world)
    output = TaskOutput(kind="image", blob="a.png")

    failed = await pen.fail(await world.stored("failing00"), "generation_failed", "x" * 5000)
    expired = await pen.expire(await world.stored("expiring0"))
    succeeded = await pen.succeed(await world.stored("succeeds0"), (output,), charged_nanos=500)

    assert [task.state for task in (failed, expired, succeeded)] == ["failed", "expired", "succeeded"]
    assert len(failed.error_message) == MAX_ERROR_CHARACTERS
    assert succeeded.outputs == (output,)
    assert [task.amount_nanos for task in (failed, expired, succeeded)] == [700, 700, 500], "what was held, and what is charged"
    assert world.store.charged["succeeds0"] == 500
    assert all(task.progress == 100 and task.finished_at == world.now for task in (failed, expired, succeeded))
    world.check_money()


async def test_who_comes_second_learns_what_is_there(world: Any) -> None:
    task, pen = await world.queue(), recorder(world)
    ended = await pen.fail(task, "generation_failed", "")

    assert await pen.keep(task) is None
    assert await pen.later(task, 5.0) == ended
    assert await pen.succeed(msgspec.structs.replace(task, progress=3), (), charged_nanos=700) == ended
    world.check_money()
