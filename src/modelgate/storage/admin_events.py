"""The log of what owners and admins changed. Each function is one step."""

from typing import Any

from sqlalchemy import Connection, Row, insert, select

from modelgate.core.listings import AdminEvent
from modelgate.storage.database import Database
from modelgate.storage.schema.control import admin_event

_FIELDS = tuple(name for name in AdminEvent.__struct_fields__ if name != "id")


def note_event(connection: Connection, event: AdminEvent) -> None:
    """Add a line; its number is the database's."""
    connection.execute(insert(admin_event).values(**{name: getattr(event, name) for name in _FIELDS}))


def list_events(connection: Connection, *, limit: int, after: int = 0) -> list[AdminEvent]:
    """Return lines, latest first; `after` is the number of the last one of the page before, 0 for the first page."""
    query = select(admin_event).order_by(admin_event.c.id.desc()).limit(limit)
    if after:
        query = query.where(admin_event.c.id < after)
    return [_event_of(row) for row in connection.execute(query)]


def _event_of(row: Row[Any]) -> AdminEvent:
    return AdminEvent(**row._mapping)


class DatabaseEventLog:
    """The log over a database (see `control/events.py` for what is asked of it)."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def note(self, event: AdminEvent) -> None:
        await self._database.call(note_event, event)

    async def list_of(self, *, limit: int, after: int) -> list[AdminEvent]:
        return await self._database.fetch(list_events, limit=limit, after=after)
