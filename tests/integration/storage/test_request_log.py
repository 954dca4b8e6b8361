"""The log over real rows: whatever is asked for, and in pages of whatever size, it is what a plain look at every row finds."""

import random

import msgspec
import pytest
from sqlalchemy import Connection, insert

from modelgate.core.ids import RequestIds
from modelgate.core.log import LogFilter, LogPosition, LogRow
from modelgate.core.records import ApiKey, RequestFacts, Task
from modelgate.storage import identity, request_log
from modelgate.storage.database import Database
from modelgate.storage.ledger_drain import _INSERT_BY_PARAMSTYLE
from modelgate.storage.request_log import find_in_log, list_log
from modelgate.storage.schema.money import request_record
from modelgate.storage.schema.usage import refusal
from modelgate.storage.tasks import _columns_of, task_table
from modelgate.storage.usage import add_records

NOW = 1_795_000_000.0
SPAN_S = 30_000  # some hours
MODELS = ("gpt-4o", "claude", "rare")
STATUSES = (200, 200, 200, 429, 500, 0)


def filled(database: Database, *, rows: int = 150, seed: int = 1) -> dict[str, str]:
    """Write calls of three keys of two accounts; return the account of each key."""
    chance = random.Random(seed)
    make_id = RequestIds().new
    owners: dict[str, str] = {}

    def fill(connection: Connection) -> None:
        accounts = [identity.create_account(connection, name=f"account {n}", now=NOW) for n in range(2)]
        for number, (book, account) in enumerate((("live", accounts[0]), ("live", accounts[1]), ("test", accounts[0]))):
            key = ApiKey(id=f"key_{number}", account=account, book=book, name=f"name {number}", digest=str(number), hint="")  # type: ignore[arg-type]  # either book
            identity.create_key(connection, key, now=NOW)
            owners[key.id] = account
        found = []
        for number in range(rows):
            key_number = chance.choice((0, 0, 0, 1, 2))
            at_ms = int((NOW - chance.randrange(SPAN_S)) * 1000)  # whole seconds: many at the same time
            book, key_id = ("live", "live", "test")[key_number], f"key_{key_number}"
            model = "rare" if number % 30 == 0 else chance.choice(MODELS[:2])
            status, upstream = chance.choice(STATUSES), chance.choice(("up_1", "up_2"))
            request_id = make_id(at_ms / 1000)
            endpoint = chance.choice(("openai_chat", "anthropic_messages"))
            facts = RequestFacts(model, at_ms, request_id, owners[key_id], key_id, book, endpoint, status, upstream)  # type: ignore[arg-type]  # either book
            begin = (f"inc_{number % 3}", number, request_id, at_ms, owners[key_id], key_id, "all", book, model, upstream, status)
            found.append((*begin, 1, 2, 3, 4, 0, "captured" if status else "orphaned", False, 5, 6, 7, msgspec.msgpack.encode(facts)))
        connection.exec_driver_sql(_INSERT_BY_PARAMSTYLE[connection.dialect.paramstyle], found)
        add_records(connection, found)
        for number in range(30):
            made = Task(
                id=f"task_{number}", account=accounts[0], key="key_0", book="live", family="kling", operation="image", model="kling-v1",
                state=chance.choice(("succeeded", "failed", "running")), request=b"{}", request_id=make_id(NOW), created_at=NOW - chance.randrange(SPAN_S) + chance.choice((0, 0.1234567)),
            )  # fmt: skip
            done = msgspec.structs.replace(made, finished_at=made.created_at + 1 if made.state != "running" else None)
            connection.execute(insert(task_table), _columns_of(done) | {"lease_owner": "", "wake_at": 0.0})
            row = {
                "at_ms": int((NOW - chance.randrange(SPAN_S)) * 1000),
                "request_id": make_id(NOW),
                "account": accounts[1],
                "key": "key_1",
                "book": "live",
            }
            connection.execute(
                insert(refusal),
                {**row, "endpoint": "openai_chat", "model": "x", "status": 429, "code": "insufficient_quota", "message": "no money"},
            )

    database.run(fill)
    return owners


def pages(database: Database, wanted: LogFilter, *, limit: int) -> list[LogRow]:
    """Return all rows by following `next`."""
    rows: list[LogRow] = []
    after: LogPosition | None = None
    for _ in range(2_000):
        page = database.read(list_log, wanted, limit=limit, after=after)
        assert len(page.rows) <= limit
        rows += page.rows
        after = page.next
        if after is None:
            return rows
    raise AssertionError("the log does not end")


def matches(row: LogRow, wanted: LogFilter) -> bool:
    """Say by a plain look whether a row is wanted."""
    failed = row.kind == "refusal" or row.outcome in ("failed", "orphaned") or row.status >= 400
    by_status = {"": True, "ok": not failed, "error": failed, "refused": row.kind == "refusal"}.get(
        str(wanted.status), row.status == wanted.status
    )
    named = all(
        not getattr(wanted, name) or getattr(row, name) == getattr(wanted, name)
        for name in ("account", "key", "model", "upstream", "endpoint")
    )
    return row.book in wanted.books and by_status and named and wanted.since <= row.at and (wanted.until is None or row.at < wanted.until)


def test_an_account_of_many_keys_is_found_by_hours(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    owners = filled(database)
    wanted = LogFilter(books=("live",), account=owners["key_1"])
    before = pages(database, wanted, limit=9)
    monkeypatch.setattr(request_log, "MAX_MERGED_KEYS", 0)
    assert pages(database, wanted, limit=9) == before != []


def test_newest_come_first_and_have_names(database: Database) -> None:
    filled(database)
    rows = pages(database, LogFilter(books=("live",)), limit=50)
    assert [row.at for row in rows] == sorted((row.at for row in rows), reverse=True)
    assert {row.key_name for row in rows} == {"name 0", "name 1"}
    assert {row.kind for row in rows} == {"request", "task", "refusal"}


def test_a_request_is_found_by_its_id_and_its_beginning(database: Database) -> None:
    filled(database)
    everything = pages(database, LogFilter(books=("live", "test")), limit=1_000)
    for row in (everything[0], next(one for one in everything if one.kind == "task"), everything[-1]):
        (found,) = database.read(find_in_log, row.request_id)
        assert found == row
        assert database.read(find_in_log, row.request_id, account="acct_other") == []
    one = next(row for row in everything if row.kind == "request")
    begin = one.request_id[:18]
    wanted = LogFilter(books=("live", "test"), id_from=begin.ljust(28, "0"), id_to=begin.ljust(28, "f"))
    assert one in pages(database, wanted, limit=3)
    assert all(row.request_id.startswith(begin) for row in pages(database, wanted, limit=3))


@pytest.mark.parametrize("other", ["req_1", "", "req_zzzzzzzzzzzzzzzzzzzzzzzz", "%", "req_%"])
def test_what_is_no_id_of_ours_finds_nothing(database: Database, other: str) -> None:
    filled(database, rows=5)
    assert database.read(find_in_log, other) == [] if other else True


def test_facts_that_cannot_be_read_are_no_reason_to_hide_a_call(database: Database) -> None:
    filled(database, rows=5)
    database.run(lambda connection: connection.execute(request_record.update().values(facts=b"\xc1")))
    assert {row.facts for row in pages(database, LogFilter(books=("live", "test")), limit=50)} == {None}
