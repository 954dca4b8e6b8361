"""The change feed: every write to configuration or keys leaves a row, in the same transaction, for running processes to follow."""

from typing import Literal

from sqlalchemy import Connection, delete, func, insert, select

from modelgate.storage.schema.settings import change

KEPT_CHANGES = 10_000
"""Older rows are trimmed; a process that slept longer is told to forget everything."""

ChangeKind = Literal["key", "account", "upstream", "price", "group", "setting"]


def lock_changes(connection: Connection) -> None:
    """Make this transaction the only one that changes configuration, until it ends. To be called before the first read.

    Numbers of the feed are taken at insertion. On Postgres two writers could commit them out of order, and a reader who
    has seen the later one would never look for the earlier. SQLite has one writer anyway.
    """
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("LOCK TABLE change IN SHARE ROW EXCLUSIVE MODE")


def record_change(connection: Connection, kind: ChangeKind, row_id: str, *, now: float) -> None:
    """Add a row to the feed and trim what is older than `KEPT_CHANGES`."""
    seq = connection.execute(insert(change).values(kind=kind, id=row_id, at=now)).inserted_primary_key
    assert seq is not None
    connection.execute(delete(change).where(change.c.seq <= seq[0] - KEPT_CHANGES))


def current_version(connection: Connection) -> int:
    """Return the number of the latest change; 0 before the first."""
    return int(connection.execute(select(func.coalesce(func.max(change.c.seq), 0))).scalar_one())


def keys_changed_since(connection: Connection, version: int) -> tuple[str, ...] | None:
    """Return the ids of keys changed after `version`; None when that is too long ago to tell: forget them all."""
    oldest, newest = connection.execute(select(func.min(change.c.seq), func.max(change.c.seq))).one()
    if oldest is None:
        return () if version == 0 else None
    if version > newest or version < oldest - 1:
        return None
    rows = connection.execute(select(change.c.id).where(change.c.seq > version, change.c.kind == "key").distinct())
    return tuple(sorted(rows.scalars()))
