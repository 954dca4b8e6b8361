"""Everything at once: streams, errors, hang-ups and pictures through four relays while relays, book and desk are killed at random.

Afterwards the gateway's records are held against two witnesses that were not killed: what each client saw, and the sandbox's
own count. Tokens are pinned by the prompt, so every amount is known.
"""

import asyncio
import random
import time
from collections import Counter
from typing import Any

import msgspec
import pytest
from sqlalchemy import select

from modelgate.core.records import TERMINAL_STATES, PriceRow
from modelgate.storage.price_rows import set_price
from modelgate.storage.schema.money import incarnation, lease, request_record, task_hold
from modelgate.storage.schema.tasks import task

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

SEED = 20261123
LOAD_S = 12.0
MAX_LOAD_S = 90.0
"""On a busy machine the load goes on until `ENOUGH` answers came whole, and not longer than this."""
ENOUGH = 100
CLIENTS = 24
KILL_EVERY_S = (0.5, 1.3)
ROLES = {"relay", "book", "desk"}
VICTIMS = ("relay-0", "relay-1", "relay-2", "relay-3", "relay-0", "relay-2", "book", "book", "desk")
BALANCE_NANOS = 2_000_000_000
MODEL = "gpt-4.1-mini"
FAULTY_MODEL = "gpt-4.1-nano"
"""Asked for upstream failures, so that its rests do not keep the other from being asked."""
ANSWER_WITHIN_S = 60.0
"""No client waits longer, whatever is killed: a connection that says nothing for so long is a hang."""
INPUT_NANOS, OUTPUT_NANOS = 1_000, 4_000
"""Per token: 1 USD and 4 USD per million."""
PICTURES, PICTURE_NANOS = "/kling/v1/images/generations", 5_000_000
PAINTERS = 2
PADDING = "Tell me something about the sea, and take your time. "
KINDS = ("plain",) * 4 + ("stream",) * 4 + ("hang up", "hang up early", "error-400", "error-429", "error-500", "cut-stream")


class Seen(msgspec.Struct):
    """One chat as its client knows it."""

    kind: str
    tokens: tuple[int, int]
    answer: Any

    @property
    def is_finished(self) -> bool:
        """The client has all of a good answer."""
        answer = self.answer
        return answer.status == 200 and answer.whole and (answer.body.startswith(b"{") or answer.body.endswith(b"data: [DONE]\n\n"))


def body_of(kind: str, tokens: tuple[int, int]) -> dict[str, Any]:
    lines = [f"magic: tokens {tokens[0]} {tokens[1]}", PADDING]
    if kind.startswith(("error", "cut")):
        lines.insert(0, f"magic: {kind}")
    is_stream = kind in ("stream", "hang up", "cut-stream")
    model = FAULTY_MODEL if kind in ("error-429", "error-500", "cut-stream") else MODEL
    return {"model": model, "messages": [{"role": "user", "content": "\n".join(lines)}], "max_tokens": 60, "stream": is_stream}


class Load:
    """Clients that ask until time is up, and what became of it."""

    def __init__(self, installation: Any, secret: str) -> None:
        self.seen: list[Seen] = []
        self.pictures: dict[str, bool] = {}  # by task: whether it will succeed
        self.killed: Counter[str] = Counter()  # by role
        self._installation = installation
        self._secret = secret
        self._began_at = time.monotonic()

    @property
    def is_over(self) -> bool:
        """Whether it has lasted long enough to show something."""
        lasted_s = time.monotonic() - self._began_at
        return lasted_s > MAX_LOAD_S or (lasted_s > LOAD_S and len(self.finished) > ENOUGH and set(self.killed) == ROLES)

    @property
    def finished(self) -> list[str]:
        """The kinds of chats whose clients have all of a good answer."""
        return [chat.kind for chat in self.seen if chat.is_finished]

    async def run_client(self, number: int) -> None:
        choose = random.Random(SEED + number)
        while not self.is_over:
            kind, tokens = choose.choice(KINDS), (choose.randint(1, 90), choose.randint(1, 60))
            leave = {"hang up": choose.randint(200, 4000), "hang up early": 0}.get(kind)
            async with asyncio.timeout(ANSWER_WITHIN_S):
                answer = await self._installation.post(self._secret, body_of(kind, tokens), leave_after_bytes=leave)
            self.seen.append(Seen(kind, tokens, answer))
            if answer.status != 200:
                await asyncio.sleep(choose.uniform(0.01, 0.1))

    async def run_painter(self, number: int) -> None:
        """Submit pictures; what the gateway took has to come to an end, whoever is killed."""
        choose = random.Random(SEED - number)
        while not self.is_over:
            fails = choose.random() < 0.25
            prompt = "magic: fail-task\na kite" if fails else "a red kite over the sea"
            body = {"model_name": "kling-v1", "prompt": prompt, "n": 1}
            async with asyncio.timeout(ANSWER_WITHIN_S):
                answer = await self._installation.post(self._secret, body, path=PICTURES)
            if answer.status == 200 and answer.whole:
                self.pictures[answer.json["data"]["task_id"]] = not fails
            await asyncio.sleep(choose.uniform(0.2, 0.5))

    async def kill_at_random(self) -> None:
        choose = random.Random(SEED)
        while not self.is_over:
            await asyncio.sleep(choose.uniform(*KILL_EVERY_S))
            await self._installation.wait_until_few_are_away()
            victim = choose.choice(VICTIMS)
            if self._installation.kill(victim):
                self.killed[victim.partition("-")[0]] += 1

    async def watch_balance(self, account: str) -> int:
        lowest = BALANCE_NANOS
        while not self.is_over:
            lowest = min(lowest, await asyncio.to_thread(self._installation.balance, account))
            await asyncio.sleep(0.2)
        return lowest


def records_of(installation: Any) -> dict[str, Any]:
    """Every request record by request id; each request has one at most."""
    rows = installation.database.read(lambda connection: connection.execute(select(request_record)).all())
    records = {row.request_id: row for row in rows}
    assert len(records) == len(rows), "a request has two records"
    return records


async def test_kills_at_random_cost_no_record_and_no_money(installation: Any) -> None:
    for model in (MODEL, FAULTY_MODEL):
        row = PriceRow(model=model, rates={"input": "1.00", "output": "4.00"})
        installation.database.run(set_price, row, now=time.time())
    account, secret = installation.add_prepaid_key(BALANCE_NANOS)
    installation.start()
    load = Load(installation, secret)
    lowest, *_ = await asyncio.gather(
        load.watch_balance(account),
        load.kill_at_random(),
        *(load.run_client(number) for number in range(CLIENTS)),
        *(load.run_painter(number) for number in range(PAINTERS)),
    )
    await asyncio.to_thread(installation.wait_until_ready)
    await asyncio.to_thread(installation.wait_for_tasks)
    counted = await installation.sandbox_count()
    assert installation.stop() == 0
    installation.start()  # whatever a kill left behind is found by the next start
    assert installation.stop() == 0

    report = installation.audit_at_rest()
    assert report.failures == ()
    records = records_of(installation)
    check_clients(load.seen, records)
    check_sandbox(counted, records, seen=load.seen)
    check_orphans(records)
    check_nothing_is_out(installation)
    spent = sum(record.amount_nanos for record in records.values()) + check_pictures(installation, load.pictures, counted)
    assert installation.balance(account) == BALANCE_NANOS - spent
    assert lowest >= 0
    assert set(load.killed) == ROLES
    assert {"plain", "stream"} <= set(load.finished)
    assert len(load.finished) > ENOUGH


def check_clients(seen: list[Seen], records: dict[str, Any]) -> None:
    """Every answer a client has in full is charged, once, for exactly its tokens."""
    for chat in seen:
        if not chat.is_finished:
            continue
        record = records[chat.answer.request_id]
        assert record.outcome == "captured"
        assert (record.input_tokens, record.output_tokens) == chat.tokens
        assert record.amount_nanos == chat.tokens[0] * INPUT_NANOS + chat.tokens[1] * OUTPUT_NANOS
        assert record.status == 200


def check_sandbox(counted: list[dict[str, Any]], records: dict[str, Any], *, seen: list[Seen]) -> None:
    """What the vendor gave in full is charged as the vendor counts it, unless the relay died on the way."""
    given = {
        entry["request_id"]: entry for entry in counted if entry["vendor"] == "openai" and entry["finished"] and entry["status"] == 200
    }
    for request_id, entry in given.items():
        record = records[request_id]  # the hold was durable before the vendor was asked
        if record.outcome == "captured" and not record.estimated:
            assert (record.input_tokens, record.output_tokens) == (entry["prompt_tokens"], entry["completion_tokens"])
    finished = {chat.answer.request_id for chat in seen if chat.is_finished}
    assert finished <= set(given)


def check_orphans(records: dict[str, Any]) -> None:
    """Each is listed, costs nothing unless a setting says so, and nothing ever costs more than its hold unless it was used."""
    for record in records.values():
        if record.outcome == "orphaned":
            assert 0 <= record.amount_nanos <= record.hold_nanos
        if record.outcome == "released":
            assert record.amount_nanos == 0
        assert record.overrun_nanos == 0, "with an output limit nothing is above its hold"


def check_pictures(installation: Any, taken: dict[str, bool], counted: list[dict[str, Any]]) -> int:
    """Each picture that was taken has ended, was made at most once, and is paid for if it succeeded; return what all cost."""
    holds = {row.task: row for row in installation.database.read(lambda connection: connection.execute(select(task_hold)).all())}
    states = {
        row.id: row for row in installation.database.read(lambda connection: connection.execute(select(task.c.id, task.c.state)).all())
    }
    assert set(taken) <= set(states)
    assert set(states) == set(holds)
    for task_id, row in states.items():
        assert row.state in TERMINAL_STATES
        assert holds[task_id].captured_nanos == (PICTURE_NANOS if row.state == "succeeded" else 0)
    jobs = Counter(entry["request_id"] for entry in counted if entry["vendor"] == "kling" and entry["status"] == 200)
    twice = {task_id: count for task_id, count in jobs.items() if task_id in states and count > 1}
    assert not twice, "a submit without an answer was sent again"
    succeeded = [task_id for task_id, will_succeed in taken.items() if will_succeed and states[task_id].state == "succeeded"]
    assert len(succeeded) > len(taken) / 3, "most pictures are made in spite of the kills"
    return sum(hold.captured_nanos for hold in holds.values())


def check_nothing_is_out(installation: Any) -> None:
    """No incarnation is open, no lease owns money, no journal is left."""

    def states(connection: Any) -> tuple[set[str], int]:
        found = {row.state for row in connection.execute(select(incarnation.c.state))}
        return found, sum(row.balance_nanos for row in connection.execute(select(lease.c.balance_nanos)))

    assert installation.database.read(states) == ({"closed"}, 0)
    assert list(installation.settings.journal_path.glob("*")) == []
