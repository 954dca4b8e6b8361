"""What is old goes, what proves money stays."""

import msgspec
import pytest
from sqlalchemy import Table, func, select
from tests.integration.storage.test_tasks import fund, make_task
from tests.integration.storage.usage_again import kept_sums

from modelgate.core.records import Task
from modelgate.storage import retention, tasks, webhooks
from modelgate.storage.audit import audit
from modelgate.storage.database import Database
from modelgate.storage.retention import remove_deliveries, remove_tasks
from modelgate.storage.schema.money import ledger_entry, task_hold
from modelgate.storage.schema.tasks import task, task_event, task_output, webhook

DAY_S = 86_400.0


def ended(database: Database, name: str, *, day: int, callback_url: str = "") -> Task:
    """Queue a task and end it on a day."""
    made = make_task(name, callback_url=callback_url, created_at=day * DAY_S, updated_at=day * DAY_S, amount_nanos=100)
    database.run(tasks.insert_task, made, period="all", limit_nanos=None, owner="me", lease_until=0.0)
    at = day * DAY_S + 5
    done = msgspec.structs.replace(made, state="succeeded", finished_at=at, updated_at=at)
    assert database.run(tasks.finish_task, done, captured_nanos=made.amount_nanos) is not None
    return done


def count(database: Database, table: Table) -> int:
    return database.read(lambda connection: connection.execute(select(func.count()).select_from(table)).scalar_one())


def test_tasks_that_ended_go_with_all_but_their_money(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "MAX_REMOVED_AT_ONCE", 2)
    fund(database)
    for number in range(5):
        ended(database, f"task_{number}", day=10 + number)
    database.run(tasks.insert_task, make_task("task_open", amount_nanos=100), period="all", limit_nanos=None, owner="me", lease_until=0.0)
    money = (count(database, ledger_entry), count(database, task_hold), database.read(kept_sums))
    before_ms = int(13 * DAY_S * 1000)
    assert database.run(remove_tasks, before_ms=0) == 0
    assert [database.run(remove_tasks, before_ms=before_ms) for _ in range(3)] == [2, 1, 0]
    left = set(database.read(lambda connection: connection.execute(select(task.c.id)).scalars().all()))
    assert left == {"task_3", "task_4", "task_open"}
    for table in (task_event, task_output, webhook):
        assert set(database.read(lambda connection, table=table: connection.execute(select(table.c.task)).scalars().all())) <= left
    assert (count(database, ledger_entry), count(database, task_hold), database.read(kept_sums)) == money
    assert database.read(audit).failures == ()


def test_the_audit_still_finds_what_is_wrong_after_it(database: Database) -> None:
    fund(database)
    for number in range(4):
        ended(database, f"task_{number}", day=10 + number)
    database.run(remove_tasks, before_ms=int(12 * DAY_S * 1000))
    database.run(lambda connection: connection.execute(task.delete().where(task.c.id == "task_3")))
    assert [finding.check for finding in database.read(audit).failures] == [8]


def test_a_task_whose_caller_is_still_to_hear_of_it_stays(database: Database) -> None:
    fund(database)
    ended(database, "task_1", day=10, callback_url="https://client.example/hook")
    assert count(database, webhook) == 1
    assert database.run(remove_tasks, before_ms=int(90 * DAY_S * 1000)) == 0
    (due,) = database.run(webhooks.claim_deliveries, now=11 * DAY_S, limit=5, lease_until=11 * DAY_S + 60)
    assert database.run(remove_deliveries, before_ms=int(90 * DAY_S * 1000)) == 0, "it is under way"
    database.run(webhooks.settle_delivery, msgspec.structs.replace(due, state="delivered", ended_at=11 * DAY_S))
    assert database.run(remove_deliveries, before_ms=int(11 * DAY_S * 1000)) == 0
    assert database.run(remove_deliveries, before_ms=int(12 * DAY_S * 1000)) == 1
    assert database.run(remove_tasks, before_ms=int(90 * DAY_S * 1000)) == 1
