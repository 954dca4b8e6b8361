"""One account's log, tasks and totals on real databases."""

from typing import Any

import msgspec
import pytest
from sqlalchemy import Connection, insert

from modelgate.core.listings import LogFilter, LogLine
from modelgate.core.records import ApiKey, RequestFacts, Task
from modelgate.storage.account_log import list_log, list_tasks_between, read_use
from modelgate.storage.database import Database
from modelgate.storage.identity import create_account, create_key
from modelgate.storage.ledger import adjust, credit
from modelgate.storage.schema.money import request_record
from modelgate.storage.tasks import finish_task, insert_task
from modelgate.storage.usage import add_records

NOW = 1_790_000_000.0
ALL = ("request", "error", "task", "credit")
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
        task = Task(
            id=f"task_{name}",
            account=self.account,
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

    def log(self, offset: int = 0, limit: int = 100, **about: Any) -> list[LogLine]:
        wanted = LogFilter(**{"account": self.account, "book": "live", "kinds": ALL, **about})
        return self.database.read(list_log, wanted, offset=offset, limit=limit)


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

    lines = world.log()
    assert [(line.kind, line.id, line.at - NOW, line.amount_nanos) for line in lines[2:]] == [
        ("error", "req_2", 4, 0),
        ("task", "task_a", 2.5, 7),
        ("request", "req_1", 1, 10),
    ]
    assert sorted((line.kind, line.note, line.amount_nanos) for line in lines[:2]) == [("credit", "c", 50), ("credit", "d", -20)]
    request, task = lines[4], lines[3]
    assert (request.key, request.key_name, request.group, request.model) == ("key_a", "first", "gold", "gpt-4o")
    assert (request.input_tokens, request.output_tokens, request.total_ms) == (3, 4, 1500)
    assert request.facts is not None
    assert request.facts.endpoint == "/v1/x"
    assert (task.key_name, task.model, task.total_ms, task.note, task.facts) == ("first", "kling-v1", 1500, "image", None)


@pytest.mark.parametrize(
    ("wanted", "ids"),
    [
        ({"kinds": ["request"]}, ["req_3", "req_1"]),
        ({"kinds": ["error"]}, ["req_2"]),
        ({"kinds": ["task"]}, ["task_a"]),
        ({"kinds": []}, []),
        ({"key_name": "second"}, ["req_3"]),
        ({"key_name": "none"}, []),
        ({"model": "claude"}, ["req_2"]),
        ({"model": "kling-v1"}, ["task_a"]),
        ({"since": NOW + 2}, ["req_3", "task_a", "req_2"]),
        ({"until": NOW + 2}, ["req_2", "req_1"]),
        ({"since": NOW + 2, "until": NOW + 2}, ["req_2"]),
        ({"book": "test"}, []),
    ],
)
def test_the_log_is_narrowed(world: World, wanted: dict[str, Any], ids: list[str]) -> None:
    world.record(NOW + 1)
    world.record(NOW + 2, status=0, model="claude")
    world.record(NOW + 4, "key_b")
    world.task("a", NOW + 1, ends=NOW + 3)
    assert [line.id for line in world.log(**wanted)] == ids


def test_the_log_in_pages(world: World) -> None:
    for number in range(5):
        world.record(NOW + number)
    world.task("a", NOW, ends=NOW + 2.5)
    pages = [[line.id for line in world.log(offset, 2)] for offset in (0, 2, 4, 6)]
    assert pages == [["req_5", "req_4"], ["task_a", "req_3"], ["req_2", "req_1"], []]


def test_an_account_of_many_requests_is_listed_alike(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(5):
        world.record(NOW + number)
        world.record(NOW + number, "key_o")
    by_keys = world.log()
    monkeypatch.setattr("modelgate.storage.account_log.FEW_REQUESTS", 4)
    assert world.log() == by_keys
    assert len(by_keys) == 5


def test_facts_that_cannot_be_read_are_left_out(world: World) -> None:
    world.record(NOW, facts=b"")
    world.record(NOW, facts=b"\xc1")
    assert [line.facts for line in world.log()] == [None, None]


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
