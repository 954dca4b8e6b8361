"""The walk through the log with windows and bounds so small that looking is interrupted all the time."""

from typing import Any

import pytest
from tests.integration.storage.test_request_log import NOW, filled, matches, pages

from modelgate.core.log import LogFilter, LogRow
from modelgate.storage import log_walk, request_log
from modelgate.storage.database import Database
from modelgate.storage.log_walk import Allowance, Pause, beginning, walk


@pytest.fixture
def small_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some rows at once, a few entries looked through."""
    for where, name, value in (
        (log_walk, "FIRST_WINDOW", 7),
        (log_walk, "MAX_WINDOW", 11),
        (request_log, "MAX_LOOKED_THROUGH", 20),
        (request_log, "MAX_STEPS", 3),
    ):
        monkeypatch.setattr(where, name, value)


WANTED: list[dict[str, Any]] = [
    {},
    {"key": "key_0"},
    {"key": "key_2"},  # of the other book
    {"key": "key_9"},
    {"account": "A"},
    {"account": "B", "status": "error"},
    {"model": "rare"},
    {"model": "gpt-4o", "status": 429},
    {"model": "claude", "status": "ok"},
    {"status": "error"},
    {"status": "refused"},
    {"status": 0, "key": "key_0"},
    {"upstream": "up_2"},
    {"endpoint": "anthropic_messages"},
    {"endpoint": "kling"},
    {"endpoint": "openai_chat", "status": 500, "key": "key_1"},
    {"since": NOW - 9_000, "until": NOW - 6_000},
    {"since": NOW - 9_000, "until": NOW - 6_000, "model": "claude"},
]


@pytest.mark.parametrize("wanted", WANTED, ids=str)
@pytest.mark.parametrize("limit", [3, 200])
def test_pages_are_what_a_plain_look_finds(database: Database, small_windows: None, wanted: dict[str, Any], limit: int) -> None:
    owners = filled(database)
    named = {"A": owners["key_0"], "B": owners["key_1"]}
    asked = LogFilter(books=("live",), **{**wanted, **({"account": named[wanted["account"]]} if "account" in wanted else {})})
    everything = pages(database, LogFilter(books=("live", "test")), limit=1_000)
    assert len(everything) == 210
    found = pages(database, asked, limit=limit)
    expected = [row for row in everything if matches(row, asked)]
    assert [row.position for row in found] == [row.position for row in expected]
    assert found == expected


def test_no_row_is_read_that_nobody_asks_for(database: Database) -> None:
    filled(database)
    read: list[str] = []
    wanted = LogFilter(books=("live",))

    def step(connection: Any) -> list[LogRow | Pause]:
        sources = [one._replace(row_of=_noted(one.row_of, read)) for one in request_log.sources_of(connection, wanted)]
        found = walk(connection, sources, beginning(None), since=0.0, count=4, allow=lambda: Allowance(steps=9, entries=999))
        return [next(found) for _ in range(4)]

    assert len(database.read(step)) == 4
    assert len(read) <= 4 * 4 * 2  # of each source one step, or two


def test_what_is_looked_for_side_by_side_pauses_where_the_first_of_them_does(database: Database, small_windows: None) -> None:
    """All sources share one allowance: when it is spent, no row is told that another could come before."""
    filled(database)
    wanted = LogFilter(books=("live",), model="rare")
    everything = pages(database, wanted, limit=1_000)
    for steps in range(1, 40):
        allowance = Allowance(steps=steps, entries=10**6)

        def step(connection: Any, allowance: Allowance = allowance) -> list[LogRow | Pause]:
            sources = request_log.sources_of(connection, wanted)
            return list(walk(connection, sources, beginning(None), since=0.0, count=3, allow=lambda: allowance))

        found = database.read(step)
        rows = found[: next((number for number, one in enumerate(found) if isinstance(one, Pause)), len(found))]
        assert [row.position for row in rows] == [row.position for row in everything[: len(rows)]]
    assert len(rows) == len(everything) > 3


def _noted(row_of: Any, read: list[str]) -> Any:
    def noted(row: Any) -> LogRow:
        read.append("")
        return row_of(row)  # type: ignore[no-any-return]  # as the source's

    return noted
