"""Deliveries on the memory twin, on SQLite and on Postgres: which changes leave one, who may send it, and that none overtakes another."""

import importlib.util
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from modelgate.core.records import Delivery, Task
from modelgate.storage.database import Database, sqlite_url
from modelgate.storage.migrations import all_tables
from modelgate.storage.tasks import DatabaseTaskStore
from modelgate.storage.webhooks import MAX_OF_ACCOUNT, PROGRESS_APART_S, DatabaseWebhookStore, claim_deliveries

pytestmark = pytest.mark.anyio

NOW = 5_000.0
LEASE_UNTIL = NOW + 30


def _load(name: str) -> Any:
    spec = importlib.util.spec_from_file_location(f"{name}_twin", Path(__file__).parents[2] / "twins" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def make_task(name: str = "task_a", **changes: Any) -> Task:
    fields: dict[str, Any] = {
        "id": name, "account": "acct_a", "key": "key_a", "book": "test", "family": "kling", "operation": "image", "model": "m", "state": "queued",
        "request": b'{"model":"m"}', "created_at": NOW, "updated_at": NOW, "due_at": NOW, "deadline_at": NOW + 100,
        "callback_url": "https://caller.example/hook",
    }  # fmt: skip
    return Task(**(fields | changes))


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def stores(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Any, Any]]:
    """A store of tasks and one of deliveries, over the same rows."""
    if request.param == "memory":
        tasks = _load("task_store").MemoryTaskStore()
        yield tasks, _load("webhook_store").MemoryWebhookStore(tasks)
        return
    url = sqlite_url(tmp_path / "modelgate.db") if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    database = Database(url)
    all_tables().create_all(database.engine)
    yield DatabaseTaskStore(database, owner="desk"), DatabaseWebhookStore(database)
    database.close()


async def walk(tasks: Any, task: Task, *states: str) -> Task:
    """Bring a task through states."""
    await tasks.insert(task, period="all", limit_nanos=None, lease_until=NOW)
    return await walk_on(tasks, task, *states)


async def walk_on(tasks: Any, task: Task, *states: str) -> Task:
    for state in states:
        changed = msgspec.structs.replace(task, state=state, updated_at=task.updated_at + 1)
        if state in ("succeeded", "failed", "canceled", "expired"):
            written = await tasks.finish(msgspec.structs.replace(changed, finished_at=changed.updated_at), captured_nanos=0)
        else:
            written = await tasks.save(changed)
        assert written is not None
        task = written
    return task


async def told(store: Any, task_id: str = "task_a") -> list[str]:
    return [one.task_state for one in reversed(await store.list_of(task_id))]


@pytest.mark.parametrize("end", ["succeeded", "failed", "canceled", "expired"])
async def test_exactly_these_changes_leave_a_delivery(stores: tuple[Any, Any], end: str) -> None:
    tasks, store = stores
    await walk(tasks, make_task(), "submitting", "unknown", "running", "running", "waiting_input", "running", end)

    assert await told(store) == ["running", "waiting_input", "running", end]
    newest = (await store.list_of("task_a"))[0]
    assert newest.id == f"hook_a_{newest.version}"
    assert (newest.state, newest.attempts, newest.account, newest.ended_at) == ("pending", 0, "acct_a", None)
    assert newest.due_at == newest.created_at == NOW + 7


async def test_the_same_state_again_is_not_told_again(stores: tuple[Any, Any]) -> None:
    tasks, store = stores
    await walk(tasks, make_task(), "running", "unknown", "running")
    assert await told(store) == ["running"]


async def test_a_task_without_an_address_leaves_none(stores: tuple[Any, Any]) -> None:
    tasks, store = stores
    await walk(tasks, make_task(callback_url=""), "running", "succeeded")
    assert await told(store) == []
    assert await store.next_due() is None


async def test_a_change_that_is_not_written_leaves_none(stores: tuple[Any, Any]) -> None:
    tasks, store = stores
    task = await walk(tasks, make_task(), "running")
    late = msgspec.structs.replace(task, state="succeeded", version=task.version - 1, finished_at=NOW)
    assert await tasks.finish(late, captured_nanos=0) is None
    assert await told(store) == ["running"]


async def test_a_claim_is_a_lease(stores: tuple[Any, Any]) -> None:
    tasks, store = stores
    await walk(tasks, make_task(), "running")
    assert await store.next_due() == NOW + 1
    assert await store.claim_due(now=NOW, limit=10, lease_until=LEASE_UNTIL) == []

    (first,) = await store.claim_due(now=NOW + 1, limit=10, lease_until=LEASE_UNTIL)
    assert (first.state, first.attempts, first.sent_at, first.due_at) == ("sending", 1, NOW + 1, LEASE_UNTIL)
    assert await store.list_of("task_a") == [first]
    assert await store.claim_due(now=NOW + 2, limit=10, lease_until=LEASE_UNTIL) == []
    assert await store.next_due() == LEASE_UNTIL

    (second,) = await store.claim_due(now=LEASE_UNTIL, limit=10, lease_until=LEASE_UNTIL + 30)
    assert second.attempts == 2
    assert not await store.settle(msgspec.structs.replace(first, state="delivered", ended_at=LEASE_UNTIL))
    done = msgspec.structs.replace(second, state="delivered", ended_at=LEASE_UNTIL, answer_status=200, error="")
    assert await store.settle(done)
    assert await store.list_of("task_a") == [done]
    assert await store.next_due() is None
    assert not await store.settle(done)


async def test_a_newer_state_takes_the_place_of_an_older_one(stores: tuple[Any, Any]) -> None:
    tasks, store = stores
    await walk(tasks, make_task(), "running", "succeeded")
    claimed = await store.claim_due(now=NOW + 9, limit=10, lease_until=LEASE_UNTIL)
    assert [one.task_state for one in claimed] == ["succeeded"]
    newest, older = await store.list_of("task_a")
    assert (older.state, older.ended_at, older.attempts) == ("skipped", NOW + 9, 0)
    assert newest.state == "sending"


async def test_a_newer_state_waits_for_an_older_one_under_way(stores: tuple[Any, Any]) -> None:
    tasks, store = stores
    task = await walk(tasks, make_task(), "running")
    (older,) = await store.claim_due(now=NOW + 1, limit=10, lease_until=LEASE_UNTIL)
    await walk_on(tasks, task, "succeeded")
    assert await store.claim_due(now=NOW + 2, limit=10, lease_until=LEASE_UNTIL) == []
    assert await store.next_due() == NOW + 3

    assert await store.settle(msgspec.structs.replace(older, state="pending", due_at=NOW + 2, error="no answer in time"))
    claimed = await store.claim_due(now=NOW + 3, limit=10, lease_until=LEASE_UNTIL)
    assert [one.task_state for one in claimed] == ["succeeded"]
    assert (await store.list_of("task_a"))[1].state == "skipped"


async def test_an_address_that_is_gone_hears_no_more(stores: tuple[Any, Any]) -> None:
    tasks, store = stores
    task = await walk(tasks, make_task(), "running")
    (sent,) = await store.claim_due(now=NOW + 1, limit=10, lease_until=LEASE_UNTIL)
    assert await store.settle(msgspec.structs.replace(sent, state="gone", ended_at=NOW + 1, answer_status=410))
    await walk_on(tasks, task, "succeeded")
    assert await told(store) == ["running"]


async def test_one_account_does_not_take_every_place(stores: tuple[Any, Any]) -> None:
    tasks, store = stores
    for number in range(MAX_OF_ACCOUNT + 2):
        await walk(tasks, make_task(f"task_{number}"), "running")
    await walk(tasks, make_task("task_other", account="acct_b", updated_at=NOW + 1), "running")

    claimed = await store.claim_due(now=NOW + 2, limit=20, lease_until=LEASE_UNTIL)
    assert sorted(one.account for one in claimed) == ["acct_a"] * MAX_OF_ACCOUNT + ["acct_b"]
    assert await store.claim_due(now=NOW + 2, limit=20, lease_until=LEASE_UNTIL) == []
    assert await store.settle(msgspec.structs.replace(claimed[0], state="delivered", ended_at=NOW + 3))
    assert len(await store.claim_due(now=NOW + 3, limit=20, lease_until=LEASE_UNTIL)) in (1, 2)


async def test_a_delivery_is_sent_again_when_it_is_told_to(stores: tuple[Any, Any]) -> None:
    tasks, store = stores
    await walk(tasks, make_task(), "running")
    (sent,) = await store.claim_due(now=NOW + 1, limit=10, lease_until=LEASE_UNTIL)
    assert (await store.repeat(sent.id, now=NOW + 2)) == sent, "it is under way"
    assert await store.settle(msgspec.structs.replace(sent, state="failed", ended_at=NOW + 3, answer_status=500, error="no"))

    again = await store.repeat(sent.id, now=NOW + 4)
    assert (again.state, again.attempts, again.due_at, again.ended_at, again.answer_status) == ("pending", 0, NOW + 4, None, 500)
    assert await store.list_of("task_a") == [again]
    assert [one.id for one in await store.claim_due(now=NOW + 4, limit=10, lease_until=LEASE_UNTIL)] == [sent.id]
    assert await store.repeat("hook_nobody", now=NOW) is None


async def test_what_was_refused_for_good_tells_of_the_present_when_it_is_sent_again(stores: tuple[Any, Any]) -> None:
    # After a 410 by accident, redelivery could bring nothing: the only delivery told of a state that was over, and was skipped.
    tasks, store = stores
    task = await walk(tasks, make_task(), "running")
    (claimed,) = await store.claim_due(now=NOW + 1, limit=10, lease_until=LEASE_UNTIL)
    assert await store.settle(msgspec.structs.replace(claimed, state="gone", ended_at=NOW + 1))
    await walk_on(tasks, task, "succeeded")
    assert await told(store) == ["running"]
    again = await store.repeat(claimed.id, now=NOW + 9)
    assert (again.id, again.state, again.task_state) == (claimed.id, "pending", "succeeded")
    (sent,) = await store.claim_due(now=NOW + 9, limit=10, lease_until=LEASE_UNTIL)
    assert sent.task_state == "succeeded"


async def test_it_is_bounded_how_many_are_claimed(stores: tuple[Any, Any]) -> None:
    tasks, store = stores
    for number in range(3):
        await walk(tasks, make_task(f"task_{number}", updated_at=NOW + 3 - number), "running")
    claimed = await store.claim_due(now=NOW + 9, limit=2, lease_until=LEASE_UNTIL)
    assert [one.task for one in claimed] == ["task_2", "task_1"]


async def test_many_claimers_at_once_never_take_the_same_delivery_nor_two_of_one_task(database: Database) -> None:
    tasks = DatabaseTaskStore(database, owner="desk")
    for number in range(30):
        await walk(tasks, make_task(f"task_{number}", account=f"acct_{number % 10}"), "running", *(["succeeded"] if number % 2 else []))
    claimed: list[Delivery] = []

    def claim() -> None:
        for _ in range(6):
            claimed.extend(database.run(claim_deliveries, now=NOW + 9, limit=5, lease_until=LEASE_UNTIL))

    threads = [threading.Thread(target=claim) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(claimed) == 30
    assert len({one.task for one in claimed}) == 30
    assert all(one.task_state == ("succeeded" if int(one.task[5:]) % 2 else "running") for one in claimed)


# Progress, of families whose callers hear of it.


@pytest.fixture(params=["sqlite", "postgres"])
def telling(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Any, Any]]:
    """The stores of an installation where callers of the family `teller` hear of progress."""
    database = Database(sqlite_url(tmp_path / "modelgate.db") if request.param == "sqlite" else request.getfixturevalue("postgres_url"))
    all_tables().create_all(database.engine)
    yield DatabaseTaskStore(database, owner="desk", telling=frozenset(("teller",))), DatabaseWebhookStore(database)
    database.close()


async def come_on(tasks: Any, task: Task, progress: int, *, at: float) -> Task:
    """Write down that a running task has come further."""
    written = await tasks.save(msgspec.structs.replace(task, progress=progress, updated_at=at))
    assert written is not None
    return written


async def take(webhooks: Any, *, now: float, state: str = "delivered") -> list[int]:
    """Send what is due; return the versions told of."""
    told = await webhooks.claim_due(now=now, limit=10, lease_until=now + 30)
    for one in told:
        ended_at = None if state == "pending" else now
        assert await webhooks.settle(msgspec.structs.replace(one, state=state, ended_at=ended_at, due_at=now + 60))
    return [one.version for one in told]


async def test_progress_is_told_but_not_more_often_than_every_few_seconds(telling: tuple[Any, Any]) -> None:
    tasks, webhooks = telling
    task = await walk(tasks, make_task(family="teller"), "running")
    assert len(await take(webhooks, now=NOW + 1)) == 1

    soon = task.updated_at + PROGRESS_APART_S
    task = await come_on(tasks, task, 10, at=soon - 0.1)
    assert await take(webhooks, now=soon) == []
    task = await come_on(tasks, task, 20, at=soon)
    assert await take(webhooks, now=soon) == [task.version]
    task = await come_on(tasks, task, 30, at=soon + PROGRESS_APART_S - 0.1)
    task = await come_on(tasks, task, 30, at=soon + PROGRESS_APART_S)
    assert await take(webhooks, now=soon + 60) == [], "no progress is no news"

    newest = (await webhooks.list_of(task.id))[0]
    assert (newest.task_state, newest.state) == ("running", "delivered")


async def test_what_is_still_on_its_way_is_not_joined_by_more(telling: tuple[Any, Any]) -> None:
    """It is said when it is sent how far the task is; a receiver that hangs or fails gets no more tries by it."""
    tasks, webhooks = telling
    task = await walk(tasks, make_task(family="teller"), "running")
    task = await come_on(tasks, task, 10, at=NOW + 60)
    assert len(await webhooks.list_of(task.id)) == 1
    await take(webhooks, now=NOW + 61, state="pending")
    task = await come_on(tasks, task, 20, at=NOW + 90)
    assert len(await webhooks.list_of(task.id)) == 1
    await take(webhooks, now=NOW + 130, state="gone")
    await come_on(tasks, task, 30, at=NOW + 200)
    assert len(await webhooks.list_of(task.id)) == 1


async def test_others_hear_of_states_alone(telling: tuple[Any, Any]) -> None:
    tasks, webhooks = telling
    task = await walk(tasks, make_task(), "running")
    await take(webhooks, now=NOW + 1)
    await come_on(tasks, task, 50, at=NOW + 90)
    assert await take(webhooks, now=NOW + 91) == []
    quiet = await walk(tasks, make_task("task_b", family="teller", callback_url=""), "running")
    await come_on(tasks, quiet, 50, at=NOW + 90)
    assert await webhooks.list_of("task_b") == []


async def test_the_end_overtakes_progress(telling: tuple[Any, Any]) -> None:
    tasks, webhooks = telling
    task = await walk(tasks, make_task(family="teller"), "running")
    await take(webhooks, now=NOW + 1)
    task = await come_on(tasks, task, 50, at=NOW + 60)
    ended = msgspec.structs.replace(task, state="failed", progress=100, finished_at=NOW + 61, updated_at=NOW + 61, due_at=NOW + 61)
    written = await tasks.finish(ended, captured_nanos=0)
    assert written is not None
    assert await take(webhooks, now=NOW + 62) == [written.version]
