"""Proves the book: recomputes every cached sum from the entries and compares records with charges. Reads only.

Check numbers are those of docs/money.md. Failures mean that money is wrong somewhere; notes are facts an operator wants to
see (orphans, covers, late charges, …) that need no mending.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, Select, String, and_, case, cast, func, or_, select, union_all

from modelgate.core.money import render_usd
from modelgate.core.records import TERMINAL_STATES
from modelgate.storage.audit_usage import find_wrong_sums
from modelgate.storage.posting import balance_account, task_account
from modelgate.storage.schema.claims import idempotency_claim
from modelgate.storage.schema.money import account_balance, incarnation, key_period, ledger_entry, request_record, task_hold
from modelgate.storage.schema.money import lease as lease_table
from modelgate.storage.schema.tasks import task

MAX_FINDINGS = 50
"""So many findings of a kind are listed; the count says how many there are."""
LEDGER_KINDS = frozenset(
    (
        "credit",
        "adjust",
        "grant",
        "return",
        "charge",
        "cover",
        "close",
        "task_hold",
        "task_charge",
        "task_return",
        "task_cover",
        "refund",
        "abandon",
        "late_charge",
    )
)


class Finding(msgspec.Struct, frozen=True):
    """Something the audit has to say, by the number of its check."""

    check: int
    text: str


class BookSums(msgspec.Struct, frozen=True, kw_only=True):
    """Where the money of one book is, nano-USD. `funding` is what came in, below zero; all of it sums up to zero."""

    book: str
    funding_nanos: int
    balances_nanos: int
    leases_nanos: int
    tasks_nanos: int
    revenue_nanos: int


class AuditReport(msgspec.Struct, frozen=True, kw_only=True):
    """What an audit found."""

    failures: tuple[Finding, ...]
    notes: tuple[Finding, ...]
    books: tuple[BookSums, ...]
    records: int

    @property
    def balances(self) -> bool:
        """Whether everything agrees."""
        return not self.failures


_Sums = dict[tuple[str, str], int]
"""By (book, ledger account)."""


def audit(connection: Connection, *, at_rest: bool = False) -> AuditReport:
    """Check the whole ledger, on one consistent view. `at_rest`: no relay runs, so nothing may be out with any."""
    sums = _account_sums(connection)
    failures = [
        *_check_entries(connection),
        *_check_balances(connection, sums),
        *_check_leases(connection, sums),
        *_check_tasks(connection, sums),
        *_check_key_periods(connection),
        *_check_limits(connection),
        *_check_records(connection),
        *_check_rest(connection, at_rest=at_rest),
        *(Finding(8, text) for text in find_wrong_sums(connection)),
    ]
    if strangers := [name for name, amount in sums.items() if amount]:
        failures += [
            Finding(1, f"ledger account {name} in book {book} holds {render_usd(sums[book, name])} but has no row")
            for book, name in strangers
        ]
    records = connection.execute(select(func.count()).select_from(request_record)).scalar_one()
    return AuditReport(failures=tuple(failures), notes=tuple(_notes(connection)), books=_books(connection), records=records)


def _account_sums(connection: Connection) -> _Sums:
    """Return what the entries say each ledger account holds; checks take out what they have explained."""
    entry = ledger_entry.c
    sides = union_all(
        select(entry.book, entry.credit.label("name"), entry.amount_nanos.label("amount")),
        select(entry.book, entry.debit.label("name"), (-entry.amount_nanos).label("amount")),
    ).subquery()
    rows = connection.execute(
        select(sides.c.book, sides.c.name, func.sum(sides.c.amount))
        .where(sides.c.name.not_in(("funding", "revenue")))
        .group_by(sides.c.book, sides.c.name)
    )
    return {(book, name): int(amount) for book, name, amount in rows}


def _check_entries(connection: Connection) -> Iterator[Finding]:
    entry = ledger_entry.c
    wrong = or_(entry.amount_nanos <= 0, entry.kind.not_in(LEDGER_KINDS), entry.debit == entry.credit, entry.book.not_in(("test", "live")))
    for row in connection.execute(select(ledger_entry).where(wrong).limit(MAX_FINDINGS)):
        yield Finding(1, f"entry {row.id} is impossible: {row.kind} of {row.amount_nanos} in book {row.book}, {row.debit} to {row.credit}")


def _check_balances(connection: Connection, sums: _Sums) -> Iterator[Finding]:
    for row in connection.execute(select(account_balance)):
        entered = sums.pop((row.book, balance_account(row.account)), 0)
        if entered != row.balance_nanos:
            yield Finding(1, f"balance of {row.account} ({row.book}) is {row.balance_nanos}, its entries say {entered}")


def _moved(connection: Connection, *kinds: str, side: str) -> _Sums:
    entry = ledger_entry.c
    query = select(entry.book, entry[side], func.sum(entry.amount_nanos)).where(entry.kind.in_(kinds)).group_by(entry.book, entry[side])
    return {(book, name): int(amount) for book, name, amount in connection.execute(query)}


def _check_leases(connection: Connection, sums: _Sums) -> Iterator[Finding]:
    granted = _moved(connection, "grant", "cover", side="credit")
    returned = _moved(connection, "return", side="debit")
    closed = set(connection.execute(select(incarnation.c.id).where(incarnation.c.state == "closed")).scalars())
    for row in connection.execute(select(lease_table)):
        name = f"lease:{row.incarnation}/{row.key}/{row.period}"
        account = (row.book, name)
        if sums.pop(account, 0) != row.balance_nanos:
            yield Finding(2, f"{name} has the balance {row.balance_nanos}, its entries say otherwise")
        if row.balance_nanos < 0:
            yield Finding(2, f"{name} is below zero: {row.balance_nanos}")
        if granted.get(account, 0) != row.granted_nanos or returned.get(account, 0) != row.returned_nanos:
            yield Finding(1, f"{name} says granted {row.granted_nanos}, returned {row.returned_nanos}; its entries say otherwise")
        if row.balance_nanos and row.incarnation in closed:
            yield Finding(2, f"{name} owns {row.balance_nanos} though its incarnation is closed")


def _check_tasks(connection: Connection, sums: _Sums) -> Iterator[Finding]:
    for row in connection.execute(select(task_hold)):
        held = sums.pop((row.book, task_account(row.task)), 0)
        expected = row.amount_nanos if row.state == "open" else 0
        if held != expected:
            yield Finding(2, f"{row.task} holds {held}, but its hold of {row.amount_nanos} is {row.state}")
    stuck = select(task_hold.c.task).join(task, task.c.id == task_hold.c.task).where(task_hold.c.state == "open")
    for name in connection.execute(stuck.where(task.c.state.in_(TERMINAL_STATES)).limit(MAX_FINDINGS)).scalars():
        yield Finding(6, f"{name} has ended, but its hold is open")


def _key_period_sums(connection: Connection) -> tuple[_Sums, _Sums]:
    """Return what is set aside and spent by (key, period), from leases, holds and records."""
    aside: _Sums = defaultdict(int)
    spent: _Sums = defaultdict(int)
    leases, holds, records = lease_table.c, task_hold.c, request_record.c
    for key, period, amount in connection.execute(
        select(leases.key, leases.period, func.sum(leases.balance_nanos)).group_by(leases.key, leases.period)
    ):
        aside[key, period] += int(amount)
    open_amount = func.sum(case((holds.state == "open", holds.amount_nanos), else_=0))
    for key, period, amount, captured in connection.execute(
        select(holds.key, holds.period, open_amount, func.sum(holds.captured_nanos)).group_by(holds.key, holds.period)
    ):
        aside[key, period] += int(amount)
        spent[key, period] += int(captured)
    for key, period, amount in connection.execute(
        select(records.key, records.period, func.sum(records.amount_nanos)).group_by(records.key, records.period)
    ):
        spent[key, period] += int(amount)
    return aside, spent


def _check_key_periods(connection: Connection) -> Iterator[Finding]:
    aside, spent = _key_period_sums(connection)
    for row in connection.execute(select(key_period)):
        name = (row.key, row.period)
        expected = (aside.pop(name, 0), spent.pop(name, 0))
        if (row.set_aside_nanos, row.spent_nanos) != expected:
            yield Finding(
                1, f"{row.key} in {row.period}: set aside {row.set_aside_nanos}, spent {row.spent_nanos}; it should be {expected}"
            )
    for key, period in [name for sums in (aside, spent) for name, amount in sums.items() if amount]:
        yield Finding(1, f"{key} in {period} has money but no row")


def _check_limits(connection: Connection) -> Iterator[Finding]:
    """What is beyond a limit must be explained: covers, late charges, or a limit that was lowered."""
    covers_of_key, covers_of_account = _unasked(connection)
    for row in connection.execute(select(key_period).where(key_period.c.limit_nanos.is_not(None))):
        beyond = row.spent_nanos + row.set_aside_nanos - row.limit_nanos
        if beyond > row.over_nanos + covers_of_key.get((row.key, row.period), 0):
            yield Finding(3, f"{row.key} in {row.period} is {render_usd(beyond)} beyond its limit, and nothing explains it")
    for row in connection.execute(select(account_balance).where(account_balance.c.credit_limit_nanos.is_not(None))):
        beyond = -row.balance_nanos - row.credit_limit_nanos
        if beyond > row.over_nanos + covers_of_account.get((row.book, balance_account(row.account)), 0):
            yield Finding(3, f"{row.account} ({row.book}) is {render_usd(beyond)} beyond its credit limit, and nothing explains it")


def _unasked(connection: Connection) -> tuple[_Sums, _Sums]:
    """Return money that left without a test, by (key, period) and by (book, balance account)."""
    entry, holds, records = ledger_entry.c, task_hold.c, request_record.c
    of_key: _Sums = defaultdict(int)
    for (_, name), amount in _moved(connection, "cover", side="credit").items():
        _, key, period = name.split("/")  # lease:incarnation/key/period
        of_key[key, period] += amount
    covered = and_(entry.cause == holds.task, entry.kind == "task_cover")
    on_tasks = select(holds.key, holds.period, entry.amount_nanos).join(ledger_entry, covered)
    late = select(records.key, records.period, records.amount_nanos).where(records.batch < 0)
    for query in (on_tasks, late):
        for key, period, amount in connection.execute(query):
            of_key[key, period] += int(amount)
    return of_key, _moved(connection, "cover", "task_cover", "late_charge", "adjust", side="debit")


def _check_records(connection: Connection) -> Iterator[Finding]:
    """Compare the records of each batch with its charge, inside the database: there are millions."""
    records, entry = request_record.c, ledger_entry.c
    batch = cast(records.batch, String(20))
    cause: ColumnElement[Any] = records.incarnation + "/" + records.key + "/" + records.period + "/" + batch
    of_records = (
        select(cause.label("cause"), records.book, cast(func.sum(records.amount_nanos), String(40)).label("amount"))
        .where(records.batch >= 0)
        .group_by(records.incarnation, records.key, records.period, records.batch, records.book)
        .having(func.sum(records.amount_nanos) != 0)
    )
    of_charges = select(entry.cause, entry.book, cast(entry.amount_nanos, String(40)).label("amount")).where(entry.kind == "charge")
    for name, book, amount in connection.execute(of_records.except_(of_charges).limit(MAX_FINDINGS)):
        yield Finding(4, f"records of {name} ({book}) sum up to {amount}, no charge says so")
    for name, book, amount in connection.execute(of_charges.except_(of_records).limit(MAX_FINDINGS)):
        yield Finding(4, f"the charge {name} ({book}) is {amount}, its records say otherwise")
    wrong = or_(
        records.amount_nanos < 0,
        and_(records.outcome == "released", records.amount_nanos != 0),
        and_(records.outcome == "orphaned", records.amount_nanos > records.hold_nanos),
    )
    for row in connection.execute(select(request_record).where(wrong).limit(MAX_FINDINGS)):
        yield Finding(4, f"record {row.request_id} is {row.outcome} with {row.amount_nanos} of a hold of {row.hold_nanos}")
    late = connection.execute(select(func.coalesce(func.sum(records.amount_nanos), 0)).where(records.batch < 0)).scalar_one()
    charged = connection.execute(select(func.coalesce(func.sum(entry.amount_nanos), 0)).where(entry.kind == "late_charge")).scalar_one()
    if late != charged:
        yield Finding(4, f"late records sum up to {late}, late charges to {charged}")


def _check_rest(connection: Connection, *, at_rest: bool) -> Iterator[Finding]:
    claims = idempotency_claim.c
    left = select(claims.request_id, claims.owner).join(incarnation, incarnation.c.id == claims.owner)
    for row in connection.execute(left.where(claims.state == "running", incarnation.c.state == "closed").limit(MAX_FINDINGS)):
        yield Finding(6, f"the idempotency claim of request {row.request_id} still runs, but its incarnation {row.owner} is closed")
    if at_rest:
        for row in connection.execute(select(incarnation).where(incarnation.c.state != "closed").limit(MAX_FINDINGS)):
            yield Finding(6, f"no relay runs, but incarnation {row.id} is {row.state}")
        for row in connection.execute(select(lease_table).where(lease_table.c.balance_nanos != 0).limit(MAX_FINDINGS)):
            yield Finding(6, f"no relay runs, but the lease {row.incarnation}/{row.key}/{row.period} holds {row.balance_nanos}")


def _books(connection: Connection) -> tuple[BookSums, ...]:
    entry = ledger_entry.c

    def net(book: str, condition: Callable[[Any], ColumnElement[bool]]) -> int:
        sides: list[Select[Any]] = [
            select(func.coalesce(func.sum(entry.amount_nanos), 0)).where(entry.book == book, condition(side))
            for side in (entry.credit, entry.debit)
        ]
        received, paid = (int(connection.execute(side).scalar_one()) for side in sides)
        return received - paid

    return tuple(
        BookSums(
            book=book,
            funding_nanos=net(book, lambda side: side == "funding"),
            balances_nanos=net(book, lambda side: side.startswith("balance:")),
            leases_nanos=net(book, lambda side: side.startswith("lease:")),
            tasks_nanos=net(book, lambda side: side.startswith("task:")),
            revenue_nanos=net(book, lambda side: side == "revenue"),
        )
        for book in ("test", "live")
    )


def _notes(connection: Connection) -> Iterator[Finding]:
    records, entry = request_record.c, ledger_entry.c
    for outcome, text in (
        (records.outcome == "orphaned", "orphaned: its relay died before it ended"),
        (records.overrun_nanos > 0, "overrun: it cost more than its hold"),
        (records.estimated.is_(True), "estimated: its upstream sent no usage"),
        (records.batch < 0, "late: its incarnation was abandoned before"),
    ):
        count, amount = connection.execute(
            select(func.count(), func.coalesce(func.sum(records.amount_nanos), 0)).select_from(request_record).where(outcome)
        ).one()
        if count:
            yield Finding(7, f"{count} requests, {render_usd(int(amount))} USD, {text}")
            newest = select(records.request_id, records.amount_nanos, records.hold_nanos).where(outcome).order_by(records.at_ms.desc())
            for row in connection.execute(newest.limit(MAX_FINDINGS)):
                yield Finding(7, f"  {row.request_id}: {render_usd(row.amount_nanos)} USD of a hold of {render_usd(row.hold_nanos)}")
    covers = entry.kind.in_(("cover", "task_cover"))
    count, amount = connection.execute(select(func.count(), func.coalesce(func.sum(entry.amount_nanos), 0)).where(covers)).one()
    if count:
        yield Finding(7, f"{count} covers, {render_usd(int(amount))} USD: use beyond what was set aside, paid by the balance")
    for row in connection.execute(select(incarnation).where(or_(incarnation.c.abandoned.is_(True), incarnation.c.lost_records > 0))):
        why = "was abandoned" if row.abandoned else f"lost its last {row.lost_records} records, already posted, in a power cut"
        yield Finding(7, f"incarnation {row.id} {why}")
