"""A small world of relays and books on a real database and real journals, in which anything may die between two steps.

Books are the real engine, keeper and store; relays are the real leases and journal, with no gateway and no socket: messages
lie in queues until a step delivers them. A killed process is one that is never stepped again, its file lock closed.
"""

import itertools
import os
from collections import deque
from collections.abc import Callable, Coroutine, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import select
from tests.integration.storage.usage_again import kept_sums, sums_again

from modelgate.app.journals import JournalKeeper
from modelgate.core.claims import Claim, ClaimEnding, ClaimVerdict
from modelgate.core.leases import AskOutcome, LeaseAsk, LeaseReport, LeaseState, RaisedRound, Standing
from modelgate.core.money import Book
from modelgate.core.records import ApiKey, LimitReset, Refusal, RequestFacts
from modelgate.metering.book import BookEngine
from modelgate.metering.leases import Lease, Leases, Waiter
from modelgate.metering.messages import Fenced, KeysChanged, ToBook, ToRelay
from modelgate.metering.periods import current_period
from modelgate.storage import claims, identity, ledger
from modelgate.storage.audit import AuditReport, audit
from modelgate.storage.audit_journals import audit_journals
from modelgate.storage.database import Database
from modelgate.storage.journal import JournalReader
from modelgate.storage.journal_writer import JournalWriter
from modelgate.storage.refusals import keep_refusals
from modelgate.storage.schema import money

TURN_S = 0.03
QUIET_TURNS = 5  # longer than it takes to look for dead relays
MAX_TURNS = 400
NOW = 1_795_000_000.0  # 2026-11-18


class Killed(Exception):
    """The process that uses `database` died here."""

    def __init__(self, where: str, database: "MortalDatabase") -> None:
        super().__init__(where)
        self.database = database


class MortalDatabase:
    """A database whose user dies at a chosen transaction: before its commit, or after it without learning so."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.dies_before: str | None = None
        self.dies_after: str | None = None
        self.steps: list[str] = []

    def run(self, step: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        name = step.__name__
        self.steps.append(name)
        if self.dies_before in (name, "any"):
            self.dies_before = None

            def dying(connection: Any) -> None:
                step(connection, *args, **kwargs)
                raise Killed(f"before the commit of {name}", self)

            self._database.run(dying)
        result = self._database.run(step, *args, **kwargs)
        if self.dies_after in (name, "any"):
            self.dies_after = None
            raise Killed(f"after the commit of {name}", self)
        return result

    def read(self, step: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        return self._database.read(step, *args, **kwargs)


class DirectStore:
    """The book's store without threads, so that a test decides what happens when."""

    def __init__(self, database: MortalDatabase, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock

    async def say_hello(self, incarnation: str, node: str, reports: Sequence[LeaseReport]) -> Standing | None:
        return self._database.run(ledger.say_hello, incarnation_id=incarnation, node=node, reports=reports, now=self._clock())

    async def answer_ask(self, ask: LeaseAsk) -> AskOutcome:
        return self._database.run(ledger.answer_ask, ask, period_of=current_period, now=self._clock())

    async def post_returns(self, incarnation: str, reports: Sequence[LeaseReport]) -> Standing | None:
        return self._database.run(ledger.post_returns, incarnation_id=incarnation, reports=reports, now=self._clock())

    async def funded_leases(self, account: str, book: Book) -> list[LeaseState]:
        return self._database.read(ledger.funded_leases, account=account, book=book)

    async def rounds_raised_since(self, at: float) -> list[RaisedRound]:
        return self._database.read(ledger.rounds_raised_since, at)

    async def find_key(self, digest: str) -> ApiKey | None:
        return self._database.read(identity.find_key, digest)

    async def make_claim(self, incarnation: str, claim: Claim) -> ClaimVerdict | None:
        return self._database.run(claims.make_relay_claim, claim, incarnation_id=incarnation, now=self._clock())

    async def end_claim(self, ending: ClaimEnding) -> None:
        self._database.run(claims.end_claim, ending, trims=True, now=self._clock())

    async def keep_refusals(self, refusals: Sequence[Refusal]) -> None:
        self._database.run(keep_refusals, refusals)


def run_now(coroutine: Coroutine[Any, Any, Any]) -> None:
    """Run a coroutine that never waits."""
    with pytest.raises(StopIteration):
        coroutine.send(None)


class SimBook:
    """A book's process."""

    def __init__(self, world: "World") -> None:
        self.database = MortalDatabase(world.database)
        self.outbox: list[tuple[int, ToRelay]] = []
        self.engine = BookEngine(DirectStore(self.database, world.clock), send=self._send, clock=world.clock)
        self.keeper = JournalKeeper(world.root, self.database, clock=world.clock, charge_orphans=lambda: world.charges_orphans)
        self._world = world

    def _send(self, connection_id: int, message: ToRelay) -> None:
        relay = self._world.by_connection.get(connection_id)
        if relay is not None and relay.alive:
            relay.down.append(message)

    def work(self) -> None:
        for news in self.keeper.work():
            self.engine.posted(news.incarnation, news.standing)


class SimRelay:
    """A relay's process; `served`, `refused` and `timed_out` count its requests."""

    def __init__(self, world: "World", *, segment_records: int = 20_000) -> None:
        self._world = world
        self.journal = JournalWriter.create(world.root, segment_records=segment_records)
        self.incarnation = self.journal.incarnation
        self.leases = Leases(clock=world.clock)
        self.alive = True
        self.fenced = False
        self.book: SimBook | None = None
        self.connection_id = 0
        self.up: deque[ToBook] = deque()
        self.down: deque[ToRelay] = deque()
        self.open: dict[int, tuple[Lease, int]] = {}
        self.waiting: list[Waiter] = []
        self.served = 0
        self.refused: list[str] = []
        self.timed_out = 0

    def _send(self, message: ToBook) -> None:
        if self.book is not None:
            self.up.append(message)

    def connect(self, book: SimBook) -> None:
        self.connection_id = next(self._world.numbers)
        self._world.by_connection[self.connection_id] = self
        self.book = book
        book.engine.connected(self.connection_id)
        self.up, self.down = deque(), deque()
        self.leases.connected(self._send, incarnation=self.incarnation, node="node")

    def disconnect(self) -> None:
        """The connection is lost, with all that was under way on it."""
        if self.book is not None:
            self.book.engine.disconnected(self.connection_id)
            self._world.by_connection.pop(self.connection_id, None)
            self.book = None
        self.up.clear()
        self.down.clear()
        self.leases.disconnected()

    def kill(self) -> None:
        """kill -9: what it has sent stays in the socket, and its lock is free."""
        self.alive = False
        self.down.clear()
        os.close(self.journal._descriptor)
        os.close(self.journal._lock)

    def request(self, amount_nanos: int, *, key: str = "key_a") -> None:
        period, ends_at = current_period(self._world.resets, self._world.now)
        lease, taken = self.leases.take(key, period, ends_at=ends_at, amount_nanos=amount_nanos)
        if taken:
            self._hold(lease, amount_nanos)
        else:
            self._wait(lease, amount_nanos)

    def _wait(self, lease: Lease, amount_nanos: int) -> None:
        def refused(reason: str) -> None:
            self.waiting.remove(waiter)
            self.refused.append(reason)

        def served(lease: Lease) -> None:
            self.waiting.remove(waiter)
            self._hold(lease, amount_nanos)

        waiter = Waiter(lease, amount_nanos, served=served, refused=refused)
        self.waiting.append(waiter)
        self.leases.wait(waiter)

    def _hold(self, lease: Lease, amount_nanos: int) -> None:
        key = self._world.keys[lease.key]
        hold = self.journal.stage_hold(
            key=key.id,
            account=key.account,
            book=key.book,
            period=lease.period,
            amount_nanos=amount_nanos,
            request_id=f"req_{next(self._world.numbers)}",
        )
        self.journal.commit()
        self.open[hold] = (lease, amount_nanos)
        self.served += 1

    def give_up(self) -> None:
        """The oldest waiter has waited too long: 503."""
        waiter = self.waiting.pop(0)
        self.timed_out += 1
        self.leases.give_up(waiter)

    def capture(self, hold: int, amount_nanos: int) -> None:
        lease, held = self.open.pop(hold)
        self.journal.stage_capture(hold, amount_nanos=amount_nanos, facts=self._world.facts(lease))
        self.journal.commit()
        self._world.captured += amount_nanos
        self.leases.settle(lease, held, amount_nanos)

    def release(self, hold: int) -> None:
        lease, held = self.open.pop(hold)
        self.journal.stage_release(hold, facts=self._world.facts(lease))
        self.journal.commit()
        self.leases.settle(lease, held, 0)

    def hear(self) -> None:
        """Take one message of the book."""
        message = self.down.popleft()
        if isinstance(message, Fenced):
            self.fenced = True
            self.kill()
        elif not isinstance(message, KeysChanged):
            self.leases.on_message(message)  # type: ignore[arg-type]  # neither configuration nor keys are sent here
            self.journal.prune(self.leases.posted_seq)


class World:
    """Books and relays around one database; see the module's docstring."""

    def __init__(self, database: Database, root: Path) -> None:
        self.database = database
        self.root = root
        self.now = NOW
        self.resets: LimitReset = "never"
        self.charges_orphans = False
        self.numbers = itertools.count(1)
        self.by_connection: dict[int, SimRelay] = {}
        self.keys: dict[str, ApiKey] = {}
        self.captured = 0
        self.is_mortal = False
        self.dooms: list[tuple[str, str]] = []
        self.deaths: list[str] = []
        self.account = database.run(identity.create_account, name="payer", now=NOW)
        self.add_key("key_a")
        self.books = [SimBook(self)]
        self.relays: list[SimRelay] = []

    def clock(self) -> float:
        return self.now

    def facts(self, lease: Lease) -> bytes:
        facts = RequestFacts(request_id="", account=self.account, key=lease.key, book="test", endpoint="chat", model="m", at_ms=1)
        return msgspec.msgpack.encode(facts)

    def add_key(self, name: str, *, limit_nanos: int | None = None, limit_reset: LimitReset = "never") -> None:
        key = ApiKey(
            id=name, account=self.account, book="test", name=name, digest=name, hint="", limit_nanos=limit_nanos, limit_reset=limit_reset
        )
        self.keys[name] = self.database.run(identity.create_key, key, now=self.now)

    def prepay(self, amount_nanos: int) -> None:
        """Make the account prepaid, with this much on it."""
        self.database.run(ledger.set_credit_limit, account=self.account, book="test", credit_limit_nanos=0, now=self.now)
        self.pay(amount_nanos)
        self.now += 10.0  # the lowered limit recalls idle money for a while

    def pay(self, amount_nanos: int) -> None:
        cause = f"pay_{next(self.numbers)}"
        self.database.run(ledger.credit, account=self.account, book="test", amount_nanos=amount_nanos, idempotency_key=cause, now=self.now)

    def relay(self, *, connected_to: SimBook | None = None, segment_records: int = 20_000) -> SimRelay:
        """Start a relay and have it say hello."""
        relay = SimRelay(self, segment_records=segment_records)
        self.relays.append(relay)
        relay.connect(connected_to or self.books[0])
        return relay

    def deliver_up(self, relay: SimRelay) -> None:
        """Have the book take one message of a relay, dead or alive."""
        book = relay.book
        assert book is not None
        self.live(lambda: run_now(book.engine.handle(relay.connection_id, relay.up.popleft())))

    def live(self, step: Callable[[], None]) -> None:
        """Take a step of a book. In a mortal world one that dies in it is started again, perhaps with another doom."""
        for name, moment in self.dooms[:1]:
            for book in self.books:
                setattr(book.database, moment, name)
        try:
            step()
        except Killed as killed:
            if not self.is_mortal:
                raise
            self.deaths.append(str(killed))
            self.bury(killed)
            del self.dooms[:1]

    def notice_death(self, relay: SimRelay) -> None:
        """The book has read all the dead relay sent, and sees the end of the connection."""
        if relay.book is not None:
            relay.book.engine.disconnected(relay.connection_id)
            self.by_connection.pop(relay.connection_id, None)
            relay.book = None
        relay.up.clear()

    def bury(self, killed: Killed) -> SimBook:
        """Start the book again that died in a transaction."""
        return self.kill_book(next(index for index, book in enumerate(self.books) if book.database is killed.database))

    def kill_book(self, index: int = 0) -> SimBook:
        """kill -9 of a book, and its restart."""
        dead = self.books[index]
        for relay in self.relays:
            if relay.book is dead and relay.alive:
                relay.disconnect()
            elif relay.book is dead:
                self.notice_death(relay)
        dead.keeper.close()
        self.books[index] = SimBook(self)
        return self.books[index]

    def settle(self) -> None:
        """Deliver everything that is under way, and let books do what they do by themselves, until all is quiet."""
        quiet = 0
        for _ in range(MAX_TURNS):
            for relay in self.relays:
                self._exchange(relay)
            self.now += TURN_S
            for book in self.books:
                self.live(book.work)
            for book in self.books:
                self.live(lambda book=book: run_now(book.engine.tick()))  # type: ignore[misc]
            is_busy = any(relay.up or relay.down or (relay.alive and relay.book is None) for relay in self.relays)
            quiet = 0 if is_busy else quiet + 1
            if quiet == QUIET_TURNS:
                return
        raise AssertionError("the world does not come to rest")

    def _exchange(self, relay: SimRelay) -> None:
        if relay.alive and relay.book is None:
            relay.connect(self.books[0])
        while relay.book is not None and (relay.up or relay.down):
            if relay.up:
                self.deliver_up(relay)
            elif relay.alive:
                relay.hear()
        if not relay.alive and not relay.up:
            self.notice_death(relay)

    def check(self, *, at_rest: bool = False) -> AuditReport:
        """Audit, insisting that everything agrees and no live relay's journal holds more than its leases."""
        report = self.database.read(audit, at_rest=at_rest)
        assert report.failures == ()
        assert self.database.read(kept_sums) == self.database.read(sums_again)
        failures, _ = audit_journals(self.root, self.database, at_rest=at_rest)
        assert failures == []
        for relay in self.relays:
            assert not relay.alive or self._ledger_covers(relay)
        return report

    def _ledger_covers(self, relay: SimRelay) -> bool:
        """No relay believes that it owns more than the ledger says."""
        rows = self.database.read(lambda connection: connection.execute(select(money.lease)).all())
        totals = {(row.incarnation, row.key, row.period): (row.granted_nanos, row.returned_nanos) for row in rows}
        for lease in relay.leases._leases.values():
            granted, returned = totals.get((relay.incarnation, lease.key, lease.period), (0, 0))
            if lease.granted_nanos > granted or lease.returned_nanos < returned:
                return False
        return True

    def end(self) -> AuditReport:
        """Kill every relay, recover, and audit at rest: everything captured is posted, and nothing is out."""
        for relay in self.relays:
            if relay.alive:
                relay.kill()
            relay.up.clear()
        for _ in range(20):
            self.settle()
            if not any(self.root.iterdir()):
                break
        assert not any(self.root.iterdir()), "a journal of a dead relay is left"
        report = self.check(at_rest=True)
        (book, _) = report.books
        assert book.leases_nanos == 0
        return report

    def balance(self) -> int:
        accounts = self.database.read(identity.list_accounts)
        return next(account.balance_nanos for account in accounts if account.id == self.account and account.book == "test")

    def journals(self) -> list[JournalReader]:
        return [JournalReader(directory) for directory in self.root.iterdir()]


@pytest.fixture
def world(database: Database, tmp_path: Path) -> Iterator[World]:
    root = tmp_path / "journal"
    root.mkdir()
    made = World(database, root)
    yield made
    for relay in made.relays:
        if relay.alive:
            relay.kill()
    for book in made.books:
        book.keeper.close()


@pytest.fixture
def mortal_world(world: World) -> World:
    """A world whose books may die in a transaction, and are started again."""
    world.is_mortal = True
    return world
