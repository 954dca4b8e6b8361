"""Keys as the account API lists them, with what they spent and when they were last used, and the store of keys."""

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import Connection, Row, Select, and_, case, func, or_, select

from modelgate.core.listings import KeyListing
from modelgate.core.money import Book
from modelgate.core.records import ApiKey, LimitReset
from modelgate.storage import identity
from modelgate.storage.database import Database
from modelgate.storage.identity import KEPT, KeyChanges, key_of
from modelgate.storage.schema.identity import account, api_key
from modelgate.storage.schema.money import key_period, request_record
from modelgate.storage.schema.tasks import task

MILLISECONDS = 1_000

Periods = Mapping[LimitReset, str]
"""The name of each kind of period that holds now."""


def list_key_rows(
    connection: Connection, *, periods: Periods, account_id: str = "", book: Book | None = None, limit: int, after: str = ""
) -> list[KeyListing]:
    """Return keys, newest first; deleted ones left out.

    Args:
        connection: of the transaction.
        periods: see `Periods`.
        account_id: only this account's; empty: all.
        book: only this book's.
        limit: at most so many.
        after: the id of the last key of the page before; one that is gone since still marks its place.
    """
    query = _listed(periods).where(KEPT).order_by(api_key.c.created_at.desc(), api_key.c.id.desc()).limit(limit)
    if account_id:
        query = query.where(api_key.c.account == account_id)
    if book is not None:
        query = query.where(api_key.c.book == book)
    if after:
        last = select(api_key.c.created_at).where(api_key.c.id == after).scalar_subquery()
        query = query.where(or_(api_key.c.created_at < last, and_(api_key.c.created_at == last, api_key.c.id < after)))
    return [_listing_of(row) for row in connection.execute(query)]


def get_key_row(connection: Connection, key_id: str, *, periods: Periods, account_id: str = "") -> KeyListing | None:
    """Return one key; None when there is none, or another account's."""
    query = _listed(periods).where(KEPT, api_key.c.id == key_id)
    if account_id:
        query = query.where(api_key.c.account == account_id)
    row = connection.execute(query).first()
    return None if row is None else _listing_of(row)


def _listed(periods: Periods) -> Select[Any]:
    period = case(dict(periods), value=api_key.c.limit_reset)
    # One look at the end of an index for each, however much a key was used.
    asked = select(func.max(request_record.c.at_ms)).where(request_record.c.key == api_key.c.id).scalar_subquery()
    queued = select(func.max(task.c.created_at)).where(task.c.key == api_key.c.id).scalar_subquery()
    return (
        select(
            api_key,
            account.c.name.label("account_name"),
            func.coalesce(key_period.c.spent_nanos, 0).label("spent_nanos"),
            func.coalesce(key_period.c.set_aside_nanos, 0).label("set_aside_nanos"),
            asked.label("asked_ms"),
            queued.label("queued_at"),
        )
        .join(account, account.c.id == api_key.c.account)
        .outerjoin(key_period, and_(key_period.c.key == api_key.c.id, key_period.c.period == period))
    )


def _listing_of(row: Row[Any]) -> KeyListing:
    used = [at for at in (None if row.asked_ms is None else row.asked_ms / MILLISECONDS, row.queued_at) if at is not None]
    return KeyListing(
        key=key_of(row),
        account_name=row.account_name,
        spent_nanos=row.spent_nanos,
        set_aside_nanos=row.set_aside_nanos,
        last_used_at=max(used, default=None),
    )


class DatabaseKeys:
    """The store of keys over a database (see `control/keys.py` for what is asked of it). Changes raise NoSuchRow."""

    def __init__(self, database: Database, *, periods_at: Callable[[float], Periods]) -> None:
        self._database = database
        self._periods_at = periods_at

    async def list_of(self, account_id: str, *, book: Book | None, limit: int, after: str, now: float) -> list[KeyListing]:
        periods = self._periods_at(now)
        return await self._database.fetch(list_key_rows, periods=periods, account_id=account_id, book=book, limit=limit, after=after)

    async def get(self, key_id: str, *, account_id: str, now: float) -> KeyListing | None:
        return await self._database.fetch(get_key_row, key_id, periods=self._periods_at(now), account_id=account_id)

    async def add(self, key: ApiKey, *, now: float) -> None:
        await self._database.call(identity.create_key, key, now=now)

    async def edit(self, key_id: str, changes: Mapping[str, Any], *, now: float) -> None:
        await self._database.call(identity.edit_key, key_id, KeyChanges(**changes), now=now)

    async def set_disabled(self, key_id: str, disabled: bool, *, now: float) -> None:
        await self._database.call(identity.disable_key, key_id, disabled=disabled, now=now)

    async def rotate(self, key_id: str, *, digest: str, hint: str, grace_s: float, now: float) -> None:
        await self._database.call(identity.rotate_key, key_id, digest=digest, hint=hint, grace_s=grace_s, now=now)

    async def delete(self, key_id: str, *, now: float) -> None:
        await self._database.call(identity.delete_key, key_id, now=now)

    async def renew(self, key: ApiKey, *, grace_s: float, now: float) -> ApiKey:
        return await self._database.call(identity.renew_key, key, grace_s=grace_s, now=now)
