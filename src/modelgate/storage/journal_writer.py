"""Writes the journal of one incarnation: stage records, then commit them all at once, at most once per loop turn."""

import fcntl
import os
from bisect import bisect_right
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Literal

import msgspec

from modelgate.core.ids import new_id
from modelgate.core.money import Book
from modelgate.storage.journal import LOCK_NAME, JournalBroken, RecordKind, encode_frame, segment_name

SEGMENT_RECORDS = 20_000
SEGMENT_BYTES = 8 * 1024 * 1024
"""A segment takes no further commit once it holds this many records or bytes of records."""
THREAD_BYTES = 1024 * 1024
"""A segment with more than this is synced by a thread: that takes 50 ms and more, and would stop every stream."""
NEXT_NAME = ".next.log"
"""The empty segment that is made before it is needed."""

Synchronous = Literal["NORMAL", "FULL"]

_encode = msgspec.msgpack.Encoder().encode

_Record = tuple[int, RecordKind, int, str, str, Book, str, int, int, str, bytes]
"""The fields of a `JournalRecord`, in order. It is encoded alike, and a tuple is made in a third of the time."""


class _Segment:
    """What the writer remembers of a segment until it is deleted."""

    __slots__ = ("first_seq", "last_resolution", "last_seq", "open_holds")

    def __init__(self, first_seq: int) -> None:
        self.first_seq = first_seq
        self.last_seq = first_seq - 1
        self.open_holds = 0
        self.last_resolution = 0

    def is_done(self, posted_seq: int) -> bool:
        """Whether all of it is posted, and so is the resolution of each HOLD in it."""
        return self.last_seq <= posted_seq and not self.open_holds and self.last_resolution <= posted_seq


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
        self._staged: list[_Record] = []
        self._resolved: list[tuple[int, int]] = []  # among them: (seq of the HOLD, seq of its end)
        self._holds: dict[int, _Record] = {}
        self._segments: deque[_Segment] = deque((_Segment(1),))
        self._bytes = 0
        self._descriptor = _open(directory / segment_name(1))
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
            OSError: the disk is full, or not ours to write.
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
        record: _Record = (seq, "hold", seq, key, account, book, period, amount_nanos, amount_nanos, request_id, b"")
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
        _, _, _, key, account, book, period, held_nanos, _, request_id, _ = self._holds.pop(hold_seq)
        seq = self.last_seq = self.last_seq + 1
        self._staged.append((seq, kind, hold_seq, key, account, book, period, held_nanos, amount_nanos, request_id, facts))
        self._resolved.append((hold_seq, seq))
        return seq

    def commit(self) -> None:
        """Make everything staged durable, all or nothing.

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
                self._rotate(staged[0][0])
            frame = encode_frame(self.last_seq, _encode(staged))
            if os.write(self._descriptor, frame) < len(frame):  # what is there of it is not whole, so it is no frame
                raise OSError("only a part could be written")
            if self._synchronous == "FULL":
                os.fdatasync(self._descriptor)
        except OSError as error:
            self.broken = True
            raise JournalBroken(f"the journal in {self.directory} cannot be written: {error}") from error
        self._note(len(frame))

    def _note(self, size: int) -> None:
        """Remember what the commit means for the segments."""
        segment = self._segments[-1]
        segment.open_holds += len(self._staged) - len(self._resolved)
        for hold_seq, seq in self._resolved:
            home = segment if hold_seq >= segment.first_seq else self._segment_of(hold_seq)
            home.open_holds -= 1
            home.last_resolution = seq
        segment.last_seq = self.committed_seq = self.last_seq
        self._bytes += size
        self._staged, self._resolved = [], []

    def _segment_of(self, seq: int) -> _Segment:
        return self._segments[bisect_right(self._segments, seq, key=lambda segment: segment.first_seq) - 1]

    def prune(self, posted_seq: int) -> int:
        """Delete the segments nobody needs, oldest first, up to the first that is needed; return how many.

        A segment is needed while a record in it is not posted, or a HOLD in it lacks a posted resolution: a long stream
        pins its segment and all that follow.
        """
        deleted = 0
        while len(self._segments) > 1 and self._segments[0].is_done(posted_seq):
            try:
                (self.directory / segment_name(self._segments[0].first_seq)).unlink(missing_ok=True)
            except OSError as error:
                self.broken = True
                raise JournalBroken(f"a posted segment in {self.directory} cannot be deleted: {error}") from error
            self._segments.popleft()
            deleted += 1
        return deleted

    def close(self) -> None:
        """Let go of the segment and the lock; the book recovers what is left. Nothing is written after: the descriptor may be another's."""
        self.broken = True
        self._thread.shutdown()
        os.close(self._descriptor)
        os.close(self._lock)

    def _is_full(self) -> bool:
        segment = self._segments[-1]
        return segment.last_seq - segment.first_seq + 1 >= self._segment_records or self._bytes >= self._segment_bytes

    def _is_prepared(self) -> bool:
        """Have the waiting of a rotation done beside the loop; commits go into the full segment until that is through."""
        if self._prepared is None:
            if self._bytes >= THREAD_BYTES:
                self._prepared = self._thread.submit(_prepare, self.directory, self._path_of_newest())
            else:
                _prepare(self.directory, self._path_of_newest())
                self._prepared = Future()
                self._prepared.set_result(None)
        return self._prepared.done()

    def _rotate(self, first_seq: int) -> None:
        """Go on in the next segment, once the old one is safe: after a power cut no later record may be there without the earlier."""
        assert self._prepared is not None
        self._prepared.result()
        self._prepared = None
        _sync(self._path_of_newest())  # little is left to do
        path = self.directory / segment_name(first_seq)
        (self.directory / NEXT_NAME).rename(path)
        if self._synchronous == "FULL":
            _sync(self.directory)
        os.close(self._descriptor)
        self._descriptor = _open(path)
        self._segments.append(_Segment(first_seq))
        self._bytes = 0

    def _path_of_newest(self) -> Path:
        return self.directory / segment_name(self._segments[-1].first_seq)


def _prepare(directory: Path, full: Path) -> None:
    """Bring a full segment to the disk, and make the next one."""
    _sync(full)
    (directory / NEXT_NAME).unlink(missing_ok=True)
    _make_segment(directory / NEXT_NAME)


def _make_segment(path: Path) -> None:
    """Make an empty segment, synced, under a name no reader looks for."""
    path.touch(mode=0o600)
    _sync(path)


def _open(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
