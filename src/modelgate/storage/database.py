"""One database, SQLite or Postgres, and the one way to run a transaction on it.

A *step* is a plain function `step(connection, …)`: one transaction, safe to run again from the start. Steps are
synchronous; processes with an event loop run them in a small thread pool, which measured leaner than the async drivers.
"""

import asyncio
import math
import random
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, OperationalError

MAX_TRIES = 8
BUSY_TIMEOUT_MS = 10_000
SHORT_PATIENCE_S = 5.0
"""For whoever waits at a terminal: one wait for a lock is the last, where a server that runs waits through all its tries."""
POSTGRES_CONNECTIONS = 4
WAL_PAGES = 4_000
"""SQLite moves its WAL into the database when it is this long: at the default of 1,000 hot pages are written 2 µs per request more."""

P = ParamSpec("P")
T = TypeVar("T")

_RETRYABLE_SQLSTATES = ("40001", "40P01", "55P03", "08000", "08003", "08006", "57P01")
_AWAY_SQLSTATES = ("08", "57P")
"""How the states begin that tell of a lost connection, and of a server that stops or starts."""


class DatabaseAway(OperationalError):
    """There is no connection to the database: none could be made, or it broke and the next one did too."""


class OutageListener(Protocol):
    """Hears from every thread whether the database can be reached."""

    losses: int
    """How often it could not, so far."""

    def lost(self, error: DatabaseAway) -> None: ...

    def reached(self, losses: int) -> None:
        """A transaction was made that began after so many losses."""
        ...


def sqlite_url(path: Path) -> str:
    """Return the URL of a SQLite file."""
    return f"sqlite:///{path}"


def _normalised(url: str) -> str:
    parsed = make_url(url)
    if parsed.drivername in ("postgres", "postgresql"):
        parsed = parsed.set(drivername="postgresql+psycopg")
    return parsed.render_as_string(hide_password=False)


def _set_up_sqlite(engine: Engine, *, synchronous: str) -> None:
    @event.listens_for(engine, "connect")
    def on_connect(raw: Any, _record: Any) -> None:  # sqlite3.Connection behind SQLAlchemy's hook
        raw.isolation_level = None  # we say BEGIN ourselves: sqlite3 would begin too late to lock
        cursor = raw.cursor()
        cursor.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
        cursor.execute("PRAGMA journal_mode = WAL")
        cursor.execute(f"PRAGMA synchronous = {synchronous}")
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.execute(f"PRAGMA wal_autocheckpoint = {WAL_PAGES}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def on_begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN" if connection.get_execution_options().get("read_only") else "BEGIN IMMEDIATE")


class Database:
    """A pool of connections and a bounded pool of threads to use them from an event loop."""

    def __init__(
        self, url: str, *, threads: int = 1, synchronous: str = "NORMAL", outage: OutageListener | None = None, patience_s: float = math.inf
    ) -> None:
        """`patience_s`: a step that fails later than this is not tried again; the last try may wait `BUSY_TIMEOUT_MS` more for a lock."""
        url = _normalised(url)
        self.outage = outage
        self._patience_s = patience_s
        self.is_sqlite = url.startswith("sqlite")
        if self.is_sqlite:
            self.engine = create_engine(url)
            _set_up_sqlite(self.engine, synchronous=synchronous)
        else:
            self.engine = create_engine(url, pool_size=POSTGRES_CONNECTIONS, max_overflow=0, pool_pre_ping=True)
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="database")

    def run(self, step: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a step in one writing transaction; deadlocks, serialisation failures and lost connections repeat it whole.

        Raises:
            DatabaseAway: it cannot be reached; every other way to run a step raises it too.
        """
        return self._run(False, step, *args, **kwargs)

    def read(self, step: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a step that only reads, on one consistent view."""
        return self._run(True, step, *args, **kwargs)

    async def call(self, step: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """`run`, from an event loop."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, lambda: self.run(step, *args, **kwargs))

    async def fetch(self, step: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """`read`, from an event loop."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, lambda: self.read(step, *args, **kwargs))

    async def work(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a function that takes several steps, in the threads that `call` uses."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, lambda: function(*args, **kwargs))

    def close(self) -> None:
        """Finish what runs and let go of every connection."""
        self._threads.shutdown(wait=True)
        self.engine.dispose()

    def _run(self, read_only: bool, step: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        losses = 0 if self.outage is None else self.outage.losses
        began = time.monotonic()
        for tried in range(1, MAX_TRIES + 1):
            try:
                with self._connect(read_only) as connection, connection.begin():
                    result = step(connection, *args, **kwargs)
            except DBAPIError as error:
                if tried < MAX_TRIES and _is_retryable(error) and time.monotonic() - began <= self._patience_s:
                    time.sleep(min(0.5, 0.005 * 2**tried) * random.uniform(0.5, 1.0))
                    continue
                if _is_away(error):
                    raise self._lost(error) from error
                raise
            if self.outage is not None:
                self.outage.reached(losses)
            return result
        raise AssertionError("unreachable")

    def _connect(self, read_only: bool) -> Connection:
        try:
            connection = self.engine.connect()
        except DBAPIError as error:
            raise _away(error) from error
        if read_only:
            connection = connection.execution_options(
                read_only=True,
                **({} if self.is_sqlite else {"postgresql_readonly": True, "isolation_level": "REPEATABLE READ"}),
            )
        return connection

    def _lost(self, error: DBAPIError) -> DatabaseAway:
        away = _away(error)
        if self.outage is not None:
            self.outage.lost(away)
        return away


def _away(error: DBAPIError) -> DatabaseAway:
    if isinstance(error, DatabaseAway):
        return error
    assert error.orig is not None
    return DatabaseAway(error.statement, error.params, error.orig, connection_invalidated=error.connection_invalidated, code=error.code)


def _is_away(error: DBAPIError) -> bool:
    sqlstate = getattr(error.orig, "sqlstate", None) or ""
    return isinstance(error, DatabaseAway) or error.connection_invalidated or sqlstate.startswith(_AWAY_SQLSTATES)


def _is_retryable(error: DBAPIError) -> bool:
    sqlstate = getattr(error.orig, "sqlstate", None)
    if sqlstate is not None:
        return sqlstate in _RETRYABLE_SQLSTATES
    return error.connection_invalidated or is_lock(error)


def is_lock(error: DBAPIError) -> bool:
    """Say whether another program holds the lock that a step on SQLite needed."""
    return isinstance(error, OperationalError) and "locked" in str(error.orig)
