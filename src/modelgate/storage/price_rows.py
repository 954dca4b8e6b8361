"""Prices the operator set, laid over the shipped list, and the multipliers of price groups. Each function is one step."""

import msgspec
from sqlalchemy import Connection, delete, insert, select, update

from modelgate.core.records import PriceRow
from modelgate.storage.changes import lock_changes, record_change
from modelgate.storage.database import Database
from modelgate.storage.schema.settings import price, price_group


def list_prices(connection: Connection) -> tuple[PriceRow, ...]:
    """Return the operator's prices by model name."""
    rows = connection.execute(select(price).order_by(price.c.model))
    return tuple(PriceRow(model=row.model, rates=msgspec.json.decode(row.rates, type=dict[str, str]), free=row.free) for row in rows)


def set_price(connection: Connection, row: PriceRow, *, now: float) -> None:
    """Set the price of a model, in place of one set before."""
    lock_changes(connection)
    values = {"rates": msgspec.json.encode(row.rates).decode(), "free": row.free}
    if connection.execute(update(price).where(price.c.model == row.model).values(**values)).rowcount == 0:
        connection.execute(insert(price).values(model=row.model, **values))
    record_change(connection, "price", row.model, now=now)


def unset_price(connection: Connection, model: str, *, now: float) -> bool:
    """Go back to the shipped price of a model, if it has one; False when none was set."""
    lock_changes(connection)
    if connection.execute(delete(price).where(price.c.model == model)).rowcount == 0:
        return False
    record_change(connection, "price", model, now=now)
    return True


def list_groups(connection: Connection) -> dict[str, str]:
    """Return the multiplier of each price group, a decimal string."""
    return {row.name: row.multiplier for row in connection.execute(select(price_group).order_by(price_group.c.name))}


def set_group(connection: Connection, name: str, multiplier: str, *, now: float) -> None:
    """Set the multiplier of a group, new or known."""
    lock_changes(connection)
    if connection.execute(update(price_group).where(price_group.c.name == name).values(multiplier=multiplier)).rowcount == 0:
        connection.execute(insert(price_group).values(name=name, multiplier=multiplier))
    record_change(connection, "group", name, now=now)


def unset_group(connection: Connection, name: str, *, now: float) -> bool:
    """Forget a group, so that its keys pay the plain price; False when it was not set."""
    lock_changes(connection)
    if connection.execute(delete(price_group).where(price_group.c.name == name)).rowcount == 0:
        return False
    record_change(connection, "group", name, now=now)
    return True


class DatabasePrices:
    """The store of prices and groups over a database (see `control/prices.py` for what is asked of it)."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def set_price(self, row: PriceRow, *, now: float) -> None:
        await self._database.call(set_price, row, now=now)

    async def unset_price(self, model: str, *, now: float) -> bool:
        return await self._database.call(unset_price, model, now=now)

    async def groups(self) -> dict[str, str]:
        return await self._database.fetch(list_groups)

    async def set_group(self, name: str, multiplier: str, *, now: float) -> None:
        await self._database.call(set_group, name, multiplier, now=now)

    async def unset_group(self, name: str, *, now: float) -> bool:
        return await self._database.call(unset_group, name, now=now)
