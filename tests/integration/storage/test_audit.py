"""The audit finds what is wrong: each test breaks one thing in a book that balanced."""

from collections.abc import Callable

import pytest
from sqlalchemy import Connection, delete, insert, select, update
from tests.integration.storage.conftest import NOW, World

from modelgate.storage import ledger, ledger_tasks
from modelgate.storage.audit import AuditReport, audit
from modelgate.storage.schema import money

Break = Callable[[Connection], object]

BALANCE, LEASE, ENTRY, RECORD = money.account_balance, money.lease, money.ledger_entry, money.request_record


@pytest.fixture
def used_world(world: World) -> World:
    """A prepaid account with a spent, an open, a released and an orphaned request, and a media task each way."""
    world.prepay(1_000)
    world.add_key("key_b", limit_nanos=500)
    gone = world.relay()
    gone.request(10)
    world.settle()
    gone.kill()
    relay = world.relay()
    for amount in (10, 20, 30):
        relay.request(amount, key="key_b")
    world.settle()
    first, second, _ = list(relay.open)
    relay.capture(first, 15)
    relay.release(second)
    world.settle()
    hold = {"account": world.account, "book": "test", "key": "key_a", "period": "all", "limit_nanos": None, "amount_nanos": 7}
    for task in ("task_open", "task_done"):
        world.database.run(ledger_tasks.open_task_hold, task=task, **hold)
    world.database.run(ledger_tasks.close_task_hold, task="task_done", captured_nanos=9)
    world.check()
    return world


def broken(world: World, statement: object, *, at_rest: bool = False) -> AuditReport:
    world.database.run(lambda connection: connection.execute(statement))  # type: ignore[call-overload]
    return world.database.read(audit, at_rest=at_rest)


def entry(**values: object) -> object:
    columns = {
        "book": "test",
        "kind": "credit",
        "debit": "funding",
        "credit": "balance:x",
        "amount_nanos": 1,
        "cause": "c",
        "note": "",
        "at": NOW,
    }
    return insert(ENTRY).values({**columns, **values})


def test_what_is_in_order_passes(used_world: World) -> None:
    report = used_world.check()
    test, live = report.books
    assert test.funding_nanos + test.balances_nanos + test.leases_nanos + test.tasks_nanos + test.revenue_nanos == 0
    assert (test.revenue_nanos, test.tasks_nanos, live.funding_nanos, report.records) == (24, 7, 0, 3)
    assert report.balances


@pytest.mark.parametrize(
    ("statement", "check", "words"),
    [
        (update(BALANCE).where(BALANCE.c.book == "test").values(balance_nanos=BALANCE.c.balance_nanos + 1), 1, "balance of"),
        (update(money.key_period).values(spent_nanos=money.key_period.c.spent_nanos + 1), 1, "spent"),
        (update(money.key_period).values(set_aside_nanos=0), 1, "set aside"),
        (delete(money.key_period).where(money.key_period.c.key == "key_b"), 1, "has no row|no row"),
        (update(LEASE).values(granted_nanos=LEASE.c.granted_nanos + 1), 1, "granted"),
        (update(LEASE).values(returned_nanos=LEASE.c.returned_nanos + 1), 1, "returned"),
        (update(LEASE).values(balance_nanos=-1), 2, "below zero"),
        (update(LEASE).where(LEASE.c.key == "key_a").values(balance_nanos=5), 2, "is closed"),
        (update(money.task_hold).where(money.task_hold.c.task == "task_open").values(state="released"), 2, "task_open holds 7"),
        (delete(ENTRY).where(ENTRY.c.kind == "charge"), 4, "no charge says so"),
        (update(ENTRY).where(ENTRY.c.kind == "charge").values(amount_nanos=16), 4, "its records say otherwise"),
        (delete(RECORD).where(RECORD.c.outcome == "captured"), 4, "its records say otherwise"),
        (update(RECORD).where(RECORD.c.outcome == "captured").values(batch=99), 4, "no charge says so"),
        (update(RECORD).where(RECORD.c.outcome == "released").values(amount_nanos=1), 4, "is released with 1"),
        (update(RECORD).where(RECORD.c.outcome == "orphaned").values(amount_nanos=99), 4, "is orphaned with 99"),
        (update(money.key_period).where(money.key_period.c.key == "key_b").values(limit_nanos=3), 3, "beyond its limit"),
        (update(BALANCE).where(BALANCE.c.book == "test").values(credit_limit_nanos=-999), 3, "beyond its credit limit"),
        (entry(amount_nanos=-1), 1, "is impossible"),
        (entry(kind="gift"), 1, "is impossible"),
        (entry(), 1, "ledger account balance:x"),
        (entry(kind="charge", debit="lease:i/k/p", credit="revenue"), 1, "ledger account lease:i/k/p"),
    ],
)
def test_what_is_wrong_is_found(used_world: World, statement: object, check: int, words: str) -> None:
    report = broken(used_world, statement)
    assert not report.balances
    assert any(finding.check == check and any(word in finding.text for word in words.split("|")) for finding in report.failures), (
        report.failures
    )


def test_an_entry_may_be_made_only_once_for_its_cause(used_world: World) -> None:
    row = used_world.database.read(lambda connection: connection.execute(select(ENTRY).where(ENTRY.c.kind == "charge")).first())
    with pytest.raises(Exception, match=r"(?i)unique"):
        broken(used_world, entry(kind="charge", cause=row.cause))


def test_money_out_with_a_relay_is_a_finding_only_at_rest(used_world: World) -> None:
    assert used_world.database.read(audit, at_rest=False).balances
    texts = [finding.text for finding in used_world.database.read(audit, at_rest=True).failures]
    assert any("is open" in text for text in texts)
    assert any("holds" in text for text in texts)


def test_what_an_operator_did_is_no_failure(used_world: World) -> None:
    owner = {"account": used_world.account, "book": "test", "now": NOW}
    used_world.database.run(ledger.adjust, amount_nanos=-2_000, idempotency_key="a", **owner)
    used_world.database.run(ledger.refund, amount_nanos=5, idempotency_key="r", **owner)
    used_world.check()
    used_world.database.run(ledger.credit, amount_nanos=5_000, idempotency_key="c", **owner)
    used_world.check()
    used_world.database.run(ledger.set_credit_limit, credit_limit_nanos=0, **owner)
    used_world.check()


def test_the_unusual_is_listed(used_world: World) -> None:
    texts = " ".join(note.text for note in used_world.check().notes)
    for words in ("orphaned", "overrun", "covers"):
        assert words in texts
