"""What one relay may spend: its leases, who waits for money, and what it says to the book about them. No I/O.

A lease is a slice of a key's money in one period. Everything the book says about it is a running total, of which the
highest wins; nothing here is ever added from a message. Money is integer nano-USD, times are seconds.
"""

from collections.abc import Callable, Iterable
from typing import Literal

from modelgate.core.clock import Clock
from modelgate.metering.messages import Ask, Granted, Hello, LeaseTotals, PeriodOver, Recall, Refused, Return, ToBook, Totals

IDLE_RETURN_S = 30.0
"""A lease nobody took from for this long is given back unasked."""
MAX_LEASES = 200_000
MAX_WAITERS = 10_000
PREFETCH_S = 2.0
"""A lease is asked to last about so long at the rate it was used."""
FIRST_PREFETCH_HOLDS = 16
MAX_PREFETCH_NANOS = 10_000_000_000
"""No more than 10 USD beyond what is needed; idle money can be recalled, but each recall costs a round."""
MIN_RATE_SPAN_S = 0.05
STALE_ASK_S = 0.2
"""An ask unanswered for so long is put anew when one of those it was for gives up."""
NOBODY = 1 << 63
"""More than any hold: the smallest waiting amount where nobody waits."""

Reason = Literal["balance", "limit"]
LeaseMessage = Totals | Granted | Refused | PeriodOver | Recall
"""The messages of the book that speak about leases."""


class TooManyWaiters(Exception):
    """A bound of this module is reached: `MAX_WAITERS` or `MAX_LEASES`."""


class Waiter:
    """A request that waits for money. Exactly one of the two is called, once, unless it gives up before.

    `served` runs inside the call that brought the money, which is already taken: whatever it stages comes before
    anything the next message can do. `refused` is final.
    """

    __slots__ = ("amount_nanos", "lease", "refused", "served", "since")

    def __init__(self, lease: "Lease", amount_nanos: int, *, served: "Callable[[Lease], None]", refused: Callable[[Reason], None]) -> None:
        self.lease = lease
        self.amount_nanos = amount_nanos
        self.served = served
        self.refused = refused
        self.since = 0


class Lease:
    """Money of one key in one period that this relay may spend.

    `used_nanos` is all that was captured plus all that is held now; it falls when a hold ends for less than it held, and
    rises above what was granted when one ends for more. `acknowledged_nanos` is how much of `returned_nanos` the book has posted.
    `smallest_nanos` is at most the smallest hold that waits.
    """

    __slots__ = (
        "acknowledged_nanos",
        "asked",
        "asked_at",
        "asked_nanos",
        "ends_at",
        "granted_nanos",
        "key",
        "open_holds",
        "period",
        "returned_nanos",
        "smallest_nanos",
        "taken_nanos",
        "touched",
        "touched_at",
        "used_nanos",
        "waiters",
    )

    def __init__(self, key: str, period: str, *, ends_at: float | None, now: float) -> None:
        self.key = key
        self.period = period
        self.ends_at = ends_at
        self.granted_nanos = 0
        self.returned_nanos = 0
        self.acknowledged_nanos = 0
        self.used_nanos = 0
        self.open_holds = 0
        self.taken_nanos = 0
        self.touched = False
        self.touched_at = now
        self.asked: Ask | None = None
        self.asked_at = now
        self.asked_nanos = 0
        self.smallest_nanos = NOBODY
        self.waiters: dict[Waiter, None] = {}  # in order, and quick to leave

    @property
    def free_nanos(self) -> int:
        """What new holds may take; below zero after an overrun."""
        return self.granted_nanos - self.returned_nanos - self.used_nanos

    def take(self, amount_nanos: int) -> bool:
        """Take money for a hold, if it is there. A hold of nothing needs no money, whatever the state of the lease."""
        if amount_nanos and self.granted_nanos - self.returned_nanos - self.used_nanos < amount_nanos:
            return False
        self.used_nanos += amount_nanos
        self.taken_nanos += amount_nanos
        self.open_holds += 1
        self.touched = True
        return True

    def settle(self, hold_nanos: int, captured_nanos: int) -> None:
        """End a hold; what it captured stays used, above its hold too."""
        self.used_nanos += captured_nanos - hold_nanos
        self.open_holds -= 1

    def is_done(self) -> bool:
        """Whether nothing is open or free here, and the book has heard so."""
        return not self.open_holds and not self.waiters and self.free_nanos <= 0 and self.acknowledged_nanos == self.returned_nanos

    def totals(self) -> LeaseTotals:
        """The totals as this side knows them: granted as heard, returned as decided."""
        return LeaseTotals(self.key, self.period, self.granted_nanos, self.returned_nanos)


class Leases:
    """All leases of one incarnation.

    Messages leave through the connection that stands; nothing but hello is sent before that is answered on it, and what
    is lost with a connection is said again by the next hello, because every message carries totals.
    `posted_seq` is the highest journal record the book says it has posted.
    """

    def __init__(self, *, clock: Clock) -> None:
        self.posted_seq = 0
        self.is_ready = False
        self._send: Callable[[ToBook], None] = _drop
        self._clock = clock
        self._leases: dict[tuple[str, str], Lease] = {}
        self._current: dict[str, tuple[str, float | None]] = {}
        self._waiting: dict[Lease, None] = {}
        self._waiters = 0
        self._asks: dict[int, Lease] = {}
        self._n = 0

    def __len__(self) -> int:
        return len(self._leases)

    def take(self, key: str, period: str, *, ends_at: float | None, amount_nanos: int) -> tuple[Lease, bool]:
        """Take money for a hold; return the lease it is or has to be taken from, and whether it was there.

        `period` is the key's current one as far as the caller knows, good until `ends_at`.

        Raises:
            TooManyWaiters: there are `MAX_LEASES` leases.
        """
        lease = self._leases.get((key, period))
        if lease is None:
            lease = self._open(key, period, ends_at)
        if ends_at is not None or lease.ends_at is not None:
            return self._take_in_period(lease, ends_at, amount_nanos)
        return lease, lease.take(amount_nanos)

    def _take_in_period(self, lease: Lease, ends_at: float | None, amount_nanos: int) -> tuple[Lease, bool]:
        if lease.ends_at is None:  # first heard of in a message, which does not tell
            lease.ends_at = ends_at
        if not amount_nanos or (lease.ends_at is not None and self._clock() < lease.ends_at):
            return lease, lease.take(amount_nanos)
        return self._take_after_period(lease, amount_nanos)

    def _take_after_period(self, over: Lease, amount_nanos: int) -> tuple[Lease, bool]:
        """No new hold comes out of a period that is over, unless the book, asked, says it is not."""
        now = self._clock()
        period, ends_at = self._current.get(over.key, (over.period, over.ends_at))
        if period == over.period or (ends_at is not None and ends_at <= now):
            self._give_back((over,))
            return over, False
        lease = self._leases.get((over.key, period)) or self._open(over.key, period, ends_at)
        return lease, lease.take(amount_nanos)

    def wait(self, waiter: Waiter) -> None:
        """Queue a request for money, and ask for it in the same turn.

        Raises:
            TooManyWaiters: `MAX_WAITERS` wait already.
        """
        if self._waiters >= MAX_WAITERS:
            raise TooManyWaiters
        self._enqueue(waiter.lease, waiter)
        self._ask_if_needed(waiter.lease)

    def give_up(self, waiter: Waiter) -> None:
        """Forget a waiter whose time is up or whose client left; its ask goes with it. Nothing if it is not waiting."""
        lease = waiter.lease
        if waiter in lease.waiters:
            self._dequeue(lease, waiter)
            if lease.asked is not None and lease.asked_at + STALE_ASK_S <= self._clock():
                self._forget_ask(lease)
            self._ask_if_needed(lease)

    def settle(self, lease: Lease, hold_nanos: int, captured_nanos: int) -> None:
        """End a hold, and let what it leaves serve who waits for this lease."""
        lease.settle(hold_nanos, captured_nanos)
        if lease.waiters:
            self._serve(lease)
            self._ask_if_needed(lease)

    def connected(self, send: Callable[[ToBook], None], *, incarnation: str, node: str) -> None:
        """A new connection stands: say hello on it. Asks start again when that is answered."""
        self.disconnected()
        self._send = send
        unposted = (lease.totals() for lease in self._leases.values() if lease.returned_nanos > lease.acknowledged_nanos)
        send(Hello(incarnation, node, tuple(unposted)))

    def disconnected(self) -> None:
        """The connection is gone, and with it everything that was asked on it."""
        self.is_ready = False
        self._send = _drop
        for lease in list(self._asks.values()):
            self._forget_ask(lease)

    def on_message(self, message: LeaseMessage) -> None:
        """Take in what the book says. Waiters are served before this returns, so before the next message is looked at."""
        self.posted_seq = max(self.posted_seq, message.posted_seq)
        for totals in message.leases:
            self._take_totals(totals)
        match message:
            case Totals():
                self._on_totals()
            case Granted(n=n):
                self._on_granted(n)
            case Refused(n=n, reason=reason):
                self._on_refused(n, reason)
            case PeriodOver():
                self._on_period_over(message)
            case Recall():
                self._give_back([self._leases[totals.key, totals.period] for totals in message.leases], recall=message)

    def return_idle(self) -> None:
        """Give back what nobody took from for `IDLE_RETURN_S`, and the rest of periods that are over. Call it now and then."""
        now = self._clock()
        idle: list[Lease] = []
        done: list[Lease] = []
        for lease in self._leases.values():
            if lease.touched:
                lease.touched, lease.touched_at = False, now
            is_over = lease.ends_at is not None and lease.ends_at <= now
            if lease.free_nanos > 0 and not lease.waiters and (is_over or lease.touched_at + IDLE_RETURN_S <= now):
                idle.append(lease)
            elif is_over and lease.is_done():
                done.append(lease)
        self._give_back(idle)
        for lease in done:  # its period never comes again, and the book has heard all there is to say
            del self._leases[lease.key, lease.period]
            if self._current.get(lease.key, ("",))[0] == lease.period:
                del self._current[lease.key]

    def return_all(self, keys: Iterable[str] | None = None) -> None:
        """Give back all that is free, of some keys (revoked, or changed) or of all (shutdown)."""
        chosen = None if keys is None else frozenset(keys)
        self._give_back(lease for lease in list(self._leases.values()) if lease.free_nanos > 0 and (chosen is None or lease.key in chosen))

    # ---- what the book said

    def _take_totals(self, totals: LeaseTotals) -> None:
        lease = self._leases.get((totals.key, totals.period))
        if lease is None:  # a grant whose news was lost with a connection
            lease = self._add(totals.key, totals.period)
        lease.granted_nanos = max(lease.granted_nanos, totals.granted_nanos)
        lease.acknowledged_nanos = max(lease.acknowledged_nanos, totals.returned_nanos)
        if lease.waiters:
            self._serve(lease)

    def _on_totals(self) -> None:
        self.is_ready = True
        for lease in list(self._waiting):
            self._ask_if_needed(lease)

    def _on_granted(self, n: int) -> None:
        lease = self._asks.get(n)
        if lease is not None:  # it was too little for those who wait on, or came too late: ask with what is needed now
            self._forget_ask(lease)
            self._ask_if_needed(lease)

    def _on_refused(self, n: int, reason: Reason) -> None:
        lease = self._asks.get(n)
        if lease is None or lease.asked is None:
            return  # those it was for have left or were served: it says nothing about those who wait now
        need_nanos = lease.asked.need_nanos
        self._forget_ask(lease)
        # The book has proved that it cannot bring this lease to `need_nanos`, at a time when these were waiting already.
        refused = [waiter for waiter in lease.waiters if waiter.since <= n and lease.used_nanos + waiter.amount_nanos >= need_nanos]
        for waiter in refused:
            self._dequeue(lease, waiter)
        self._ask_if_needed(lease)
        for waiter in refused:
            waiter.refused(reason)

    def _on_period_over(self, message: PeriodOver) -> None:
        self._current[message.key] = (message.period, message.ends_at)
        old = self._asks.get(message.n)
        if old is None:
            return
        self._forget_ask(old)
        if old.period == message.period:  # it is the current one after all
            old.ends_at = message.ends_at
            self._ask_if_needed(old)
            return
        old.ends_at = self._clock()
        new = self._leases.get((message.key, message.period)) or self._add(message.key, message.period, message.ends_at)
        for waiter in list(old.waiters):
            self._dequeue(old, waiter)
            self._enqueue(new, waiter)
        self._serve(new)
        self._ask_if_needed(new)
        self._give_back((old,))

    # ---- serving, asking, returning

    def _serve(self, lease: Lease) -> None:
        """Serve waiters in order; one that needs more than is there does not stop those behind it."""
        if lease.free_nanos < lease.smallest_nanos:
            return
        for waiter in list(lease.waiters):
            if waiter in lease.waiters and lease.take(waiter.amount_nanos):
                self._dequeue(lease, waiter)
                waiter.served(lease)
                if lease.free_nanos < lease.smallest_nanos:
                    return

    def _ask_if_needed(self, lease: Lease) -> None:
        """Ask for the smallest waiting hold, unless an ask for one as small is under way: those who came later wait for its answer."""
        if not self.is_ready or not lease.waiters or (lease.asked is not None and lease.asked_nanos <= lease.smallest_nanos):
            return
        smallest = lease.smallest_nanos = min(waiter.amount_nanos for waiter in lease.waiters)
        if lease.asked is not None:
            if lease.asked_nanos <= smallest:
                return
            self._forget_ask(lease)
        self._n += 1
        need_nanos = lease.used_nanos + smallest
        ask = Ask(self._n, lease.key, lease.period, need_nanos, need_nanos + self._prefetch(lease, smallest))
        lease.asked, lease.asked_nanos = ask, smallest
        self._asks[ask.n] = lease
        self._send(ask)

    def _forget_ask(self, lease: Lease) -> None:
        if lease.asked is not None:
            del self._asks[lease.asked.n]
            lease.asked = None

    def _prefetch(self, lease: Lease, smallest: int) -> int:
        now = self._clock()
        rate = lease.taken_nanos / max(now - lease.asked_at, MIN_RATE_SPAN_S)
        lease.asked_at, lease.taken_nanos = now, 0
        return min(MAX_PREFETCH_NANOS, max(int(rate * PREFETCH_S), FIRST_PREFETCH_HOLDS * smallest))

    def _give_back(self, leases: Iterable[Lease], *, recall: Recall | None = None) -> None:
        if not self.is_ready:
            return  # the next hello says it
        returned = []
        for lease in leases:
            free_nanos = lease.free_nanos
            if free_nanos > 0:
                lease.returned_nanos += free_nanos
            if free_nanos > 0 or recall is not None:  # a recall is answered for every lease it names
                returned.append(lease.totals())
        if recall is not None:
            self._send(Return(tuple(returned), recall.round, recall.account))
        elif returned:
            self._send(Return(tuple(returned)))

    # ---- bookkeeping

    def _open(self, key: str, period: str, ends_at: float | None) -> Lease:
        if len(self._leases) >= MAX_LEASES:
            raise TooManyWaiters
        return self._add(key, period, ends_at)

    def _add(self, key: str, period: str, ends_at: float | None = None) -> Lease:
        lease = self._leases[key, period] = Lease(key, period, ends_at=ends_at, now=self._clock())
        return lease

    def _enqueue(self, lease: Lease, waiter: Waiter) -> None:
        waiter.lease = lease
        waiter.since = self._n + 1
        lease.waiters[waiter] = None
        lease.smallest_nanos = min(lease.smallest_nanos, waiter.amount_nanos)
        self._waiting[lease] = None
        self._waiters += 1

    def _dequeue(self, lease: Lease, waiter: Waiter) -> None:
        del lease.waiters[waiter]
        self._waiters -= 1
        if not lease.waiters:  # the last one takes the ask with it: its answer must not hit whoever waits next
            self._forget_ask(lease)
            lease.smallest_nanos = NOBODY
            del self._waiting[lease]


def _drop(message: ToBook) -> None:
    """There is no connection."""
