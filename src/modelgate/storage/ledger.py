"""Money steps of relays and operators: hello, ask, return, credit, refund, limits. Each function is one whole transaction.

Steps about a lease lock the balance first and the incarnation's row before the lease: recovery takes the same row, so
after `closing` is set no grant, return or hello can slip in.
"""

from collections.abc import Callable, Sequence
from typing import Any, Literal

import msgspec
from sqlalchemy import Connection, Row, and_, bindparam, exists, select

from modelgate.core.leases import AskOutcome, LeaseAsk, LeaseReport, LeaseState, RaisedRound, Standing
from modelgate.core.money import Book
from modelgate.core.records import LimitReset
from modelgate.storage.posting import FUNDING, REVENUE, Balance, KeyPeriod, Lease, Posting, balance_account, insert_absent
from modelgate.storage.schema.identity import api_key
from modelgate.storage.schema.money import account_balance, incarnation, lease, ledger_entry

PREFETCH_SHARE = 8
"""More than the need is granted only up to this part of what is left, so that one relay does not drain a small account."""
ROUND_RUNS_S = 5.0
"""For so long after the balance was short nothing is granted beyond the need: money is scarce."""

PeriodOf = Callable[[LimitReset, float], tuple[str, float | None]]
"""`metering.periods.current_period`, handed in."""


_LOCK_INCARNATION = (
    select(incarnation.c.state, incarnation.c.posted_seq, incarnation.c.abandoned)
    .where(incarnation.c.id == bindparam("of_id"))
    .with_for_update()
)
_OWNER_OF_KEY = select(api_key.c.account, api_key.c.book, api_key.c.limit_nanos, api_key.c.limit_reset).where(
    api_key.c.id == bindparam("of_key")
)


class IdempotencyConflict(Exception):
    """The caller's idempotency key was used for another move."""


def lease_state(row: Lease) -> LeaseState:
    """Return the immutable form of a lease for the rooms above."""
    return LeaseState(
        incarnation=row.incarnation,
        key=row.key,
        period=row.period,
        account=row.account,
        book=row.book,
        granted_nanos=row.granted_nanos,
        returned_nanos=row.returned_nanos,
        balance_nanos=row.balance_nanos,
        answered_round=row.answered_round,
    )


def lock_incarnation(connection: Connection, incarnation_id: str) -> Row[Any, Any, Any] | None:
    """Lock an incarnation's row; return (state, posted_seq, abandoned), None when there is no row."""
    return connection.execute(_LOCK_INCARNATION, {"of_id": incarnation_id}).first()


def others_have_answered(
    connection: Connection,
    account: tuple[str, Book],
    recall_round: int,
    *,
    of_key: tuple[str, str] | None = None,
    but: tuple[str, str, str] | None = None,
) -> bool:
    """Whether every lease of the account (of the (key, period), for a limit) that owns money has answered the round.

    A dead relay's lease counts until recovery has closed it. `but` is the asking lease. Call with the balance locked.
    """
    open_leases = (
        select(lease.c.key)
        .join(incarnation, incarnation.c.id == lease.c.incarnation)
        .where(lease.c.account == account[0], lease.c.book == account[1], lease.c.balance_nanos > 0)
        .where(lease.c.answered_round < recall_round, incarnation.c.state != "closed")
    )
    if of_key is not None:
        open_leases = open_leases.where(lease.c.key == of_key[0], lease.c.period == of_key[1])
    if but is not None:
        open_leases = open_leases.where(~and_(lease.c.incarnation == but[0], lease.c.key == but[1], lease.c.period == but[2]))
    return connection.execute(select(~exists(open_leases))).scalar_one()


# --- relays


def say_hello(connection: Connection, *, incarnation_id: str, node: str, reports: Sequence[LeaseReport], now: float) -> Standing | None:
    """Open the incarnation's row if there is none, post returns, and list all its leases; None: fenced."""
    blank = {"state": "open", "posted_seq": 0, "lost_records": 0, "abandoned": False, "opened_at": now, "closed_at": None}
    if connection.execute(select(incarnation.c.id).where(incarnation.c.id == incarnation_id)).first() is None:
        insert_absent(connection, incarnation, [{"id": incarnation_id, "node": node, **blank}])
    standing = post_returns(connection, incarnation_id=incarnation_id, reports=reports, now=now)
    if standing is None:
        return None
    posting = Posting(connection, at=now)
    posting.lock_leases(incarnation_id)
    return Standing(standing.posted_seq, tuple(lease_state(row) for row in posting.leases.values()))


def post_returns(connection: Connection, *, incarnation_id: str, reports: Sequence[LeaseReport], now: float) -> Standing | None:
    """Post what a relay gave back and note which recall rounds it has answered; None: fenced.

    Returns the leases named as they are now. A report that quotes other granted totals than the current ones answers
    no round: its relay did not know yet of its last grant.
    """
    pairs = [(report.key, report.period) for report in reports]
    posting = Posting(connection, at=now)
    if pairs:
        posting.lock_around_leases(incarnation_id, pairs)
    row = lock_incarnation(connection, incarnation_id)
    if row is None or row.state != "open":
        return None
    if pairs:
        posting.lock_leases(incarnation_id, pairs)
    for report in reports:
        held = posting.leases.get((incarnation_id, report.key, report.period))
        if held is not None:
            _take_report(posting, held, report)
    posting.save()
    return Standing(row.posted_seq, tuple(lease_state(held) for held in posting.leases.values()))


def _take_report(posting: Posting, held: Lease, report: LeaseReport) -> None:
    is_current = report.granted_nanos == held.granted_nanos
    returned = report.returned_nanos - held.returned_nanos
    if returned > 0:
        posting.give_back(held, returned)
    if is_current:
        held.answered_round = max(held.answered_round, report.round)


def answer_ask(connection: Connection, ask: LeaseAsk, *, period_of: PeriodOf, now: float) -> AskOutcome:
    """Grant all of the need or nothing, and say how to go on."""
    owner = connection.execute(_OWNER_OF_KEY, {"of_key": ask.key}).first()
    posting = Posting(connection, at=now)
    if owner is not None:
        posting.lock_balances([(owner.account, owner.book)])
        posting.lock_key_periods([(ask.key, ask.period, owner.account, owner.book)])
    row = lock_incarnation(connection, ask.incarnation)
    if row is None or row.state != "open":
        return AskOutcome(verdict="fenced")
    if owner is None:  # a key that is gone may spend nothing more
        return AskOutcome(verdict="refused", short_of="limit", posted_seq=row.posted_seq)
    posting.lock_leases(ask.incarnation, [(ask.key, ask.period)])
    current, ends_at = period_of(owner.limit_reset, now)
    if ask.period == current:
        posting.key_periods[ask.key, ask.period].set_limit(owner.limit_nanos)
        held = posting.lease(ask.incarnation, ask.key, ask.period, account=owner.account, book=owner.book)
        outcome = _decide(posting, held, ask)
    else:
        outcome = AskOutcome(verdict="period_over")
    posting.save()
    return msgspec.structs.replace(
        outcome,
        account=owner.account,
        book=owner.book,
        period=current,
        ends_at=ends_at,
        posted_seq=row.posted_seq,
        leases=tuple(lease_state(held) for held in posting.leases.values()),
    )


def _decide(posting: Posting, held: Lease, ask: LeaseAsk) -> AskOutcome:
    out_nanos = held.granted_nanos - held.returned_nanos
    missing = ask.need_nanos - out_nanos
    balance, key_period = posting.balance_of(held), posting.key_period_of(held)
    if missing <= 0:
        return AskOutcome(verdict="granted")
    is_limited, is_poor = not key_period.allows(missing), not balance.allows(missing)
    if not is_limited and not is_poor:
        posting.fund("grant", held, missing + _prefetch(balance, key_period, missing, wanted=ask.want_nanos - out_nanos, now=posting.at))
        held.answered_round = 0  # a grant voids the answer: what was granted may be idle again
        return AskOutcome(verdict="granted")
    return _refuse_or_wait(posting, held, recall_round=ask.round, is_limited=is_limited, is_poor=is_poor)


def _prefetch(balance: Balance, key_period: KeyPeriod, missing: int, *, wanted: int, now: float) -> int:
    if wanted <= missing or now - balance.scarce_at < ROUND_RUNS_S:
        return 0
    bounds = [
        (available - missing) // PREFETCH_SHARE
        for available in (balance.available_nanos, key_period.available_nanos)
        if available is not None
    ]
    return max(0, min([wanted - missing, *bounds]))


def _refuse_or_wait(posting: Posting, held: Lease, *, recall_round: int | None, is_limited: bool, is_poor: bool) -> AskOutcome:
    balance, asking = posting.balance_of(held), (held.incarnation, held.key, held.period)
    asked_round = balance.recall_round + 1 if recall_round is None else recall_round
    account = (held.account, held.book)

    def is_final(of_key: tuple[str, str] | None) -> bool:
        return others_have_answered(posting.connection, account, asked_round, of_key=of_key, but=asking)

    if is_limited and is_final((held.key, held.period)):
        return AskOutcome(verdict="refused", short_of="limit")
    if is_poor and is_final(None):
        return AskOutcome(verdict="refused", short_of="balance")
    if recall_round is None:
        balance.raise_round(posting.at, is_scarce=is_poor)
    return AskOutcome(verdict="waiting", short_of="limit" if is_limited and not is_poor else "balance", round=asked_round)


def funded_leases(connection: Connection, *, account: str, book: Book) -> list[LeaseState]:
    """Return the leases of an account that own money and whose incarnation is open: those a recall can reach."""
    query = (
        select(lease)
        .join(incarnation, incarnation.c.id == lease.c.incarnation)
        .where(lease.c.account == account, lease.c.book == book, lease.c.balance_nanos > 0, incarnation.c.state == "open")
    )
    return [LeaseState(**row._mapping) for row in connection.execute(query)]


def rounds_raised_since(connection: Connection, at: float) -> list[RaisedRound]:
    """Return the latest round of every account that raised one at or after that time."""
    columns = account_balance.c
    query = select(columns.account, columns.book, columns.recall_round, columns.recall_at).where(
        columns.recall_at >= at, columns.recall_round > 0
    )
    return [RaisedRound(*row) for row in connection.execute(query)]


# --- operators


def _enter_once(
    connection: Connection,
    *,
    kind: Literal["credit", "adjust", "refund"],
    account: str,
    book: Book,
    amount_nanos: int,
    cause: str,
    note: str,
    now: float,
) -> bool:
    """Move money into (negative: out of) a balance, once for each (kind, cause)."""
    posting = Posting(connection, at=now)
    posting.lock_balances([(account, book)])
    outside, inside = REVENUE if kind == "refund" else FUNDING, balance_account(account)
    debit, credit = (outside, inside) if amount_nanos > 0 else (inside, outside)
    known = connection.execute(select(ledger_entry).where(ledger_entry.c.kind == kind, ledger_entry.c.cause == cause)).first()
    if known is not None:
        if (known.book, known.debit, known.credit, known.amount_nanos) != (book, debit, credit, abs(amount_nanos)):
            raise IdempotencyConflict(f"the idempotency key {cause!r} was used for another {kind}")
        return False
    posting.balances[account, book].balance_nanos += amount_nanos
    posting.enter(kind, book=book, debit=debit, credit=credit, amount_nanos=abs(amount_nanos), cause=cause, note=note)
    posting.save()
    return True


def credit(
    connection: Connection, *, account: str, book: Book, amount_nanos: int, idempotency_key: str, now: float, note: str = ""
) -> bool:
    """Book money that came in, such as a payment, amount above zero.

    Returns:
        False when this idempotency key was already booked: nothing was written.

    Raises:
        IdempotencyConflict: the key was used with another account or amount.
    """
    return _enter_once(
        connection, kind="credit", account=account, book=book, amount_nanos=amount_nanos, cause=idempotency_key, note=note, now=now
    )


def adjust(
    connection: Connection, *, account: str, book: Book, amount_nanos: int, idempotency_key: str, now: float, note: str = ""
) -> bool:
    """Correct a balance by hand, up or (amount below zero) down. Returns and raises as `credit`."""
    return _enter_once(
        connection, kind="adjust", account=account, book=book, amount_nanos=amount_nanos, cause=idempotency_key, note=note, now=now
    )


def refund(
    connection: Connection, *, account: str, book: Book, amount_nanos: int, idempotency_key: str, now: float, note: str = ""
) -> bool:
    """Give back money that was spent, amount above zero. Returns and raises as `credit`."""
    return _enter_once(
        connection, kind="refund", account=account, book=book, amount_nanos=amount_nanos, cause=idempotency_key, note=note, now=now
    )


def set_credit_limit(connection: Connection, *, account: str, book: Book, credit_limit_nanos: int | None, now: float) -> None:
    """Set how far below zero a balance may go: 0 is prepaid, None pays later without bound. A lowered one recalls idle money."""
    posting = Posting(connection, at=now)
    posting.lock_balances([(account, book)])
    balance = posting.balances[account, book]
    before = balance.credit_limit_nanos
    balance.set_credit_limit(credit_limit_nanos)
    if credit_limit_nanos is not None and (before is None or credit_limit_nanos < before):
        balance.raise_round(now, is_scarce=False)
    posting.save()


def key_limit_lowered(connection: Connection, *, account: str, book: Book, now: float) -> None:
    """Recall idle money after a key's limit was lowered; grants read the limit itself in their own transaction."""
    posting = Posting(connection, at=now)
    posting.lock_balances([(account, book)])
    posting.balances[account, book].raise_round(now, is_scarce=False)
    posting.save()
