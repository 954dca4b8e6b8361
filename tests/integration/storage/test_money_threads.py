"""Money steps at the same time on connections of their own: locks are taken in one order, and no update is lost."""

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Connection, func, select

from modelgate.core.ids import new_id
from modelgate.core.leases import LeaseAsk, LeaseReport, LeaseState
from modelgate.core.records import ApiKey
from modelgate.metering.periods import current_period
from modelgate.storage import identity, ledger, ledger_drain, ledger_recovery, ledger_tasks
from modelgate.storage.audit import audit
from modelgate.storage.database import Database
from modelgate.storage.journal import JournalRecord
from modelgate.storage.ledger_tasks import ShortOfMoney
from modelgate.storage.schema import money

NOW = 1_795_000_000.0
WORKERS = 4
STEPS = 60
KEYS = ("key_a", "key_b")


class Worker:
    """One node's book: an incarnation of its own, shared accounts and keys."""

    def __init__(self, database: Database, accounts: dict[str, str], seed: int) -> None:
        self.database = database
        self.accounts = accounts
        self.random = random.Random(seed)
        self.incarnation = new_id("inc")
        self.leases: dict[str, LeaseState] = {}
        self.seq = 0
        self.captured = 0

    def run(self) -> None:
        self.database.run(ledger.say_hello, incarnation_id=self.incarnation, node="node", reports=(), now=NOW)
        for _ in range(STEPS):
            self.random.choice((self.ask, self.ask, self.give_back, self.drain, self.drain, self.media, self.pay))()
        self.database.run(ledger_recovery.begin_closing, incarnation_id=self.incarnation, node="node", now=NOW)
        end = {"last_seq": self.seq, "orphans": (), "charge_orphans": False, "now": NOW}
        assert self.database.run(ledger_recovery.close_incarnation, incarnation_id=self.incarnation, **end)

    def ask(self) -> None:
        key = self.random.choice(KEYS)
        held = self.leases.get(key)
        need = (held.granted_nanos - held.returned_nanos if held else 0) + self.random.randint(1, 9)
        ask = LeaseAsk(incarnation=self.incarnation, key=key, period="all", need_nanos=need, want_nanos=need + 5)
        outcome = self.database.run(ledger.answer_ask, ask, period_of=current_period, now=NOW)
        self.leases.update({lease.key: lease for lease in outcome.leases})

    def give_back(self) -> None:
        reports = [LeaseReport(lease.key, "all", lease.granted_nanos, lease.returned_nanos + 1, 1) for lease in self.leases.values()]
        standing = self.database.run(ledger.post_returns, incarnation_id=self.incarnation, reports=reports, now=NOW)
        assert standing is not None
        self.leases.update({lease.key: lease for lease in standing.leases})

    def drain(self) -> None:
        records = []
        for key in self.random.sample(KEYS, 2):
            amount = self.random.randint(0, 6)
            owner = (key, self.accounts[key], "test", "all")
            hold = self.seq + 1
            records.append(JournalRecord(hold, "hold", hold, *owner, 6, 6, "req"))
            records.append(JournalRecord(hold + 1, "capture", hold, *owner, 6, amount, "req"))
            self.seq += 2
            self.captured += amount
        step = {"incarnation_id": self.incarnation, "after_seq": self.seq - len(records), "records": records, "now": NOW}
        assert self.database.run(ledger_drain.post_batch, **step) is not None

    def media(self) -> None:
        task, key = new_id("task"), self.random.choice(KEYS)
        owner = {"account": self.accounts[key], "book": "test", "key": key, "period": "all"}
        try:
            self.database.run(ledger_tasks.open_task_hold, task=task, limit_nanos=None, amount_nanos=4, **owner)
        except ShortOfMoney:
            self.database.run(ledger_tasks.raise_round, account=self.accounts[key], book="test")
            return
        amount = self.random.randint(0, 5)
        assert self.database.run(ledger_tasks.close_task_hold, task=task, captured_nanos=amount)
        self.captured += amount

    def pay(self) -> None:
        payment = {"account": self.accounts[self.random.choice(KEYS)], "book": "test", "amount_nanos": 3}
        self.database.run(ledger.credit, idempotency_key=new_id("req"), now=NOW, **payment)


def spent(connection: Connection) -> int:
    return int(connection.execute(select(func.sum(money.key_period.c.spent_nanos))).scalar_one())


@pytest.mark.parametrize("seed", range(2))
def test_nothing_is_lost_when_books_of_several_nodes_write_at_once(
    database: Database, open_again: Callable[[], Database], seed: int
) -> None:
    accounts = {}
    for number, key in enumerate(KEYS):
        accounts[key] = database.run(identity.create_account, name=f"account {number}", now=NOW)
        made = ApiKey(id=key, account=accounts[key], book="test", name=key, digest=key, hint="", limit_nanos=None)
        database.run(identity.create_key, made, now=NOW)
        database.run(ledger.set_credit_limit, account=accounts[key], book="test", credit_limit_nanos=100, now=NOW)
    workers = [Worker(open_again(), accounts, seed * WORKERS + number) for number in range(WORKERS)]
    with ThreadPoolExecutor(WORKERS) as threads:
        for done in [threads.submit(worker.run) for worker in workers]:
            done.result()
    report = database.read(audit, at_rest=True)
    assert report.failures == ()
    assert report.books[0].revenue_nanos == database.read(spent) == sum(worker.captured for worker in workers)
