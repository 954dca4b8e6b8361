"""What accounts have, and what came and went, on real databases."""

import asyncio

import msgspec
import pytest

from modelgate.core.records import Task
from modelgate.storage.database import Database
from modelgate.storage.errors import NameTaken, NoSuchRow
from modelgate.storage.identity import create_account, rename_account
from modelgate.storage.ledger import IdempotencyConflict
from modelgate.storage.tasks import finish_task, insert_task
from modelgate.storage.wallet import (
    MAX_BALANCE_NANOS,
    BalanceTooLarge,
    DatabaseWallets,
    choose_limit,
    credit_account,
    list_account_rows,
    list_ledger,
    open_prepaid_account,
    spent_since,
)

NOW = 1_790_000_000.0
DAY_S = 86_400.0


@pytest.fixture
def account(database: Database) -> str:
    return database.run(create_account, name="default", now=NOW)


def put(database: Database, account: str, amount_nanos: int, *, cause: str) -> None:
    database.run(credit_account, account=account, book="live", amount_nanos=amount_nanos, cause=cause, now=NOW)


def test_the_first_credit_makes_an_account_prepaid_and_later_ones_do_not(database: Database, account: str) -> None:
    first = database.run(credit_account, account=account, book="live", amount_nanos=50, cause="a", now=NOW)
    again = database.run(credit_account, account=account, book="live", amount_nanos=50, cause="a", now=NOW)
    assert (first.done, first.became_prepaid, again.done, again.became_prepaid) == (True, True, False, False)
    (row,) = database.read(list_account_rows)
    assert (row.live.balance_nanos, row.live.credit_limit_nanos) == (50, 0)
    assert (row.test.balance_nanos, row.test.credit_limit_nanos) == (0, None)
    with pytest.raises(IdempotencyConflict):
        put(database, account, 51, cause="a")


def test_a_chosen_limit_stays_when_money_comes(database: Database, account: str) -> None:
    database.run(choose_limit, account, "live", None, now=NOW)
    assert not database.run(credit_account, account=account, book="live", amount_nanos=50, cause="a", now=NOW).became_prepaid
    assert database.read(list_account_rows)[0].live.credit_limit_nanos is None


def test_an_account_of_somebody_unknown_may_spend_nothing(database: Database) -> None:
    database.run(open_prepaid_account, name="new", now=NOW)
    (row,) = database.read(list_account_rows)
    assert (row.live.credit_limit_nanos, row.test.credit_limit_nanos) == (0, 0)


def test_no_balance_goes_beyond_what_can_be_counted(database: Database, account: str) -> None:
    put(database, account, MAX_BALANCE_NANOS, cause="a")
    with pytest.raises(BalanceTooLarge):
        put(database, account, 1, cause="b")
    put(database, account, -1, cause="c")


def test_an_account_gets_another_name(database: Database, account: str) -> None:
    other = database.run(create_account, name="other", now=NOW + 1)
    database.run(rename_account, account, "mine", now=NOW)
    database.run(rename_account, account, "mine", now=NOW)
    assert [(row.id, row.name) for row in database.read(list_account_rows)] == [(account, "mine"), (other, "other")]
    assert [row.id for row in database.read(list_account_rows, account_id=other)] == [other]
    with pytest.raises(NameTaken):
        database.run(rename_account, other, "mine", now=NOW)
    with pytest.raises(NoSuchRow):
        database.run(rename_account, "acct_9", "free", now=NOW)


def task(account: str, number: int) -> Task:
    return Task(
        id=f"task_{number}",
        account=account,
        key="key_1",
        book="live",
        family="f",
        operation="image",
        model="m",
        state="queued",
        request=b"{}",
        amount_nanos=100,
        created_at=NOW,
        updated_at=NOW,
    )


def finish(database: Database, made: Task, *, at: float, captured: int) -> None:
    database.run(insert_task, made, period="all", limit_nanos=None, owner="me", lease_until=NOW)
    ended = msgspec.structs.replace(made, state="succeeded", finished_at=at, updated_at=at)
    assert database.run(finish_task, ended, captured_nanos=captured) is not None


def test_what_was_spent_since(database: Database, account: str) -> None:
    midnight = NOW - NOW % DAY_S
    for number, days in enumerate((0.1, -0.1, -5.9, -6.1, -28.5, -40.0), start=1):
        finish(database, task(account, number), at=midnight + days * DAY_S, captured=number)
    midnights = [midnight - days * DAY_S for days in (0, 6, 29)]
    spent = database.read(spent_since, account=account, book="live", midnights=midnights)
    assert spent == [1, 1 + 2 + 3, 1 + 2 + 3 + 4 + 5]
    assert database.read(spent_since, account=account, book="test", midnights=midnights) == [0, 0, 0]


def test_the_ledger_of_one_account_and_of_all(database: Database, account: str) -> None:
    other = database.run(create_account, name="other", now=NOW)
    put(database, account, 500, cause="a")
    put(database, other, 700, cause="b")
    finish(database, task(account, 1), at=NOW, captured=60)
    put(database, account, -5, cause="c")
    lines = database.read(list_ledger, account_id=account, book="live", limit=9)
    assert [(line.kind, line.amount_nanos) for line in lines] == [
        ("adjust", -5),
        ("task_return", 40),
        ("task_hold", -100),
        ("credit", 500),
    ]
    assert sum(line.amount_nanos for line in lines) == database.read(list_account_rows, account_id=account)[0].live.balance_nanos
    everybody = database.read(list_ledger, book="live", limit=9)
    assert [(line.account, line.amount_nanos) for line in everybody if line.kind == "credit"] == [(other, 700), (account, 500)]
    assert [line.kind for line in everybody] == ["adjust", "task_return", "task_hold", "credit", "credit"], (
        "what is between others is left out"
    )
    assert database.read(list_ledger, account_id=account, book="test", limit=9) == []


def test_the_ledger_in_pages_and_by_kind(database: Database, account: str) -> None:
    for number in range(4):
        put(database, account, 1 + number, cause=str(number))
    put(database, account, -1, cause="down")
    for whose in (account, ""):
        first = database.read(list_ledger, account_id=whose, book="live", kinds=["credit"], limit=3)
        assert [line.cause for line in first] == ["3", "2", "1"]
        rest = database.read(list_ledger, account_id=whose, book="live", kinds=["credit"], limit=3, after=first[-1].id)
        assert [line.cause for line in rest] == ["0"]


def test_the_store_says_how_a_credit_ended(database: Database, account: str) -> None:
    store = DatabaseWallets(database)

    def credit(amount_nanos: int, cause: str) -> str:
        return asyncio.run(store.credit(account, book="live", amount_nanos=amount_nanos, cause=cause, note="", now=NOW))

    assert [credit(5, "a"), credit(5, "a"), credit(6, "a"), credit(MAX_BALANCE_NANOS, "b")] == ["done", "repeated", "conflict", "too_large"]
