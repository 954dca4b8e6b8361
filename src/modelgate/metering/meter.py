"""What the gateway calls about money: open a hold, capture it or release it, and be told when that is durable.

Everything staged in one turn of the event loop is one commit of the journal; whoever waits for it goes on after it.
"""

import asyncio
from collections.abc import Callable, Iterable
from functools import partial
from typing import Protocol

import msgspec

from modelgate.core.clock import Clock
from modelgate.core.errors import BalanceExhausted, InsufficientFunds, LimitExhausted, ModelgateError, Overloaded
from modelgate.core.ids import began_at_ms
from modelgate.core.money import Book
from modelgate.core.records import ApiKey, RequestFacts
from modelgate.metering.leases import Lease, LeaseMessage, Leases, Reason, TooManyWaiters, Waiter

LEASE_WAIT_S = 2.0
"""No request waits longer for money; then it is told to come again, never that there is none."""
RETRY_AFTER_S = 1.0
MAX_BACKLOG_RECORDS = 200_000
"""So many journal records the book may be behind before new requests are refused."""
DRAIN_S = 5.0
"""How long a shutdown waits for the book to post what is journalled; the rest is recovered from disk."""
DRAIN_POLL_S = 0.01
COMMIT_AFTER_TURNS = 2
"""One turn more than needed: under load it makes the commits twice as large, at rest it costs microseconds."""
IDLE_CHECK_S = 5.0

_encode = msgspec.msgpack.Encoder().encode


class JournalWriter(Protocol):
    """What the meter needs of a journal; `storage.journal_writer.Journal` is one."""

    last_seq: int
    committed_seq: int

    def stage_hold(self, *, key: str, account: str, book: Book, period: str, amount_nanos: int, request_id: str) -> int: ...

    def stage_capture(self, hold_seq: int, *, amount_nanos: int, facts: bytes) -> int: ...

    def stage_release(self, hold_seq: int, *, facts: bytes) -> int: ...

    def commit(self) -> None: ...

    def prune(self, posted_seq: int) -> int: ...

    def close(self) -> None: ...


class Hold(msgspec.Struct, eq=False):
    """Money reserved for one request. It is resolved once: by `Meter.capture` or `Meter.release`."""

    key: ApiKey
    amount_nanos: int
    lease: Lease
    request_id: str
    seq: int = 0
    is_open: bool = False


class Meter:
    """The relay's side of the money. One per relay, used from its event loop alone.

    Args:
        journal: of this incarnation.
        leases: of this incarnation; the meter serves waiters out of it.
        clock: seconds since the epoch.
        on_broken: called once, when the journal could not be written: the relay has to exit, its incarnation is recovered.
        broken_by: the exceptions by which the journal says so.
    """

    def __init__(
        self,
        *,
        journal: JournalWriter,
        leases: Leases,
        clock: Clock,
        on_broken: Callable[[Exception], None],
        broken_by: type[Exception] | tuple[type[Exception], ...],
    ) -> None:
        self._journal = journal
        self._leases = leases
        self._clock = clock
        self._on_broken = on_broken
        self._broken_by = broken_by
        self._loop = asyncio.get_running_loop()  # kept: each look-up costs a system call
        self._is_scheduled = False
        self._is_closed = False
        self._is_broken = False
        self._committing: list[Callable[[bool], None]] = []
        self._committed: list[Callable[[], None]] = []
        self._idle_timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Begin to give idle money back. Needs a running event loop."""
        self._idle_timer = self._loop.call_later(IDLE_CHECK_S, self._check_idle)

    async def open_hold(self, *, key: ApiKey, period: str, period_ends_at: float | None, amount_nanos: int, request_id: str) -> Hold:
        """Reserve money for a request; return when that is durable, so that the upstream may be asked.

        A hold of zero (a free model) needs no money and is journalled all the same. `period` is the key's current one as
        far as the caller knows, good until `period_ends_at`.

        Raises:
            BalanceExhausted, LimitExhausted: finally no money, by account or by key.
            Overloaded: no answer in `LEASE_WAIT_S`, the book is too far behind, or the relay is going down.
        """
        if amount_nanos < 0:
            raise ValueError(f"a hold of {amount_nanos} is below zero")
        if self._is_closed or self._journal.last_seq - self._leases.posted_seq > MAX_BACKLOG_RECORDS:
            raise _overloaded()
        try:
            lease, is_taken = self._leases.take(key.id, period, ends_at=period_ends_at, amount_nanos=amount_nanos)
        except TooManyWaiters:
            raise _overloaded() from None
        hold = Hold(key, amount_nanos, lease, request_id)
        done = self._loop.create_future()
        if is_taken:
            self._stage(hold, partial(_answer, done))
            waiter = None
        else:
            waiter = self._wait(hold, done)
        try:
            is_committed = await done
        except asyncio.CancelledError:
            self._abandon(hold, waiter)
            raise
        if not is_committed:
            raise _overloaded()
        return hold

    def take_now(self, key: ApiKey, *, period: str, period_ends_at: float | None, amount_nanos: int) -> Lease | None:
        """Take money for a hold that is to follow in the same turn, by `hold_now` or, if it comes to nothing, `give_back`.

        None: it is not there without waiting, or no hold may be taken now; `open_hold` knows more.
        """
        if self._is_closed or self._journal.last_seq - self._leases.posted_seq > MAX_BACKLOG_RECORDS:
            return None
        try:
            lease, is_taken = self._leases.take(key.id, period, ends_at=period_ends_at, amount_nanos=amount_nanos)
        except TooManyWaiters:
            return None
        return lease if is_taken else None

    def give_back(self, lease: Lease, amount_nanos: int) -> None:
        """Give back what `take_now` took."""
        self._leases.settle(lease, amount_nanos, 0)

    def hold_now(self, key: ApiKey, *, lease: Lease, amount_nanos: int, request_id: str, committed: Callable[[bool], None]) -> Hold:
        """Stage a hold of money that `take_now` took; `committed` is told whether it became durable."""
        hold = Hold(key, amount_nanos, lease, request_id)
        self._stage(hold, committed)
        return hold

    def capture(self, hold: Hold, *, amount_nanos: int, facts: RequestFacts, committed: Callable[[], None]) -> None:
        """Charge a hold. `committed` is called once the charge is durable: only then may the last byte leave.

        Captures of one relay are committed in the order of their calls. If the journal breaks `committed` is never called.

        Raises:
            KeyError: the hold is resolved already.
        """
        if amount_nanos < 0:
            raise ValueError(f"a charge of {amount_nanos} is below zero")
        self._resolve(hold, committed)
        self._journal.stage_capture(hold.seq, amount_nanos=amount_nanos, facts=_encode(facts))
        self._leases.settle(hold.lease, hold.amount_nanos, amount_nanos)

    def release(self, hold: Hold, *, facts: RequestFacts, committed: Callable[[], None]) -> None:
        """End a hold without a charge; `facts.error` and `facts.note` tell why. Otherwise as `capture`."""
        self._resolve(hold, committed)
        self._journal.stage_release(hold.seq, facts=_encode(facts))
        self._leases.settle(hold.lease, hold.amount_nanos, 0)

    def on_message(self, message: LeaseMessage) -> None:
        """Take in what the book says about leases; segments that are posted are deleted."""
        before = self._leases.posted_seq
        self._leases.on_message(message)
        if self._leases.posted_seq > before and not self._is_broken:
            try:
                self._journal.prune(self._leases.posted_seq)
            except self._broken_by as error:
                self._break(error)

    def keys_changed(self, keys: Iterable[str]) -> None:
        """Give back what is free of keys that were revoked or changed."""
        self._leases.return_all(keys)

    def stop(self) -> None:
        """Take no new holds: the incarnation may not spend any more."""
        self._is_closed = True

    async def drain(self, wait_s: float = DRAIN_S) -> bool:
        """Take no new holds, give everything free back and wait until the book has posted all; return whether it has.

        Call it when the requests have ended: their holds are resolved by then.
        """
        self.stop()
        self._leases.return_all()
        if self._idle_timer is not None:
            self._idle_timer.cancel()
        give_up_at = self._clock() + wait_s
        while not self._is_broken and self._leases.posted_seq < self._journal.last_seq and self._clock() < give_up_at:
            await asyncio.sleep(DRAIN_POLL_S)
            self._leases.return_all()  # what the last captures left over
        return self._leases.posted_seq >= self._journal.last_seq

    async def close(self, wait_s: float = DRAIN_S) -> bool:
        """`drain`, then let go of the journal: the book recovers what is left of it, usually nothing. Nothing may be staged after."""
        is_posted = await self.drain(wait_s)
        if not self._is_broken:
            self._commit()
            self._journal.close()
        return is_posted

    # ---- staging and committing

    def _stage(self, hold: Hold, committed: Callable[[bool], None]) -> None:
        key = hold.key
        hold.seq = self._journal.stage_hold(
            key=key.id,
            account=key.account,
            book=key.book,
            period=hold.lease.period,
            amount_nanos=hold.amount_nanos,
            request_id=hold.request_id,
        )
        hold.is_open = True
        self._committing.append(committed)
        if not self._is_scheduled:
            self._schedule()

    def _resolve(self, hold: Hold, committed: Callable[[], None]) -> None:
        if not hold.is_open:
            raise KeyError(f"hold {hold.seq} is resolved already")
        hold.is_open = False
        self._committed.append(committed)
        if not self._is_scheduled:
            self._schedule()

    def _schedule(self) -> None:
        self._is_scheduled = True
        self._loop.call_soon(self._gather, COMMIT_AFTER_TURNS)

    def _gather(self, turns: int) -> None:
        """Let what is ready in the next turns stage its records too: the larger the commit, the cheaper each record."""
        if turns > 1:
            self._loop.call_soon(self._gather, turns - 1)
        else:
            self._commit()

    def _commit(self) -> None:
        self._is_scheduled = False
        committing, self._committing = self._committing, []
        committed, self._committed = self._committed, []
        is_committed = True
        try:
            self._journal.commit()
        except self._broken_by as error:
            is_committed, committed = False, []
            self._break(error)
        # One request's fault must not keep the others from their answers.
        for callback in committing:
            try:
                callback(is_committed)
            except Exception as error:  # noqa: BLE001  # as said
                self._report(error)
        for release in committed:
            try:
                release()
            except Exception as error:  # noqa: BLE001  # as said
                self._report(error)

    def _report(self, error: Exception) -> None:
        self._loop.call_exception_handler({"message": "an answer could not be released", "exception": error})

    def _break(self, error: Exception) -> None:
        self.stop()
        if not self._is_broken:
            self._is_broken = True
            self._on_broken(error)

    # ---- waiting for money

    def _wait(self, hold: Hold, done: "asyncio.Future[bool]") -> Waiter:
        loop = asyncio.get_running_loop()

        def served(lease: Lease) -> None:
            timer.cancel()
            hold.lease = lease
            self._stage(hold, partial(_answer, done))

        def refused(reason: Reason) -> None:
            timer.cancel()
            _fail(done, _exhausted(reason))

        def too_late() -> None:
            self._leases.give_up(waiter)
            _fail(done, _overloaded())

        waiter = Waiter(hold.lease, hold.amount_nanos, served=served, refused=refused)
        timer = loop.call_later(LEASE_WAIT_S, too_late)
        try:
            self._leases.wait(waiter)
        except TooManyWaiters:
            timer.cancel()
            raise _overloaded() from None
        return waiter

    def _abandon(self, hold: Hold, waiter: Waiter | None) -> None:
        """The caller is gone: it waits no more, and what was held for it meanwhile is released."""
        if waiter is not None:
            self._leases.give_up(waiter)
        if hold.is_open:
            facts = RequestFacts(
                request_id=hold.request_id,
                account=hold.key.account,
                key=hold.key.id,
                book=hold.key.book,
                endpoint="",
                model="",
                at_ms=began_at_ms(hold.request_id, now=self._clock()) or int(self._clock() * 1000),
                status=499,
                error="client_left",
                note="client_left",
            )
            self.release(hold, facts=facts, committed=_nothing)

    def _check_idle(self) -> None:
        self._leases.return_idle()
        self.start()


def _nothing() -> None:
    """Nobody waits for this commit."""


def _overloaded() -> Overloaded:
    return Overloaded(retry_after_s=RETRY_AFTER_S)


def _exhausted(reason: Reason) -> InsufficientFunds:
    return BalanceExhausted() if reason == "balance" else LimitExhausted()


def _answer(done: "asyncio.Future[bool]", is_committed: bool) -> None:
    if not done.done():
        done.set_result(is_committed)


def _fail(done: "asyncio.Future[bool]", error: ModelgateError) -> None:
    if not done.done():
        done.set_exception(error)
