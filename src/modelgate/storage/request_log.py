"""Reading the log: request records, tasks and refusals as one list, newest first (how: `log_walk`)."""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, Row, Select, and_, exists, false, or_, select, text

from modelgate.core.ids import REQUEST_TIME_DIGITS
from modelgate.core.log import LogEntry, LogFilter, LogPage, LogPosition, LogRow
from modelgate.core.records import RequestFacts
from modelgate.storage.database import Database
from modelgate.storage.log_walk import (
    FIRST_WINDOW,
    MAX_WINDOW,
    REFUSALS,
    REQUESTS,
    ROWS_AT_ONCE,
    TASKS,
    Allowance,
    Hours,
    Pause,
    Source,
    Span,
    beginning,
    walk,
)
from modelgate.storage.schema.identity import api_key
from modelgate.storage.schema.money import FAILED, ledger_entry, request_record, task_hold
from modelgate.storage.schema.settings import upstream
from modelgate.storage.schema.tasks import task
from modelgate.storage.schema.usage import refusal, usage
from modelgate.storage.usage import HOUR_S

MAX_LOOKED_THROUGH = 100_000
MAX_STEPS = 12
"""Entries of an index, and steps, in which one source is looked through for a page."""
MAX_MERGED_KEYS = 32
"""The keys of an account with no more are looked up one by one, each by the index; beyond, those that the sums name for some hours."""
MAX_KEYS_AT_ONCE = 500
MAX_KEY_HOURS = 1_000
MAX_ENTRIES = 20
SANDBOX_ID = "up_sandbox_"

FAILED_STATES = ("failed", "expired", "canceled")
STATUS_OF_STATE = {"succeeded": 200, "failed": 500, "expired": 504, "canceled": 499}
UNFINISHED_STATUS = 202

_decode_facts = msgspec.msgpack.Decoder(RequestFacts).decode
_C = request_record.c


def list_log(connection: Connection, wanted: LogFilter, *, limit: int, after: LogPosition | None = None) -> LogPage:
    """Return the next rows of the log behind a position."""
    start = beginning(wanted.until)
    if after is not None and (wanted.until is None or after.at < wanted.until):
        start = after
    rows: list[LogRow] = []
    sources = sources_of(connection, wanted)
    for found in walk(connection, sources, start, since=wanted.since, count=limit + 1, allow=_allowance):
        if isinstance(found, Pause):
            return LogPage(named(connection, rows), found.position)
        if len(rows) == limit:
            return LogPage(named(connection, rows), rows[-1].position)
        rows.append(found)
    return LogPage(named(connection, rows), None)


def _allowance() -> Allowance:
    return Allowance(steps=MAX_STEPS, entries=MAX_LOOKED_THROUGH)


def find_in_log(connection: Connection, request_id: str, *, account: str = "") -> list[LogRow]:
    """Return the rows of one request: one, or for a request that began several tasks one for each."""
    wanted = LogFilter(books=("live", "test"), account=account, id_from=request_id, id_to=request_id)
    return list_log(connection, wanted, limit=MAX_ENTRIES).rows


def entries_of(connection: Connection, row: LogRow) -> list[LogEntry]:
    """Return the entries of the ledger that a row is part of: its batch's charge, or all of its task."""
    entry = ledger_entry.c
    if row.lease is not None:
        incarnation, period, batch = row.lease
        cause = f"{incarnation}/{row.key}/{period}/{batch}"
        query = select(ledger_entry).where(entry.kind == "charge", entry.cause == cause)
    elif row.task:
        kinds = ("task_hold", "task_charge", "task_return", "task_cover")
        query = select(ledger_entry).where(entry.kind.in_(kinds), entry.cause == row.task)
    else:
        return []
    return [
        LogEntry(at=one.at, kind=one.kind, debit=one.debit, credit=one.credit, amount_nanos=one.amount_nanos, cause=one.cause)
        for one in connection.execute(query.order_by(entry.id).limit(MAX_ENTRIES))
    ]


# --- sources


def sources_of(connection: Connection, wanted: LogFilter, *, charged_tasks: bool = False) -> list[Source]:
    """Return what to walk for a filter. `charged_tasks`: of tasks only those that cost something, whatever the wanted status."""
    sources: list[Source] = []
    if wanted.status != "refused":
        if "request" in wanted.kinds:
            keys = _keys_of(connection, wanted)
            hours = _hours(wanted) if wanted.model or wanted.upstream else None  # those of all keys
            sources += [_requests(wanted, key, hours or _hours(wanted, key)) for key in (("",) if keys is None else keys)]
        if "task" in wanted.kinds:
            sources.append(_tasks(wanted, charged=charged_tasks))
    if wanted.status != "ok" and "refusal" in wanted.kinds:
        sources.append(_refusals(wanted))
    return sources


def _keys_of(connection: Connection, wanted: LogFilter) -> tuple[str, ...] | None:
    """Return the keys to look up, those of the wanted account and books; None when they are too many or nobody asks for keys."""
    if wanted.id_from or not (wanted.account or wanted.key or wanted.key_name):
        return None
    found = tuple(connection.execute(keys_wanted(wanted).limit(MAX_MERGED_KEYS + 1)).scalars())
    return found if len(found) <= MAX_MERGED_KEYS else None


def keys_wanted(wanted: LogFilter) -> Select[Any]:
    """Return the query of the ids of keys that a filter asks for, deleted ones too."""
    query = select(api_key.c.id).where(api_key.c.book.in_(wanted.books), *_equal(api_key.c, wanted, "account"))
    query = query.where(api_key.c.id == wanted.key) if wanted.key else query
    return query.where(api_key.c.name == wanted.key_name) if wanted.key_name else query


def _equal(columns: Any, wanted: LogFilter, *names: str) -> list[ColumnElement[bool]]:
    return [columns[name] == getattr(wanted, name) for name in names if getattr(wanted, name)]


def is_of_failed(wanted: LogFilter) -> bool:
    """Tell whether a filter asks for failed requests alone."""
    return wanted.status == "error" or (isinstance(wanted.status, int) and not 100 <= wanted.status <= 399)


def _requests(wanted: LogFilter, key: str, hours: Hours | None) -> Source:
    """`key`: one to look up; empty: whichever the filter means."""
    others = _equal(_C, wanted, "model", "upstream")
    in_books = _C.book.in_(wanted.books) if len(wanted.books) > 1 else _C.book == wanted.books[0]
    is_failed = is_of_failed(wanted)
    driven: list[ColumnElement[bool]] = [_C.key == key] if key else [in_books]
    if is_failed and not key:  # by the index of the failed ones, which begins with the time: the other must not look better
        driven = [text(f"({FAILED})"), _C.book.concat("").in_(wanted.books)]  # type: ignore[list-item]  # as the index says it
    elif is_failed:
        others.append(text(f"({FAILED})"))  # type: ignore[arg-type]  # as above
    elif wanted.status == "ok":
        others.append(_C.status.between(100, 399))
    if not key:
        others += _equal(_C, wanted, "account")
        others += [_C.key.in_(keys_wanted(wanted))] if wanted.key_name else []
    if isinstance(wanted.status, int):
        others.append(_C.status == wanted.status)
    if wanted.id_from:
        low, high = (int(one[4 : 4 + REQUEST_TIME_DIGITS], 16) if _tells_time(one) else None for one in (wanted.id_from, wanted.id_to))
        within = and_(_C.at_ms >= low, _C.at_ms <= high) if low is not None and high is not None else false()
        driven.append(within)
        others += [_C.request_id >= wanted.id_from, _C.request_id <= wanted.id_to]
    endpoint = wanted.endpoint
    by_account = bool(wanted.account) and not (key or is_failed or wanted.id_from)
    return Source(
        REQUESTS,
        request_record,
        _C.at_ms,
        1000,
        (_C.incarnation, _C.hold_seq),
        tuple(driven),
        tuple(others),
        _request_row,
        keep=(lambda row: row.endpoint == endpoint) if endpoint else None,
        hours=hours,
        stays_in_hours=not key,
        span_before=_spans_of_keys(wanted) if by_account else None,
        is_covered=is_failed and not (key or wanted.account or wanted.key_name or wanted.upstream or wanted.id_from),
    )


def _hours(wanted: LogFilter, key: str = "") -> Hours | None:
    """Return the hours in which there is a match, where they may be few; a key looked up has no others than its own."""
    columns, is_failed = usage.c, is_of_failed(wanted)
    rare = wanted.model or wanted.upstream
    if not (is_failed or rare if key else wanted.account or (rare and not is_failed)):
        return None
    dimension, name = ("model", wanted.model) if wanted.model else ("upstream", wanted.upstream) if wanted.upstream else ("key", key)
    of = [columns.book.in_(wanted.books), columns.span_s == HOUR_S, columns.dimension == dimension]
    of += [columns.name == name] if name else []
    if wanted.account:  # beside a name by the index of names, which the other must not look better than; either has all that is asked for
        of.append((columns.account.concat("") if name else columns.account) == wanted.account)
    return Hours(*of, *((columns.errors > 0,) if is_failed else ()))


def _spans_of_keys(wanted: LogFilter) -> Callable[[Connection, int], Span | None]:
    """Return what names the keys of an account that were used from an hour backwards, as far as they and their requests are few."""
    columns = usage.c
    of = (columns.book.in_(wanted.books), columns.span_s == HOUR_S, columns.dimension == "key", columns.account == wanted.account)

    def span_before(connection: Connection, hour: int) -> Span | None:
        query = select(columns.at, columns.name, columns.requests).where(*of, columns.at <= hour, columns.requests > 0)
        found = connection.execute(query.order_by(columns.at.desc()).limit(MAX_KEY_HOURS)).all()
        if len(found) == MAX_KEY_HOURS:  # of the last hour there may be more
            found = [row for row in found if row.at > found[-1].at]
        begins, names, entries = hour + HOUR_S, set[str](), 0
        for row in found:
            if row.at < begins and (entries >= FIRST_WINDOW or len(names) >= MAX_KEYS_AT_ONCE):
                break
            begins = row.at
            entries += row.requests
            names.add(row.name)
        return (begins, (_C.key.in_(sorted(names)),)) if names and entries <= MAX_WINDOW else None

    return span_before


def _tells_time(request_id: str) -> bool:
    digits = request_id[4 : 4 + REQUEST_TIME_DIGITS]
    return request_id.startswith("req_") and len(digits) == REQUEST_TIME_DIGITS and all(digit in "0123456789abcdef" for digit in digits)


def _tasks(wanted: LogFilter, *, charged: bool) -> Source:
    columns = task.c
    others = _equal(columns, wanted, "model", "upstream")
    if wanted.endpoint:
        others.append(columns.family == wanted.endpoint)
    if charged:
        others.append(exists().where(task_hold.c.task == columns.id, task_hold.c.state == "captured"))
    elif wanted.status == "error":
        others.append(columns.state.in_(FAILED_STATES))
    elif wanted.status == "ok":
        others.append(columns.state.not_in(FAILED_STATES))
    elif isinstance(wanted.status, int):
        states = [state for state, status in STATUS_OF_STATE.items() if status == wanted.status]
        is_open = columns.finished_at.is_(None) if wanted.status == UNFINISHED_STATUS else false()
        others.append(or_(columns.state.in_(states), is_open))
    driven = [columns.book.in_(wanted.books), *_equal(columns, wanted, "account", "key")]
    if wanted.key_name:
        driven.append(columns.key.in_(keys_wanted(wanted)))
    if wanted.id_from:
        driven = [*driven, columns.request_id >= wanted.id_from, columns.request_id <= wanted.id_to]
    return Source(TASKS, task, columns.created_at, 1, (columns.id,), tuple(driven), tuple(others), _task_row)


def _refusals(wanted: LogFilter) -> Source:
    columns = refusal.c
    others = _equal(columns, wanted, "model", "endpoint")
    if wanted.upstream:
        others.append(false())
    if isinstance(wanted.status, int):
        others.append(columns.status == wanted.status)
    driven = [columns.book.in_(wanted.books), *_equal(columns, wanted, "account", "key")]
    if wanted.key_name:
        driven.append(columns.key.in_(keys_wanted(wanted)))
    if wanted.id_from:
        driven = [*driven, columns.request_id >= wanted.id_from, columns.request_id <= wanted.id_to]
    return Source(REFUSALS, refusal, columns.at_ms, 1000, (columns.id,), tuple(driven), tuple(others), _refusal_row)


# --- rows


def _request_row(row: Row[Any]) -> LogRow:
    facts = facts_of(row.facts)
    failed = row.outcome == "orphaned"
    return LogRow(
        kind="request",
        position=LogPosition(row.at_ms / 1000, REQUESTS, f"{row.incarnation}/{row.hold_seq}"),
        request_id=row.request_id,
        account=row.account,
        key=row.key,
        book=row.book,
        model=row.model,
        upstream=row.upstream,
        endpoint=facts.endpoint if facts else "",
        status=row.status,
        error=facts.error if facts else "orphaned" if failed else "",
        input_tokens=row.input_tokens,
        output_tokens=row.output_tokens,
        cached_tokens=facts.cached_tokens if facts else 0,
        amount_nanos=row.amount_nanos,
        hold_nanos=row.hold_nanos,
        overrun_nanos=row.overrun_nanos,
        first_byte_ms=row.first_byte_ms,
        total_ms=row.total_ms,
        stream=facts.stream if facts else False,
        estimated=row.estimated,
        attempts=facts.attempts if facts else 0,
        outcome=row.outcome,
        lease=(row.incarnation, row.period, row.batch),
        facts=facts,
    )


def facts_of(encoded: bytes | None) -> RequestFacts | None:
    """Return what a record keeps besides its columns; None where there is nothing (an orphan's) or nothing that can be read."""
    try:
        return _decode_facts(encoded) if encoded else None
    except msgspec.DecodeError:
        return None


def _task_row(row: Row[Any]) -> LogRow:
    ended = row.finished_at if row.finished_at is not None else row.updated_at
    return LogRow(
        kind="task",
        position=LogPosition(row.created_at, TASKS, row.id),
        request_id=row.request_id,
        account=row.account,
        key=row.key,
        book=row.book,
        model=row.model,
        upstream=row.upstream,
        endpoint=row.family,
        status=STATUS_OF_STATE.get(row.state, UNFINISHED_STATUS),
        error=row.error_code,
        message=row.error_message,
        hold_nanos=row.amount_nanos,
        total_ms=max(0, int((ended - row.created_at) * 1000)),
        attempts=row.attempt,
        outcome=row.state,
        task=row.id,
        note=row.operation,
    )


def _refusal_row(row: Row[Any]) -> LogRow:
    return LogRow(
        kind="refusal",
        position=LogPosition(row.at_ms / 1000, REFUSALS, str(row.id)),
        request_id=row.request_id,
        account=row.account,
        key=row.key,
        book=row.book,
        model=row.model,
        upstream="",
        endpoint=row.endpoint,
        status=row.status,
        error=row.code,
        message=row.message,
        outcome="refused",
    )


def named(connection: Connection, rows: Sequence[LogRow]) -> list[LogRow]:
    """Return the rows with the names of their keys and upstreams, and tasks with what they were charged."""
    keys = _names(connection, api_key.c.id, api_key.c.name, {row.key for row in rows if row.key})
    groups = _names(connection, api_key.c.id, api_key.c.price_group, set(keys))
    upstreams = _names(connection, upstream.c.id, upstream.c.name, {row.upstream for row in rows if row.upstream})
    charged = _names(connection, task_hold.c.task, task_hold.c.captured_nanos, {row.task for row in rows if row.task})
    return [
        msgspec.structs.replace(
            row,
            key_name=keys.get(row.key, ""),
            group=groups.get(row.key, ""),
            upstream_name=upstreams.get(row.upstream) or name_of_unlisted(row.upstream),
            amount_nanos=charged.get(row.task, row.amount_nanos),
        )
        for row in rows
    ]


def name_of_unlisted(upstream_id: str) -> str:
    """Return the name of an upstream of the sandbox, which no table lists, empty for one that is gone."""
    return upstream_id.removeprefix("up_").replace("_", " ") if upstream_id.startswith(SANDBOX_ID) else ""


def _names(connection: Connection, by: Any, what: Any, wanted: set[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    ordered = sorted(wanted)
    for start in range(0, len(ordered), ROWS_AT_ONCE):
        found |= {name: value for name, value in connection.execute(select(by, what).where(by.in_(ordered[start : start + ROWS_AT_ONCE])))}
    return found


class DatabaseRequestLog:
    """The log over a database. Satisfies `control.requests.RequestLog`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(self, wanted: LogFilter, *, limit: int, after: LogPosition | None) -> LogPage:
        return await self._database.fetch(list_log, wanted, limit=limit, after=after)

    async def find(self, request_id: str, *, account: str) -> list[LogRow]:
        return await self._database.fetch(find_in_log, request_id, account=account)

    async def entries(self, row: LogRow) -> list[LogEntry]:
        return await self._database.fetch(entries_of, row)
