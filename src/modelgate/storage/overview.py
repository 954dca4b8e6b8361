"""Reading the sums of what was used: for charts, and for what an account spent."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, func, literal, select

from modelgate.core.log import By, Used, UsedPoint
from modelgate.core.money import Book
from modelgate.storage.database import Database
from modelgate.storage.request_log import name_of_unlisted
from modelgate.storage.schema.identity import account as account_table
from modelgate.storage.schema.identity import api_key
from modelgate.storage.schema.settings import upstream
from modelgate.storage.schema.usage import BUCKET_NAMES, DIMENSIONS, usage
from modelgate.storage.usage import DAY_S, HOUR_S

_C = usage.c
_SUMMED = ("amount_nanos", *(name for name in Used.__struct_fields__ if name not in ("spend_nanos", "took")))


def used_by(connection: Connection, *, book: Book, account: str, since: int, until: int, span_s: int, by: By | None) -> list[UsedPoint]:
    """Return what was used in each span that begins from `since` to before `until`, by name of what is asked; None: together."""
    name: Any = literal("") if by is None else _C.account if by == "account" else _C.name
    dimension = by if by in DIMENSIONS else "model"  # there are fewest models, and each sums up to the same
    query = (
        select(_C.at, name, *(func.sum(_C[one]) for one in (*_SUMMED, *BUCKET_NAMES)))
        .where(_C.book == book, _C.span_s == span_s, _C.dimension == dimension, _C.at >= since, _C.at < until)
        .group_by(_C.at, *([name] if by is not None else []))
        .order_by(_C.at)
    )
    if account:
        query = query.where(_C.account == account)
    return [UsedPoint(at, named, _used(sums)) for at, named, *sums in connection.execute(query)]


def _used(sums: Sequence[Any]) -> Used:
    spend, *counts = (int(one) for one in sums)
    named = dict(zip(_SUMMED[1:], counts, strict=False))
    return Used(spend_nanos=spend, **named, took=tuple(counts[len(_SUMMED) - 1 :]))


def spent_since(connection: Connection, *, account: str, book: Book, since: float) -> int:
    """Return what an account spent, in requests that began and on tasks that ended, in the hours from that of `since` on: nano-USD.

    Whole days are taken from their sums, what is left from those of hours.
    """
    hour = int(since) // HOUR_S * HOUR_S
    day = -(-hour // DAY_S) * DAY_S
    spent = 0
    for span_s, *bounds in ((HOUR_S, _C.at >= hour, _C.at < day), (DAY_S, _C.at >= day)):
        query = select(func.coalesce(func.sum(_C.amount_nanos), 0)).where(_C.account == account, _C.book == book, _C.dimension == "key")
        spent += int(connection.execute(query.where(_C.span_s == span_s, *bounds)).scalar_one())
    return spent


def names_of(connection: Connection, by: By, ids: Sequence[str]) -> dict[str, str]:
    """Return what keys, upstreams or accounts are called; those that are gone are left out."""
    table: Any = {"key": api_key, "upstream": upstream, "account": account_table}.get(by)
    if table is None:
        return {}
    unlisted = {one: name_of_unlisted(one) for one in ids} if by == "upstream" else {}
    return unlisted | {one: name for one, name in connection.execute(select(table.c.id, table.c.name).where(table.c.id.in_(ids)))}


class DatabaseUsage:
    """Satisfies `control.overview.UsageStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def names_of(self, by: By, ids: Sequence[str]) -> dict[str, str]:
        return await self._database.fetch(names_of, by, ids)

    async def used(self, *, book: Book, account: str, since: int, until: int, span_s: int, by: By | None) -> list[UsedPoint]:
        return await self._database.fetch(used_by, book=book, account=account, since=since, until=until, span_s=span_s, by=by)
