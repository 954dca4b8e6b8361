"""Has anybody committed? Asked dozens of times a second by processes that follow the database, so it must cost next to nothing."""

import sqlite3

from modelgate.storage.database import Database


class CommitWatch:
    """Tells whether the database may have changed since the last look, by whatever connection. To be used by one thread.

    On SQLite it is a glance at a counter in shared memory (a few µs, never blocks). On Postgres every look says yes.
    """

    def __init__(self, database: Database) -> None:
        path = database.engine.url.database if database.is_sqlite else None
        self._connection = sqlite3.connect(path) if path else None
        self._version = -1

    def has_changed(self) -> bool:
        """Return whether something may have been committed since the last call; yes at the first."""
        if self._connection is None:
            return True
        (version,) = self._connection.execute("PRAGMA data_version").fetchone()
        is_new = bool(version != self._version)
        self._version = version
        return is_new

    def forget(self) -> None:
        """Have the next look say yes: what was committed could not be read."""
        self._version = -1

    def close(self) -> None:
        """Let go of the file."""
        if self._connection is not None:
            self._connection.close()
