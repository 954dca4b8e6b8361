"""The operator's configuration: one snapshot for running processes, and settings by name. Each function is one step."""

from sqlalchemy import Connection, delete, insert, select, update

from modelgate.core.records import Snapshot
from modelgate.storage.changes import current_version, keys_changed_since, lock_changes, record_change
from modelgate.storage.cipher import Cipher
from modelgate.storage.database import Database
from modelgate.storage.price_rows import list_groups, list_prices
from modelgate.storage.schema.settings import setting
from modelgate.storage.upstreams import list_upstreams

__all__ = ["current_version", "keys_changed_since", "list_settings", "load_snapshot", "set_setting", "unset_setting"]


def load_snapshot(connection: Connection, cipher: Cipher) -> Snapshot:
    """Return the whole configuration, vendor secrets in the clear.

    Raises:
        WrongSecret: the vendor secrets were encrypted with another secret.
    """
    return Snapshot(
        version=current_version(connection),
        upstreams=list_upstreams(connection, cipher),
        prices=list_prices(connection),
        groups=list_groups(connection),
        settings=list_settings(connection),
    )


def list_settings(connection: Connection) -> dict[str, str]:
    """Return the operator's settings by name."""
    return {row.name: row.value for row in connection.execute(select(setting).order_by(setting.c.name))}


def set_setting(connection: Connection, name: str, value: str, *, now: float) -> None:
    """Set one setting, new or known."""
    lock_changes(connection)
    if connection.execute(update(setting).where(setting.c.name == name).values(value=value)).rowcount == 0:
        connection.execute(insert(setting).values(name=name, value=value))
    record_change(connection, "setting", name, now=now)


def unset_setting(connection: Connection, name: str, *, now: float) -> bool:
    """Go back to the default of one setting; False when it was not set."""
    lock_changes(connection)
    if connection.execute(delete(setting).where(setting.c.name == name)).rowcount == 0:
        return False
    record_change(connection, "setting", name, now=now)
    return True


class DatabaseSettings:
    """The operator's settings over a database (see `control/settings.py` for what is asked of it)."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def settings(self) -> dict[str, str]:
        return await self._database.fetch(list_settings)

    async def set(self, name: str, value: str, *, now: float) -> None:
        await self._database.call(set_setting, name, value, now=now)
