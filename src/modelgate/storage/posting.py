"""One money step in the making: rows locked in the one allowed order, moves applied to them, all written at the end.

Every step that moves money goes through a `Posting`, so that no cached sum changes without its ledger entry. Lock order,
the same everywhere (or two steps deadlock): balances by account id, key periods, the incarnation, leases.
"""

from collections.abc import Iterable, Iterator
from copy import copy
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
from sqlalchemy import ColumnElement, Connection, Table, Update, bindparam, select, tuple_, update
from sqlalchemy.dialects import sqlite

from modelgate.core.money import Book
from modelgate.storage.schema import money

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql

ROWS_AT_ONCE = 500
"""Rows locked by one statement: databases bound the parameters of one."""
FUNDING = "funding"
REVENUE = "revenue"


def balance_account(account: str) -> str:
    """Return the ledger account of what an account may spend."""
    return f"balance:{account}"


def task_account(task: str) -> str:
    """Return the ledger account of a media hold."""
    return f"task:{task}"


class Balance(msgspec.Struct):
    """A locked row of account_balance."""

    account: str
    book: Book
    balance_nanos: int
    credit_limit_nanos: int | None
    recall_round: int
    recall_at: float
    scarce_at: float
    over_nanos: int

    def set_credit_limit(self, credit_limit_nanos: int | None) -> None:
        """Change how far the balance may go below zero, noting what is beyond that already: audits tell it from an error."""
        self.credit_limit_nanos = credit_limit_nanos
        self.over_nanos = 0 if credit_limit_nanos is None else max(0, -self.balance_nanos - credit_limit_nanos)

    def allows(self, amount_nanos: int) -> bool:
        """Whether that much may leave the balance now."""
        return self.credit_limit_nanos is None or self.balance_nanos + self.credit_limit_nanos >= amount_nanos

    @property
    def available_nanos(self) -> int | None:
        """What may leave the balance; None: without bound."""
        return None if self.credit_limit_nanos is None else max(0, self.balance_nanos + self.credit_limit_nanos)

    def raise_round(self, now: float, *, is_scarce: bool = True) -> int:
        """Begin a recall round: leases of the account are to give back what is idle. Returns its number.

        `is_scarce`: the balance is short, not just one key's limit.
        """
        self.recall_round += 1
        self.recall_at = now
        if is_scarce:
            self.scarce_at = now
        return self.recall_round


class KeyPeriod(msgspec.Struct):
    """A locked row of key_period."""

    key: str
    period: str
    limit_nanos: int | None
    set_aside_nanos: int
    spent_nanos: int
    over_nanos: int

    def set_limit(self, limit_nanos: int | None) -> None:
        """Test against this limit from now on, noting what is beyond a lowered one already: audits tell it from an error."""
        if limit_nanos != self.limit_nanos:
            self.limit_nanos = limit_nanos
            self.over_nanos = 0 if limit_nanos is None else max(0, self.spent_nanos + self.set_aside_nanos - limit_nanos)

    def allows(self, amount_nanos: int) -> bool:
        """Whether the limit lets that much more be set aside."""
        return self.limit_nanos is None or self.spent_nanos + self.set_aside_nanos + amount_nanos <= self.limit_nanos

    @property
    def available_nanos(self) -> int | None:
        """What may still be set aside; None: without bound."""
        return None if self.limit_nanos is None else max(0, self.limit_nanos - self.spent_nanos - self.set_aside_nanos)


class Lease(msgspec.Struct):
    """A locked row of lease."""

    incarnation: str
    key: str
    period: str
    account: str
    book: Book
    granted_nanos: int = 0
    returned_nanos: int = 0
    balance_nanos: int = 0
    answered_round: int = 0

    @property
    def name(self) -> str:
        """What its ledger account and the causes of its entries are made of."""
        return f"{self.incarnation}/{self.key}/{self.period}"

    @property
    def ledger_account(self) -> str:
        return f"lease:{self.name}"


Row = TypeVar("Row", Balance, KeyPeriod, Lease)
Wanted = TypeVar("Wanted", tuple[str, Book], tuple[str, str], tuple[str, str, str, Book])

_BALANCES = money.account_balance.c
_KEY_PERIODS = money.key_period.c
_LEASES = money.lease.c

_BALANCE_VALUES = ("balance_nanos", "credit_limit_nanos", "recall_round", "recall_at", "scarce_at", "over_nanos")
_KEY_PERIOD_VALUES = ("limit_nanos", "set_aside_nanos", "spent_nanos", "over_nanos")
_LEASE_VALUES = ("granted_nanos", "returned_nanos", "balance_nanos", "answered_round")


def _saving(table: Table, values: tuple[str, ...]) -> Update:
    keys = [column == bindparam(f"of_{column.name}") for column in table.primary_key]
    return update(table).where(*keys).values({name: bindparam(name) for name in values})


_SAVE_BALANCE = _saving(money.account_balance, _BALANCE_VALUES)
_SAVE_KEY_PERIOD = _saving(money.key_period, _KEY_PERIOD_VALUES)
_SAVE_LEASE = _saving(money.lease, _LEASE_VALUES)


def _wanted(*columns: ColumnElement[Any]) -> ColumnElement[bool]:
    return tuple_(*columns).in_(bindparam("wanted", expanding=True))


# Statements are made once: making one costs as much as running it, and an ask takes eight.
_LOCK_BALANCES = (
    select(money.account_balance)
    .where(_wanted(_BALANCES.account, _BALANCES.book))
    .order_by(_BALANCES.account, _BALANCES.book)
    .with_for_update()
)
_LOCK_KEY_PERIODS = (
    select(_KEY_PERIODS.key, _KEY_PERIODS.period, *(_KEY_PERIODS[name] for name in _KEY_PERIOD_VALUES))
    .where(_wanted(_KEY_PERIODS.key, _KEY_PERIODS.period))
    .order_by(_KEY_PERIODS.key, _KEY_PERIODS.period)
    .with_for_update()
)
_LOCK_ALL_LEASES = (
    select(money.lease).where(_LEASES.incarnation == bindparam("of_incarnation")).order_by(_LEASES.key, _LEASES.period).with_for_update()
)
_LOCK_LEASES = _LOCK_ALL_LEASES.where(_wanted(_LEASES.key, _LEASES.period))
_OWNERS_OF_ALL_LEASES = select(_LEASES.key, _LEASES.period, _LEASES.account, _LEASES.book).where(
    _LEASES.incarnation == bindparam("of_incarnation")
)
_OWNERS_OF_LEASES = _OWNERS_OF_ALL_LEASES.where(_wanted(_LEASES.key, _LEASES.period))


def _slices(rows: Iterable[Wanted]) -> Iterator[list[Wanted]]:
    """Yield what is wanted in order, in parts that fit one statement."""
    ordered = sorted(set(rows))
    for start in range(0, len(ordered), ROWS_AT_ONCE):
        yield ordered[start : start + ROWS_AT_ONCE]


def insert_absent(connection: Connection, table: Table, rows: list[dict[str, object]]) -> None:
    """Insert rows whose primary key is not there yet; leave the others as they are."""
    if rows:
        insert = _insert_on_postgres if connection.dialect.name == "postgresql" else sqlite.insert
        connection.execute(insert(table).on_conflict_do_nothing(index_elements=list(table.primary_key)), rows)


def _insert_on_postgres(table: Table) -> "postgresql.Insert":
    # SQLAlchemy has loaded it there; on SQLite it would be 2 MB that nobody uses.
    from sqlalchemy.dialects import postgresql  # noqa: PLC0415

    return postgresql.insert(table)


class Posting:
    """The rows one step has locked, and the entries it makes. Use within one transaction, `save()` at its end."""

    def __init__(self, connection: Connection, *, at: float) -> None:
        self.connection = connection
        self.at = at
        self.balances: dict[tuple[str, Book], Balance] = {}
        self.key_periods: dict[tuple[str, str], KeyPeriod] = {}
        self.leases: dict[tuple[str, str, str], Lease] = {}
        self._entries: list[dict[str, object]] = []
        self._as_stored: dict[int, Balance | KeyPeriod | Lease] = {}

    def _loaded(self, row: Row) -> Row:
        self._as_stored[id(row)] = copy(row)
        return row

    def lock_balances(self, accounts: Iterable[tuple[str, Book]]) -> None:
        """Lock balances, making the rows that are not there: no money, no credit bound."""
        blank = {"balance_nanos": 0, "credit_limit_nanos": None, "recall_round": 0, "recall_at": 0.0, "scarce_at": 0.0, "over_nanos": 0}
        for wanted in _slices(accounts):
            self._lock_balances(wanted)
            if missing := [pair for pair in wanted if pair not in self.balances]:
                insert_absent(
                    self.connection, money.account_balance, [{"account": account, "book": book, **blank} for account, book in missing]
                )
                self._lock_balances(missing)

    def _lock_balances(self, wanted: list[tuple[str, Book]]) -> None:
        for row in self.connection.execute(_LOCK_BALANCES, {"wanted": wanted}):
            self.balances[row.account, row.book] = self._loaded(Balance(*row))

    def lock_key_periods(self, owners: Iterable[tuple[str, str, str, Book]]) -> None:
        """Lock the (key, period, account, book) rows of key_period, making those that are not there: nothing spent, no limit."""
        blank = {"limit_nanos": None, "set_aside_nanos": 0, "spent_nanos": 0, "over_nanos": 0}
        for rows in _slices(owners):
            self._lock_key_periods([row[:2] for row in rows])
            if missing := [row for row in rows if row[:2] not in self.key_periods]:
                names = ("key", "period", "account", "book")
                insert_absent(self.connection, money.key_period, [{**dict(zip(names, row, strict=True)), **blank} for row in missing])
                self._lock_key_periods([row[:2] for row in missing])

    def _lock_key_periods(self, wanted: list[tuple[str, str]]) -> None:
        for row in self.connection.execute(_LOCK_KEY_PERIODS, {"wanted": wanted}):
            self.key_periods[row.key, row.period] = self._loaded(KeyPeriod(*row))

    def lock_leases(self, incarnation: str, wanted: Iterable[tuple[str, str]] | None = None) -> None:
        """Lock leases of an incarnation, those of the (key, period) pairs or all; pairs without a lease are left out."""
        if wanted is None:
            self._take_leases(self.connection.execute(_LOCK_ALL_LEASES, {"of_incarnation": incarnation}))
            return
        for pairs in _slices(wanted):
            self._take_leases(self.connection.execute(_LOCK_LEASES, {"of_incarnation": incarnation, "wanted": pairs}))

    def _take_leases(self, rows: Iterable[Any]) -> None:
        for row in rows:
            lease = self._loaded(Lease(*row))
            self.leases[lease.incarnation, lease.key, lease.period] = lease

    def lock_around_leases(self, incarnation: str, wanted: Iterable[tuple[str, str]] | None = None) -> None:
        """Lock the balances and key periods behind leases of an incarnation, before the leases themselves."""
        parameters: list[dict[str, Any]] = [{"of_incarnation": incarnation}]
        statement = _OWNERS_OF_ALL_LEASES
        if wanted is not None:
            statement = _OWNERS_OF_LEASES
            parameters = [{"of_incarnation": incarnation, "wanted": pairs} for pairs in _slices(wanted)]
        owners = [tuple(row) for part in parameters for row in self.connection.execute(statement, part)]  # they never change
        self.lock_balances([(account, book) for _, _, account, book in owners])
        self.lock_key_periods(owners)

    def lease(self, incarnation: str, key: str, period: str, *, account: str, book: Book) -> Lease:
        """Return a locked lease of the incarnation, if it was there when locking, or make an empty one."""
        identity = (incarnation, key, period)
        lease = self.leases.get(identity)
        if lease is None:
            lease = self.leases[identity] = self._loaded(Lease(*identity, account, book))
            insert_absent(self.connection, money.lease, [msgspec.structs.asdict(lease)])
        return lease

    def balance_of(self, lease: Lease) -> Balance:
        return self.balances[lease.account, lease.book]

    def key_period_of(self, lease: Lease) -> KeyPeriod:
        return self.key_periods[lease.key, lease.period]

    def enter(self, kind: str, *, book: Book, debit: str, credit: str, amount_nanos: int, cause: str, note: str = "") -> None:
        """Add one ledger entry; an amount of zero needs none."""
        assert amount_nanos >= 0, f"{kind} of {amount_nanos}"
        if amount_nanos:
            self._entries.append(
                {
                    "book": book,
                    "kind": kind,
                    "debit": debit,
                    "credit": credit,
                    "amount_nanos": amount_nanos,
                    "cause": cause,
                    "note": note,
                    "at": self.at,
                }
            )

    def fund(self, kind: str, lease: Lease, amount_nanos: int) -> None:
        """Move money from the balance to a lease: `grant`, or `cover` for what was used beyond it."""
        self.balance_of(lease).balance_nanos -= amount_nanos
        self.key_period_of(lease).set_aside_nanos += amount_nanos
        lease.granted_nanos += amount_nanos
        lease.balance_nanos += amount_nanos
        self._enter_lease(kind, lease, amount_nanos, cause=f"{lease.name}/{lease.granted_nanos}", towards_lease=True)

    def give_back(self, lease: Lease, amount_nanos: int) -> None:
        """Move money a relay gave back from its lease to the balance; another hold may have overrun meanwhile: cover it."""
        lease.returned_nanos += amount_nanos
        self._take_out("return", lease, amount_nanos, cause=f"{lease.name}/{lease.returned_nanos}")
        self.cover(lease)

    def close(self, kind: str, lease: Lease) -> None:
        """Move all that is left on a lease to the balance: `close`, or `abandon`."""
        self._take_out(kind, lease, lease.balance_nanos, cause=lease.name)

    def charge(self, lease: Lease, amount_nanos: int, *, batch: int) -> None:
        """Move what a batch of requests cost from the lease to revenue, covering what the lease does not hold."""
        period = self.key_period_of(lease)
        period.set_aside_nanos -= amount_nanos
        period.spent_nanos += amount_nanos
        lease.balance_nanos -= amount_nanos
        cause = f"{lease.name}/{batch}"
        self.enter("charge", book=lease.book, debit=lease.ledger_account, credit=REVENUE, amount_nanos=amount_nanos, cause=cause)
        self.cover(lease)

    def cover(self, lease: Lease) -> int:
        """Bring a lease that went below zero back to zero; the balance pays, below zero if it must. Returns the amount."""
        missing = max(0, -lease.balance_nanos)
        if missing:
            self.fund("cover", lease, missing)
        return missing

    def _take_out(self, kind: str, lease: Lease, amount_nanos: int, *, cause: str) -> None:
        self.balance_of(lease).balance_nanos += amount_nanos
        self.key_period_of(lease).set_aside_nanos -= amount_nanos
        lease.balance_nanos -= amount_nanos
        self._enter_lease(kind, lease, amount_nanos, cause=cause, towards_lease=False)

    def _enter_lease(self, kind: str, lease: Lease, amount_nanos: int, *, cause: str, towards_lease: bool) -> None:
        pair = (balance_account(lease.account), lease.ledger_account)
        debit, credit = pair if towards_lease else pair[::-1]
        self.enter(kind, book=lease.book, debit=debit, credit=credit, amount_nanos=amount_nanos, cause=cause)

    def save(self) -> None:
        """Write the entries and every locked row that has changed."""
        if self._entries:
            self.connection.execute(money.ledger_entry.insert(), self._entries)
            self._entries = []
        self._save(_SAVE_BALANCE, list(self.balances.values()), keys=("account", "book"), values=_BALANCE_VALUES)
        self._save(_SAVE_KEY_PERIOD, list(self.key_periods.values()), keys=("key", "period"), values=_KEY_PERIOD_VALUES)
        self._save(_SAVE_LEASE, list(self.leases.values()), keys=("incarnation", "key", "period"), values=_LEASE_VALUES)

    def _save(self, statement: Update, rows: list[Row], *, keys: tuple[str, ...], values: tuple[str, ...]) -> None:
        changed = [row for row in rows if row != self._as_stored[id(row)]]
        if changed:
            parameters = [
                {f"of_{name}": getattr(row, name) for name in keys} | {name: getattr(row, name) for name in values} for row in changed
            ]
            self.connection.execute(statement, parameters)
