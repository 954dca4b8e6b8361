"""The book's engine alone, on a store whose answers are written by hand."""

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from modelgate.core.claims import Claim, ClaimEnding, ClaimVerdict
from modelgate.core.leases import AskOutcome, LeaseAsk, LeaseReport, LeaseState, RaisedRound, Standing
from modelgate.core.money import Book
from modelgate.core.records import ApiKey, Refusal
from modelgate.metering.book import ASK_WAITS_S, ROUND_REACHES_S, BookEngine
from modelgate.metering.messages import (
    Ask,
    ClaimAnswered,
    ClaimEnded,
    Configured,
    EndClaim,
    Fenced,
    FindKey,
    Granted,
    Hello,
    KeyFound,
    KeysChanged,
    LeaseTotals,
    MakeClaim,
    NoteRefusals,
    PeriodOver,
    Recall,
    Refused,
    Return,
    Totals,
)

NOW = 1_795_417_200.0
pytestmark = pytest.mark.anyio


def lease(incarnation: str, *, key: str = "key_a", granted: int = 5, answered: int = 0) -> LeaseState:
    return LeaseState(
        incarnation=incarnation,
        key=key,
        period="all",
        account="acct_a",
        book="test",
        granted_nanos=granted,
        returned_nanos=0,
        balance_nanos=granted,
        answered_round=answered,
    )


class ScriptedStore:
    """Answers with what the test has put into its fields, and notes what it was asked."""

    def __init__(self) -> None:
        self.fenced = False
        self.outcomes: list[AskOutcome] = []
        self.asks: list[LeaseAsk] = []
        self.reports: list[LeaseReport] = []
        self.funded: list[LeaseState] = []
        self.standing: tuple[LeaseState, ...] = ()
        self.raised: list[RaisedRound] = []
        self.keys: dict[str, ApiKey] = {}
        self.verdict = ClaimVerdict(state="granted")
        self.endings: list[ClaimEnding] = []
        self.refusals: list[Refusal] = []

    async def say_hello(self, incarnation: str, node: str, reports: Sequence[LeaseReport]) -> Standing | None:
        return None if self.fenced else Standing(7, self.standing)

    async def answer_ask(self, ask: LeaseAsk) -> AskOutcome:
        self.asks.append(ask)
        return msgspec.structs.replace(self.outcomes.pop(0), account="acct_a", book="test", posted_seq=7)

    async def post_returns(self, incarnation: str, reports: Sequence[LeaseReport]) -> Standing | None:
        self.reports += reports
        return None if self.fenced else Standing(7, self.standing)

    async def funded_leases(self, account: str, book: Book) -> list[LeaseState]:
        return self.funded

    async def rounds_raised_since(self, at: float) -> list[RaisedRound]:
        return [raised for raised in self.raised if raised.at >= at]

    async def find_key(self, digest: str) -> ApiKey | None:
        return self.keys.get(digest)

    async def make_claim(self, incarnation: str, claim: Claim) -> ClaimVerdict | None:
        return None if self.fenced else self.verdict

    async def end_claim(self, ending: ClaimEnding) -> None:
        self.endings.append(ending)

    async def keep_refusals(self, refusals: Sequence[Refusal]) -> None:
        self.refusals += refusals


class Desk:
    """An engine, and what it sent."""

    def __init__(self) -> None:
        self.now = NOW
        self.store = ScriptedStore()
        self.sent: list[tuple[int, Any]] = []
        self.engine = BookEngine(self.store, send=lambda to, message: self.sent.append((to, message)), clock=lambda: self.now)

    async def join(self, connection_id: int) -> None:
        self.engine.connected(connection_id)
        await self.engine.handle(connection_id, Hello(f"inc_{connection_id}", "node"))
        self.sent.clear()

    async def ask(self, connection_id: int, *outcomes: AskOutcome, n: int = 1, key: str = "key_a") -> None:
        self.store.outcomes += outcomes
        await self.engine.handle(connection_id, Ask(n, key, "all", 10, 20))

    def take(self) -> list[tuple[int, Any]]:
        sent, self.sent = self.sent, []
        return sent


@pytest.fixture
def desk() -> Desk:
    return Desk()


def waits(number: int, *, of: str = "balance") -> AskOutcome:
    return AskOutcome(verdict="waiting", round=number, short_of=of)  # type: ignore[arg-type]


GRANTED = AskOutcome(verdict="granted")


async def test_hello_is_answered_with_everything_a_relay_needs(desk: Desk) -> None:
    desk.engine.configure(b"snapshot")
    desk.store.standing = (lease("inc_1"),)
    desk.engine.connected(1)
    assert desk.take() == []
    await desk.engine.handle(1, Hello("inc_1", "node"))
    totals = Totals(7, (LeaseTotals("key_a", "all", 5, 0),))
    assert desk.take() == [(1, totals), (1, KeysChanged()), (1, Configured(b"snapshot"))]
    desk.engine.configure(b"newer")
    desk.engine.forget_keys(("key_a",))
    assert desk.take() == [(1, Configured(b"newer")), (1, KeysChanged(("key_a",)))]


async def test_a_closed_incarnation_is_fenced(desk: Desk) -> None:
    desk.store.fenced = True
    desk.engine.connected(1)
    await desk.engine.handle(1, Hello("inc_1", "node"))
    assert desk.take() == [(1, Fenced())]
    await desk.ask(1)
    assert desk.store.asks == []


async def test_nothing_is_granted_before_hello_or_after_the_end(desk: Desk) -> None:
    desk.engine.connected(1)
    await desk.ask(1)
    await desk.engine.handle(2, Ask(1, "key_a", "all", 1, 1))
    await desk.join(3)
    desk.engine.disconnected(3)
    await desk.ask(3)
    assert desk.store.asks == []
    assert desk.take() == []


async def test_keys_are_found_with_their_period(desk: Desk) -> None:
    key = ApiKey(id="key_a", account="acct_a", book="test", name="a", digest="d", hint="", limit_reset="daily")
    desk.store.keys["d"] = key
    desk.engine.connected(1)
    await desk.engine.handle(1, FindKey(4, "d"))
    await desk.engine.handle(1, FindKey(5, "unknown"))
    assert desk.take() == [(1, KeyFound(4, key, "2026-11-23", 1_795_478_400.0)), (1, KeyFound(5, None))]


@pytest.mark.parametrize(
    ("outcome", "answer"),
    [
        (AskOutcome(verdict="granted", leases=(lease("inc_1"),)), Granted(1, 7, (LeaseTotals("key_a", "all", 5, 0),))),
        (AskOutcome(verdict="refused", short_of="limit"), Refused(1, "limit", 7, ())),
        (AskOutcome(verdict="period_over", period="p2", ends_at=9.0), PeriodOver(1, "key_a", "p2", 9.0, 7, ())),
        (AskOutcome(verdict="fenced"), Fenced()),
    ],
)
async def test_an_ask_is_answered(desk: Desk, outcome: AskOutcome, answer: object) -> None:
    await desk.join(1)
    await desk.ask(1, outcome)
    assert desk.take() == [(1, answer)]


async def test_an_ask_that_must_wait_recalls_the_others_and_is_answered_when_they_have_returned(desk: Desk) -> None:
    await desk.join(1)
    await desk.join(2)
    desk.store.funded = [lease("inc_2")]
    await desk.ask(1, waits(3))
    assert desk.take() == [(2, Recall("acct_a", 3, 7, (LeaseTotals("key_a", "all", 5, 0),)))]
    desk.store.outcomes = [GRANTED]
    desk.store.standing = (lease("inc_2", answered=3),)
    desk.store.funded = []
    await desk.engine.handle(2, Return((LeaseTotals("key_a", "all", 5, 5),), 3, "acct_a"))
    assert desk.store.reports == [LeaseReport("key_a", "all", 5, 5, round=3)]
    assert [(to, type(message)) for to, message in desk.take()] == [(2, Totals), (1, Granted)]
    assert desk.store.asks[-1].round == 3


async def test_a_recall_is_sent_once_until_a_grant_voids_it(desk: Desk) -> None:
    await desk.join(1)
    await desk.join(2)
    desk.store.funded = [lease("inc_2")]
    await desk.ask(1, waits(3))
    assert len(desk.take()) == 1
    desk.store.outcomes = [waits(3)]
    await desk.engine.tick()
    assert desk.take() == []
    await desk.ask(2, AskOutcome(verdict="granted", leases=(lease("inc_2"),)))
    desk.store.outcomes = [waits(3)]
    await desk.engine.tick()
    assert [(to, type(message)) for to, message in desk.take()] == [(2, Granted), (2, Recall)]


async def test_a_stale_answer_is_asked_for_again(desk: Desk) -> None:
    await desk.join(1)
    await desk.join(2)
    desk.store.funded = [lease("inc_2")]
    await desk.ask(1, waits(3))
    desk.take()
    desk.store.standing = (lease("inc_2", granted=9),)
    desk.store.outcomes = [waits(3)]
    await desk.engine.handle(2, Return((LeaseTotals("key_a", "all", 5, 5),), 3, "acct_a"))
    assert [(to, type(message)) for to, message in desk.take()] == [(2, Totals), (2, Recall)]


async def test_a_return_answers_only_rounds_it_was_asked_about(desk: Desk) -> None:
    await desk.join(1)
    await desk.engine.handle(1, Return((LeaseTotals("key_a", "all", 5, 5),), 7, "acct_a"))
    assert desk.store.reports == [LeaseReport("key_a", "all", 5, 5, round=0)]


async def test_a_limit_recalls_only_its_own_key(desk: Desk) -> None:
    await desk.join(1)
    await desk.join(2)
    desk.store.raised = [RaisedRound("acct_a", "test", 2, NOW)]
    await desk.engine.tick()
    desk.store.funded = [lease("inc_2", answered=2), lease("inc_2", key="key_b", answered=2)]
    await desk.ask(1, waits(3, of="limit"))
    ((_, recall),) = desk.take()
    assert [totals.key for totals in recall.leases] == ["key_a"]


async def test_a_newer_ask_on_the_key_replaces_the_older(desk: Desk) -> None:
    await desk.join(1)
    await desk.ask(1, waits(3))
    await desk.ask(1, waits(4), n=2)
    desk.store.outcomes = [GRANTED]
    await desk.engine.tick()
    assert [message.n for _, message in desk.take()] == [2]
    assert desk.store.outcomes == []


async def test_what_waits_dies_with_its_connection(desk: Desk) -> None:
    await desk.join(1)
    await desk.ask(1, waits(3))
    desk.engine.disconnected(1)
    await desk.join(2)
    await desk.engine.tick()
    assert desk.take() == []
    assert len(desk.store.asks) == 1


async def test_an_ask_that_waited_too_long_is_forgotten(desk: Desk) -> None:
    await desk.join(1)
    await desk.ask(1, waits(3))
    desk.now += ASK_WAITS_S + 0.01
    await desk.engine.tick()
    assert len(desk.store.asks) == 1


async def test_waiting_asks_are_tried_oldest_first(desk: Desk) -> None:
    await desk.join(1)
    await desk.join(2)
    await desk.ask(2, waits(3))
    await desk.ask(1, waits(4))
    desk.store.outcomes = [GRANTED, waits(4)]
    await desk.engine.tick()
    assert [ask.incarnation for ask in desk.store.asks[2:]] == ["inc_2", "inc_1"]


async def test_a_round_raised_elsewhere_is_passed_on_once(desk: Desk) -> None:
    await desk.join(1)
    desk.store.funded = [lease("inc_1")]
    desk.store.raised = [RaisedRound("acct_a", "test", 5, NOW)]
    await desk.engine.tick()
    assert desk.take() == [(1, Recall("acct_a", 5, 7, (LeaseTotals("key_a", "all", 5, 0),)))]
    desk.now += ROUND_REACHES_S + 0.1
    await desk.engine.tick()
    await desk.engine.tick()
    assert desk.take() == []


async def test_a_round_raised_elsewhere_just_before_ours_is_not_overlooked(desk: Desk) -> None:
    """Rounds count up by one: between 5 and 7 there was a 6, whose asker waits for all our relays, not only for one key's."""
    await desk.join(1)
    await desk.join(2)
    desk.store.raised = [RaisedRound("acct_a", "test", 5, NOW)]
    await desk.engine.tick()
    desk.take()
    desk.store.funded = [lease("inc_2", key="key_b", answered=5)]
    await desk.ask(1, waits(7, of="limit"))
    assert [(to, message.round) for to, message in desk.take()] == [(2, 6)]


async def test_an_answered_round_is_not_asked_again(desk: Desk) -> None:
    await desk.join(1)
    await desk.join(2)
    desk.store.funded = [lease("inc_2", answered=3)]
    await desk.ask(1, waits(3))
    assert desk.take() == []


async def test_what_was_posted_is_told_to_its_relay_alone(desk: Desk) -> None:
    await desk.join(1)
    await desk.join(2)
    desk.engine.posted("inc_2", Standing(20, (lease("inc_2", granted=8),)))
    assert desk.take() == [(2, Totals(20, (LeaseTotals("key_a", "all", 8, 0),)))]
    assert desk.engine.incarnations == {"inc_1", "inc_2"}


async def test_a_grant_that_a_recalls_answer_has_crossed_is_made_whole(desk: Desk) -> None:
    await desk.join(1)
    await desk.join(2)
    desk.store.funded = [lease("inc_2")]
    await desk.ask(1, waits(3))
    await desk.ask(2, AskOutcome(verdict="granted", leases=(lease("inc_2", granted=9),)))
    desk.take()
    desk.store.standing = (lease("inc_2", granted=9),)
    desk.store.outcomes = [AskOutcome(verdict="granted", leases=(lease("inc_2", granted=14),)), waits(3)]
    await desk.engine.handle(2, Return((LeaseTotals("key_a", "all", 5, 5),), 3, "acct_a"))
    assert [(to, type(message)) for to, message in desk.take()] == [(2, Totals), (2, Granted), (2, Recall)]


async def test_what_relays_refused_is_kept(desk: Desk) -> None:
    refused = Refusal(
        at_ms=1, request_id="req_1", account="a", key="k", book="live", endpoint="e", model="m", status=429, code="c", message=""
    )
    await desk.join(1)
    await desk.engine.handle(1, NoteRefusals((refused,)))
    assert desk.store.refusals == [refused]
    assert desk.take() == []


async def test_claims_are_answered_and_their_endings_acknowledged(desk: Desk) -> None:
    claim = Claim(scope="s", account="acct_a", digest="d", request_id="req_1", at_ms=1)
    ending = ClaimEnding(scope="s", account="acct_a", request_id="req_1", released=True)
    desk.engine.connected(1)
    await desk.engine.handle(1, MakeClaim(1, claim))
    assert desk.take() == [], "before its hello nobody knows whose claim it would be"
    await desk.join(1)
    await desk.engine.handle(1, MakeClaim(2, claim))
    await desk.engine.handle(1, EndClaim(3, ending))
    assert desk.take() == [(1, ClaimAnswered(2, ClaimVerdict(state="granted"))), (1, ClaimEnded(3))]
    assert desk.store.endings == [ending]
    desk.store.fenced = True
    await desk.engine.handle(1, MakeClaim(4, claim))
    assert desk.take() == [(1, Fenced())]
    assert desk.engine.incarnations == set()
