"""Reading the log: request records, tasks and refusals as one list, newest first, by keyset.

Each source walks an index in the order of time. Where a filter is not answered by the index, it is walked in windows of a known number of
entries, hours without a match are skipped by the sums of what was used, and after a bound the page ends where looking ended.
"""

import heapq
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import ColumnElement, Connection, Row, Select, Table, and_, false, func, or_, select, text, tuple_

from modelgate.core.ids import REQUEST_TIME_DIGITS
from modelgate.core.log import LogEntry, LogFilter, LogPage, LogPosition, LogRow
from modelgate.core.records import RequestFacts
from modelgate.storage.database import Database
from modelgate.storage.schema.identity import api_key
from modelgate.storage.schema.money import FAILED, ledger_entry, request_record, task_hold
from modelgate.storage.schema.settings import upstream
from modelgate.storage.schema.tasks import task
from modelgate.storage.schema.usage import refusal, usage
from modelgate.storage.usage import HOUR_S

FIRST_WINDOW = 1_000
MAX_WINDOW = 20_000
"""Entries of an index looked through in one step: few at first, for what is often, four times as many with each step."""
MAX_LOOKED_THROUGH = 100_000
MAX_STEPS = 12
FILTERED_AT_ONCE = 1_000
"""Rows read in one step where only their facts tell whether they are wanted."""
ROWS_AT_ONCE = 500
MAX_MERGED_KEYS = 32
"""The keys of an account with no more are looked up one by one, each by the index; beyond, the account is busy enough to be met soon."""
MAX_ENTRIES = 20
SANDBOX_ID = "up_sandbox_"
END_OF_TIME = float(2**40)
ROUNDING = 0.002

REQUESTS, TASKS, REFUSALS, BEHIND_ALL = range(4)
FAILED_STATES = ("failed", "expired", "canceled")
STATUS_OF_STATE = {"succeeded": 200, "failed": 500, "expired": 504, "canceled": 499}
UNFINISHED_STATUS = 202

_decode_facts = msgspec.msgpack.Decoder(RequestFacts).decode
_C = request_record.c


class _Source(NamedTuple):
    """One table, walked by an index: `driven` is what the index answers, `others` what it does not, `keep` what SQL cannot say.

    Times are `at` / `scale` seconds; `ties` order what is at the same time. `skips`: hours without a match are skipped by the sums.
    `is_covered`: the index has all columns of `others`, so that rows are looked up only when they are wanted.
    """

    number: int
    table: Table
    at: Any
    scale: int
    ties: tuple[Any, ...]
    driven: tuple[ColumnElement[bool], ...]
    others: tuple[ColumnElement[bool], ...]
    row_of: Callable[[Row[Any]], LogRow]
    keep: Callable[[LogRow], bool] | None = None
    skips: tuple[ColumnElement[bool], ...] = ()
    is_covered: bool = False


def list_log(connection: Connection, wanted: LogFilter, *, limit: int, after: LogPosition | None = None) -> LogPage:
    """Return the next rows of the log behind a position."""
    start = after or LogPosition(END_OF_TIME, BEHIND_ALL, "")
    if wanted.until is not None and start.at >= wanted.until:
        start = LogPosition(wanted.until, BEHIND_ALL, "")
    parts = [_walk(connection, source, start, since=wanted.since, count=limit + 1) for source in _sources(connection, wanted)]
    rows = list(heapq.merge(*(part for part, _ in parts), key=lambda row: _order(row.position)))
    looked_to = min((reached for _, reached in parts if reached is not None), key=_order, default=None)
    if looked_to is not None:  # what is older may have something of the interrupted source before it
        rows = [row for row in rows if not _order(looked_to) < _order(row.position)]
    if len(rows) > limit:
        return LogPage(_named(connection, rows[:limit]), rows[limit - 1].position)
    return LogPage(_named(connection, rows), looked_to)


def _order(position: LogPosition) -> tuple[float, int, "_Descending"]:
    """Newest first; of one time by source, then latest first."""
    return (-position.at, position.source, _Descending(position.tie))


class _Descending:
    __slots__ = ("tie",)

    def __init__(self, tie: str) -> None:
        self.tie = _tie_key(tie)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Descending) and self.tie == other.tie

    def __lt__(self, other: "_Descending") -> bool:
        return self.tie > other.tie


def _tie_key(tie: str) -> tuple[str, int]:
    """Return an incarnation and its number, or the number of a refusal, or the id of a task, such that they compare."""
    name, _, number = tie.rpartition("/")
    return (name, int(number)) if number.isdecimal() else (tie, 0)


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


def _sources(connection: Connection, wanted: LogFilter) -> list[_Source]:
    sources: list[_Source] = []
    if wanted.status != "refused":
        keys = _keys_of(connection, wanted)
        sources = [_requests(wanted, key) for key in keys] if keys is not None else [_requests(wanted, "")]
        sources.append(_tasks(wanted))
    if wanted.status != "ok":
        sources.append(_refusals(wanted))
    return sources


def _keys_of(connection: Connection, wanted: LogFilter) -> tuple[str, ...] | None:
    """Return the keys to look up, those of the wanted account and books; None when they are too many or nobody asks for keys."""
    if wanted.id_from or not (wanted.account or wanted.key):
        return None
    query = select(api_key.c.id).where(api_key.c.book.in_(wanted.books))
    query = query.where(api_key.c.id == wanted.key) if wanted.key else query
    query = query.where(api_key.c.account == wanted.account) if wanted.account else query
    found = tuple(connection.execute(query.limit(MAX_MERGED_KEYS + 1)).scalars())
    return found if len(found) <= MAX_MERGED_KEYS else None


def _equal(columns: Any, wanted: LogFilter, *names: str) -> list[ColumnElement[bool]]:
    return [columns[name] == getattr(wanted, name) for name in names if getattr(wanted, name)]


def _requests(wanted: LogFilter, key: str) -> _Source:
    others = _equal(_C, wanted, "model", "upstream")
    in_books = _C.book.in_(wanted.books) if len(wanted.books) > 1 else _C.book == wanted.books[0]
    is_failed = wanted.status == "error" or (isinstance(wanted.status, int) and not 100 <= wanted.status <= 399)
    driven: list[ColumnElement[bool]] = [_C.key == key] if key else [in_books]
    if is_failed and not key:  # by the index of the failed ones, which begins with the time: the other must not look better
        driven = [text(f"({FAILED})"), _C.book.concat("").in_(wanted.books)]  # type: ignore[list-item]  # as the index says it
    elif is_failed:
        others.append(text(f"({FAILED})"))  # type: ignore[arg-type]  # as above
    elif wanted.status == "ok":
        others.append(_C.status.between(100, 399))
    if not key:
        others += _equal(_C, wanted, "account")
    if isinstance(wanted.status, int):
        others.append(_C.status == wanted.status)
    if wanted.id_from:
        low, high = (int(one[4 : 4 + REQUEST_TIME_DIGITS], 16) if _tells_time(one) else None for one in (wanted.id_from, wanted.id_to))
        within = and_(_C.at_ms >= low, _C.at_ms <= high) if low is not None and high is not None else false()
        driven.append(within)
        others += [_C.request_id >= wanted.id_from, _C.request_id <= wanted.id_to]
    endpoint = wanted.endpoint
    columns = usage.c
    skips: list[ColumnElement[bool]] = []
    if not key and not is_failed and (wanted.account or wanted.model or wanted.upstream):
        dimension = "model" if wanted.model else "upstream" if wanted.upstream else "key"
        skips = [columns.book.in_(wanted.books), columns.span_s == HOUR_S, columns.dimension == dimension]
        skips += [columns.name == getattr(wanted, dimension)] if dimension != "key" else []
        skips += _equal(columns, wanted, "account")
    return _Source(
        REQUESTS,
        request_record,
        _C.at_ms,
        1000,
        (_C.incarnation, _C.hold_seq),
        tuple(driven),
        tuple(others),
        _request_row,
        keep=(lambda row: row.endpoint == endpoint) if endpoint else None,
        skips=tuple(skips),
        is_covered=is_failed and not (key or wanted.account or wanted.upstream or wanted.id_from),
    )


def _tells_time(request_id: str) -> bool:
    digits = request_id[4 : 4 + REQUEST_TIME_DIGITS]
    return request_id.startswith("req_") and len(digits) == REQUEST_TIME_DIGITS and all(digit in "0123456789abcdef" for digit in digits)


def _tasks(wanted: LogFilter) -> _Source:
    columns = task.c
    others = _equal(columns, wanted, "model", "upstream")
    if wanted.endpoint:
        others.append(columns.family == wanted.endpoint)
    if wanted.status == "error":
        others.append(columns.state.in_(FAILED_STATES))
    elif wanted.status == "ok":
        others.append(columns.state.not_in(FAILED_STATES))
    elif isinstance(wanted.status, int):
        states = [state for state, status in STATUS_OF_STATE.items() if status == wanted.status]
        is_open = columns.finished_at.is_(None) if wanted.status == UNFINISHED_STATUS else false()
        others.append(or_(columns.state.in_(states), is_open))
    driven = [columns.book.in_(wanted.books), *_equal(columns, wanted, "account", "key")]
    if wanted.id_from:
        driven = [*driven, columns.request_id >= wanted.id_from, columns.request_id <= wanted.id_to]
    return _Source(TASKS, task, columns.created_at, 1, (columns.id,), tuple(driven), tuple(others), _task_row)


def _refusals(wanted: LogFilter) -> _Source:
    columns = refusal.c
    others = _equal(columns, wanted, "model", "endpoint")
    if wanted.upstream:
        others.append(false())
    if isinstance(wanted.status, int):
        others.append(columns.status == wanted.status)
    driven = [columns.book.in_(wanted.books), *_equal(columns, wanted, "account", "key")]
    if wanted.id_from:
        driven = [*driven, columns.request_id >= wanted.id_from, columns.request_id <= wanted.id_to]
    return _Source(REFUSALS, refusal, columns.at_ms, 1000, (columns.id,), tuple(driven), tuple(others), _refusal_row)


# --- walking


def _walk(
    connection: Connection, source: _Source, start: LogPosition, *, since: float, count: int
) -> tuple[list[LogRow], LogPosition | None]:
    """Return at most `count` rows behind a position, and how far was looked when that was not to the end (None: it was)."""
    rows: list[LogRow] = []
    position, looked, hour, window = start, 0, 0, FIRST_WINDOW
    is_exact = not source.others and source.keep is None
    at_once = count if source.keep is None else max(count, FILTERED_AT_ONCE)
    for _ in range(MAX_STEPS):
        if source.skips:
            found_hour = _latest_hour(connection, source, position, since=since)
            if found_hour is None:
                return rows, None
            hour = found_hour
            if hour + HOUR_S < position.at:
                position = LogPosition(float(hour + HOUR_S), BEHIND_ALL, "")
        window_end = None if is_exact else _window_end(connection, source, position, since=max(since, hour), window=window)
        floor = max(hour, window_end or 0.0) or None
        found = _fetch(connection, source, position, since=max(since, floor or 0.0), count=at_once)
        rows += [row for row in found if source.keep is None or source.keep(row)]
        if len(rows) >= count:
            return rows[:count], None
        if len(found) == at_once:
            position = found[-1].position
        elif floor is None or floor <= since:
            return rows, None
        else:
            position = LogPosition(float(floor), BEHIND_ALL, "")
        looked += window if window_end is not None else at_once
        window = min(window * 4, MAX_WINDOW)
        if looked >= MAX_LOOKED_THROUGH:
            break
    return rows, position


def _latest_hour(connection: Connection, source: _Source, position: LogPosition, *, since: float) -> int | None:
    """Return the latest hour up to a position in which there is a match; None: there is none."""
    at = usage.c.at
    before = at < position.at if position.source == BEHIND_ALL else at <= position.at
    found: int | None = connection.execute(select(func.max(at)).where(*source.skips, before, at > since - HOUR_S)).scalar()
    return found


def _window_end(connection: Connection, source: _Source, position: LogPosition, *, since: float, window: int) -> float | None:
    """Return the time of the entry at which looking pauses, in seconds; None: there are no more entries than one window has."""
    query = select(source.at).where(*source.driven, source.at <= _scaled(position.at, source.scale), source.at >= since * source.scale)
    edge = connection.execute(query.order_by(source.at.desc()).offset(window).limit(1)).scalar()
    if edge is None:
        return None
    seconds = float(edge) / source.scale
    return seconds if seconds < position.at else None  # a whole window in one instant: it is looked through at once


def _fetch(connection: Connection, source: _Source, position: LogPosition, *, since: float, count: int) -> list[LogRow]:
    at = _scaled(position.at, source.scale)
    below: ColumnElement[bool] = source.at < at
    if position.source < source.number:
        below = source.at <= at
    elif position.source == source.number:
        below = and_(source.at <= at, or_(source.at < at, _is_behind(source, position.tie)))
    order = (source.at.desc(), *(tie.desc() for tie in source.ties))
    conditions = [*source.driven, *source.others, below, source.at >= since * source.scale]
    if source.is_covered:
        return _fetch_covered(connection, select(*source.ties).where(*conditions).order_by(*order).limit(count))
    query = select(source.table).where(*conditions).order_by(*order).limit(count)
    return [source.row_of(row) for row in connection.execute(query)]


def _fetch_covered(connection: Connection, keys: Select[Any]) -> list[LogRow]:
    """Return the request records that a query of the index alone finds: asked for whole rows, SQLite would look up the row of every entry
    before it compares what the entry has itself."""
    numbers: dict[str, list[int]] = defaultdict(list)
    for incarnation, hold_seq in connection.execute(keys):
        numbers[incarnation].append(hold_seq)
    rows: list[LogRow] = []
    for incarnation, found in numbers.items():
        for start in range(0, len(found), ROWS_AT_ONCE):
            part = found[start : start + ROWS_AT_ONCE]
            query = select(request_record).where(_C.incarnation == incarnation, _C.hold_seq.in_(part))
            rows += [_request_row(row) for row in connection.execute(query)]
    return sorted(rows, key=lambda row: _order(row.position))


def _is_behind(source: _Source, tie: str) -> ColumnElement[bool]:
    name, number = _tie_key(tie)
    if source.number == REQUESTS:
        return tuple_(*source.ties) < tuple_(name, number)
    behind: ColumnElement[bool] = source.ties[0] < (number if source.number == REFUSALS else tie)
    return behind


def _scaled(seconds: float, scale: int) -> float:
    """Return a time in a column's unit; what was a whole number there is one again, whatever floats made of it."""
    scaled = seconds * scale
    whole = round(scaled)
    return whole if abs(scaled - whole) < ROUNDING else scaled


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


def _named(connection: Connection, rows: Sequence[LogRow]) -> list[LogRow]:
    """Return the rows with the names of their keys and upstreams, and tasks with what they were charged."""
    keys = _names(connection, api_key.c.id, api_key.c.name, {row.key for row in rows})
    upstreams = _names(connection, upstream.c.id, upstream.c.name, {row.upstream for row in rows if row.upstream})
    charged = _names(connection, task_hold.c.task, task_hold.c.captured_nanos, {row.task for row in rows if row.task})
    return [
        msgspec.structs.replace(
            row,
            key_name=keys.get(row.key, ""),
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
