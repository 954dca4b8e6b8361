"""Refused calls: kept for looking at, within bounds, and summed up."""

from collections.abc import Sequence

from sqlalchemy import Connection, delete, func, insert, select

from modelgate.core.records import Refusal
from modelgate.storage.schema.usage import refusal
from modelgate.storage.usage import add_refusals

MAX_ROWS = 100_000
"""Beyond, the oldest go, whatever their age."""
MAX_REMOVED_AT_ONCE = 2_000

_COLUMNS = tuple(column.name for column in refusal.columns if column.name != "id")


def keep_refusals(connection: Connection, refusals: Sequence[Refusal]) -> None:
    """Write what was refused, and count all of it, also what is only counted."""
    rows = [{name: getattr(one, name) for name in _COLUMNS} for one in refusals if not one.is_counted]
    if rows:
        connection.execute(insert(refusal), rows)
    add_refusals(connection, refusals)


def remove_refusals(connection: Connection, *, before_ms: int) -> int:
    """Remove what is older, or beyond `MAX_ROWS`; at most `MAX_REMOVED_AT_ONCE` of each. Returns how many."""
    newest = connection.execute(select(func.max(refusal.c.id))).scalar()
    if newest is None:
        return 0
    oldest = select(refusal.c.id).order_by(refusal.c.id).limit(MAX_REMOVED_AT_ONCE)
    removed = 0
    for which in (refusal.c.at_ms < before_ms, refusal.c.id <= newest - MAX_ROWS):
        removed += connection.execute(delete(refusal).where(refusal.c.id.in_(oldest.where(which)))).rowcount
    return removed
