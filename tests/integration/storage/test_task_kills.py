"""Tasks on real databases, their process killed before and after every transaction and call: what the audit says then."""

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from modelgate.core.providers import VendorState
from modelgate.storage import ledger
from modelgate.storage.audit import audit
from modelgate.storage.database import Database
from modelgate.storage.schema.money import account_balance, task_hold
from modelgate.storage.tasks import DatabaseTaskStore

pytestmark = pytest.mark.anyio

_spec = importlib.util.spec_from_file_location("task_world", Path(__file__).parents[2] / "twins" / "task_world.py")
assert _spec is not None
assert _spec.loader is not None
_twin = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_twin)

MAX_POINTS = 60


class KillableStore:
    """A task store with a point before and after each of its transactions."""

    def __init__(self, store: DatabaseTaskStore) -> None:
        self._store = store
        self.at_point: Callable[[str], None] = lambda point: None

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._store, name)

        async def transact(*args: Any, **named: Any) -> Any:
            if name in ("get", "next_wake"):
                return await method(*args, **named)
            self.at_point(f"before {name}")
            result = await method(*args, **named)
            self.at_point(f"after {name}")
            return result

        return transact


async def live(database: Database, number: int, submits: list[str], kills: list[int]) -> tuple[int, Any]:
    """Play one task with kills; return how many points there were, and its world."""
    world = _twin.World(name=f"task_{number:010}", store=KillableStore(DatabaseTaskStore(database, owner="desk")))
    world.vendor.submits = list(submits)
    world.vendor.polls = [VendorState(state="running", progress=40)]
    return await world.live_through_kills(kills), world


@pytest.mark.parametrize("submits", [["take"], ["refuse", "take"], ["lose"], ["drop"], ["reject"]], ids="-".join)
async def test_a_kill_at_any_point_leaves_one_job_and_a_book_that_balances(database: Database, submits: list[str]) -> None:
    database.run(ledger.set_credit_limit, account="acct_a", book="test", credit_limit_nanos=0, now=1.0)
    database.run(ledger.credit, account="acct_a", book="test", amount_nanos=_twin.BALANCE_NANOS, idempotency_key="start", now=1.0)
    points, _ = await live(database, 0, submits, [])
    assert points <= MAX_POINTS

    for kill in range(points):
        _, world = await live(database, kill + 1, submits, [kill])
        task = await world.store.get(world.name)
        assert len(world.vendor.taken) <= 1
        assert task is None or task.finished_at is not None
        assert (task is not None and task.state == "succeeded") == bool(world.vendor.taken)

    report = database.read(audit, at_rest=True)
    assert report.balances, report.failures
    holds = database.read(lambda connection: connection.execute(select(task_hold.c.state, task_hold.c.captured_nanos)).all())
    assert {hold.state for hold in holds} <= {"captured", "released"}
    spent = sum(hold.captured_nanos for hold in holds)
    assert (
        database.read(lambda connection: connection.execute(select(account_balance.c.balance_nanos)).scalar_one())
        == _twin.BALANCE_NANOS - spent
    )
