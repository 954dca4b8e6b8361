"""Check 8 of the audit: sums of what was used against the records and tasks they are sums of. Reads only.

By day and key, in one pass over the records; hours are compared with their days, and models and upstreams with keys. Days from which
something was removed with age are taken as they are; they were whole when it was removed.
"""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Connection, Select, and_, case, cast, func, literal, or_, select

from modelgate.storage.schema.money import request_record, task_hold
from modelgate.storage.schema.tasks import task
from modelgate.storage.schema.usage import DIMENSIONS, removed, usage
from modelgate.storage.usage import DAY_S, HOUR_S, MEASURES

MAX_FINDINGS = 50
COMPARED = ("requests", "errors", "tasks", "tasks_failed", "input_tokens", "output_tokens", "amount_nanos", "first_byte_ms", "total_ms")

_Sums = dict[tuple[str, int, str], list[int]]
"""By (book, day, key): the compared measures."""


def find_wrong_sums(connection: Connection) -> Iterator[str]:
    """Yield a sentence for each sum that is wrong, at most `MAX_FINDINGS` of a kind."""
    removed_before_ms = connection.execute(select(func.coalesce(func.max(removed.c.before_ms), 0))).scalar_one()
    first_day = -(-removed_before_ms // (DAY_S * 1000))
    kept = _kept(connection, first_day)
    found = _of_records(connection, first_day)
    _add(found, _of_tasks(connection, first_day))
    wrong = [name for name in sorted(kept.keys() | found.keys()) if kept.get(name) != found.get(name) and _is_any(kept, found, name)]
    for book, day, key in wrong[:MAX_FINDINGS]:
        said, counted = kept.get((book, day, key)), found.get((book, day, key))
        yield f"what {key} ({book}) used on day {day} is summed up as {said}, its records and tasks say {counted} ({', '.join(COMPARED)})"
    columns = usage.c
    of: list[ColumnElement[Any]] = [columns.book, columns.account, columns.dimension, columns.name]
    begins = (columns.at - columns.at % DAY_S).label("day")
    since = columns.at >= first_day * DAY_S
    signed = [func.sum(case((columns.span_s == HOUR_S, columns[name]), else_=-columns[name])) for name in MEASURES]
    differing = select(*of, begins).where(since).group_by(*of, begins).having(or_(*(sum_ != 0 for sum_ in signed)))
    for row in connection.execute(differing.limit(MAX_FINDINGS)):
        yield f"the hours of {row.account} ({row.book}) with the {row.dimension} {row.name} do not sum up to their day {row.day // DAY_S}"
    for dimension in DIMENSIONS[1:]:
        signed = [func.sum(case((columns.dimension == DIMENSIONS[0], columns[name]), else_=-columns[name])) for name in MEASURES]
        of = [columns.book, columns.account, columns.at]
        compared = columns.dimension.in_((DIMENSIONS[0], dimension))
        differing = select(*of).where(since, columns.span_s == DAY_S, compared).group_by(*of).having(or_(*(sum_ != 0 for sum_ in signed)))
        for row in connection.execute(differing.limit(MAX_FINDINGS)):
            yield f"what {row.account} ({row.book}) used on day {row.at // DAY_S} is by {dimension} another sum than by key"


def _is_any(kept: _Sums, found: _Sums, name: tuple[str, int, str]) -> bool:
    """A row that is all zero is none: of refusals alone nothing is compared."""
    return any(kept.get(name, ())) or any(found.get(name, ()))


def _add(sums: _Sums, more: _Sums) -> None:
    for name, measures in more.items():
        before = sums.get(name)
        sums[name] = measures if before is None else [one + other for one, other in zip(before, measures, strict=True)]


def _read(connection: Connection, query: Select[Any]) -> _Sums:
    return {(book, int(day), key): [int(measure) for measure in measures] for book, day, key, *measures in connection.execute(query)}


def _kept(connection: Connection, first_day: int) -> _Sums:
    columns = usage.c
    day = columns.at.op("/")(literal(DAY_S, BigInteger)).label("day")
    query = select(columns.book, day, columns.name, *(func.sum(columns[name]) for name in COMPARED))
    wanted = (columns.span_s == DAY_S, columns.dimension == "key", columns.at >= first_day * DAY_S)
    return _read(connection, query.where(*wanted).group_by(columns.book, day, columns.name))


def _of_records(connection: Connection, first_day: int) -> _Sums:
    columns = request_record.c
    day: ColumnElement[int] = columns.at_ms.op("/")(literal(DAY_S * 1000, BigInteger))
    is_failed = or_(columns.status < 100, columns.status > 399)
    nothing = literal(0)
    sums = (
        func.count(),
        func.sum(case((is_failed, 1), else_=0)),
        nothing,
        nothing,
        func.sum(columns.input_tokens),
        func.sum(columns.output_tokens),
        func.sum(columns.amount_nanos),
        func.sum(case((is_failed, 0), else_=columns.first_byte_ms)),
        func.sum(case((is_failed, 0), else_=columns.total_ms)),
    )
    named = day.label("day")
    query = select(columns.book, named, columns.key, *sums)
    return _read(connection, query.where(columns.at_ms >= first_day * DAY_S * 1000).group_by(columns.book, named, columns.key))


def _of_tasks(connection: Connection, first_day: int) -> _Sums:
    columns = task.c
    seconds = cast(columns.finished_at if connection.dialect.name == "sqlite" else func.floor(columns.finished_at), BigInteger)
    day = seconds.op("/")(literal(DAY_S, BigInteger)).label("day")
    nothing = literal(0)
    failed = func.sum(case((columns.state.in_(("failed", "expired")), 1), else_=0))
    amount = func.sum(func.coalesce(task_hold.c.captured_nanos, 0))
    query = (
        select(columns.book, day, columns.key, nothing, nothing, func.count(), failed, nothing, nothing, amount, nothing, nothing)
        .select_from(task.outerjoin(task_hold, task_hold.c.task == columns.id))
        .where(and_(columns.finished_at.is_not(None), columns.finished_at >= first_day * DAY_S))
        .group_by(columns.book, day, columns.key)
    )
    return _read(connection, query)
