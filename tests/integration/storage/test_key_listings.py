"""Keys as they are listed, with their money and their last use, on real databases."""

import asyncio

import msgspec
import pytest
from sqlalchemy import insert

from modelgate.core.records import ApiKey, LimitReset
from modelgate.metering.periods import current_period
from modelgate.storage.audit import audit
from modelgate.storage.database import Database
from modelgate.storage.errors import NoSuchRow
from modelgate.storage.identity import (
    create_account,
    create_key,
    delete_key,
    disable_key,
    find_key,
    get_key,
    keys_named,
    list_keys,
    renew_key,
)
from modelgate.storage.key_listings import DatabaseKeys, Periods, get_key_row, list_key_rows
from modelgate.storage.ledger_tasks import close_task_hold, open_task_hold
from modelgate.storage.schema.money import request_record

NOW = 1_790_000_000.0
RESETS: tuple[LimitReset, ...] = ("never", "daily", "weekly", "monthly")
PERIODS: Periods = {reset: current_period(reset, NOW)[0] for reset in RESETS}


def key(account: str, number: int = 1, *, limit_reset: LimitReset = "never") -> ApiKey:
    return ApiKey(
        id=f"key_{number}", account=account, book="live", name=f"n{number}", digest=f"d{number}", hint="", limit_reset=limit_reset
    )


@pytest.fixture
def account(database: Database) -> str:
    return database.run(create_account, name="default", now=NOW)


def spend(database: Database, account: str, key_id: str, *, period: str, held: int, captured: int | None) -> None:
    task = f"task_{key_id}_{period}_{held}"

    def step(connection):  # type: ignore[no-untyped-def]
        open_task_hold(connection, task=task, account=account, book="live", key=key_id, period=period, limit_nanos=None, amount_nanos=held)
        if captured is not None:
            close_task_hold(connection, task=task, captured_nanos=captured)

    database.run(step)


def record(account: str, key_id: str, *, at_ms: int, number: int) -> dict[str, object]:
    zeros = ("input_tokens", "output_tokens", "amount_nanos", "hold_nanos", "overrun_nanos", "first_byte_ms", "total_ms", "batch")
    return {
        "incarnation": "inc_1",
        "hold_seq": number,
        "request_id": f"req_{number}",
        "at_ms": at_ms,
        "account": account,
        "key": key_id,
        "period": "all",
        "book": "live",
        "model": "m",
        "upstream": "u",
        "status": 200,
        "outcome": "captured",
        "estimated": False,
        "facts": b"",
        **dict.fromkeys(zeros, 0),
    }


def test_what_a_key_spent_is_of_the_period_that_runs(database: Database, account: str) -> None:
    database.run(create_key, key(account, 1), now=NOW)
    database.run(create_key, key(account, 2, limit_reset="daily"), now=NOW)
    spend(database, account, "key_1", period="all", held=500, captured=400)
    spend(database, account, "key_1", period="all", held=70, captured=None)
    spend(database, account, "key_2", period="2026-01-01", held=900, captured=900)
    spend(database, account, "key_2", period=PERIODS["daily"], held=30, captured=30)
    found = {one.key.id: (one.spent_nanos, one.set_aside_nanos) for one in database.read(list_key_rows, periods=PERIODS, limit=9)}
    assert found == {"key_1": (400, 70), "key_2": (30, 0)}


def test_the_last_use_is_the_latest_request_or_task(database: Database, account: str) -> None:
    for number in (1, 2):
        database.run(create_key, key(account, number), now=NOW)
    rows = [record(account, "key_1", at_ms=at, number=at) for at in (5_000, 9_500, 7_000)]
    database.run(lambda connection: connection.execute(insert(request_record), rows))
    found = {one.key.id: one.last_used_at for one in database.read(list_key_rows, periods=PERIODS, limit=9)}
    assert found == {"key_1": 9.5, "key_2": None}


def test_keys_come_newest_first_in_pages_of_one_account_or_all(database: Database, account: str) -> None:
    other = database.run(create_account, name="other", now=NOW)
    for number in range(1, 6):
        database.run(create_key, key(account if number != 3 else other, number), now=NOW + (number > 2))
    page = database.read(list_key_rows, periods=PERIODS, limit=3)
    assert [one.key.id for one in page] == ["key_5", "key_4", "key_3"]
    assert page[2].account_name == "other"
    rest = database.read(list_key_rows, periods=PERIODS, limit=3, after="key_3")
    assert [one.key.id for one in rest] == ["key_2", "key_1"]
    own = database.read(list_key_rows, periods=PERIODS, account_id=account, book="live", limit=9)
    assert [one.key.id for one in own] == ["key_5", "key_4", "key_2", "key_1"]
    assert database.read(list_key_rows, periods=PERIODS, account_id=account, book="test", limit=9) == []


def test_another_accounts_key_is_absent(database: Database, account: str) -> None:
    stored = database.run(create_key, key(account), now=NOW)
    found = database.read(get_key_row, "key_1", periods=PERIODS, account_id=account)
    assert found is not None
    assert (found.key, found.account_name) == (stored, "default")
    assert database.read(get_key_row, "key_1", periods=PERIODS, account_id="acct_other") is None


def test_a_deleted_key_is_nowhere_but_in_the_books(database: Database, account: str) -> None:
    database.run(create_key, key(account), now=NOW)
    spend(database, account, "key_1", period="all", held=500, captured=400)
    database.run(delete_key, "key_1", now=NOW)
    assert database.read(find_key, "d1") is None
    assert database.read(list_keys) == ()
    assert database.read(keys_named, "n1") == ()
    assert database.read(list_key_rows, periods=PERIODS, limit=9) == []
    for change in (disable_key, delete_key):
        with pytest.raises(NoSuchRow):
            database.run(change, "key_1", now=NOW)
    assert database.read(audit).failures == ()


def test_a_page_goes_on_behind_a_key_that_was_deleted_meanwhile(database: Database, account: str) -> None:
    for number in (1, 2, 3):
        database.run(create_key, key(account, number), now=NOW + number)
    database.run(delete_key, "key_2", now=NOW)
    assert [one.key.id for one in database.read(list_key_rows, periods=PERIODS, limit=3, after="key_2")] == ["key_1"]


def test_a_key_that_renews_itself_is_made_once_and_then_gets_new_secrets(database: Database, account: str) -> None:
    first = msgspec.structs.replace(key(account), expires_at=NOW + 10)
    database.run(renew_key, first, grace_s=60.0, now=NOW)
    second = msgspec.structs.replace(first, digest="d2", hint="h2", expires_at=NOW + 900)
    renewed = database.run(renew_key, second, grace_s=60.0, now=NOW + 5)
    assert (renewed.hint, renewed.expires_at, renewed.disabled) == ("h2", NOW + 900, False)
    former = database.read(find_key, "d1")
    assert former is not None
    assert former.expires_at == NOW + 65
    database.run(delete_key, "key_1", now=NOW)
    third = msgspec.structs.replace(first, digest="d3", hint="h3")
    database.run(renew_key, third, grace_s=60.0, now=NOW + 6)
    assert database.read(get_key, "key_1").hint == "h3"
    assert database.read(find_key, "d2") is None, "a secret that was made to stop stays so"


def test_the_store_says_who_is_missing(database: Database, account: str) -> None:
    store = DatabaseKeys(database, periods_at=lambda now: PERIODS)
    asyncio.run(store.add(key(account), now=NOW))
    asyncio.run(store.edit("key_1", {"limit_nanos": 5, "name": "new"}, now=NOW))
    found = asyncio.run(store.get("key_1", account_id="", now=NOW))
    assert found is not None
    assert (found.key.name, found.key.limit_nanos) == ("new", 5)
    with pytest.raises(NoSuchRow):
        asyncio.run(store.rotate("key_9", digest="x", hint="x", grace_s=0.0, now=NOW))
