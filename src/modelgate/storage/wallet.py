"""What an account has, what came and went, and how money gets there. Each function is one step, or part of one."""

from collections.abc import Sequence
from typing import Any, Literal

import msgspec
from sqlalchemy import Connection, Row, Select, case, func, or_, select, union_all

from modelgate.core.listings import AccountListing, BookStanding, LedgerLine
from modelgate.core.money import Book
from modelgate.storage.database import Database
from modelgate.storage.identity import BOOKS, KEPT, create_account, is_limit_chosen, list_accounts, note_limit_chosen, set_aside
from modelgate.storage.identity import rename_account as rename
from modelgate.storage.ledger import IdempotencyConflict, adjust, credit, set_credit_limit
from modelgate.storage.posting import Posting, balance_account
from modelgate.storage.schema.identity import api_key
from modelgate.storage.schema.money import ledger_entry
from modelgate.storage.schema.usage import usage
from modelgate.storage.usage import DAY_S

MAX_BALANCE_NANOS = 10**18
"""A billion USD: no credit takes a balance beyond it, so that sums fit their columns."""
_BALANCE_PREFIX = balance_account("")
_LIKE_BALANCE = _BALANCE_PREFIX + "%"


class BalanceTooLarge(ValueError):
    """A balance would go beyond what can be counted."""


class Credited(msgspec.Struct, frozen=True):
    """`done` False: this credit was booked before. `became_prepaid`: it was the first, and nobody had chosen a limit."""

    done: bool
    became_prepaid: bool


def choose_limit(connection: Connection, account: str, book: Book, limit_nanos: int | None, *, now: float) -> None:
    """Set a credit limit (see `ledger.set_credit_limit`) and note that somebody chose it."""
    set_credit_limit(connection, account=account, book=book, credit_limit_nanos=limit_nanos, now=now)
    note_limit_chosen(connection, account_id=account, book=book, now=now)


def open_prepaid_account(connection: Connection, *, name: str, now: float) -> str:
    """Add an account that may spend only what it is given, in both books: for people nobody knows. Return its id.

    Raises:
        NameTaken: an account has this name.
    """
    account = create_account(connection, name=name, now=now)
    for book in BOOKS:
        choose_limit(connection, account, book, 0, now=now)
    return account


def credit_account(
    connection: Connection, *, account: str, book: Book, amount_nanos: int, cause: str, now: float, note: str = ""
) -> Credited:
    """Book money that came in (below zero: a correction downwards), once for each `cause`; the first makes an account prepaid.

    Raises:
        IdempotencyConflict: the cause was used for another amount or account.
        BalanceTooLarge: nothing was written.
    """
    posting = Posting(connection, at=now)
    posting.lock_balances([(account, book)])
    if abs(posting.balances[account, book].balance_nanos + amount_nanos) > MAX_BALANCE_NANOS:
        raise BalanceTooLarge(f"the balance would go beyond {MAX_BALANCE_NANOS} nano-USD")
    becomes_prepaid = amount_nanos > 0 and not is_limit_chosen(connection, account_id=account, book=book)
    if becomes_prepaid:
        choose_limit(connection, account, book, 0, now=now)
    book_it = credit if amount_nanos > 0 else adjust
    done = book_it(connection, account=account, book=book, amount_nanos=amount_nanos, idempotency_key=cause, note=note, now=now)
    return Credited(done, becomes_prepaid)


def list_account_rows(connection: Connection, *, account_id: str = "") -> list[AccountListing]:
    """Return accounts with their money, oldest first: all, or one."""
    aside = set_aside(connection)
    count = select(api_key.c.account, func.count()).where(KEPT).group_by(api_key.c.account)
    keys = {account: number for account, number in connection.execute(count)}
    books: dict[str, dict[Book, BookStanding]] = {}
    rows = list_accounts(connection, account_id=account_id)
    for row in rows:
        books.setdefault(row.id, {})[row.book] = BookStanding(
            balance_nanos=row.balance_nanos,
            set_aside_nanos=aside.get((row.id, row.book), 0),
            credit_limit_nanos=row.credit_limit_nanos,
        )
    return [
        AccountListing(
            id=row.id,
            name=row.name,
            created_at=row.created_at,
            live=books[row.id]["live"],
            test=books[row.id]["test"],
            keys=keys.get(row.id, 0),
        )
        for row in rows
        if row.book == "live"
    ]


def spent_since(connection: Connection, *, account: str, book: Book, midnights: Sequence[float]) -> list[int]:
    """Return what an account spent, in requests and on tasks that ended, since each of these midnights (UTC) until now."""
    columns = usage.c
    sums = [func.sum(case((columns.at >= int(at), columns.amount_nanos), else_=0)) for at in midnights]
    day = (columns.span_s == DAY_S, columns.dimension == "key", columns.at >= int(min(midnights)))
    days = (columns.account == account, columns.book == book, *day)
    return [int(amount or 0) for amount in connection.execute(select(*sums).where(*days)).one()]


def list_ledger(
    connection: Connection, *, account_id: str = "", book: Book, kinds: Sequence[str] = (), limit: int, after: int = 0
) -> list[LedgerLine]:
    """Return the entries that changed a balance, latest first.

    Args:
        connection: of the transaction.
        account_id: of this account's balance; empty: of all.
        book: test or live.
        kinds: only these kinds of entries; empty: all.
        limit: at most so many.
        after: the number of the last entry of the page before; 0: the first page.
    """
    entries = ledger_entry.c

    def selected(side: Any) -> Select[Any]:
        query = select(ledger_entry).where(side == balance_account(account_id) if account_id else side.like(_LIKE_BALANCE))
        query = query.where(entries.book == book)
        if kinds:
            query = query.where(entries.kind.in_(kinds))
        if after:
            query = query.where(entries.id < after)
        return query.order_by(entries.id.desc()).limit(limit)

    if account_id:  # one side after the other: each is the end of an index
        sides = [select(selected(side).subquery()) for side in (entries.debit, entries.credit)]
        both = union_all(*sides).subquery()
        query: Select[Any] = select(both).order_by(both.c.id.desc()).limit(limit)
    else:
        query = select(ledger_entry).where(
            or_(entries.debit.like(_LIKE_BALANCE), entries.credit.like(_LIKE_BALANCE)),
            entries.book == book,
            *((entries.kind.in_(kinds),) if kinds else ()),
            *((entries.id < after,) if after else ()),
        )
        query = query.order_by(entries.id.desc()).limit(limit)
    return [_line_of(row) for row in connection.execute(query)]


def _line_of(row: Row[Any]) -> LedgerLine:
    goes_out = row.debit.startswith(_BALANCE_PREFIX)
    return LedgerLine(
        id=row.id,
        at=row.at,
        account=(row.debit if goes_out else row.credit).removeprefix(_BALANCE_PREFIX),
        book=row.book,
        kind=row.kind,
        amount_nanos=-row.amount_nanos if goes_out else row.amount_nanos,
        cause=row.cause,
        note=row.note,
    )


CreditOutcome = Literal["done", "repeated", "conflict", "too_large"]


class DatabaseWallets:
    """The store of accounts and their money over a database (see `control/accounts.py` and `control/wallet.py`)."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def accounts(self, account_id: str = "") -> list[AccountListing]:
        return await self._database.fetch(list_account_rows, account_id=account_id)

    async def add_account(self, name: str, *, prepaid: bool, now: float) -> str:
        """Raises NameTaken."""
        return await self._database.call(open_prepaid_account if prepaid else create_account, name=name, now=now)

    async def rename_account(self, account_id: str, name: str, *, now: float) -> None:
        """Raises NameTaken, NoSuchRow."""
        await self._database.call(rename, account_id, name, now=now)

    async def choose_limit(self, account_id: str, book: Book, limit_nanos: int | None, *, now: float) -> None:
        await self._database.call(choose_limit, account_id, book, limit_nanos, now=now)

    async def credit(self, account_id: str, *, book: Book, amount_nanos: int, cause: str, note: str, now: float) -> CreditOutcome:
        try:
            credited = await self._database.call(
                credit_account, account=account_id, book=book, amount_nanos=amount_nanos, cause=cause, note=note, now=now
            )
        except IdempotencyConflict:
            return "conflict"
        except BalanceTooLarge:
            return "too_large"
        return "done" if credited.done else "repeated"

    async def spent_since(self, account_id: str, *, book: Book, midnights: Sequence[float]) -> list[int]:
        return await self._database.fetch(spent_since, account=account_id, book=book, midnights=midnights)

    async def ledger(self, account_id: str, *, book: Book, kinds: Sequence[str], limit: int, after: int) -> list[LedgerLine]:
        return await self._database.fetch(list_ledger, account_id=account_id, book=book, kinds=kinds, limit=limit, after=after)
