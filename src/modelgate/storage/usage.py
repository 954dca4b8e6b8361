"""Sums of what was used, by hour and by day, kept in the very transactions that write what they are sums of.

So they always equal it, whoever dies: `audit_usage` and a test compare. Rows are locked last and in order, as everywhere.
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from operator import add

from sqlalchemy import Connection

from modelgate.core.records import Refusal, Task
from modelgate.storage.schema.money import request_record
from modelgate.storage.schema.usage import BUCKET_NAMES, BUCKETS_MS, DIMENSIONS, usage

HOUR_S = 3_600
DAY_S = 86_400
HOUR_MS = HOUR_S * 1000

MEASURES = (
    "requests",
    "errors",
    "refused",
    "tasks",
    "tasks_failed",
    "input_tokens",
    "output_tokens",
    "amount_nanos",
    "first_byte_ms",
    "total_ms",
    *BUCKET_NAMES,
)
_KEYS = tuple(column.name for column in usage.primary_key)
_NOTHING = [0] * len(MEASURES)
_FIRST_BUCKET = MEASURES.index(BUCKET_NAMES[0])
_REFUSED = MEASURES.index("refused")

Group = tuple[str, int, str, str, str, str]
"""(book, hour, account, key, model, upstream); hours and days are counted from the epoch."""

_INSERT = (
    f"INSERT INTO usage ({', '.join((*_KEYS, *MEASURES))}) VALUES ({{marks}}) "  # noqa: S608  # our own column names
    f"ON CONFLICT ({', '.join(_KEYS)}) DO UPDATE SET {', '.join(f'{name} = usage.{name} + excluded.{name}' for name in MEASURES)}"
)
_INSERT_BY_PARAMSTYLE = {
    style: _INSERT.format(marks=", ".join([mark] * (len(_KEYS) + len(MEASURES)))) for style, mark in (("qmark", "?"), ("pyformat", "%s"))
}

_POSITIONS = {column.name: number for number, column in enumerate(request_record.columns)}
_BOOK, _AT_MS, _ACCOUNT, _KEY, _MODEL, _UPSTREAM, _STATUS, _INPUT, _OUTPUT, _AMOUNT, _FIRST_BYTE, _TOTAL = (
    _POSITIONS[name]
    for name in (
        "book",
        "at_ms",
        "account",
        "key",
        "model",
        "upstream",
        "status",
        "input_tokens",
        "output_tokens",
        "amount_nanos",
        "first_byte_ms",
        "total_ms",
    )
)


def is_failure(status: int) -> bool:
    """Tell whether a request with this status is an error; 0 is that of an orphan. As `schema.money.FAILED`."""
    return status < 100 or status > 399


def add_records(connection: Connection, rows: Iterable[Sequence[object]]) -> None:
    """Add rows of request_record, as tuples in the order of its columns. For every request there is: no more than it must."""
    groups: dict[Group, list[int]] = {}
    for row in rows:
        group: Group = (row[_BOOK], row[_AT_MS] // HOUR_MS, row[_ACCOUNT], row[_KEY], row[_MODEL], row[_UPSTREAM])  # type: ignore[assignment, operator]  # a row is of objects
        measures = groups.get(group)
        if measures is None:
            measures = groups[group] = _NOTHING.copy()
        measures[0] += 1
        measures[5] += row[_INPUT]  # type: ignore[operator]  # as above
        measures[6] += row[_OUTPUT]  # type: ignore[operator]  # as above
        measures[7] += row[_AMOUNT]  # type: ignore[operator]  # as above
        if is_failure(row[_STATUS]):  # type: ignore[arg-type]  # as above
            measures[1] += 1
        else:
            total_ms: int = row[_TOTAL]  # type: ignore[assignment]  # as above
            measures[8] += row[_FIRST_BYTE]  # type: ignore[operator]  # as above
            measures[9] += total_ms
            measures[_FIRST_BUCKET + bisect_left(BUCKETS_MS, total_ms)] += 1
    _add(connection, groups)


def add_task(connection: Connection, task: Task, *, captured_nanos: int) -> None:
    """Add a task that has ended, in the transaction that ends it."""
    assert task.finished_at is not None
    measures = _NOTHING.copy()
    measures[3] = 1
    measures[4] = int(task.state in ("failed", "expired"))
    measures[7] = captured_nanos
    _add(connection, {(task.book, int(task.finished_at) // HOUR_S, task.account, task.key, task.model, task.upstream): measures})


def add_refusals(connection: Connection, refusals: Iterable[Refusal]) -> None:
    """Add refused calls, each as often as it says. Models that are not here are summed as one: callers may make up any number."""
    groups: dict[Group, list[int]] = {}
    for one in refusals:
        model = "" if one.is_unknown_model else one.model
        measures = groups.setdefault((one.book, one.at_ms // HOUR_MS, one.account, one.key, model, ""), _NOTHING.copy())
        measures[_REFUSED] += one.times
    _add(connection, groups)


def _add(connection: Connection, hours: dict[Group, list[int]]) -> None:
    if not hours:
        return
    sums: dict[tuple[str, int, str, int, str, str], list[int]] = {}
    for (book, hour, account, *names), measures in hours.items():
        for span_s, at in ((HOUR_S, hour * HOUR_S), (DAY_S, hour // 24 * DAY_S)):
            for dimension, name in zip(DIMENSIONS, names, strict=True):
                of = (book, span_s, dimension, at, account, name)
                before = sums.get(of)
                sums[of] = measures if before is None else list(map(add, before, measures))
    rows = sorted((*of, *measures) for of, measures in sums.items())  # two that add to the same rows must lock them in one order
    connection.exec_driver_sql(_INSERT_BY_PARAMSTYLE[connection.dialect.paramstyle], rows)
