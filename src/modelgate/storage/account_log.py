"""One account's log in one list, its tasks by time, and its totals: for clients of the API that this product grows from.

The list is that of `request_log` with money that came in, and in pages by number: how many lines are passed over is counted, of requests by
the sums of what was used, and only the last of them are walked.
"""

import math
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, case, func, or_, select

from modelgate.core.listings import AccountUse
from modelgate.core.log import LogFilter, LogPosition, LogRow
from modelgate.core.money import Book
from modelgate.core.records import Task
from modelgate.storage.database import Database
from modelgate.storage.log_walk import BEHIND_ALL, CREDITS, REQUESTS, Allowance, Pause, Source, beginning, conditions_of, walk
from modelgate.storage.posting import balance_account
from modelgate.storage.request_log import keys_wanted, named, sources_of
from modelgate.storage.schema.money import account_balance, key_period, ledger_entry, request_record, task_hold
from modelgate.storage.schema.tasks import task
from modelgate.storage.schema.usage import usage
from modelgate.storage.tasks import task_of
from modelgate.storage.usage import DAY_S, HOUR_S

BY_HAND = ("credit", "adjust", "refund")
"""Kinds of ledger entries that are not about a request or a task."""

FEW_ENTRIES = 5_000
"""Of an account with no more changes of its balance they lead to those by hand; else all that are by hand do."""
WALKED = 500
"""Lines passed over by walking rather than counting."""
MAX_LOOKED_THROUGH = 400_000
MAX_STEPS = 2_000
"""Entries of indexes, and steps, in which all sources together are looked through for a page: about a second's worth."""
_C = usage.c


class LogTooDeep(Exception):
    """More would have to be looked through for the page than is."""


def read_use(connection: Connection, account: str, *, book: Book) -> AccountUse:
    """Return the totals of an account in one book."""
    balance = account_balance.c
    row = connection.execute(
        select(balance.balance_nanos, balance.credit_limit_nanos).where(balance.account == account, balance.book == book)
    ).one()
    keys = keys_wanted(LogFilter(books=(book,), account=account))
    days = (_C.account == account, _C.book == book, _C.span_s == DAY_S, _C.dimension == "key")
    return AccountUse(
        balance_nanos=row.balance_nanos,
        credit_limit_nanos=row.credit_limit_nanos,
        spent_nanos=_number(connection, select(func.sum(key_period.c.spent_nanos)).where(key_period.c.key.in_(keys))),
        requests=_number(connection, select(func.sum(_C.requests + _C.tasks)).where(*days)),
    )


def list_log(connection: Connection, wanted: LogFilter, *, offset: int, limit: int) -> list[LogRow]:
    """Return the rows of one account in one book, newest first: of tasks those that cost something. Raises LogTooDeep."""
    sources = sources_of(connection, wanted, charged_tasks=True)
    if "credit" in wanted.kinds and not (wanted.key_name or wanted.model):
        sources.append(_credits(connection, wanted))
    if not sources:
        return []
    start, passed_over = _passed_over(connection, wanted, sources, offset)
    allowance = Allowance(steps=MAX_STEPS, entries=MAX_LOOKED_THROUGH)
    rows: list[LogRow] = []
    for found in walk(connection, sources, start, since=wanted.since, count=passed_over + limit, allow=lambda: allowance):
        if isinstance(found, Pause):
            raise LogTooDeep
        if passed_over:
            passed_over -= 1
            continue
        rows.append(found)
        if len(rows) == limit:
            break
    return named(connection, rows)


def _passed_over(connection: Connection, wanted: LogFilter, sources: list[Source], offset: int) -> tuple[LogPosition, int]:
    """Return a position to begin at, and how many lines behind it are still to be passed over for an offset.

    Spans are counted backwards, each twice as long as the one before, until one has the place in it; that one is halved.
    """
    if offset <= WALKED or not _is_summed(wanted):
        return beginning(wanted.until), offset
    high = beginning(wanted.until).at
    low, span_s = max(wanted.since, min(high, _latest_hour(connection, wanted))), DAY_S
    while (count := _count_lines(connection, wanted, sources, low=low, high=high)) <= offset:
        offset, high = offset - count, low
        if offset <= WALKED or high <= wanted.since:
            return LogPosition(high, BEHIND_ALL, ""), offset
        low, span_s = max(wanted.since, high - span_s), span_s * 2
    while offset > WALKED and (middle := _middle(low, high)) is not None:
        count = _count_lines(connection, wanted, sources, low=middle, high=high)
        if count <= offset:
            offset, high = offset - count, middle
        else:
            low = middle
    return LogPosition(high, BEHIND_ALL, ""), offset


def _is_summed(wanted: LogFilter) -> bool:
    """Tell whether sums say how many requests match: nothing sums up what a key used of a model."""
    return not (wanted.model and (wanted.key or wanted.key_name)) and not (wanted.upstream or wanted.endpoint or wanted.id_from)


def _latest_hour(connection: Connection, wanted: LogFilter) -> float:
    return float(connection.execute(select(func.max(usage.c.at)).where(*_hours_of(wanted))).scalar() or 0)


def _middle(low: float, high: float) -> float | None:
    """Return a whole hour, or when there is none a whole second, between two times."""
    for unit_s in (HOUR_S, 1):
        middle = float(round((low + high) / 2 / unit_s) * unit_s)
        if low < middle < high:
            return middle
    return None


def _count_lines(connection: Connection, wanted: LogFilter, sources: list[Source], *, low: float, high: float) -> int:
    """Return how many lines are in [low, high)."""
    count = 0
    for source in sources:
        if source.number != REQUESTS:
            count += _number(connection, select(func.count()).select_from(source.table).where(*conditions_of(source, low=low, high=high)))
    if "request" not in wanted.kinds:
        return count
    first, last = (math.ceil(low / HOUR_S) * HOUR_S, math.floor(high / HOUR_S) * HOUR_S)
    if first >= last:
        return count + _count_requests(connection, wanted, low=low, high=high)
    measure = _C.errors if wanted.status == "error" else _C.requests - _C.errors if wanted.status == "ok" else _C.requests
    count += _number(connection, select(func.sum(measure)).where(*_hours_of(wanted), _C.at >= first, _C.at < last))
    return count + sum(_count_requests(connection, wanted, low=a, high=b) for a, b in ((low, first), (last, high)) if a < b)


def _hours_of(wanted: LogFilter) -> list[ColumnElement[bool]]:
    of = [_C.account == wanted.account, _C.book.in_(wanted.books), _C.span_s == HOUR_S]
    if wanted.model:
        return [*of, _C.dimension == "model", _C.name == wanted.model]
    of.append(_C.dimension == "key")
    return [*of, _C.name.in_(keys_wanted(wanted))] if wanted.key_name or wanted.key else of


def _count_requests(connection: Connection, wanted: LogFilter, *, low: float, high: float) -> int:
    """Return how many requests are in a part of an hour, by the index of each key."""
    columns = request_record.c
    of = [columns.key.in_(keys_wanted(wanted)), columns.at_ms >= _ms(low), columns.at_ms < _ms(high)]
    if wanted.model:
        of.append(columns.model == wanted.model)
    if wanted.status:
        of.append(columns.status.between(100, 399) if wanted.status == "ok" else or_(columns.status < 100, columns.status > 399))
    return _number(connection, select(func.count()).select_from(request_record).where(*of))


def _ms(seconds: float) -> int:
    return math.ceil(round(seconds * 1000, 3))


def _number(connection: Connection, query: Select[Any]) -> int:
    return int(connection.execute(query).scalar() or 0)


def _credits(connection: Connection, wanted: LogFilter) -> Source:
    """Return the entries by hand, by whichever index leads to fewer of others: those of the balance, or of their kinds."""
    columns, own = ledger_entry.c, balance_account(wanted.account)
    sides = [select(columns.id).where(side == own).limit(FEW_ENTRIES).subquery() for side in (columns.debit, columns.credit)]
    few = all(_number(connection, select(func.count()).select_from(side)) < FEW_ENTRIES for side in sides)
    # A column with something joined to it is in no index: the other way is not to look better.
    kind = columns.kind.concat("") if few else columns.kind
    debit, credit = (columns.debit, columns.credit) if few else (columns.debit.concat(""), columns.credit.concat(""))

    def row_of(row: Row[Any]) -> LogRow:
        came_in = row.credit == own
        return LogRow(
            kind="credit",
            position=LogPosition(row.at, CREDITS, str(row.id)),
            request_id="",
            account=wanted.account,
            key="",
            book=row.book,
            model="",
            upstream="",
            endpoint="",
            status=200,
            error="",
            amount_nanos=row.amount_nanos if came_in else -row.amount_nanos,
            note=row.note,
        )

    driven = (or_(debit == own, credit == own), kind.in_(BY_HAND), columns.book.in_(wanted.books))
    return Source(CREDITS, ledger_entry, columns.at, 1, (columns.id,), driven, (), row_of)


def list_tasks_between(
    connection: Connection, account: str, *, book: Book, since: float, until: float, offset: int, limit: int
) -> list[tuple[Task, int]]:
    """Return tasks that began in a span of time, latest first, each with its charge: what is held as long as it is open."""
    columns, holds = task.c, task_hold.c
    charge = case((holds.state == "captured", holds.captured_nanos), (holds.state == "open", holds.amount_nanos), else_=0)
    query = (
        select(task, charge.label("charge_nanos"))
        .outerjoin(task_hold, holds.task == columns.id)
        .where(columns.account == account, columns.book == book, columns.created_at >= since, columns.created_at <= until)
        .order_by(columns.created_at.desc(), columns.id.desc())
        .offset(offset)
        .limit(limit)
    )
    return [(task_of(row), int(row.charge_nanos)) for row in connection.execute(query)]


class DatabaseAccountLog:
    """Satisfies `control.yescale.LogStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def use(self, account: str, *, book: Book) -> AccountUse:
        return await self._database.fetch(read_use, account, book=book)

    async def log(self, wanted: LogFilter, *, offset: int, limit: int) -> list[LogRow] | None:
        try:
            return await self._database.fetch(list_log, wanted, offset=offset, limit=limit)
        except LogTooDeep:
            return None

    async def tasks(self, account: str, *, book: Book, since: float, until: float, offset: int, limit: int) -> list[tuple[Task, int]]:
        return await self._database.fetch(list_tasks_between, account, book=book, since=since, until=until, offset=offset, limit=limit)
