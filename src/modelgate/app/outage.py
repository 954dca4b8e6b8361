"""What a process's log says of a database that is away: one line when it goes, one now and then, one when it is back."""

import threading
import time
from collections.abc import Callable

import structlog

from modelgate.app.journals import one_line
from modelgate.storage.database import DatabaseAway

REMIND_S = 30.0
"""While the database is away, each process says so once in this time, however often it tries."""

_log = structlog.get_logger("database")


class Outage:
    """One for each process, shared by its databases. Whoever catches `DatabaseAway` need not log it: it has been said here.

    Threads may call it at once, and what one did before the last loss proves nothing: only transactions begun since tell that it is back.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.losses = 0
        self._clock = clock
        self._turn = threading.Lock()
        self._since: float | None = None
        self._said_at: float | None = None
        self._is_said = False  # of the outage of now

    @property
    def is_on(self) -> bool:
        """Whether the database is away, as far as is known."""
        return self._since is not None

    def lost(self, error: DatabaseAway) -> None:
        """The database could not be reached."""
        with self._turn:
            self.losses += 1
            now = self._clock()
            if self._since is None:
                self._since = now
                self._is_said = False
            if self._said_at is not None and now - self._said_at < REMIND_S:
                return
            self._said_at = now
            self._is_said = True
            _log.error("database_away", away_s=round(now - self._since, 1), error=one_line(error))

    def reached(self, losses: int) -> None:
        """A transaction was made that began after so many losses."""
        if not self.is_on:  # asked before the lock: the way of nearly every transaction
            return
        with self._turn:
            if self._since is None or losses != self.losses:
                return
            if self._is_said:
                _log.warning("database_back", away_s=round(self._clock() - self._since, 1))
            self._since = None
