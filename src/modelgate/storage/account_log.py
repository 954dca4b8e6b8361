"""One account's log in one list, its tasks by time, and its totals: for clients of the API that this product grows from."""

from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    LargeBinary,
    Row,
    Select,
    String,
    and_,
    case,
    cast,
    func,
    literal,
    null,
    or_,
    select,
    union_all,
)

from modelgate.core.listings import AccountUse, LogFilter, LogLine
from modelgate.core.money import Book
from modelgate.core.records import Task
from modelgate.storage.database import Database
from modelgate.storage.posting import balance_account
from modelgate.storage.request_log import facts_of
from modelgate.storage.schema.identity import api_key
from modelgate.storage.schema.money import account_balance, key_period, ledger_entry, request_record, task_hold
from modelgate.storage.schema.tasks import task
from modelgate.storage.schema.usage import usage
from modelgate.storage.tasks import task_of
from modelgate.storage.usage import DAY_S

MILLISECONDS = 1_000
BY_HAND = ("credit", "adjust", "refund")
"""Kinds of ledger entries that are not about a request or a task."""

FEW_REQUESTS = 20_000
"""Of an account with no more its keys lead to its records; of one with more looking back in time finds enough soon."""

_NO_NUMBER = literal(0, BigInteger)
_NO_TEXT = literal("", String)
_NO_FACTS = cast(null(), LargeBinary)


def read_use(connection: Connection, account: str, *, book: Book) -> AccountUse:
    """Return the totals of an account in one book."""
    balance = account_balance.c
    row = connection.execute(
        select(balance.balance_nanos, balance.credit_limit_nanos).where(balance.account == account, balance.book == book)
    ).one()
    keys = _keys_of(account, book)
    spent = connection.execute(select(func.sum(key_period.c.spent_nanos)).where(key_period.c.key.in_(keys))).scalar()
    return AccountUse(
        balance_nanos=row.balance_nanos,
        credit_limit_nanos=row.credit_limit_nanos,
        spent_nanos=int(spent or 0),
        requests=_count(connection, account, book=book, what=usage.c.requests + usage.c.tasks),
    )


def _count(connection: Connection, account: str, *, book: Book, what: ColumnElement[int]) -> int:
    days = and_(usage.c.account == account, usage.c.book == book, usage.c.span_s == DAY_S, usage.c.dimension == "key")
    return int(connection.execute(select(func.sum(what)).where(days)).scalar() or 0)


def _keys_of(account: str, book: Book) -> Select[Any]:
    return select(api_key.c.id).where(api_key.c.account == account, api_key.c.book == book)


def list_log(connection: Connection, wanted: LogFilter, *, offset: int, limit: int) -> list[LogLine]:
    """Return lines, latest first. Of each source only as many as can come into the page are looked at."""
    parts: list[Select[Any]] = []
    if {"request", "error"} & set(wanted.kinds):
        parts.append(_requests(wanted).where(_asked_by(connection, wanted)))
    if "task" in wanted.kinds:
        parts.append(_tasks(wanted))
    if "credit" in wanted.kinds and not wanted.key_name and not wanted.model:
        parts.append(_credits(wanted))
    if not parts:
        return []
    ends = [part.order_by(part.selected_columns.at_ms.desc(), part.selected_columns.id.desc()).limit(offset + limit) for part in parts]
    every = union_all(*(select(end.subquery()) for end in ends)).subquery()
    query = select(every).order_by(every.c.at_ms.desc(), every.c.id.desc()).offset(offset).limit(limit)
    return [_line_of(row) for row in connection.execute(query)]


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


def _requests(wanted: LogFilter) -> Select[Any]:
    columns = request_record.c
    failed = or_(columns.status < 100, columns.status > 399)
    query = (
        select(
            case((failed, "error"), else_="request").label("kind"),
            columns.request_id.label("id"),
            columns.at_ms.label("at_ms"),
            columns.key.label("key"),
            columns.model.label("model"),
            columns.amount_nanos.label("amount_nanos"),
            columns.input_tokens.label("input_tokens"),
            columns.output_tokens.label("output_tokens"),
            cast(columns.total_ms, BigInteger).label("total_ms"),
            columns.facts.label("facts"),
            _NO_TEXT.label("note"),
            *_KEY_COLUMNS,
        )
        .outerjoin(api_key, api_key.c.id == columns.key)
        .where(*_within(columns.at_ms, wanted))
    )
    if not {"request", "error"} <= set(wanted.kinds):
        query = query.where(failed if "error" in wanted.kinds else ~failed)
    return _narrowed(query, wanted, columns.model)


def _asked_by(connection: Connection, wanted: LogFilter) -> ColumnElement[bool]:
    """Return what tells an account's records, by whichever index leads to fewer of others: its keys', or all by time."""
    columns = request_record.c
    keys = _keys_of(wanted.account, wanted.book)
    if wanted.key_name:
        return columns.key.in_(keys.where(api_key.c.name == wanted.key_name))
    if _count(connection, wanted.account, book=wanted.book, what=usage.c.requests) <= FEW_REQUESTS:
        return columns.key.in_(keys)
    return and_(columns.account == wanted.account, columns.book == wanted.book)


def _tasks(wanted: LogFilter) -> Select[Any]:
    columns = task.c
    ended_ms = cast(columns.finished_at * MILLISECONDS, BigInteger)
    query = (
        select(
            literal("task").label("kind"),
            columns.id.label("id"),
            ended_ms.label("at_ms"),
            columns.key.label("key"),
            columns.model.label("model"),
            task_hold.c.captured_nanos.label("amount_nanos"),
            _NO_NUMBER.label("input_tokens"),
            _NO_NUMBER.label("output_tokens"),
            cast((columns.finished_at - columns.created_at) * MILLISECONDS, BigInteger).label("total_ms"),
            _NO_FACTS.label("facts"),
            columns.operation.label("note"),
            *_KEY_COLUMNS,
        )
        .join(task_hold, task_hold.c.task == columns.id)
        .outerjoin(api_key, api_key.c.id == columns.key)
        .where(columns.account == wanted.account, columns.book == wanted.book, task_hold.c.state == "captured")
        .where(columns.finished_at.is_not(None), *_within(ended_ms, wanted))
    )
    return _narrowed(query, wanted, columns.model)


def _credits(wanted: LogFilter) -> Select[Any]:
    columns, own = ledger_entry.c, balance_account(wanted.account)
    at_ms = cast(columns.at * MILLISECONDS, BigInteger)
    return select(
        literal("credit").label("kind"),
        cast(columns.id, String).label("id"),
        at_ms.label("at_ms"),
        _NO_TEXT.label("key"),
        _NO_TEXT.label("model"),
        case((columns.credit == own, columns.amount_nanos), else_=-columns.amount_nanos).label("amount_nanos"),
        _NO_NUMBER.label("input_tokens"),
        _NO_NUMBER.label("output_tokens"),
        _NO_NUMBER.label("total_ms"),
        _NO_FACTS.label("facts"),
        columns.note.label("note"),
        _NO_TEXT.label("key_name"),
        _NO_TEXT.label("price_group"),
    ).where(
        or_(columns.debit == own, columns.credit == own),
        columns.book == wanted.book,
        columns.kind.in_(BY_HAND),
        *_within(at_ms, wanted),
    )


_KEY_COLUMNS = (api_key.c.name.label("key_name"), api_key.c.price_group.label("price_group"))


def _narrowed(query: Select[Any], wanted: LogFilter, model: ColumnElement[str]) -> Select[Any]:
    if wanted.key_name:
        query = query.where(api_key.c.name == wanted.key_name)
    if wanted.model:
        query = query.where(model == wanted.model)
    return query


def _within(at_ms: ColumnElement[int], wanted: LogFilter) -> list[ColumnElement[bool]]:
    bounds = [at_ms >= int(wanted.since * MILLISECONDS)]
    if wanted.until is not None:
        bounds.append(at_ms <= int(wanted.until * MILLISECONDS))
    return bounds


def _line_of(row: Row[Any]) -> LogLine:
    return LogLine(
        id=row.id,
        kind=row.kind,
        at=row.at_ms / MILLISECONDS,
        key=row.key,
        key_name=row.key_name or "",
        group=row.price_group or "",
        model=row.model,
        amount_nanos=row.amount_nanos,
        input_tokens=row.input_tokens,
        output_tokens=row.output_tokens,
        total_ms=row.total_ms,
        facts=facts_of(row.facts),
        note=row.note,
    )


class DatabaseAccountLog:
    """Satisfies `control.yescale.LogStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def use(self, account: str, *, book: Book) -> AccountUse:
        return await self._database.fetch(read_use, account, book=book)

    async def log(self, wanted: LogFilter, *, offset: int, limit: int) -> list[LogLine]:
        return await self._database.fetch(list_log, wanted, offset=offset, limit=limit)

    async def tasks(self, account: str, *, book: Book, since: float, until: float, offset: int, limit: int) -> list[tuple[Task, int]]:
        return await self._database.fetch(list_tasks_between, account, book=book, since=since, until=until, offset=offset, limit=limit)
