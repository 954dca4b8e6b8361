"""Redemption codes on real databases: taken once, however many bring them."""

import asyncio
import threading
from collections.abc import Callable

import pytest
from sqlalchemy import select

from modelgate.core.listings import RedemptionCode
from modelgate.storage.audit import audit
from modelgate.storage.database import Database
from modelgate.storage.identity import create_account
from modelgate.storage.redemptions import DatabaseRedemptions, add_codes, list_codes, redeem_code, withdraw_code
from modelgate.storage.schema.money import ledger_entry
from modelgate.storage.wallet import MAX_BALANCE_NANOS, credit_account, list_account_rows

NOW = 1_790_000_000.0
USD = 1_000_000_000


def code(number: int = 1, *, expires_at: float | None = None, amount_nanos: int = 5 * USD) -> RedemptionCode:
    return RedemptionCode(
        id=f"code_{number}",
        hint=f"…{number}",
        book="live",
        amount_nanos=amount_nanos,
        note="a gift",
        created_at=NOW,
        created_by="mem_1",
        expires_at=expires_at,
    )


@pytest.fixture
def account(database: Database) -> str:
    database.run(add_codes, [code()], ["digest-1"])
    return database.run(create_account, name="default", now=NOW)


def balance(database: Database, account: str) -> int:
    return database.read(list_account_rows, account_id=account)[0].live.balance_nanos


def test_a_code_gives_its_credit_and_says_who_took_it(database: Database, account: str) -> None:
    redeemed = database.run(redeem_code, "digest-1", account=account, member="mem_2", now=NOW + 1)
    assert isinstance(redeemed, RedemptionCode)
    assert (redeemed.redeemed_at, redeemed.redeemed_by, redeemed.account) == (NOW + 1, "mem_2", account)
    assert balance(database, account) == 5 * USD
    entry = database.read(lambda connection: connection.execute(select(ledger_entry)).one())
    assert (entry.kind, entry.cause, entry.note, entry.amount_nanos) == ("credit", "redemption/code_1", "a gift", 5 * USD)
    assert database.run(redeem_code, "nobody's", account=account, member="mem_2", now=NOW) == "unknown"
    assert database.read(audit).failures == ()


def test_a_code_gives_nothing_the_second_time(database: Database, account: str) -> None:
    other = database.run(create_account, name="other", now=NOW)
    database.run(redeem_code, "digest-1", account=account, member="mem_2", now=NOW)
    assert database.run(redeem_code, "digest-1", account=other, member="mem_3", now=NOW) == "redeemed"
    assert balance(database, other) == 0
    assert database.run(withdraw_code, "code_1", now=NOW) == "redeemed"


def test_of_many_at_the_same_moment_one_gets_the_credit(database: Database, account: str, open_again: Callable[[], Database]) -> None:
    gate = threading.Barrier(8)
    outcomes: list[object] = []

    def bring(own: Database) -> None:
        gate.wait()
        outcomes.append(own.run(redeem_code, "digest-1", account=account, member="mem_2", now=NOW))

    threads = [threading.Thread(target=bring, args=(open_again(),)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(str(outcome) for outcome in outcomes if isinstance(outcome, str)) == ["redeemed"] * 7
    assert balance(database, account) == 5 * USD


def test_codes_end_and_can_be_taken_back(database: Database, account: str) -> None:
    database.run(add_codes, [code(2, expires_at=NOW + 10), code(3)], ["digest-2", "digest-3"])
    assert database.run(redeem_code, "digest-2", account=account, member="mem_2", now=NOW + 10) == "expired"
    assert database.run(withdraw_code, "code_3", now=NOW) == "withdrawn"
    assert database.run(withdraw_code, "code_3", now=NOW) == "withdrawn"
    assert database.run(withdraw_code, "code_9", now=NOW) == "unknown"
    assert database.run(redeem_code, "digest-3", account=account, member="mem_2", now=NOW) == "withdrawn"
    assert balance(database, account) == 0


def test_codes_are_listed_newest_first_page_by_page(database: Database, account: str) -> None:
    database.run(add_codes, [code(number) for number in (2, 3, 4)], ["d2", "d3", "d4"])
    first = database.read(list_codes, limit=3)
    assert [one.id for one in first] == ["code_4", "code_3", "code_2"]
    assert [one.id for one in database.read(list_codes, limit=3, after="code_2")] == ["code_1"]


def test_a_code_that_an_account_cannot_hold_stays_open(database: Database, account: str) -> None:
    database.run(credit_account, account=account, book="live", amount_nanos=MAX_BALANCE_NANOS, cause="first", now=NOW)
    store = DatabaseRedemptions(database)
    assert asyncio.run(store.redeem("digest-1", account=account, member="mem_2", now=NOW)) == "too_large"
    assert database.read(list_codes, limit=1)[0].redeemed_at is None
