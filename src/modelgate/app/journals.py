"""The journals of this node, kept by the book: drained while their relays live, recovered when those are dead.

Blocking, one call at a time; the book runs it in its database thread. Whatever is left half done, by a crash or a database
that is away, is found and continued by the next pass: nothing is remembered but what can be read again.
"""

import socket
from collections.abc import Callable
from pathlib import Path

import msgspec
import structlog
from sqlalchemy.exc import SQLAlchemyError

from modelgate.core.clock import Clock
from modelgate.core.leases import Standing
from modelgate.storage import ledger_drain, ledger_recovery
from modelgate.storage.database import Database, DatabaseAway
from modelgate.storage.journal import JournalGap, JournalReader, find_journals, sweep_unborn
from modelgate.storage.ledger_drain import MAX_BATCH

LOOK_FOR_DEATH_S = 0.1
REST_AFTER_FAULT_S = 5.0
"""A journal that cannot be posted (a gap, a full disk) is tried again after this long; the others go on."""

MAX_ERROR_TEXT = 500
MAX_BATCHES_AT_ONCE = 1_000

_log = structlog.get_logger("book")


class Posted(msgspec.Struct, frozen=True):
    """News for the relay of an incarnation. `more`: a whole batch was read, so the next is probably there already."""

    incarnation: str
    standing: Standing
    more: bool


class _Journal:
    """One directory: its reader and what is known of its incarnation."""

    def __init__(self, directory: Path) -> None:
        self.reader = JournalReader(directory)
        self.incarnation = directory.name
        self.posted_seq: int | None = None
        self.dead = False
        self.more = False
        self.rests_until = 0.0


def one_line(error: Exception) -> str:
    """Return an error for the log; of a database's only what the driver said, not the statement and its values."""
    said = getattr(error, "orig", None) or error
    return " ".join(f"{type(said).__name__}: {said}".split())[:MAX_ERROR_TEXT]


class JournalKeeper:
    """Posts every journal under `root` to a database. `charge_orphans` is asked at each recovery: charge the hold, or nothing."""

    def __init__(self, root: Path, database: Database, *, clock: Clock, charge_orphans: Callable[[], bool]) -> None:
        self._root = root
        self._database = database
        self._clock = clock
        self._charge_orphans = charge_orphans
        self._journals: dict[str, _Journal] = {}
        self._looked_at = 0.0
        self._node = socket.gethostname()

    def work(self) -> list[Posted]:
        """Take one step for each journal: a batch of records, or the end of a dead relay. Returns what was posted."""
        now = self._clock()
        if now - self._looked_at >= LOOK_FOR_DEATH_S or now < self._looked_at:
            self._looked_at = now
            self._look()
        posted = []
        for journal in list(self._journals.values()):
            if journal.rests_until <= now and (standing := self._step(journal)) is not None:
                posted.append(Posted(journal.incarnation, standing, journal.more))
        return posted

    def finish(self) -> None:
        """Post what is there now: before the book serves, and before it exits. Relays that are gone are recovered."""
        self._look()
        for journal in list(self._journals.values()):
            for _ in range(MAX_BATCHES_AT_ONCE):  # a living relay may write faster than we read
                if self._step(journal) is None:
                    break

    def close(self) -> None:
        """Let go of files and locks."""
        for journal in self._journals.values():
            journal.reader.close()
        self._journals.clear()

    def _look(self) -> None:
        """Find new directories, forget removed ones, and see who is dead."""
        sweep_unborn(self._root)
        there = {directory.name: directory for directory in find_journals(self._root)}
        for name in self._journals.keys() - there.keys():
            self._journals.pop(name).reader.close()
        for name, directory in there.items():
            journal = self._journals.setdefault(name, _Journal(directory))
            journal.dead = journal.dead or journal.reader.try_lock()

    def _step(self, journal: _Journal) -> Standing | None:
        """Post a batch; a dead relay's journal is recovered when there is none left. None: nothing more to do now."""
        try:
            return self._recover(journal) if journal.dead else self._drain(journal)
        except (JournalGap, SQLAlchemyError, OSError) as error:
            if not isinstance(error, DatabaseAway):
                _log.error("journal_not_posted", incarnation=journal.incarnation, error=one_line(error))
            journal.posted_seq = None
            journal.rests_until = self._clock() + REST_AFTER_FAULT_S
            return None

    def _drain(self, journal: _Journal) -> Standing | None:
        """Post one batch; None: nothing new, the relay has not said hello yet, or another book was faster."""
        if journal.posted_seq is None:
            journal.posted_seq = self._database.read(ledger_drain.posted_seq, journal.incarnation)
        if journal.posted_seq is None:
            return None
        try:
            records = journal.reader.read(journal.posted_seq, MAX_BATCH)
        except JournalGap:
            known, journal.posted_seq = journal.posted_seq, self._database.read(ledger_drain.posted_seq, journal.incarnation)
            if journal.posted_seq == known:
                raise
            return None  # another book has posted, and the relay deleted what it need not keep: go on from there
        journal.more = len(records) == MAX_BATCH
        if not records:
            return None
        standing = self._database.run(
            ledger_drain.post_batch,
            incarnation_id=journal.incarnation,
            after_seq=journal.posted_seq,
            records=records,
            now=self._clock(),
        )
        journal.posted_seq = None if standing is None else standing.posted_seq
        return standing

    def _recover(self, journal: _Journal) -> Standing | None:
        """Take a dead relay's incarnation one step towards its end; every step may be repeated, or done by another book."""
        end = self._database.run(ledger_recovery.begin_closing, incarnation_id=journal.incarnation, node=self._node, now=self._clock())
        if end.closed:
            if end.abandoned:
                self._post_late(journal, end.posted_seq)
        else:
            journal.posted_seq = end.posted_seq
            if (standing := self._drain(journal)) is not None:
                journal.more = True
                return standing
            if not self._close(journal):
                return None
        journal.reader.remove()
        journal.reader.close()
        del self._journals[journal.incarnation]
        return None

    def _close(self, journal: _Journal) -> bool:
        orphans = journal.reader.open_holds()
        closed = self._database.run(
            ledger_recovery.close_incarnation,
            incarnation_id=journal.incarnation,
            last_seq=journal.reader.last_seq(),
            orphans=orphans,
            charge_orphans=self._charge_orphans(),
            now=self._clock(),
        )
        if closed:
            _log.info("incarnation_closed", incarnation=journal.incarnation, orphans=len(orphans))
        return closed

    def _post_late(self, journal: _Journal, posted_seq: int) -> None:
        """The disk of an abandoned incarnation turned up: charge what its requests cost after all."""
        while records := journal.reader.read(posted_seq, MAX_BATCH):
            taken = self._database.run(
                ledger_drain.post_late_batch,
                incarnation_id=journal.incarnation,
                after_seq=posted_seq,
                records=records,
                now=self._clock(),
            )
            if not taken:
                break
            posted_seq = records[-1].seq
        _log.warning("late_journal_posted", incarnation=journal.incarnation, posted_seq=posted_seq)
        orphans = journal.reader.open_holds()
        self._database.run(ledger_recovery.record_late_orphans, incarnation_id=journal.incarnation, orphans=orphans, now=self._clock())
