"""Sums of what was used: whatever happens to relays, books and tasks, they are what the rows themselves add up to.

`World.check` compares them after every walk and kill of the other files; here is what those do not come by.
"""

from pathlib import Path

import msgspec
import pytest
from sqlalchemy import Connection, insert, select
from tests.integration.storage.conftest import NOW, SimRelay, World
from tests.integration.storage.usage_again import kept_sums, sums_again

from modelgate.core.records import Refusal, RequestFacts, Task
from modelgate.storage import tasks, usage
from modelgate.storage.database import Database, sqlite_url
from modelgate.storage.schema import money
from modelgate.storage.upgrade import upgrade

HOUR = int(NOW) // 3600


def capture(world: World, relay: SimRelay, **facts: object) -> None:
    """Serve one request of 10 nanos with these facts."""
    relay.request(10)
    world.settle()
    ((hold, (lease, held)),) = relay.open.items()
    relay.open.clear()
    said = {
        "request_id": "req_1",
        "account": world.account,
        "key": lease.key,
        "book": "test",
        "endpoint": "chat",
        "model": "m",
        "at_ms": int(NOW * 1000),
        **facts,
    }
    relay.journal.stage_capture(hold, amount_nanos=10, facts=msgspec.msgpack.encode(RequestFacts(**said)))  # type: ignore[arg-type]  # by name
    relay.journal.commit()
    relay.leases.settle(lease, held, 10)
    world.settle()


def test_requests_are_summed_by_hour_and_day_with_the_class_of_their_duration(world: World) -> None:
    relay = world.relay()
    for total_ms, status in ((50, 200), (51, 200), (70_000, 200), (5, 429)):
        capture(world, relay, total_ms=total_ms, first_byte_ms=7, status=status, input_tokens=3, output_tokens=4, upstream="up_1")
    world.check()
    sums = world.database.read(kept_sums)
    hour = sums["test", 3600, "key", HOUR * 3600, world.account, "key_a"]
    assert hour == {
        "requests": 4,
        "errors": 1,
        "input_tokens": 12,
        "output_tokens": 16,
        "amount_nanos": 40,
        "first_byte_ms": 21,
        "total_ms": 70_101,
        "took_0": 1,
        "took_1": 1,
        "took_11": 1,
    }
    for dimension, name in (("key", "key_a"), ("model", "m"), ("upstream", "up_1")):
        assert sums["test", 86400, dimension, HOUR // 24 * 86400, world.account, name] == hour


def test_facts_that_cannot_be_read_are_summed_all_the_same(world: World) -> None:
    relay = world.relay()
    relay.request(10)
    world.settle()
    hold, (lease, held) = relay.open.popitem()
    relay.journal.stage_capture(hold, amount_nanos=10, facts=b"\xc1 not msgpack")
    relay.journal.commit()
    relay.leases.settle(lease, held, 10)
    world.end()
    assert (
        sum(one.get("errors", 0) for one in world.database.read(kept_sums).values()) == 6
    )  # of the hour and of the day, by key, model and upstream


def test_an_orphan_began_when_its_id_says(world: World) -> None:
    relay = world.relay()
    began_ms = int(NOW * 1000) - 90_000_000
    world.numbers = iter([f"{began_ms:011x}{7:013x}", *range(100, 200)])  # type: ignore[assignment]  # counts other things too
    relay.request(10)
    world.settle()
    relay.kill()
    world.end()
    rows = world.database.read(lambda connection: connection.execute(select(money.request_record)).all())
    assert [row.outcome for row in rows] == ["orphaned"]
    assert rows[0].at_ms == began_ms


def ended(state: str, *, number: int, amount_nanos: int = 0) -> Task:
    return Task(
        id=f"task_{number}", account="acct_1", key="key_1", book="live", family="kling", operation="image", model="kling-v1", state="queued",
        request=b"{}", amount_nanos=amount_nanos, created_at=NOW, updated_at=NOW, due_at=NOW, deadline_at=NOW + 9,
    )  # fmt: skip


@pytest.mark.parametrize(("state", "failed"), [("succeeded", 0), ("failed", 1), ("expired", 1), ("canceled", 0)])
def test_a_task_is_summed_in_the_transaction_that_ends_it_and_once(database: Database, state: str, failed: int) -> None:
    task = ended("queued", number=1, amount_nanos=100)
    database.run(tasks.insert_task, task, period="all", limit_nanos=None, owner="me", lease_until=NOW)
    done = msgspec.structs.replace(task, state=state, upstream="up_1", finished_at=NOW + 1, updated_at=NOW + 1)
    captured = 60 if state == "succeeded" else 0
    assert database.run(tasks.finish_task, done, captured_nanos=captured) is not None
    assert database.run(tasks.finish_task, done, captured_nanos=captured) is None
    sums = database.read(kept_sums)
    assert sums == database.read(sums_again)
    expected = {"tasks": 1, "tasks_failed": failed, "amount_nanos": captured}
    assert sums["live", 3600, "upstream", HOUR * 3600, "acct_1", "up_1"] == {k: v for k, v in expected.items() if v}


def test_names_of_models_that_callers_made_up_are_summed_as_one(database: Database) -> None:
    made_up = [
        Refusal(
            at_ms=int(NOW * 1000),
            request_id="req_1",
            account="acct_1",
            key="key_1",
            book="live",
            endpoint="chat",
            model=f"m{number}",
            status=404,
            code="model_not_found",
            message="",
            times=2,
        )
        for number in range(5)
    ]
    database.run(usage.add_refusals, made_up)
    found = [(name[5], one) for name, one in database.read(kept_sums).items() if name[2] == "model"]
    assert found == [("", {"refused": 10})] * 2


def test_an_upgrade_sums_up_what_was_used_before(tmp_path: Path) -> None:
    url = sqlite_url(tmp_path / "old.db")
    check_upgrade(Database(url))


def test_an_upgrade_sums_up_what_was_used_before_on_postgres(postgres_url: str) -> None:
    check_upgrade(Database(postgres_url))


def check_upgrade(database: Database) -> None:
    upgrade(database, to="0007")

    def fill(connection: Connection) -> None:
        for number, (status, total_ms) in enumerate(((200, 40), (200, 60_000), (200, 60_001), (500, 3), (0, 0), (302, 51))):
            row = {
                "incarnation": "inc_1", "hold_seq": number, "request_id": f"req_{number}", "at_ms": int(NOW * 1000) + number * 1_000_000, "account": "acct_1", "key": "key_1", "period": "all",
                "book": "live", "model": "m", "upstream": "up_1", "status": status, "input_tokens": 5, "output_tokens": 6, "amount_nanos": 2**40, "hold_nanos": 0, "overrun_nanos": 0,
                "outcome": "captured", "estimated": False, "first_byte_ms": 2, "total_ms": total_ms, "batch": 1, "facts": b"",
            }  # fmt: skip
            connection.execute(insert(money.request_record), row)
        for number, state in enumerate(("succeeded", "failed", "queued")):
            done = msgspec.structs.replace(ended(state, number=number), state=state, finished_at=NOW + 0.7 if state != "queued" else None)
            columns = tasks._columns_of(done) | {"lease_owner": "", "wake_at": 0.0}
            connection.execute(insert(tasks.task_table), columns)
        hold = {"task": "task_0", "account": "acct_1", "book": "live", "key": "key_1", "period": "all", "amount_nanos": 9}
        connection.execute(insert(money.task_hold), {**hold, "captured_nanos": 9, "state": "captured"})

    database.run(fill)
    upgrade(database)
    sums = database.read(kept_sums)
    assert sum(one.get("requests", 0) for one in sums.values()) == 36
    assert sums == database.read(sums_again)
    database.close()
