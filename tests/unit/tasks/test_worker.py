import asyncio
from typing import Any

import pytest

from modelgate.core.records import Task
from modelgate.tasks import worker
from modelgate.tasks.recorder import LEASE_S
from modelgate.tasks.worker import Worker

pytestmark = pytest.mark.anyio


class Office:
    """A worker whose clock stands still, so that only what is due is done."""

    def __init__(self, world: Any, **bounds: int) -> None:
        self.faults: list[tuple[BaseException, str]] = []
        self.stop = asyncio.Event()
        self.worker = Worker(
            world.store, world.life(), clock=world.clock, log_fault=lambda error, task: self.faults.append((error, task)), **bounds
        )
        self.running = asyncio.get_running_loop().create_task(self.worker.run(self.stop))

    async def close(self) -> None:
        self.stop.set()
        await asyncio.wait_for(self.running, 30)


async def until(condition: Any) -> None:
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110  # what is waited for tells nobody
            await asyncio.sleep(0.005)


def states(world: Any) -> list[str]:
    return [task.state for task, _, _ in world.store.rows.values()]


async def put(world: Any, name: str, **changes: Any) -> Task:
    """Queue a task that nobody has leased."""
    task: Task = world.task(name, **changes)
    await world.store.insert(task, period="all", limit_nanos=None, lease_until=task.due_at)
    return task


async def test_due_tasks_are_moved_at_once_and_to_their_end(world: Any) -> None:
    for n in range(5):
        await put(world, f"task_000000000{n}")
    await put(world, "task_not_yet_00", due_at=world.now + 60)
    office = Office(world)

    await until(lambda: states(world).count("running") == 5)
    world.now += 10
    office.worker.kick()
    await until(lambda: states(world).count("succeeded") == 5)

    assert states(world)[-1] == "queued"
    await office.close()
    assert office.faults == []


async def test_no_more_than_its_bound_move_together(world: Any) -> None:
    inside = most = 0

    async def pause() -> None:
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        await asyncio.sleep(0.002)
        inside -= 1

    world.vendor.pause = pause
    for n in range(9):
        await put(world, f"task_000000000{n}")
    office = Office(world, max_moving=3)

    await until(lambda: states(world).count("running") == 9)
    await office.close()
    assert most == 3


async def test_more_than_one_claim_is_taken_without_a_sleep_between(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Symptom: with thousands of due tasks polls were seconds late, for the worker slept after every claim."""
    monkeypatch.setattr(worker, "MAX_CLAIM", 3)
    monkeypatch.setattr(worker, "MIN_SLEEP_S", 30.0)
    for n in range(9):
        await put(world, f"task_000000000{n}")
    office = Office(world)

    await until(lambda: states(world).count("running") == 9)
    await office.close()


async def test_with_little_room_it_waits_for_more(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "LEAST_ROOM", 2)
    claims: list[int] = []
    claim_due = world.store.claim_due

    async def claim(*, now: float, limit: int, lease_until: float) -> list[Task]:
        claims.append(limit)
        found: list[Task] = await claim_due(now=now, limit=limit, lease_until=lease_until)
        return found

    monkeypatch.setattr(world.store, "claim_due", claim)
    for n in range(9):
        await put(world, f"task_000000000{n}")
    office = Office(world, max_moving=4)

    await until(lambda: states(world).count("running") == 9)
    await office.close()
    assert min(claims) >= 2


async def test_a_fault_is_told_and_the_rest_goes_on(world: Any) -> None:
    def at_point(point: str) -> None:
        if point == "before call":
            world.vendor.at_point = lambda point: None
            raise RuntimeError("bug")

    world.vendor.at_point = at_point
    await put(world, "task_0000000001")
    await put(world, "task_0000000002")
    office = Office(world)

    await until(lambda: "running" in states(world) and office.faults)
    assert [(str(error), task) for error, task in office.faults] == [("bug", "task_0000000001")]
    assert states(world) == ["submitting", "running"]
    world.now += LEASE_S + 1  # the lease of the broken step is over
    office.worker.kick()
    await until(lambda: states(world)[0] == "unknown")
    await office.close()


async def test_a_store_that_fails_is_asked_again(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("modelgate.tasks.worker.FAULT_PAUSE_S", 0.01)
    whole, failures = world.store.next_wake, [OSError("down")] * 2

    async def next_wake() -> float | None:
        if failures:
            raise failures.pop()
        return await whole()  # type: ignore[no-any-return]

    world.store.next_wake = next_wake
    await put(world, "task_0000000001")
    office = Office(world)

    await until(lambda: states(world) == ["running"])
    await office.close()
    assert [task for _, task in office.faults] == ["", ""]


async def test_what_the_predecessor_was_moving_resumes_at_once(world: Any) -> None:
    await world.queue(state="submitting", upstream="up_first")
    world.now += 1
    office = Office(world)

    await until(lambda: states(world) == ["unknown"])
    await office.close()


async def test_what_this_process_is_moving_already_is_left_to_it(world: Any) -> None:
    office = Office(world)
    await world.queue(state="submitting", upstream="up_first")

    await asyncio.sleep(0.05)
    assert states(world) == ["submitting"]
    await office.close()


async def test_stopping_waits_for_what_moves_but_not_for_ever(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("modelgate.tasks.worker.STOP_GRACE_S", 0.05)
    reached = asyncio.Event()

    async def pause() -> None:
        reached.set()
        await asyncio.sleep(3600)

    world.vendor.pause = pause
    await put(world, "task_0000000001")
    office = Office(world)
    await asyncio.wait_for(reached.wait(), 30)

    await office.close()

    assert states(world) == ["submitting"]  # whoever comes next looks it up
    assert office.faults == []
