"""Bring an old database up to date with alembic. Imported by `modelgate migrate` alone: alembic is heavy."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text

from modelgate.storage.database import Database
from modelgate.storage.migrations import CREATION_LOCK, REVISIONS

SCRIPTS = Path(__file__).with_name("alembic")


def alembic_config(connection: Connection) -> Config:
    """Return alembic's configuration, without a file, on an open connection."""
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    config.attributes["connection"] = connection
    return config


def upgrade(database: Database, *, to: str = REVISIONS[-1]) -> None:
    """Upgrade to the newest revision, or another, in one transaction: all of it happens, or nothing."""
    database.run(_upgrade, to=to)


def _upgrade(connection: Connection, *, to: str) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": CREATION_LOCK})
    command.upgrade(alembic_config(connection), to)
