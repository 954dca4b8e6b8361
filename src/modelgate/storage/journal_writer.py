"""Writes the journal of one incarnation: stage records, then commit them all at once, at most once per loop turn."""

import fcntl
import os
import sqlite3
from bisect import bisect_right
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Literal

import msgspec

from modelgate.core.ids import new_id
from modelgate.core.money import Book
from modelgate.storage.journal import LOCK_NAME, JournalBroken, JournalRecord, segment_name

SEGMENT_RECORDS = 20_000
SEGMENT_BYTES = 8 * 1024 * 1024
"""A segment takes no further commit once it holds this many records or bytes of records."""
THREAD_BYTES = 1024 * 1024
"""A segment with more than this is moved out of its WAL by a thread: 50 ms and more that would stop every stream."""
FINISH_TIMEOUT_MS = 1_000
"""How long finishing a segment waits for a reader in the middle of it; then its WAL stays beside it."""
NEXT_NAME = ".next.db"
"""The empty segment that is made before it is needed."""
PAGE_BYTES = 4096
"""Each commit writes whole pages to the WAL, with two system calls for each. Under load a commit is some kilobytes: pages of 1 KB
cost a quarter more per request, pages of 8 KB more again."""

Synchronous = Literal["NORMAL", "FULL"]

_encode = msgspec.msgpack.Encoder().encode


class _Segment:
    """What the writer remembers of a segment until it is deleted."""

    __slots__ = ("finished", "first_seq", "last_resolution", "last_seq", "open_holds")

    def __init__(self, first_seq: int) -> None:
        self.first_seq = first_seq
        self.last_seq = first_seq - 1
        self.open_holds = 0
        self.last_resolution = 0
        self.finished: Future[None] | None = None

    def is_done(self, posted_seq: int) -> bool:
        """Whether all of it is posted, so is the resolution of each HOLD in it, and nothing works on its files."""
        is_posted = self.last_seq <= posted_seq and not self.open_holds and self.last_resolution <= posted_seq
        return is_posted and self.finished is not None and self.finished.done()


class JournalWriter:
    """The journal a relay writes. `create` makes it; the lock is held until `close` or the death of the process.

    `last_seq` is the highest seq given out, `committed_seq` the highest that is durable.
    """

    def __init__(self, directory: Path, *, lock: int, synchronous: Synchronous, segment_records: int, segment_bytes: int) -> None:
        self.directory = directory
        self.last_seq = 0
        self.committed_seq = 0
        self.broken = False
        self._lock = lock
        self._synchronous = synchronous
        self._segment_records = segment_records
        self._segment_bytes = segment_bytes
        self._staged: list[JournalRecord] = []
        self._holds: dict[int, JournalRecord] = {}
        self._segments: deque[_Segment] = deque((_Segment(1),))
        self._bytes = 0
        self._connection = self._connect(1)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="journal")
        self._prepared: Future[None] | None = None

    @classmethod
    def create(
        cls,
        root: Path,
        *,
        incarnation: str = "",
        synchronous: Synchronous = "NORMAL",
        segment_records: int = SEGMENT_RECORDS,
        segment_bytes: int = SEGMENT_BYTES,
    ) -> "JournalWriter":
        """Give birth to an incarnation: its directory is never visible unlocked while this process lives.

        Args:
            root: folder of all journals of this node, on a local disk.
            incarnation: a fresh id; made here unless given. Ids are random and never used again.
            synchronous: NORMAL outlives the process, FULL also a power cut.
            segment_records, segment_bytes: bounds of a segment, see `SEGMENT_RECORDS`.

        Raises:
            OSError, sqlite3.Error: the disk is full, or not ours to write.
        """
        incarnation = incarnation or new_id("inc")
        hidden = root / f".{incarnation}"
        root.mkdir(parents=True, exist_ok=True, mode=0o700)
        hidden.mkdir(mode=0o700)
        # flock on a file of its own: POSIX locks vanish when any descriptor of the file closes. Close-on-exec: a child
        # that inherited the descriptor would keep the lock of a dead relay.
        lock = os.open(hidden / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        _make_segment(hidden / segment_name(1))
        _sync(hidden)
        directory = root / incarnation
        hidden.rename(directory)
        _sync(root)
        return cls(directory, lock=lock, synchronous=synchronous, segment_records=segment_records, segment_bytes=segment_bytes)

    @property
    def incarnation(self) -> str:
        """The id of the incarnation whose journal this is."""
        return self.directory.name

    def stage_hold(self, *, key: str, account: str, book: Book, period: str, amount_nanos: int, request_id: str) -> int:
        """Stage a HOLD; return its seq. It counts once `commit` has returned."""
        seq = self.last_seq = self.last_seq + 1
        record = JournalRecord(seq, "hold", seq, key, account, book, period, amount_nanos, amount_nanos, request_id)
        self._staged.append(record)
        self._holds[seq] = record
        return seq

    def stage_capture(self, hold_seq: int, *, amount_nanos: int, facts: bytes) -> int:
        """Stage the charge of a hold; return its seq.

        Raises:
            KeyError: the hold was resolved before, or never made.
        """
        return self._stage_resolution("capture", hold_seq, amount_nanos, facts)

    def stage_release(self, hold_seq: int, *, facts: bytes) -> int:
        """Stage the end of a hold without a charge; `facts` tell why. Otherwise as `stage_capture`."""
        return self._stage_resolution("release", hold_seq, 0, facts)

    def _stage_resolution(self, kind: Literal["capture", "release"], hold_seq: int, amount_nanos: int, facts: bytes) -> int:
        hold = self._holds.pop(hold_seq)
        seq = self.last_seq = self.last_seq + 1
        self._staged.append(
            JournalRecord(
                seq, kind, hold_seq, hold.key, hold.account, hold.book, hold.period, hold.hold_nanos, amount_nanos, hold.request_id, facts
            )
        )
        return seq

    def commit(self) -> None:
        """Make everything staged durable, in one transaction.

        Raises:
            JournalBroken: nothing staged may be believed, now or ever: the relay answers 503 and exits.
        """
        staged = self._staged
        if not staged:
            return
        if self.broken:
            raise JournalBroken("the journal broke before")
        try:
            if self._is_full() and self._is_prepared():
                self._rotate(staged[0].seq)
            blob = _encode(staged)
            # One statement is one transaction: no BEGIN and COMMIT to pay for.
            self._connection.execute("INSERT INTO journal VALUES (?, ?)", (self.last_seq, blob))
        except (sqlite3.Error, OSError) as error:
            self.broken = True
            raise JournalBroken(f"the journal in {self.directory} cannot be written: {error}") from error
        self._note(staged, len(blob))

    def _note(self, staged: list[JournalRecord], size: int) -> None:
        segment = self._segments[-1]
        for record in staged:
            if record.kind == "hold":
                segment.open_holds += 1
            else:
                home = self._segment_of(record.hold_seq)
                home.open_holds -= 1
                home.last_resolution = record.seq
        segment.last_seq = self.committed_seq = self.last_seq
        self._bytes += size
        self._staged = []

    def _segment_of(self, seq: int) -> _Segment:
        newest = self._segments[-1]
        if seq >= newest.first_seq:
            return newest
        return self._segments[bisect_right(self._segments, seq, key=lambda segment: segment.first_seq) - 1]

    def prune(self, posted_seq: int) -> int:
        """Delete the segments nobody needs, oldest first, up to the first that is needed; return how many.

        A segment is needed while a record in it is not posted, or a HOLD in it lacks a posted resolution: a long stream
        pins its segment and all that follow.
        """
        deleted = 0
        while len(self._segments) > 1 and self._segments[0].is_done(posted_seq):
            path = self.directory / segment_name(self._segments[0].first_seq)
            try:
                path.unlink(missing_ok=True)  # the moment of deletion: what is left beside it is no segment any more
                for beside in ("-wal", "-shm"):
                    Path(f"{path}{beside}").unlink(missing_ok=True)
            except OSError as error:
                self.broken = True
                raise JournalBroken(f"a posted segment in {self.directory} cannot be deleted: {error}") from error
            self._segments.popleft()
            deleted += 1
        return deleted

    def close(self) -> None:
        """Finish the segment and let go of the lock; the book recovers what is left."""
        self._thread.shutdown()
        try:
            _finish(self._connection)
        finally:
            os.close(self._lock)

    def _is_full(self) -> bool:
        segment = self._segments[-1]
        return segment.last_seq - segment.first_seq + 1 >= self._segment_records or self._bytes >= self._segment_bytes

    def _is_prepared(self) -> bool:
        """Have most of a rotation's work done beside the loop; commits go into the full segment until that is through."""
        if self._prepared is None:
            self._prepared = self._beside(lambda: _prepare(self.directory, self._path_of_newest()))
        return self._prepared.done()

    def _rotate(self, first_seq: int) -> None:
        """Go on in the next segment, once the old one is safe: after a power cut no later record may be there without the earlier."""
        assert self._prepared is not None
        self._prepared.result()
        self._prepared = None
        old, connection = self._segments[-1], self._connection
        _sync(Path(f"{self._path_of_newest()}-wal"))
        (self.directory / NEXT_NAME).rename(self.directory / segment_name(first_seq))
        if self._synchronous == "FULL":
            _sync(self.directory)
        old.finished = self._beside(lambda: _finish(connection))
        self._connection = self._connect(first_seq)
        self._segments.append(_Segment(first_seq))
        self._bytes = 0

    def _beside(self, work: Callable[[], None]) -> "Future[None]":
        """Run work on the newest segment in the thread, or at once if it is small."""
        if self._bytes >= THREAD_BYTES:
            return self._thread.submit(work)
        done: Future[None] = Future()
        try:
            work()
            done.set_result(None)
        except (sqlite3.Error, OSError) as error:
            done.set_exception(error)
        return done

    def _path_of_newest(self) -> Path:
        return self.directory / segment_name(self._segments[-1].first_seq)

    def _connect(self, first_seq: int) -> sqlite3.Connection:
        # Handed to the thread once, to be finished there; never used by both.
        connection = sqlite3.connect(self.directory / segment_name(first_seq), isolation_level=None, check_same_thread=False)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA synchronous = {self._synchronous}")
        connection.execute("PRAGMA wal_autocheckpoint = 0")  # it would stop the loop to sync; the thread does it
        return connection


def _prepare(directory: Path, full: Path) -> None:
    """Move most of a full segment out of its WAL, and make the next one."""
    with closing(sqlite3.connect(full, isolation_level=None)) as connection:
        connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
    (directory / NEXT_NAME).unlink(missing_ok=True)
    _make_segment(directory / NEXT_NAME)


def _finish(connection: sqlite3.Connection) -> None:
    """Move the rest of a segment out of its WAL and close it. With a reader in the way the WAL stays beside it, and is read there."""
    with closing(connection):
        connection.execute(f"PRAGMA busy_timeout = {FINISH_TIMEOUT_MS}")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()


def _make_segment(path: Path) -> None:
    """Make an empty segment, whole and synced, under a name no reader looks for."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(f"PRAGMA page_size = {PAGE_BYTES}")
        connection.execute("PRAGMA synchronous = OFF")  # synced once, below
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE journal (last_seq INTEGER PRIMARY KEY, records BLOB NOT NULL)")
    _sync(path)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
