"""The same promises of the task store in memory, on SQLite and on Postgres; then what only a database can show."""

import asyncio
import importlib.util
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import func, select

from modelgate.core.errors import BalanceExhausted, LimitExhausted, Overloaded
from modelgate.core.records import Task, TaskOutput
from modelgate.storage import ledger, ledger_tasks
from modelgate.storage import tasks as steps
from modelgate.storage.database import Database, sqlite_url
from modelgate.storage.migrations import all_tables
from modelgate.storage.schema.money import account_balance, ledger_entry, task_hold
from modelgate.storage.schema.tasks import task_event
from modelgate.storage.tasks import DatabaseTaskStore

pytestmark = pytest.mark.anyio

_spec = importlib.util.spec_from_file_location("task_store_twin", Path(__file__).parents[2] / "twins" / "task_store.py")
assert _spec is not None
assert _spec.loader is not None
_twin = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_twin)

BALANCE_NANOS = 1_000
NOW = 5_000.0


def make_task(name: str = "task_a", **changes: Any) -> Task:
    fields: dict[str, Any] = {
        "id": name,
        "account": "acct_a",
        "key": "key_a",
        "book": "test",
        "family": "kling",
        "operation": "image",
        "model": "m",
        "state": "queued",
        "request": b'{"model":"m"}',
        "facts": b'{"x":"\xc3\xa9"}',
        "amount_nanos": 300,
        "created_at": NOW,
        "updated_at": NOW,
        "due_at": NOW,
        "deadline_at": NOW + 100,
    }
    return Task(**(fields | changes))


def fund(database: Database) -> None:
    """Give acct_a a prepaid balance."""
    database.run(ledger.set_credit_limit, account="acct_a", book="test", credit_limit_nanos=0, now=NOW)
    database.run(ledger.credit, account="acct_a", book="test", amount_nanos=BALANCE_NANOS, idempotency_key="start", now=NOW)


def balance_of(database: Database) -> int:
    return database.read(lambda connection: connection.execute(select(account_balance.c.balance_nanos)).scalar_one())


def count(database: Database, kind: str) -> int:
    query = select(func.count()).select_from(ledger_entry).where(ledger_entry.c.kind == kind)
    return database.read(lambda connection: connection.execute(query).scalar_one())


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def stores(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[str], Any]]:
    """Makes stores for owners, all over the same rows."""
    if request.param == "memory":
        first = _twin.MemoryTaskStore(balance_nanos=BALANCE_NANOS)
        yield lambda owner: _twin.MemoryTaskStore(owner=owner, balance_nanos=BALANCE_NANOS, beside=first)
        return
    url = sqlite_url(tmp_path / "modelgate.db") if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    database = Database(url)
    all_tables().create_all(database.engine)
    fund(database)
    yield lambda owner: DatabaseTaskStore(database, owner=owner)
    database.close()


async def insert(store: Any, *tasks: Task, lease_until: float = NOW + 10) -> None:
    for task in tasks:
        await store.insert(task, period="all", limit_nanos=None, lease_until=lease_until)


async def test_what_is_put_in_comes_out_whole(stores: Callable[[str], Any]) -> None:
    store = stores("desk")
    output = TaskOutput(kind="image", url="http://x", blob="a.png", content_type="image/png", size_bytes=5)
    task = make_task(
        weight=4, outputs=(output,), submitted_at=NOW + 0.25, error_message="é", attempt=2, poll_errors=3, progress=7, vendor_task="v"
    )
    await insert(store, task)

    assert await store.get("task_a") == task
    assert await store.get("task_a", account="acct_a") == task
    assert await store.get("task_b") is None


@pytest.mark.parametrize(
    ("changes", "woken_at"),
    [
        ({"state": "running"}, NOW + 5),
        ({"state": "unknown"}, NOW + 5),
        ({"state": "queued"}, None),
        ({"state": "waiting_input"}, None),
        ({"state": "running", "updated_at": NOW + 4.5}, NOW + 5.5),
        ({"state": "running", "updated_at": NOW + 4.5, "due_at": NOW + 5.25}, None),
        ({"state": "running", "due_at": NOW + 5}, None),
    ],
)
async def test_a_task_that_a_vendor_works_on_can_be_woken(
    stores: Callable[[str], Any], changes: dict[str, Any], woken_at: float | None
) -> None:
    """One that was just written is looked at a moment later: what the vendor says may be newer than what was written."""
    store = stores("desk")
    task = make_task(due_at=NOW + 60)
    await insert(store, task)
    if changes["state"] != "queued":
        task = await store.save(msgspec.structs.replace(task, **changes))
    else:
        task = await store.save(task)
    before = await store.next_wake()

    assert await store.wake("task_a", now=NOW + 5)
    assert await store.next_wake() == (before if woken_at is None else woken_at)
    assert await store.get("task_a") == task
    if woken_at is not None:
        (claimed,) = await store.claim_due(now=woken_at, limit=10, lease_until=NOW + 90)
        assert claimed.version == task.version + 1


async def test_a_task_that_somebody_has_is_not_woken(stores: Callable[[str], Any]) -> None:
    store = stores("desk")
    task = make_task()
    await insert(store, task)
    await store.save(msgspec.structs.replace(task, state="running"), lease_until=NOW + 50)
    assert await store.wake("task_a", now=NOW + 5)
    assert await store.next_wake() == NOW + 50
    assert not await store.wake("task_b", now=NOW + 5)


async def test_another_accounts_task_is_absent(stores: Callable[[str], Any]) -> None:
    store = stores("desk")
    await insert(store, make_task())

    assert await store.get("task_a", account="acct_b") is None
    assert await store.list_of("acct_b", book="test", limit=10) == []


async def test_what_no_text_may_hold_names_nothing(stores: Callable[[str], Any]) -> None:
    # An id with the character NUL was a fault on Postgres: its sender heard that the gateway is busy, and to try again.
    store = stores("desk")
    outputs = (TaskOutput(kind="audio", vendor_id="a\0b"), TaskOutput(kind="audio", vendor_id="clip"))
    taken = await store.insert(make_task("task_a"), period="all", limit_nanos=None, lease_until=NOW + 5)
    ended = msgspec.structs.replace(taken, state="succeeded", finished_at=NOW + 1, outputs=outputs)
    assert await store.finish(ended, captured_nanos=0) is not None
    assert await store.get("task_a\0", account="acct_a") is None
    assert await store.find_output("a\0b", account="acct_a", book="test") is None
    assert (await store.find_output("clip", account="acct_a", book="test")).id == "task_a"


async def test_tasks_are_listed_newest_first_in_pages(stores: Callable[[str], Any]) -> None:
    store = stores("desk")
    tasks = [make_task(f"task_{n}", amount_nanos=0, created_at=NOW + n // 2) for n in range(6)]
    await insert(store, *tasks)

    first = await store.list_of("acct_a", book="test", limit=4)
    second = await store.list_of("acct_a", book="test", limit=4, before=first[-1])

    assert [task.id for task in first + second] == [f"task_{n}" for n in (5, 4, 3, 2, 1, 0)]


async def test_money_is_held_at_once_and_must_be_there(stores: Callable[[str], Any]) -> None:
    store = stores("desk")
    await insert(store, make_task("task_a", amount_nanos=900))

    with pytest.raises(BalanceExhausted):
        await insert(store, make_task("task_b", amount_nanos=101))
    with pytest.raises(LimitExhausted):
        await store.insert(make_task("task_c", key="key_b", amount_nanos=60), period="all", limit_nanos=50, lease_until=NOW)
    assert await store.get("task_b") is None
    await insert(store, make_task("task_d", amount_nanos=100), make_task("task_e", amount_nanos=0))


async def test_a_claim_leases_what_is_due_soonest_first(stores: Callable[[str], Any]) -> None:
    desk, other = stores("desk"), stores("other")
    for n, wake_at in enumerate((NOW + 3, NOW + 1, NOW + 2, NOW + 50)):
        await insert(desk, make_task(f"task_{n}", amount_nanos=0), lease_until=wake_at)

    first = await desk.claim_due(now=NOW + 5, limit=2, lease_until=NOW + 20)
    second = await other.claim_due(now=NOW + 5, limit=2, lease_until=NOW + 21)

    assert [task.id for task in first] == ["task_1", "task_2"]
    assert [task.id for task in second] == ["task_0"]
    assert [task.version for task in first] == [1, 1]
    assert await desk.next_wake() == NOW + 20
    assert {task.id for task in await other.claim_due(now=NOW + 20, limit=9, lease_until=NOW + 90)} == {"task_1", "task_2"}


async def test_a_claim_ends_the_say_of_who_held_it_before(stores: Callable[[str], Any]) -> None:
    desk, other = stores("desk"), stores("other")
    task = make_task()
    await insert(desk, task)
    (claimed,) = await other.claim_due(now=NOW + 10, limit=1, lease_until=NOW + 30)

    ended = msgspec.structs.replace(task, state="failed", finished_at=NOW)
    assert await desk.save(msgspec.structs.replace(task, progress=50)) is None
    assert await desk.finish(ended, captured_nanos=0) is None
    saved = await other.save(msgspec.structs.replace(claimed, state="unknown", due_at=NOW + 15))
    assert saved is not None
    assert saved.version == claimed.version + 1
    assert await other.next_wake() == NOW + 15
    assert await other.get("task_a") == saved


async def test_a_lease_can_be_kept_while_saving(stores: Callable[[str], Any]) -> None:
    store = stores("desk")
    await insert(store, make_task())

    kept = await store.save(make_task(progress=1), lease_until=NOW + 40)

    assert kept is not None
    assert await store.next_wake() == NOW + 40


async def test_the_successor_frees_what_its_predecessor_left(stores: Callable[[str], Any]) -> None:
    desk, other = stores("desk"), stores("other")
    await insert(desk, make_task("task_a", amount_nanos=0))
    await insert(other, make_task("task_b", amount_nanos=0))
    await insert(desk, make_task("task_c", amount_nanos=0, updated_at=NOW + 2))

    assert await stores("desk").free_leases(before=NOW + 1) == 1
    assert [task.id for task in await other.claim_due(now=NOW + 1, limit=9, lease_until=NOW + 9)] == ["task_a"]


async def test_unchanged_tasks_are_postponed_together_unless_somebody_moved_them(stores: Callable[[str], Any]) -> None:
    store, other = stores("desk"), stores("worker")
    await insert(store, *(make_task(f"task_{n}", amount_nanos=0, state="running") for n in range(3)), lease_until=NOW)
    claimed = await store.claim_due(now=NOW, limit=9, lease_until=NOW + 10)
    (taken,) = [task for task in await other.claim_due(now=NOW + 11, limit=1, lease_until=NOW + 30)]

    later = [msgspec.structs.replace(task, due_at=NOW + 20 + n) for n, task in enumerate(claimed)]
    written = await asyncio.gather(*(store.postpone(task) for task in later))

    assert [task is None for task in written] == [task.id == taken.id for task in claimed]
    for task, before in zip(written, later, strict=True):
        if task is not None:
            assert task == msgspec.structs.replace(before, version=before.version + 1) == await store.get(task.id)
    assert len(await store.claim_due(now=NOW + 25, limit=9, lease_until=NOW + 90)) == 2


async def test_changed_and_unchanged_tasks_are_put_back_together_and_one_that_is_wrong_harms_no_other(stores: Callable[[str], Any]) -> None:
    store = stores("desk")
    await insert(store, *(make_task(f"task_{n}", amount_nanos=0, state="running") for n in range(4)), lease_until=NOW)
    same, changed, wrong, last = await store.claim_due(now=NOW, limit=9, lease_until=NOW + 10)

    outcomes = await asyncio.gather(
        store.postpone(msgspec.structs.replace(same, due_at=NOW + 20)),
        store.save(msgspec.structs.replace(changed, progress=70)),
        store.save(msgspec.structs.replace(wrong, state="succeeded")),  # ends only with its money
        store.save(msgspec.structs.replace(last, progress=30)),
        return_exceptions=True,
    )

    assert isinstance(outcomes[2], ValueError)
    assert [(await store.get(task.id)).progress for task in (changed, last)] == [70, 30]
    assert (await store.get(same.id)).due_at == NOW + 20
    assert (await store.get(wrong.id)).state == "running"


async def test_one_task_is_claimed_only_when_nobody_holds_it(stores: Callable[[str], Any]) -> None:
    store, other = stores("desk"), stores("worker")
    await insert(store, make_task())
    assert await other.claim("task_a", now=NOW, lease_until=NOW + 30) is None
    held = await other.claim("task_a", now=NOW + 11, lease_until=NOW + 30)
    assert held is not None
    assert await store.claim("task_a", now=NOW + 12, lease_until=NOW + 30) is None
    await other.save(held)
    assert (await store.claim("task_a", now=NOW + 12, lease_until=NOW + 30)).version > held.version


async def test_results_are_found_by_their_vendors_names_within_the_account(stores: Callable[[str], Any]) -> None:
    store = stores("desk")
    await insert(store, make_task())
    clips = (TaskOutput(kind="audio", blob="a.mp3", vendor_id="clip-1"), TaskOutput(kind="audio", blob="b.mp3", vendor_id="clip-1"))
    assert await store.find_output("clip-1", account="acct_a", book="test") is None
    ended = await store.finish(make_task(state="succeeded", finished_at=NOW, outputs=clips), captured_nanos=0)
    assert await store.find_output("clip-1", account="acct_a", book="test") == ended
    assert await store.find_output("clip-1", account="acct_b", book="test") is None
    assert await store.find_output("clip-1", account="acct_a", book="live") is None
    assert await store.find_output("clip-2", account="acct_a", book="test") is None


async def test_an_end_is_final_and_settles_once(stores: Callable[[str], Any]) -> None:
    store = stores("desk")
    await insert(store, make_task())
    ended = make_task(state="succeeded", finished_at=NOW + 1)

    written = await store.finish(ended, captured_nanos=300)
    assert written is not None
    assert await store.finish(written, captured_nanos=0) is None
    assert await store.finish(msgspec.structs.replace(written, state="failed"), captured_nanos=0) is None
    assert await store.save(msgspec.structs.replace(written, state="running", finished_at=None)) is None
    assert await store.get("task_a") == written
    assert await store.next_wake() is None
    assert await store.claim_due(now=NOW * 2, limit=9, lease_until=NOW * 3) == []


async def test_only_ends_finish_and_only_the_unfinished_are_saved(stores: Callable[[str], Any]) -> None:
    store = stores("desk")
    await insert(store, make_task())

    with pytest.raises(ValueError, match="end"):
        await store.finish(make_task(), captured_nanos=0)
    with pytest.raises(ValueError, match="end"):
        await store.save(make_task(state="failed", finished_at=NOW))


async def test_what_runs_at_an_upstream_is_bounded_by_weight(stores: Callable[[str], Any]) -> None:
    store = stores("desk")
    tasks = {n: make_task(f"task_{n}", amount_nanos=0, weight=weight) for n, weight in enumerate((3, 2, 1, 9))}
    await insert(store, *tasks.values())

    async def begin(n: int, upstream: str = "up_a") -> Task | None:
        marked = msgspec.structs.replace(tasks[n], state="submitting", upstream=upstream)
        found: Task | None = await store.begin_submit(marked, lease_until=NOW + 60, max_concurrent=5)
        return found

    first, second = await begin(0), await begin(1)
    assert first is not None
    assert second is not None
    for full in (2, 3):
        with pytest.raises(Overloaded):
            await begin(full)
    alone = await begin(3, "up_b")  # more than the bound: it goes alone
    assert alone is not None
    await store.finish(msgspec.structs.replace(second, state="failed", finished_at=NOW), captured_nanos=0)
    assert await begin(2) is not None
    assert await begin(0) is None  # its version is of old


# What only a database can show


async def test_ends_move_money_by_the_ledger(database: Database) -> None:
    fund(database)
    store = DatabaseTaskStore(database, owner="desk")
    await insert(store, make_task("task_a"), make_task("task_b"))
    assert balance_of(database) == BALANCE_NANOS - 600

    await store.finish(make_task("task_a", state="succeeded", finished_at=NOW), captured_nanos=300)
    await store.finish(make_task("task_b", state="failed", finished_at=NOW), captured_nanos=0)

    assert balance_of(database) == BALANCE_NANOS - 300
    assert [count(database, kind) for kind in ("task_hold", "task_charge", "task_return")] == [2, 1, 1]
    held = database.read(lambda connection: connection.execute(select(task_hold.c.state).order_by(task_hold.c.task)).scalars().all())
    assert list(held) == ["captured", "released"]


async def test_each_change_of_state_leaves_one_event(database: Database) -> None:
    fund(database)
    store = DatabaseTaskStore(database, owner="desk")
    await insert(store, make_task())
    running = await store.save(make_task(state="running"))
    assert running is not None
    further = await store.save(msgspec.structs.replace(running, progress=50))
    assert further is not None
    await store.finish(msgspec.structs.replace(further, state="succeeded", finished_at=NOW), captured_nanos=300)

    query = select(task_event.c.state, task_event.c.version).order_by(task_event.c.seq)
    events = database.read(lambda connection: connection.execute(query).all())
    assert [tuple(event) for event in events] == [("queued", 0), ("running", 1), ("succeeded", 3)]


async def test_a_refused_submit_writes_nothing(database: Database) -> None:
    fund(database)
    store = DatabaseTaskStore(database, owner="desk")

    with pytest.raises(BalanceExhausted):
        await insert(store, make_task(amount_nanos=BALANCE_NANOS + 1))

    assert balance_of(database) == BALANCE_NANOS
    assert await store.list_of("acct_a", book="test", limit=9) == []
    assert count(database, "task_hold") == 0


def test_an_insert_that_is_repeated_holds_once(database: Database) -> None:
    """The commit went through, its answer was lost, and the whole step runs again."""
    fund(database)
    for _ in range(2):
        database.run(steps.insert_task, make_task(), period="all", limit_nanos=None, owner="desk", lease_until=NOW)

    assert balance_of(database) == BALANCE_NANOS - 300


async def test_short_money_is_refused_only_when_no_relay_may_have_it_idle(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    fund(database)
    monkeypatch.setattr(steps, "RECALL_WAIT_S", 0.01)
    monkeypatch.setattr(ledger_tasks, "others_have_answered", lambda *_, **__: False)

    with pytest.raises(Overloaded) as answered:
        await insert(DatabaseTaskStore(database, owner="desk"), make_task(amount_nanos=BALANCE_NANOS + 1))
    assert answered.value.retry_after_s


def race(*movers: Callable[[], Any]) -> list[Any]:
    """Run functions in threads that begin together."""
    results: list[Any] = [None] * len(movers)
    ready = threading.Barrier(len(movers))

    def run(index: int, mover: Callable[[], Any]) -> None:
        ready.wait()
        results[index] = mover()

    threads = [threading.Thread(target=run, args=(index, mover)) for index, mover in enumerate(movers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_two_movers_at_once_settle_exactly_once(database: Database, open_again: Callable[[], Database]) -> None:
    fund(database)
    other = open_again()
    for n in range(8):
        name = f"task_{n}"
        database.run(steps.insert_task, make_task(name, amount_nanos=100), period="all", limit_nanos=None, owner="desk", lease_until=NOW)
        done = make_task(name, amount_nanos=100, state="succeeded", finished_at=NOW)
        failed = make_task(name, amount_nanos=100, state="failed", finished_at=NOW)

        results = race(
            lambda done=done: database.run(steps.finish_task, done, captured_nanos=100),
            lambda failed=failed: other.run(steps.finish_task, failed, captured_nanos=0),
        )

        assert sum(result is not None for result in results) == 1

    charged = count(database, "task_charge")
    assert charged + count(database, "task_return") == 8
    assert balance_of(database) == BALANCE_NANOS - 100 * charged


def test_two_workers_never_claim_the_same_task(database: Database, open_again: Callable[[], Database]) -> None:
    other = open_again()
    for n in range(40):
        task = make_task(f"task_{n}", amount_nanos=0)
        database.run(steps.insert_task, task, period="all", limit_nanos=None, owner="desk", lease_until=NOW)

    def claim(through: Database, owner: str) -> list[str]:
        claimed: list[str] = []
        for _ in range(8):
            found = through.run(steps.claim_due, owner=owner, now=NOW, limit=5, lease_until=NOW + 60)
            claimed += [task.id for task in found]
        return claimed

    mine, theirs = race(lambda: claim(database, "a"), lambda: claim(other, "b"))

    assert sorted(mine + theirs) == sorted(f"task_{n}" for n in range(40))


def test_two_submits_at_once_do_not_both_take_the_last_room(database: Database, open_again: Callable[[], Database]) -> None:
    other = open_again()
    for n in range(6):
        marked = [make_task(f"task_{n}_{side}", amount_nanos=0, state="submitting", upstream=f"up_{n}") for side in "ab"]
        for task in marked:
            queued = msgspec.structs.replace(task, state="queued", upstream="")
            database.run(steps.insert_task, queued, period="all", limit_nanos=None, owner="desk", lease_until=NOW)

        def begin(through: Database, task: Task) -> bool:
            try:
                return through.run(steps.begin_submit, task, owner="desk", lease_until=NOW, max_concurrent=1) is not None
            except steps.NoRoom:
                return False

        left, right = marked
        assert sorted(race(lambda left=left: begin(database, left), lambda right=right: begin(other, right))) == [False, True]
