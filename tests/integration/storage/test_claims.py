"""Claims on idempotency keys: one request at a time, and none again after one that was charged."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec
import pytest
from sqlalchemy import insert, select
from tests.integration.storage.conftest import NOW, SimRelay, World

from modelgate.core.claims import MAX_STORED_BYTES, Claim, ClaimEnding, ClaimState, ClaimVerdict, StoredAnswer
from modelgate.core.records import Task, TaskState
from modelgate.metering.messages import ClaimAnswered, Fenced, MakeClaim
from modelgate.storage import claims, ledger_recovery
from modelgate.storage.audit import audit
from modelgate.storage.claims import KEPT_S, DatabaseClaims, TrimTurns
from modelgate.storage.database import Database
from modelgate.storage.schema.claims import idempotency_claim
from modelgate.storage.schema.money import task_hold
from modelgate.storage.tasks import insert_task

ANSWER = StoredAnswer(status=200, header_lines=b"content-type: text/event-stream\r\n", body=b"data: \x00\xff\n\n")


def claim_of(request_id: str = "req_1", *, scope: str = "scope", digest: str = "digest", account: str = "acct_a", at_ms: int = 1) -> Claim:
    return Claim(scope=scope, account=account, digest=digest, request_id=request_id, at_ms=at_ms)


def make(database: Database, claim: Claim, *, owner: str = "inc_1", now: float = NOW) -> ClaimVerdict:
    return database.run(claims.make_claim, claim, owner=owner, now=now)


def end(database: Database, claim: Claim, *, trims: bool = False, now: float = NOW, **how: Any) -> None:
    ending = ClaimEnding(scope=claim.scope, account=claim.account, request_id=claim.request_id, **how)
    database.run(claims.end_claim, ending, trims=trims, now=now)


def states(database: Database) -> dict[str, str]:
    """The state of every claim by its request."""
    query = select(idempotency_claim.c.request_id, idempotency_claim.c.state)
    return {row.request_id: row.state for row in database.read(lambda connection: connection.execute(query).all())}


def test_the_first_is_answered_and_repeats_get_its_answer(database: Database) -> None:
    first, again = claim_of(), claim_of("req_2")
    assert make(database, first).state == "granted"
    assert make(database, first).state == "granted", "the same request, asked twice over a lost connection"
    assert make(database, again).state == "running"
    end(database, first, answer=ANSWER)
    assert make(database, again) == ClaimVerdict(state="stored", answer=ANSWER)
    assert make(database, claim_of("req_3", digest="other")).state == "reused"
    end(database, again, released=True)
    assert make(database, again).state == "stored", "only who was granted may end it"


def test_another_body_is_told_so_while_the_first_still_runs(database: Database) -> None:
    make(database, claim_of())
    assert make(database, claim_of("req_2", digest="other")).state == "reused"


def test_a_released_claim_is_free(database: Database) -> None:
    make(database, claim_of())
    end(database, claim_of(), released=True)
    assert states(database) == {}
    assert make(database, claim_of("req_2", digest="other")).state == "granted"


@pytest.mark.parametrize("answer", [None, msgspec.structs.replace(ANSWER, body=b"x" * (MAX_STORED_BYTES + 1))])
def test_an_answer_that_is_not_kept_is_not_given_twice(database: Database, answer: StoredAnswer | None) -> None:
    make(database, claim_of())
    end(database, claim_of(), answer=answer)
    assert make(database, claim_of("req_2")).state == "not_stored"


def test_two_at_once_are_never_both_granted(database: Database, open_again: Callable[[], Database]) -> None:
    others = [database, *(open_again() for _ in range(3))]

    def ask(number: int) -> ClaimState:
        return make(others[number % 4], claim_of(f"req_{number}", scope=f"scope_{number // 8}")).state

    with ThreadPoolExecutor(8) as threads:
        verdicts = list(threads.map(ask, range(80)))
    assert all(sorted(verdicts[start : start + 8]) == ["granted"] + ["running"] * 7 for start in range(0, 80, 8))


def test_an_answer_is_kept_for_a_day(database: Database) -> None:
    make(database, claim_of())
    end(database, claim_of(), answer=ANSWER)
    make(database, claim_of("req_x", scope="running"))
    assert make(database, claim_of("req_2"), now=NOW + KEPT_S - 1).state == "stored"
    assert not database.read(claims.has_expired, now=NOW + KEPT_S - 1)
    assert database.read(claims.has_expired, now=NOW + KEPT_S + 1)
    assert make(database, claim_of("req_2", digest="other"), now=NOW + KEPT_S + 1).state == "granted"
    assert states(database) == {"req_2": "running", "req_x": "running"}
    assert database.run(claims.drop_expired, now=NOW + 3 * KEPT_S) == 0, "what runs is never forgotten"


def test_old_answers_are_dropped_whoever_kept_them(database: Database) -> None:
    for number in range(3):
        claim = claim_of(f"req_{number}", scope=f"{number}", account=f"acct_{number}")
        make(database, claim, now=NOW + number)
        end(database, claim, answer=ANSWER)
    assert database.run(claims.drop_expired, now=NOW + KEPT_S + 1.5) == 2
    assert states(database) == {"req_2": "stored"}


@pytest.mark.parametrize(("bound", "value"), [("MAX_ANSWERS_PER_ACCOUNT", 2), ("MAX_BYTES_PER_ACCOUNT", 2 * 44)])
def test_beyond_its_bounds_an_accounts_oldest_answers_go_first(
    database: Database, monkeypatch: pytest.MonkeyPatch, bound: str, value: int
) -> None:
    monkeypatch.setattr(claims, bound, value)
    for number in range(5):
        claim = claim_of(f"req_{number}", scope=f"{number}", account="acct_b" if number == 0 else "acct_a")
        make(database, claim, now=NOW + number)
        if number != 1:
            end(database, claim, answer=ANSWER, trims=True, now=NOW + number)
    assert states(database) == {"req_0": "stored", "req_1": "running", "req_3": "stored", "req_4": "stored"}


def test_an_account_is_counted_once_in_a_while() -> None:
    turns = TrimTurns()
    small = ClaimEnding(scope="s", account="a", request_id="r", answer=ANSWER)
    large = msgspec.structs.replace(small, account="b", answer=msgspec.structs.replace(ANSWER, body=bytes(claims.TRIM_AFTER_BYTES)))
    assert [turns.is_due(small) for _ in range(claims.TRIM_AFTER_ANSWERS)].index(True) == claims.TRIM_AFTER_ANSWERS - 1
    assert turns.is_due(large)
    assert not turns.is_due(msgspec.structs.replace(large, answer=None))


# --- relays that die


def claim_by(world: World, relay: SimRelay, request_id: str, *, scope: str = "") -> Any:
    """Have a relay claim, over its connection; return what it was told."""
    relay._send(MakeClaim(1, claim_of(request_id, scope=scope or request_id, account=world.account)))
    world.deliver_up(relay)
    return relay.down.pop()


def die(world: World, relay: SimRelay) -> None:
    relay.kill()
    world.settle()


def test_what_a_dead_relay_was_charged_for_is_not_done_again(world: World) -> None:
    """The relay died between the charge and the storing of the answer; a repeat was answered, and charged, a second time."""
    world.prepay(100)
    relay = world.relay()
    world.settle()
    relay.request(10)
    world.settle()
    (request_id,) = requests_of(world)
    assert claim_by(world, relay, request_id) == ClaimAnswered(1, ClaimVerdict(state="granted"))
    relay.capture(1, 7)
    die(world, relay)
    assert states(world.database) == {request_id: "not_stored"}
    world.end()
    assert world.balance() == 93


@pytest.mark.parametrize("charged", [False, True])
def test_an_orphan_is_free_unless_it_is_charged(world: World, charged: bool) -> None:
    world.prepay(100)
    world.charges_orphans = charged
    relay = world.relay()
    world.settle()
    relay.request(10)
    world.settle()
    (request_id,) = requests_of(world)
    claim_by(world, relay, request_id)
    die(world, relay)
    assert states(world.database) == ({request_id: "not_stored"} if charged else {})
    world.end()


def test_what_a_dead_relay_had_not_begun_or_ended_without_charge_is_free(world: World) -> None:
    relay = world.relay()
    world.settle()
    relay.request(10)
    world.settle()
    (request_id,) = requests_of(world)
    claim_by(world, relay, request_id)
    claim_by(world, relay, "req_not_begun")
    relay.release(1)
    die(world, relay)
    assert states(world.database) == {}


def test_a_claim_of_a_dead_relay_that_is_read_late_is_not_granted(world: World) -> None:
    """The claim lay in the socket while its relay was recovered; granted, nobody would ever have ended it."""
    relay = world.relay()
    world.settle()
    relay._send(MakeClaim(1, claim_of()))
    relay.kill()
    world.books[0].work()
    world.now += 1
    world.books[0].work()
    world.deliver_up(relay)
    assert states(world.database) == {}
    assert not any(isinstance(message, ClaimAnswered) for message in relay.down)


def test_the_audit_finds_a_claim_that_nobody_will_end(world: World) -> None:
    relay = world.relay()
    world.settle()
    claim_by(world, relay, "req_1")
    assert world.check().failures == ()
    die(world, relay)
    make(world.database, claim_of("req_2"), owner=relay.incarnation)
    (finding,) = world.database.read(audit).failures
    assert "claim of request req_2 still runs" in finding.text


def test_a_relay_that_is_fenced_claims_nothing(world: World) -> None:
    relay = world.relay()
    world.settle()
    world.database.run(ledger_recovery.begin_closing, incarnation_id=relay.incarnation, node="node", now=NOW)
    assert isinstance(claim_by(world, relay, "req_1"), Fenced)


def test_after_a_lost_disk_nothing_claimed_is_done_again(world: World) -> None:
    relay = world.relay()
    world.settle()
    claim_by(world, relay, "req_1")
    world.database.run(ledger_recovery.abandon, incarnation_id=relay.incarnation, now=NOW)
    assert states(world.database) == {"req_1": "not_stored"}
    relay.kill()


def requests_of(world: World) -> list[str]:
    """The ids of the requests that are held."""
    return [record.request_id for journal in world.journals() for record in journal.read(0, 100) if record.kind == "hold"]


# --- the desk


def task_of(task_id: str, request_id: str, *, state: TaskState = "queued") -> Task:
    return Task(
        id=task_id,
        account="acct_a",
        key="key_a",
        book="test",
        family="kling",
        operation="image",
        model="m",
        state=state,
        request=b"{}",
        request_id=request_id,
        created_at=NOW,
    )


def test_a_new_desk_frees_what_its_predecessor_left_unless_the_task_is_there(database: Database) -> None:
    for number, name in enumerate(("submitted", "given back", "free", "nothing")):
        claim = claim_of(f"req {name}", scope=name, at_ms=int(NOW * 1000))
        make(database, claim, owner="desk")
        if name == "nothing":
            continue
        task = task_of(f"task_{number}", f"req {name}")
        database.run(insert_task, task, period="all", limit_nanos=None, owner="desk", lease_until=NOW)
        if name != "free":
            state = "open" if name == "submitted" else "released"
            hold = {"task": task.id, "account": "acct_a", "book": "test", "key": "key_a", "period": "all", "state": state}
            database.run(lambda c, hold=hold: c.execute(insert(task_hold).values(amount_nanos=5, captured_nanos=0, **hold)))
    make(database, claim_of("other", scope="other"), owner="desk of another node")
    make(database, claim_of("new", scope="new"), owner="desk", now=NOW + 10)
    database.run(claims.settle_desk_claims, owner="desk", before=NOW + 5)
    assert states(database) == {"req submitted": "not_stored", "req free": "not_stored", "other": "running", "new": "running"}


@pytest.mark.anyio
async def test_a_desk_claims_in_the_database_itself(database: Database) -> None:
    desk = DatabaseClaims(database, owner="desk", clock=lambda: NOW)
    await desk.settle()
    assert (await desk.claim(claim_of())).state == "granted"
    await desk.end(ClaimEnding(scope="scope", account="acct_a", request_id="req_1", answer=ANSWER))
    assert (await desk.claim(claim_of("req_2"))).answer == ANSWER


@pytest.mark.anyio
@pytest.mark.parametrize("released", [False, True])
@pytest.mark.parametrize(("state", "claim_state"), [("running", "not_stored"), ("failed", "granted"), (None, "granted")])
async def test_a_desk_that_has_no_answer_looks_whether_there_is_a_task(
    database: Database, state: Any, claim_state: str, released: bool
) -> None:
    """A picture was late and answered 504, its task was not given up in time: the repeat made, and charged, another."""
    desk = DatabaseClaims(database, owner="desk", clock=lambda: NOW)
    await desk.claim(claim_of())
    await desk.claim(claim_of("req_other", scope="other"))
    if state is not None:
        database.run(insert_task, task_of("task_1", "req_1", state=state), period="all", limit_nanos=None, owner="desk", lease_until=NOW)
    await desk.end(ClaimEnding(scope="scope", account="acct_a", request_id="req_1", released=released))
    assert (await desk.claim(claim_of("req_2"))).state == claim_state
    assert states(database)["req_other"] == "running"
