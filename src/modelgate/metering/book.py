"""The book's engine: answers relays out of a store. It does no I/O of its own: it is handed the store and `send`.

What is kept for a connection (waiting asks, recalls sent) lives in its `_Connection` and dies with it; nothing is keyed by
a relay's slot. Messages are to be handed in one at a time, in order: `handle` and `tick` must not overlap.
"""

from collections.abc import Callable, Iterable
from typing import assert_never

import msgspec

from modelgate.core.clock import Clock
from modelgate.core.leases import AskOutcome, LeaseAsk, LeaseId, LeaseReport, LeaseState, Standing
from modelgate.core.money import Book
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
    ToEngine,
    ToRelay,
    Totals,
)
from modelgate.metering.periods import current_period
from modelgate.metering.store import BookStore

ASK_WAITS_S = 2.0
"""A relay's waiter gives up after this long, so an ask that waits longer has nobody behind it."""
ROUND_REACHES_S = 2 * ASK_WAITS_S
"""For so long a round raised elsewhere (another node, a media hold) is passed on to relays."""
REPORTS_AT_ONCE = 1_000
"""Leases of one transaction: a relay that gives back all it has may name a hundred thousand."""
CLOCK_SKEW_S = 5.0
"""Rounds are found by the time their node wrote; nodes may disagree by this much."""

AccountId = tuple[str, Book]
Send = Callable[[int, ToRelay], None]


class _WaitingAsk(msgspec.Struct, frozen=True):
    """An ask for which a recall round runs."""

    ask: Ask
    account: AccountId
    round: int
    of_limit: bool
    since: float


class _Connection:
    """All that is known of one connection."""

    def __init__(self) -> None:
        self.incarnation = ""
        self.waiting: dict[str, _WaitingAsk] = {}  # by key: a newer ask on the key replaces the older
        self.recalled: dict[LeaseId, int] = {}  # the round last sent for a lease, until a grant voids it
        self.crossed: dict[LeaseId, Ask] = {}  # asks granted while a recall was under way: its answer may take the grant apart
        self.posted_seq = 0


class _Demand(msgspec.Struct, frozen=True):
    """A round that wants idle money back, of the whole account or of one (key, period)."""

    round: int
    of_key: tuple[str, str] | None = None

    def concerns(self, lease: LeaseState) -> bool:
        return self.of_key is None or (lease.key, lease.period) == self.of_key


class BookEngine:
    """Leases, recall rounds and key look-ups for every relay that is connected to this book."""

    def __init__(self, store: BookStore, *, send: Send, clock: Clock) -> None:
        self._store = store
        self._send = send
        self._clock = clock
        self._connections: dict[int, _Connection] = {}
        self._snapshot: bytes | None = None
        self._seen_rounds: dict[AccountId, int] = {}
        self._foreign_rounds: dict[AccountId, tuple[int, float]] = {}  # the round, and when it was heard of

    def connected(self, connection_id: int) -> None:
        """A relay's connection stands; nothing is sent before its hello."""
        self._connections[connection_id] = _Connection()

    def disconnected(self, connection_id: int) -> None:
        """A connection is gone, and with it all that waited for it."""
        self._connections.pop(connection_id, None)

    @property
    def incarnations(self) -> set[str]:
        """The incarnations that are connected and have said hello."""
        return {connection.incarnation for connection in self._connections.values() if connection.incarnation}

    async def handle(self, connection_id: int, message: ToEngine) -> None:
        """Take one message of a relay."""
        connection = self._connections.get(connection_id)
        if connection is None:
            return
        match message:
            case Hello():
                await self._hello(connection_id, connection, message)
            case FindKey():
                await self._find_key(connection_id, message)
            case Ask():
                if connection.incarnation:
                    connection.waiting.pop(message.key, None)
                    await self._ask(connection_id, connection, message)
            case Return():
                if connection.incarnation:
                    await self._return(connection_id, connection, message)
            case MakeClaim():
                if connection.incarnation:
                    await self._claim(connection_id, connection, message)
            case EndClaim():
                await self._store.end_claim(message.ending)
                self._send(connection_id, ClaimEnded(message.n))
            case NoteRefusals(refusals=refusals):
                await self._store.keep_refusals(refusals)
            case _:
                assert_never(message)

    @property
    def is_restless(self) -> bool:
        """Whether an ask waits or a round raised elsewhere is being passed on: `tick` has work even if nothing was committed."""
        return bool(self._foreign_rounds) or any(connection.waiting for connection in self._connections.values())

    async def tick(self) -> None:
        """Look for rounds raised elsewhere, try waiting asks again, and forget those that waited too long."""
        now = self._clock()
        await self._hear_of_rounds(now)
        for connection in self._connections.values():
            for key, waiting in list(connection.waiting.items()):
                if now - waiting.since > ASK_WAITS_S:
                    del connection.waiting[key]
        await self._pump(self._restless_accounts())

    def posted(self, incarnation: str, standing: Standing) -> None:
        """A batch of an incarnation was posted: its relay may delete segments, and sees what was covered."""
        for connection_id, connection in list(self._connections.items()):
            if connection.incarnation == incarnation:
                self._tell_totals(connection_id, connection, standing)

    def configure(self, snapshot: bytes) -> None:
        """Take a new configuration (a `core.records.Snapshot` as MessagePack) for every relay, those to come too."""
        self._snapshot = snapshot
        self._tell_all(Configured(snapshot))

    def forget_keys(self, keys: tuple[str, ...]) -> None:
        """Have every relay forget what it knows of these keys; empty: of all."""
        self._tell_all(KeysChanged(keys))

    def _tell_all(self, message: ToRelay) -> None:
        for connection_id, connection in self._connections.items():
            if connection.incarnation:
                self._send(connection_id, message)

    # --- messages

    async def _hello(self, connection_id: int, connection: _Connection, hello: Hello) -> None:
        reports = [_report(lease) for lease in hello.leases]
        standing = await self._store.say_hello(hello.incarnation, hello.node, reports[:REPORTS_AT_ONCE])
        if standing is None:
            self._send(connection_id, Fenced())
            return
        for start in range(REPORTS_AT_ONCE, len(reports), REPORTS_AT_ONCE):
            await self._store.post_returns(hello.incarnation, reports[start : start + REPORTS_AT_ONCE])
        connection.incarnation = hello.incarnation
        self._tell_totals(connection_id, connection, standing)
        self._send(connection_id, KeysChanged())  # it may have missed changes while it was not connected
        if self._snapshot is not None:
            self._send(connection_id, Configured(self._snapshot))
        await self._pump({(lease.account, lease.book) for lease in standing.leases} & self._restless_accounts())

    async def _find_key(self, connection_id: int, message: FindKey) -> None:
        key = await self._store.find_key(message.digest)
        if key is None:
            self._send(connection_id, KeyFound(n=message.n, key=None))
        else:
            period, ends_at = current_period(key.limit_reset, self._clock())
            self._send(connection_id, KeyFound(n=message.n, key=key, period=period, period_ends_at=ends_at))

    async def _claim(self, connection_id: int, connection: _Connection, message: MakeClaim) -> None:
        verdict = await self._store.make_claim(connection.incarnation, message.claim)
        if verdict is None:
            connection.incarnation = ""
            self._send(connection_id, Fenced())
        else:
            self._send(connection_id, ClaimAnswered(message.n, verdict))

    async def _ask(self, connection_id: int, connection: _Connection, ask: Ask, waiting: _WaitingAsk | None = None) -> None:
        """Answer a new ask, or one that waits; an ask that must wait is kept and money is recalled for it."""
        outcome = await self._store.answer_ask(_lease_ask(connection, ask, round=waiting.round if waiting else None))
        if outcome.verdict != "waiting":
            connection.waiting.pop(ask.key, None)
            self._answer(connection_id, connection, ask, outcome)
        elif waiting is None:
            account = (outcome.account, outcome.book)
            connection.waiting[ask.key] = _WaitingAsk(ask, account, outcome.round, outcome.short_of == "limit", self._clock())
            self._note_own_round(account, outcome.round)
            await self._recall(account)

    def _answer(self, connection_id: int, connection: _Connection, ask: Ask, outcome: AskOutcome) -> None:
        leases = _totals(outcome.leases)
        connection.posted_seq = max(connection.posted_seq, outcome.posted_seq)
        match outcome.verdict:
            case "granted":
                for lease in outcome.leases:
                    if connection.recalled.pop(lease.id, None) is not None:
                        connection.crossed[lease.id] = ask
                self._send(connection_id, Granted(n=ask.n, posted_seq=outcome.posted_seq, leases=leases))
            case "refused":
                self._send(connection_id, Refused(n=ask.n, reason=outcome.short_of, posted_seq=outcome.posted_seq, leases=leases))
            case "period_over":
                self._send(
                    connection_id,
                    PeriodOver(
                        n=ask.n,
                        key=ask.key,
                        period=outcome.period,
                        ends_at=outcome.ends_at,
                        posted_seq=outcome.posted_seq,
                        leases=leases,
                    ),
                )
            case "fenced":
                connection.incarnation = ""
                self._send(connection_id, Fenced())
            case "waiting":
                pass
            case _:
                assert_never(outcome.verdict)

    async def _return(self, connection_id: int, connection: _Connection, message: Return) -> None:
        for start in range(0, len(message.leases), REPORTS_AT_ONCE):
            part = message.leases[start : start + REPORTS_AT_ONCE]
            reports = [_report(lease, round=self._answered_round(connection, message, lease)) for lease in part]
            standing = await self._store.post_returns(connection.incarnation, reports)
            if standing is None:
                connection.incarnation = ""
                self._send(connection_id, Fenced())
                return
            self._tell_totals(connection_id, connection, standing)
            await self._after_returns(connection_id, connection, part, standing)

    async def _after_returns(
        self, connection_id: int, connection: _Connection, reported: tuple[LeaseTotals, ...], standing: Standing
    ) -> None:
        quoted = {(lease.key, lease.period): lease.granted_nanos for lease in reported}
        for lease in standing.leases:
            granted = connection.crossed.pop(lease.id, None)
            if quoted.get((lease.key, lease.period)) != lease.granted_nanos:  # it answered before it knew of its last grant: ask once more
                connection.recalled.pop(lease.id, None)
                if granted is not None:
                    await self._grant_again(connection_id, connection, granted)
        await self._pump({(lease.account, lease.book) for lease in standing.leases} & self._restless_accounts())

    async def _grant_again(self, connection_id: int, connection: _Connection, ask: Ask) -> None:
        """Make a grant whole that the answer to a recall has crossed: its waiter was counted on what that gave back.

        Otherwise the relay asks for the rest, is recalled before the rest arrives, and so on as long as the round runs.
        """
        outcome = await self._store.answer_ask(_lease_ask(connection, ask, round=0))
        if outcome.verdict in ("granted", "fenced"):
            self._answer(connection_id, connection, ask, outcome)

    def _answered_round(self, connection: _Connection, message: Return, lease: LeaseTotals) -> int:
        """The round a return answers for a lease: only one that was asked of it, since rounds of two books are counted apart."""
        return min(message.round, connection.recalled.get((connection.incarnation, lease.key, lease.period), 0))

    # --- rounds

    def _restless_accounts(self) -> set[AccountId]:
        waiting = {waiting.account for connection in self._connections.values() for waiting in connection.waiting.values()}
        return waiting | set(self._foreign_rounds)

    async def _pump(self, accounts: Iterable[AccountId]) -> None:
        """Try the waiting asks of these accounts again, oldest first, and recall what is still wanted."""
        for account in sorted(accounts):
            for connection_id, connection, waiting in self._waiting_of(account):
                if connection.waiting.get(waiting.ask.key) is waiting and connection.incarnation:
                    await self._ask(connection_id, connection, waiting.ask, waiting)
            await self._recall(account)

    def _waiting_of(self, account: AccountId) -> list[tuple[int, _Connection, _WaitingAsk]]:
        found = [
            (connection_id, connection, waiting)
            for connection_id, connection in self._connections.items()
            for waiting in connection.waiting.values()
            if waiting.account == account
        ]
        return sorted(found, key=lambda entry: entry[2].round)

    def _demands(self, account: AccountId) -> list[_Demand]:
        demands = [
            _Demand(waiting.round, (waiting.ask.key, waiting.ask.period) if waiting.of_limit else None)
            for _, _, waiting in self._waiting_of(account)
        ]
        if account in self._foreign_rounds:
            demands.append(_Demand(self._foreign_rounds[account][0]))
        return demands

    async def _recall(self, account: AccountId) -> None:
        """Ask connected relays for the leases that own money and have not answered a round that concerns them."""
        demands = self._demands(account)
        if not demands:
            return
        leases = await self._store.funded_leases(*account)
        for connection_id, connection in list(self._connections.items()):
            rounds = {
                lease: wanted
                for lease in leases
                if lease.incarnation == connection.incarnation
                and (wanted := _round_wanted(demands, lease)) > self._heard(connection, lease)
            }
            for wanted in sorted(set(rounds.values())):
                asked = [lease for lease, number in rounds.items() if number == wanted]
                connection.recalled.update({lease.id: wanted for lease in asked})
                self._send(connection_id, Recall(account[0], wanted, connection.posted_seq, _totals(asked)))

    def _heard(self, connection: _Connection, lease: LeaseState) -> int:
        return max(lease.answered_round, connection.recalled.get(lease.id, 0))

    def _note_own_round(self, account: AccountId, number: int) -> None:
        """Rounds count up by one: a number left out was raised elsewhere, and its asker waits for our relays too."""
        if number - 1 > self._seen_rounds.get(account, 0):
            self._foreign_rounds[account] = (number - 1, self._clock())
        self._seen_rounds[account] = number

    async def _hear_of_rounds(self, now: float) -> None:
        """Note rounds that were not raised by an ask at this book: another node's, a media hold's, a lowered limit's."""
        self._foreign_rounds = {account: heard for account, heard in self._foreign_rounds.items() if now - heard[1] < ROUND_REACHES_S}
        raised = await self._store.rounds_raised_since(now - ROUND_REACHES_S - CLOCK_SKEW_S)
        latest = {(entry.account, entry.book): entry.round for entry in raised}
        for account, number in latest.items():
            if number > self._seen_rounds.get(account, 0):
                self._foreign_rounds[account] = (number, now)
        self._seen_rounds = latest  # what is not in it was raised too long ago to be heard of again

    def _tell_totals(self, connection_id: int, connection: _Connection, standing: Standing) -> None:
        connection.posted_seq = max(connection.posted_seq, standing.posted_seq)
        self._send(connection_id, Totals(posted_seq=connection.posted_seq, leases=_totals(standing.leases)))


def _round_wanted(demands: list[_Demand], lease: LeaseState) -> int:
    return max((demand.round for demand in demands if demand.concerns(lease)), default=0)


def _lease_ask(connection: _Connection, ask: Ask, *, round: int | None) -> LeaseAsk:
    return LeaseAsk(
        incarnation=connection.incarnation,
        key=ask.key,
        period=ask.period,
        need_nanos=ask.need_nanos,
        want_nanos=ask.want_nanos,
        round=round,
    )


def _report(lease: LeaseTotals, *, round: int = 0) -> LeaseReport:
    return LeaseReport(lease.key, lease.period, lease.granted_nanos, lease.returned_nanos, round)


def _totals(leases: Iterable[LeaseState]) -> tuple[LeaseTotals, ...]:
    return tuple(LeaseTotals(lease.key, lease.period, lease.granted_nanos, lease.returned_nanos) for lease in leases)
