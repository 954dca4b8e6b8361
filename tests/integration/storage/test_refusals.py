"""Refusals in the database: counted all, kept within bounds."""

import pytest
from sqlalchemy import func, select
from tests.integration.storage.usage_again import kept_sums, sums_again

from modelgate.core.records import Refusal
from modelgate.storage import refusals
from modelgate.storage.database import Database
from modelgate.storage.refusals import keep_refusals, remove_refusals
from modelgate.storage.schema.usage import refusal

NOW_MS = 1_795_000_000_000


def refused(number: int, *, times: int = 1, is_counted: bool = False) -> Refusal:
    return Refusal(
        at_ms=NOW_MS + number * 1000, request_id=f"req_{number}", account="acct_1", key="key_1", book="live", endpoint="openai_chat", model="m", status=429, code="insufficient_quota", message="",
        times=times, is_counted=is_counted,
    )  # fmt: skip


def rows(database: Database) -> int:
    return database.read(lambda connection: connection.execute(select(func.count()).select_from(refusal)).scalar_one())


def test_each_is_kept_and_all_are_counted(database: Database) -> None:
    database.run(keep_refusals, [refused(1), refused(2)])
    assert database.read(kept_sums) == database.read(sums_again)
    database.run(keep_refusals, [refused(3, times=40, is_counted=True)])
    assert rows(database) == 2
    assert {one["refused"] for one in database.read(kept_sums).values()} == {42}


def test_the_old_and_the_too_many_go_a_little_at_a_time(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refusals, "MAX_REMOVED_AT_ONCE", 4)
    monkeypatch.setattr(refusals, "MAX_ROWS", 12)
    assert database.run(remove_refusals, before_ms=NOW_MS) == 0
    database.run(keep_refusals, [refused(number) for number in range(20)])
    assert database.run(remove_refusals, before_ms=0) == 4
    assert database.run(remove_refusals, before_ms=0) == 4
    assert database.run(remove_refusals, before_ms=0) == 0
    assert rows(database) == 12
    assert database.run(remove_refusals, before_ms=NOW_MS + 11_000) == 3
    assert rows(database) == 9
