"""Two workers over one database, and a vendor that tells of many jobs in one answer: no job is asked about twice at once, none is paid for twice."""

import asyncio
import importlib.util
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import func, select

from modelgate.core.http import HeaderBlock
from modelgate.core.providers import UpstreamCall, VendorState
from modelgate.core.records import TaskOutput
from modelgate.storage import ledger
from modelgate.storage.database import Database
from modelgate.storage.schema.money import account_balance, ledger_entry
from modelgate.storage.tasks import DatabaseTaskStore
from modelgate.tasks.calls import CallAnswer
from modelgate.tasks.worker import Worker

pytestmark = pytest.mark.anyio

_spec = importlib.util.spec_from_file_location("task_world", Path(__file__).parents[2] / "twins" / "task_world.py")
assert _spec is not None
assert _spec.loader is not None
_twin = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_twin)

TASKS = 60
POLLS = 3
"""How often each job is still running before it has succeeded."""
AMOUNT_NANOS = 100
SPEED = 20.0
"""Seconds of the workers' clock in a real one: their poll intervals pass quickly, their leases still hold."""
PATIENCE_S = 60.0
DONE = VendorState(state="succeeded", outputs=(TaskOutput(kind="image", url="http://files.example/a.png"),))


class Relay:
    """Takes a moment to answer, so that two workers would meet here if they could."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        self.under_way: set[str] = set()
        self.met: list[str] = []
        self.sizes: list[int] = []

    def encode(self, ids: list[str]) -> UpstreamCall:
        return UpstreamCall(method="POST", path="/many", body=msgspec.json.encode(ids))

    def parse(self, status: int, body: bytes) -> dict[str, VendorState]:
        del status
        return msgspec.json.decode(body, type=dict[str, VendorState])

    async def call(self, upstream: Any, credential: Any, call: UpstreamCall, **_: Any) -> CallAnswer:
        del upstream, credential
        ids = [call.path.removeprefix("/")] if call.method == "GET" else msgspec.json.decode(call.body, type=list[str])
        self.sizes.append(len(ids))
        self.met += self.under_way.intersection(ids)
        self.under_way.update(ids)
        await asyncio.sleep(0.02)
        self.under_way.difference_update(ids)
        self.asked.update(ids)
        said = {name: self.state_of(name) for name in ids}
        return CallAnswer(200, HeaderBlock(), msgspec.json.encode(said if call.method == "POST" else said[ids[0]]))

    def state_of(self, name: str) -> VendorState:
        return msgspec.structs.replace(DONE if self.asked[name] > POLLS else VendorState(state="running", progress=30), vendor_task=name)


async def test_two_workers_share_the_batches(database: Database, open_again: Callable[[], Database]) -> None:
    relay = Relay()
    begin = asyncio.get_running_loop().time()

    def clock() -> float:
        return float(_twin.START) + (asyncio.get_running_loop().time() - begin) * SPEED

    database.run(ledger.set_credit_limit, account="acct_a", book="test", credit_limit_nanos=0, now=clock())
    database.run(ledger.credit, account="acct_a", book="test", amount_nanos=TASKS * AMOUNT_NANOS, idempotency_key="start", now=clock())
    stop, faults = asyncio.Event(), []
    stores = [DatabaseTaskStore(database, owner="worker a"), DatabaseTaskStore(open_again(), owner="worker b")]
    for number in range(TASKS):
        fields = {"upstream": "up_first", "credential": "cred_first", "vendor_task": f"job-{number}", "amount_nanos": AMOUNT_NANOS}
        task = _twin.World().task(f"task_{number:010}", state="running", **fields)
        await stores[0].insert(task, period="all", limit_nanos=None, lease_until=task.due_at)

    workers = []
    for store in stores:
        world = _twin.World(store=store)
        world.vendor, world.clock = relay, clock
        world.operation = msgspec.structs.replace(
            world.operation, encode_poll_many=relay.encode, parse_poll_many=relay.parse, max_poll_many=7
        )
        worker = Worker(store, world.life(), clock=clock, log_fault=lambda error, name: faults.append((error, name)))
        workers.append(asyncio.create_task(worker.run(stop)))
    async with asyncio.timeout(PATIENCE_S):
        while await stores[0].next_wake() is not None:  # noqa: ASYNC110  # what is waited for tells nobody
            await asyncio.sleep(0.1)
    stop.set()
    await asyncio.gather(*workers)

    assert faults == []
    assert relay.met == []
    assert max(relay.sizes) == 7
    assert len(relay.asked) == TASKS
    assert set(relay.asked.values()) == {POLLS + 1}, "a job that has succeeded is not asked about again"
    charges = select(func.count(), func.sum(ledger_entry.c.amount_nanos)).where(ledger_entry.c.kind == "task_charge")
    assert tuple(database.read(lambda connection: connection.execute(charges).one())) == (TASKS, TASKS * AMOUNT_NANOS)
    assert database.read(lambda connection: connection.execute(select(account_balance.c.balance_nanos)).scalar_one()) == 0
