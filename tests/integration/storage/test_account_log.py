"""One account's log, tasks and totals on real databases."""

import random
from typing import Any

import msgspec
import pytest
from sqlalchemy import Connection, insert

from modelgate.core.log import LogFilter, LogRow
from modelgate.core.records import ApiKey, RequestFacts, Task
from modelgate.storage import account_log, log_walk, request_log
from modelgate.storage.account_log import LogTooDeep, list_log, list_tasks_between, read_use
from modelgate.storage.database import Database
from modelgate.storage.identity import create_account, create_key
from modelgate.storage.ledger import adjust, credit
from modelgate.storage.schema.money import request_record
from modelgate.storage.tasks import finish_task, insert_task
from modelgate.storage.usage import add_records

NOW = 1_790_000_000.0
ALL = ("request", "task", "credit")
ZEROS = ("input_tokens", "output_tokens", "hold_nanos", "overrun_nanos", "first_byte_ms", "total_ms", "batch")


class World:
    """An account with two keys and a neighbour."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.account = database.run(create_account, name="default", now=NOW)
        self.other = database.run(create_account, name="other", now=NOW)
        for key, account, name in (("key_a", self.account, "first"), ("key_b", self.account, "second"), ("key_o", self.other, "first")):
            made = ApiKey(id=key, account=account, book="live", name=name, digest=key, hint="sk-live-…abcd", group="gold")
            database.run(create_key, made, now=NOW)
        self.records = 0

    def record(self, at: float, key: str = "key_a", *, status: int = 200, amount: int = 10, model: str = "gpt-4o", **about: Any) -> None:
        self.records += 1
        account = self.other if key == "key_o" else self.account
        facts = RequestFacts(
            model=model, at_ms=1, request_id=f"req_{self.records}", account=account, key=key, book="live", endpoint="/v1/x", stream=True
        )
        row = {
            **dict.fromkeys(ZEROS, 0),
            "incarnation": "inc_1",
            "hold_seq": self.records,
            "request_id": facts.request_id,
            "at_ms": int(at * 1000),
            "account": account,
            "key": key,
            "period": "all",
            "book": "live",
            "model": model,
            "upstream": "up_1",
            "status": status,
            "amount_nanos": amount,
            "outcome": "captured",
            "estimated": False,
            "facts": msgspec.msgpack.encode(facts),
        }
        values = {**row, **about}

        def step(connection: Connection) -> None:
            connection.execute(insert(request_record).values(**values))
            add_records(connection, [[values.get(column.name) for column in request_record.columns]])

        self.database.run(step)

    def task(self, name: str, at: float, *, ends: float | None = None, charge: int = 7, key: str = "key_a") -> None:
        account = self.other if key == "key_o" else self.account
        task = Task(
            id=f"task_{name}",
            account=account,
            key=key,
            book="live",
            family="kling",
            operation="image",
            model="kling-v1",
            state="queued",
            request=b"{}",
            amount_nanos=9,
            created_at=at,
            updated_at=at,
            due_at=at,
            deadline_at=at + 999,
        )
        self.database.run(insert_task, task, period="all", limit_nanos=None, owner="w", lease_until=at)
        if ends is not None:
            state = "succeeded" if charge else "failed"
            done = msgspec.structs.replace(task, state=state, finished_at=ends, updated_at=ends)
            assert self.database.run(finish_task, done, captured_nanos=charge) is not None

    def log(self, offset: int = 0, limit: int = 100, **about: Any) -> list[LogRow]:
        wanted = LogFilter(**{"account": self.account, "books": ("live",), "kinds": ALL, **about})
        return self.database.read(list_log, wanted, offset=offset, limit=limit)


def id_of(row: LogRow) -> str:
    return row.task or row.request_id or row.position.tie


@pytest.fixture
def world(database: Database) -> World:
    return World(database)


def test_everything_in_one_list_latest_first(world: World) -> None:
    world.record(NOW + 1, input_tokens=3, output_tokens=4, total_ms=1500)
    world.task("a", NOW + 1, ends=NOW + 2.5)
    world.task("failed", NOW + 1, ends=NOW + 3, charge=0)
    world.task("running", NOW + 1)
    world.record(NOW + 4, "key_b", status=502, amount=0)
    world.record(NOW + 5, "key_o")
    for cause, account, amount, book in (
        ("c", world.account, 50, credit),
        ("d", world.account, -20, adjust),
        ("o", world.other, 5, credit),
    ):
        world.database.run(book, account=account, book="live", amount_nanos=amount, idempotency_key=cause, note=cause, now=NOW + 6)

    rows = world.log()
    assert [(row.kind, id_of(row), row.status, row.at - NOW, row.amount_nanos) for row in rows[2:]] == [
        ("request", "req_2", 502, 4, 0),
        ("request", "req_1", 200, 1, 10),
        ("task", "task_a", 200, 1, 7),
    ]
    assert [(row.kind, row.note, row.amount_nanos) for row in rows[:2]] == [("credit", "d", -20), ("credit", "c", 50)]
    request, task = rows[3], rows[4]
    assert (request.key, request.key_name, request.group, request.model) == ("key_a", "first", "gold", "gpt-4o")
    assert (request.input_tokens, request.output_tokens, request.total_ms) == (3, 4, 1500)
    assert request.facts is not None
    assert request.facts.endpoint == "/v1/x"
    assert (task.key_name, task.model, task.total_ms, task.note, task.facts) == ("first", "kling-v1", 1500, "image", None)


@pytest.mark.parametrize(
    ("wanted", "ids"),
    [
        ({"kinds": ["request"], "status": "ok"}, ["req_3", "req_1"]),
        ({"kinds": ["request", "task"], "status": "ok"}, ["req_3", "task_a", "req_1"]),
        ({"kinds": ["request"], "status": "error"}, ["req_2"]),
        ({"kinds": ["task"]}, ["task_a"]),
        ({"kinds": []}, []),
        ({"key_name": "second"}, ["req_3"]),
        ({"key_name": "none"}, []),
        ({"model": "claude"}, ["req_2"]),
        ({"model": "kling-v1"}, ["task_a"]),
        ({"since": NOW + 2}, ["req_3", "task_a", "req_2"]),
        ({"until": NOW + 3}, ["req_2", "req_1"]),
        ({"since": NOW + 2, "until": NOW + 3}, ["req_2"]),
        ({"books": ("test",)}, []),
    ],
)
def test_the_log_is_narrowed(world: World, wanted: dict[str, Any], ids: list[str]) -> None:
    world.record(NOW + 1)
    world.record(NOW + 2, status=0, model="claude")
    world.record(NOW + 4, "key_b")
    world.task("a", NOW + 3, ends=NOW + 5)
    assert [id_of(row) for row in world.log(**wanted)] == ids


def filled(world: World) -> None:
    """Write some hours of both accounts, unevenly: a busy hour, empty days, several at one instant."""
    chance = random.Random(3)
    for number in range(120):
        at = NOW - chance.choice((chance.randrange(4_000), chance.randrange(9) * 30_000, chance.randrange(900_000)))
        model = chance.choice(("gpt-4o", "gpt-4o", "claude"))
        world.record(at, chance.choice(("key_a", "key_a", "key_b", "key_o")), status=chance.choice((200, 200, 429)), model=model)
        if number % 6 == 0:
            key = chance.choice(("key_a", "key_b", "key_o"))
            world.task(f"{number}", at - 0.25, ends=at + chance.randrange(99_000), charge=chance.choice((0, 7)), key=key)
        if number % 10 == 0:
            about = {"book": "live", "amount_nanos": 5, "idempotency_key": str(number), "note": "", "now": at - 60.5}
            world.database.run(credit, account=chance.choice((world.account, world.other)), **about)  # type: ignore[arg-type]  # by name


WANTED: list[dict[str, Any]] = [
    {},
    {"kinds": ("request", "task"), "status": "ok"},
    {"kinds": ("request",), "status": "error"},
    {"kinds": ("credit",)},
    {"key_name": "second"},
    {"model": "claude"},
    {"model": "claude", "key_name": "first"},
    {"model": "claude", "kinds": ("request",), "status": "error"},
    {"since": NOW - 100_000.5, "until": NOW - 1_800},
    {"until": NOW - 3_600 * 5},
]


@pytest.mark.parametrize("keys_merged", [32, 0])
def test_pages_by_number_are_what_a_plain_look_finds(world: World, monkeypatch: pytest.MonkeyPatch, keys_merged: int) -> None:
    filled(world)
    everything = world.log(limit=1_000)
    assert [row.at for row in everything] == sorted((row.at for row in everything), reverse=True)
    for where, name, value in (
        (account_log, "WALKED", 2),
        (request_log, "MAX_MERGED_KEYS", keys_merged),
        (log_walk, "FIRST_WINDOW", 5),
        (request_log, "FIRST_WINDOW", 5),
        (log_walk, "MAX_WINDOW", 9),
        (log_walk, "ROWS_AT_ONCE", 4),
    ):
        monkeypatch.setattr(where, name, value)
    for wanted in WANTED:
        expected = [row for row in everything if _matches(row, wanted)]
        assert len(expected) > 3
        assert world.log(limit=1_000, **wanted) == expected
        for offset in range(0, len(expected) + 2, 5):
            assert world.log(offset, 7, **wanted) == expected[offset : offset + 7], (wanted, offset)


def _matches(row: LogRow, wanted: dict[str, Any]) -> bool:
    is_kind = row.kind in wanted.get("kinds", ALL)
    has_status = row.kind != "request" or "status" not in wanted or row.is_failed == (wanted["status"] == "error")
    is_named = ("model" not in wanted or row.model == wanted["model"]) and ("key_name" not in wanted or row.key_name == wanted["key_name"])
    return is_kind and has_status and is_named and wanted.get("since", 0) <= row.at < wanted.get("until", NOW * 2)


def test_money_that_came_in_is_found_among_many_changes_of_the_balance_too(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    filled(world)
    before = world.log(kinds=("credit",))
    monkeypatch.setattr(account_log, "FEW_ENTRIES", 1)
    assert world.log(kinds=("credit",)) == before != []


def test_looking_for_what_is_rare_has_a_bound(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(60):
        world.record(NOW - number, model="rare" if number in (0, 59) else "gpt-4o")
    monkeypatch.setattr(account_log, "MAX_LOOKED_THROUGH", 12)
    monkeypatch.setattr(log_walk, "FIRST_WINDOW", 5)
    assert [row.model for row in world.log(limit=1, model="rare")] == ["rare"]
    assert len(world.log(limit=1_000)) == 60
    with pytest.raises(LogTooDeep):
        world.log(limit=2, model="rare")
    assert len(world.log(limit=2, model="nobody's")) == 0


def test_one_key_that_never_used_a_model_does_not_hide_what_another_did(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The keys of an account are looked through side by side, none further back than the page goes."""
    for number in range(60):
        world.record(NOW - number, "key_a", model="gpt-4o")
        world.record(NOW - number, "key_b", model="claude")
    monkeypatch.setattr(account_log, "MAX_LOOKED_THROUGH", 40)
    monkeypatch.setattr(log_walk, "FIRST_WINDOW", 5)
    assert [row.key for row in world.log(limit=4, model="claude")] == ["key_b"] * 4


def test_facts_that_cannot_be_read_are_left_out(world: World) -> None:
    world.record(NOW, facts=b"")
    world.record(NOW, facts=b"\xc1")
    assert [row.facts for row in world.log()] == [None, None]


def test_tasks_of_a_span(world: World) -> None:
    for number, (ends, charge) in enumerate([(NOW + 1, 7), (NOW + 1, 0), (None, 0)]):
        world.task(str(number), NOW + number, ends=ends, charge=charge)
    every = world.database.read(list_tasks_between, world.account, book="live", since=NOW, until=NOW + 2, offset=0, limit=9)
    assert [(task.id, charge) for task, charge in every] == [("task_2", 9), ("task_1", 0), ("task_0", 7)]
    some = world.database.read(list_tasks_between, world.account, book="live", since=NOW, until=NOW + 1, offset=1, limit=9)
    assert [task.id for task, _ in some] == ["task_0"]
    assert world.database.read(list_tasks_between, world.other, book="live", since=0, until=NOW * 2, offset=0, limit=9) == []
    assert world.database.read(list_tasks_between, world.account, book="test", since=0, until=NOW * 2, offset=0, limit=9) == []


def test_totals(world: World) -> None:
    world.record(NOW)
    world.record(NOW, "key_b", status=500)
    world.record(NOW, "key_o")
    world.task("a", NOW, ends=NOW + 1)
    use = world.database.read(read_use, world.account, book="live")
    assert (use.requests, use.spent_nanos, use.balance_nanos, use.credit_limit_nanos) == (3, 7, -7, None)
    assert world.database.read(read_use, world.account, book="test").requests == 0
