"""Walking rows of several tables as one list, newest first, by keyset: each by an index in the order of time.

Where a filter is not answered by the index, a table is walked in windows of a known number of entries, hours without a match are skipped
by the sums of what was used, and after a bound the list pauses where looking ended.
"""

import heapq
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Integer, Row, Select, Table, and_, or_, select, tuple_

from modelgate.core.log import LogPosition, LogRow
from modelgate.storage.schema.usage import usage
from modelgate.storage.usage import HOUR_S

FIRST_WINDOW = 1_000
MAX_WINDOW = 20_000
"""Entries of an index looked through in one step: few at first, for what is often, four times as many with each step."""
FILTERED_AT_ONCE = 1_000
"""Rows read in one step where only their facts tell whether they are wanted."""
FEW_HOURS, MANY_HOURS = 24, 1_000
"""Hours read at once: few at first."""
ROWS_AT_ONCE = 500
SPARSE_AT_ONCE = 5_000
"""Rows read in one step where few of the entries are wanted, or none were just now: then all of a window is read, in the order of the
index. Backwards the kernel reads nothing ahead, which took a cold SQLite file four times as long."""
END_OF_TIME = float(2**40)
ROUNDING = 0.002

REQUESTS, TASKS, REFUSALS, CREDITS, BEHIND_ALL = range(5)

Span = tuple[int, tuple[ColumnElement[bool], ...]]
"""Where a span begins, seconds, and what drives an index through it."""


class Allowance:
    """How far sources are looked through for rows that are hard to find, before they pause."""

    def __init__(self, *, steps: int, entries: int) -> None:
        self._steps = steps
        self._entries = entries

    @property
    def is_left(self) -> bool:
        return self._steps > 0 and self._entries > 0

    def spend_step(self, entries: int) -> None:
        self._steps -= 1
        self._entries -= entries


class Hours:
    """The hours in which there is a match, by the sums of what was used: latest first, read as far as they are asked for, for one walk."""

    def __init__(self, *conditions: ColumnElement[bool]) -> None:
        self._conditions = conditions
        self._known: list[int] = []
        self._is_all_known = False

    def latest(self, connection: Connection, position: LogPosition, *, since: float) -> int | None:
        """Return the latest hour up to a position, none of the walk's before; None: there is none."""
        before = position.at if position.source == BEHIND_ALL else position.at + 1
        while not (self._known and self._known[-1] < before) and not self._is_all_known:
            self._read(connection, before=min(before, *self._known[-1:]) if self._known else before, since=since)
        number = bisect_right(self._known, -before, key=lambda hour: -hour)
        return self._known[number] if number < len(self._known) else None

    def _read(self, connection: Connection, *, before: float, since: float) -> None:
        at, count = usage.c.at, MANY_HOURS if self._known else FEW_HOURS
        query = select(at).where(*self._conditions, at < before, at > since - HOUR_S).group_by(at).order_by(at.desc()).limit(count)
        found = connection.execute(query).scalars().all()
        self._known += found
        self._is_all_known = len(found) < count


class Source(NamedTuple):
    """One table, walked by an index: `driven` is what the index answers, `others` what it does not, `keep` what SQL cannot say.

    Times are `at` / `scale` seconds; `ties` order what is at the same time. `hours`: those without a match are skipped.
    `stays_in_hours`: entries beyond such an hour are mostly those of others. `span_before`: what drives best from an hour backwards, where
    the sums tell it. `is_covered`: the index has all columns of `others`, so that rows are looked up only when they are wanted.
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
    hours: Hours | None = None
    stays_in_hours: bool = False
    span_before: Callable[[Connection, int], Span | None] | None = None
    is_covered: bool = False


class Pause(NamedTuple):
    """Stands among the rows where looking ended: what is older may have something of the interrupted source before it.

    `is_passing`: looking goes on as soon as all that is newer is told; nobody looks further than what is asked for reaches.
    """

    position: LogPosition
    is_passing: bool = False


def walk(
    connection: Connection, sources: Iterable[Source], start: LogPosition, *, since: float, count: int, allow: Callable[[], Allowance]
) -> Iterator[LogRow | Pause]:
    """Yield the rows behind a position in order, read as they are asked for, and a pause where that ends before them.

    `count` is about how many will be asked for; `allow` is called for each source, and may give all of them the same.
    """
    at_once = min(count, ROWS_AT_ONCE)
    walks = [_walk_one(connection, source, start, since=since, at_once=at_once, allowance=allow()) for source in sources]
    for found in heapq.merge(*walks, key=lambda one: _order(one.position)):
        if not (isinstance(found, Pause) and found.is_passing):
            yield found


def beginning(until: float | None) -> LogPosition:
    """Return the position behind all that is not earlier than `until`."""
    return LogPosition(END_OF_TIME if until is None else until, BEHIND_ALL, "")


def conditions_of(source: Source, *, low: float, high: float) -> list[ColumnElement[bool]]:
    """Return what tells the rows of a source in [low, high), in seconds, as far as SQL can say it."""
    within = (source.at >= _scaled(low, source.scale), source.at < _scaled(high, source.scale))
    return [*source.driven, *source.others, *within]


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
    """Return an incarnation and its number, or the number of a row, or the id of a task, such that they compare."""
    name, _, number = tie.rpartition("/")
    return (name, int(number)) if number.isdecimal() else (tie, 0)


def _walk_one(
    connection: Connection, source: Source, start: LogPosition, *, since: float, at_once: int, allowance: Allowance
) -> Iterator[LogRow | Pause]:
    position, hour, window, has_jumped = start, 0, FIRST_WINDOW, False
    is_exact = not source.others and source.keep is None
    at_once = at_once if source.keep is None else max(at_once, FILTERED_AT_ONCE)
    while allowance.is_left:
        driven, floor = source.driven, since
        if source.hours is not None:
            found_hour = source.hours.latest(connection, position, since=since)
            if found_hour is None:
                return
            hour = found_hour
            has_jumped = hour + HOUR_S < position.at
            if has_jumped:
                position = LogPosition(float(hour + HOUR_S), BEHIND_ALL, "")
                window = window if source.stays_in_hours else FIRST_WINDOW
                yield Pause(position, is_passing=True)
        span = source.span_before(connection, hour) if source.span_before is not None else None
        if span is not None:
            floor, driven = max(since, float(span[0])), span[1]
        elif not is_exact:
            within = max(since, hour) if source.stays_in_hours or has_jumped else since
            end = _window_end(connection, source, position, since=within, window=window)
            floor = within if end is None else max(within, end)
        is_sparse = not is_exact and (window > FIRST_WINDOW or has_jumped)
        count = max(at_once, SPARSE_AT_ONCE) if is_sparse else at_once
        found = _fetch(connection, source, position, driven=driven, since=floor, count=count, is_sparse=is_sparse)
        kept = found if source.keep is None else [row for row in found if source.keep(row)]
        yield from kept
        if len(found) == count:
            position = found[-1].position
        elif floor <= since:
            return
        else:
            position = LogPosition(floor, BEHIND_ALL, "")
        if len(kept) < count:  # full of what was wanted: whoever asks for more may have it
            allowance.spend_step(window)
            window = min(window * 4, MAX_WINDOW)
            yield Pause(position, is_passing=True)
    yield Pause(position)


def _window_end(connection: Connection, source: Source, position: LogPosition, *, since: float, window: int) -> float | None:
    """Return the time of the entry at which looking pauses, in seconds; None: there are no more entries than one window has."""
    query = select(source.at).where(*source.driven, source.at <= _scaled(position.at, source.scale), source.at >= since * source.scale)
    edge = connection.execute(query.order_by(source.at.desc()).offset(window).limit(1)).scalar()
    if edge is None:
        return None
    seconds = float(edge) / source.scale
    return seconds if seconds < position.at else None  # a whole window in one instant: it is looked through at once


def _fetch(
    connection: Connection,
    source: Source,
    position: LogPosition,
    *,
    driven: tuple[ColumnElement[bool], ...],
    since: float,
    count: int,
    is_sparse: bool,
) -> list[LogRow]:
    at = _scaled(position.at, source.scale)
    below: ColumnElement[bool] = source.at < at
    if position.source < source.number:
        below = source.at <= at
    elif position.source == source.number:
        below = and_(source.at <= at, or_(source.at < at, _is_behind(source, position.tie)))
    first = source.at + 0 if is_sparse else source.at  # a sum is in no index: rows are sorted after they were read
    order = (first.desc(), *(tie.desc() for tie in source.ties))
    conditions = [*driven, *source.others, below, source.at >= since * source.scale]
    if source.is_covered:
        return _fetch_covered(connection, source, select(*source.ties).where(*conditions).order_by(*order).limit(count))
    query = select(source.table).where(*conditions).order_by(*order).limit(count)
    return [source.row_of(row) for row in connection.execute(query)]


def _fetch_covered(connection: Connection, source: Source, keys: Select[Any]) -> list[LogRow]:
    """Return the request records that a query of the index alone finds: asked for whole rows, SQLite would look up the row of every entry
    before it compares what the entry has itself."""
    incarnation, hold_seq = source.ties
    numbers: dict[str, list[int]] = defaultdict(list)
    for name, number in connection.execute(keys):
        numbers[name].append(number)
    rows: list[LogRow] = []
    for name, found in numbers.items():
        for start in range(0, len(found), ROWS_AT_ONCE):
            query = select(source.table).where(incarnation == name, hold_seq.in_(found[start : start + ROWS_AT_ONCE]))
            rows += [source.row_of(row) for row in connection.execute(query)]
    return sorted(rows, key=lambda row: _order(row.position))


def _is_behind(source: Source, tie: str) -> ColumnElement[bool]:
    name, number = _tie_key(tie)
    if len(source.ties) > 1:
        return tuple_(*source.ties) < tuple_(name, number)
    behind: ColumnElement[bool] = source.ties[0] < (number if isinstance(source.ties[0].type, Integer) else tie)
    return behind


def _scaled(seconds: float, scale: int) -> float:
    """Return a time in a column's unit; what was a whole number there is one again, whatever floats made of it."""
    scaled = seconds * scale
    whole = round(scaled)
    return whole if abs(scaled - whole) < ROUNDING else scaled
