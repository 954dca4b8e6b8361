"""Is the database ours, and of our age? Every process asks at its start, so nothing here imports alembic (20 MB, 0.3 s).

An empty database is made from the tables at once; only an old one needs alembic, in a process of its own.
"""

import importlib
import os
import pkgutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Literal, TypeVar

from sqlalchemy import Column, Connection, MetaData, String, Table, insert, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError

from modelgate.storage import schema
from modelgate.storage.database import SHORT_PATIENCE_S, Database, is_lock

REVISIONS = ("0001", "0002", "0003", "0004", "0005", "0006", "0007", "0008")
"""Every revision in `alembic/versions`, oldest first; a test compares."""
UPGRADE_LIMIT_S = 3600
CREATION_LOCK = 0x6D6F64656C  # for pg_advisory_xact_lock: two processes that meet an empty database

T = TypeVar("T")

State = Literal["empty", "current", "old", "newer", "broken"]

_bookkeeping = MetaData()
_version = Table("alembic_version", _bookkeeping, Column("version_num", String(32), primary_key=True))


class DatabaseUnusable(Exception):
    """The database cannot be used; the text is one line that says why and what to do."""


class DatabaseLocked(DatabaseUnusable):
    """Another program keeps the SQLite file to itself."""


def all_tables() -> MetaData:
    """Return the metadata with the tables of every room."""
    for module in pkgutil.iter_modules(schema.__path__):
        importlib.import_module(f"{schema.__name__}.{module.name}")
    return schema.metadata


def schema_state(url: str) -> State:
    """Tell what is in a database, without changing it.

    `newer`: a revision this program does not know. `broken`: not a database, or some of our tables are not there.

    Raises:
        DatabaseUnusable: it cannot be reached.
    """
    path = _sqlite_path(url)
    if path is not None and not path.exists():
        return "empty"
    return _with_database(url, lambda database: database.read(_state))


def prepare(url: str) -> State:
    """Make a database ready for this program: fill an empty one, upgrade an old one. Return what it was.

    Raises:
        DatabaseUnusable: it cannot be reached, is newer than this program, or broken.
    """
    path = _sqlite_path(url)
    if path is not None:
        _make_directory(path.parent)
    state = schema_state(url)
    if state == "empty":
        _with_database(url, lambda database: database.run(_create))
    elif state == "old":
        _upgrade_in_a_process(url)
    elif state != "current":
        raise DatabaseUnusable(explain(url, state))
    return state


def check_lock(url: str) -> None:
    """Take SQLite's lock for writing and let it go: in the way of every step would be who keeps it, and each would wait its time out.

    Raises:
        DatabaseLocked: another program has it, and keeps it for longer than we wait.
        DatabaseUnusable: it cannot be reached.
    """
    path = _sqlite_path(url)
    if path is not None and path.exists():
        _with_database(url, lambda database: database.run(lambda _: None))


def unusable(url: str, error: DBAPIError) -> DatabaseUnusable:
    """Return what a database said as one line for the operator."""
    name = make_url(url).render_as_string(hide_password=True)
    path = _sqlite_path(url)
    if "file is not a database" in str(error.orig) or "malformed" in str(error.orig):
        return DatabaseUnusable(explain(url, "broken"))
    if path is not None and is_lock(error):
        return DatabaseLocked(
            f"the database {path} is locked by another program; end that program (fuser {path} tells which), and try again"
        )
    reason = (str(error.orig).strip().splitlines() or ["no reason given"])[0]
    return DatabaseUnusable(f"the database {name} cannot be used: {reason}")


def explain(url: str, state: State) -> str:
    """Return one line about a database in this state: what it is and what to do."""
    name = make_url(url).render_as_string(hide_password=True)
    match state:
        case "newer":
            return f"the database {name} was written by a newer Modelgate; install that version again, or use another database"
        case "broken":
            return f"the database {name} is damaged or not Modelgate's; restore a backup, or name another one with --database"
        case "old":
            return f"the database {name} is from an older Modelgate; run: modelgate migrate"
        case "empty":
            return f"the database {name} is empty; it is filled at the first start"
        case "current":
            return f"the database {name} is up to date"


def _sqlite_path(url: str) -> Path | None:
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise DatabaseUnusable("--database (MODELGATE_DATABASE) is not a URL such as postgresql://user:password@host/name") from None
    return Path(parsed.database or "") if parsed.drivername == "sqlite" else None


def _make_directory(path: Path) -> None:
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise DatabaseUnusable(f"the data directory {path} cannot be made: {error.strerror}") from None


def _with_database(url: str, use: Callable[[Database], T]) -> T:
    name = make_url(url).render_as_string(hide_password=True)
    try:
        database = Database(url, patience_s=SHORT_PATIENCE_S)
    except (ArgumentError, NoSuchModuleError, ImportError):
        raise DatabaseUnusable(f"the database {name} is of a kind that is not served: use sqlite:///… or postgresql://…") from None
    try:
        return use(database)
    except DBAPIError as error:
        raise unusable(url, error) from None
    finally:
        database.close()


def _state(connection: Connection) -> State:
    present = _table_names(connection)
    ours = {table.name for table in all_tables().sorted_tables}
    if _version.name not in present:
        return "broken" if present & ours else "empty"
    found = connection.execute(select(_version.c.version_num)).scalars().all()
    if len(found) != 1:
        return "broken"
    if found[0] not in REVISIONS:
        return "newer"
    if found[0] != REVISIONS[-1]:
        return "old"
    return "current" if ours <= present else "broken"


def _table_names(connection: Connection) -> set[str]:
    if connection.dialect.name == "sqlite":
        query = "SELECT name FROM sqlite_master WHERE type = 'table'"
    else:
        query = "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()"
    return set(connection.execute(text(query)).scalars())


def _create(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": CREATION_LOCK})
    if _state(connection) != "empty":
        return  # another process was faster
    all_tables().create_all(connection)
    _bookkeeping.create_all(connection)
    connection.execute(insert(_version).values(version_num=REVISIONS[-1]))


def _upgrade_in_a_process(url: str) -> None:
    environment = os.environ | {"MODELGATE_DATABASE": url}  # not an argument: the URL may hold a password
    try:
        done = subprocess.run(
            [sys.executable, "-m", "modelgate", "migrate"],
            env=environment,
            capture_output=True,
            text=True,
            timeout=UPGRADE_LIMIT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise DatabaseUnusable("the upgrade of the database takes too long; run: modelgate migrate") from None
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise DatabaseUnusable(f"the upgrade of the database failed: {last}")
