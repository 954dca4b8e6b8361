"""The journal of one relay incarnation, as it lies on disk and as the book reads it. `journal_writer` writes it.

    <journal root>/<incarnation>/lock               held by flock while its relay lives: the only witness of death
                                /000000000001.log   segments, named by their first seq; files that only ever grow
                                /000000020001.log   …

A segment is a row of frames. A frame is one group commit: all records of one turn of the relay's event loop, with their length
and checksum in front. The first frame that is not whole ends a segment: its commit is under way, or was cut short by death or
a power cut, and never counted. Records are numbered 1, 2, 3, … without a gap across segments, and every CAPTURE and RELEASE
repeats what its HOLD said.
"""

import fcntl
import os
import shutil
import struct
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Literal
from zlib import crc32

import msgspec

from modelgate.core.money import Book

LOCK_NAME = "lock"
SEGMENT_DIGITS = 12
UNBORN_S = 60.0
"""A directory whose relay died while making it is swept up when it is older than this."""
MAX_LOOKS = 5
"""A living relay deletes segments while they are listed; so often the listing is taken again."""
RECORDS_AT_ONCE = 1_000
READ_BYTES = 1024 * 1024
"""A segment is read in parts of this size; a frame that is longer is read whole."""
SUFFIX = ".log"

_FRAME = struct.Struct("<QII")
"""In front of each frame: the seq of its last record, the length and the CRC-32 of its records."""

RecordKind = Literal["hold", "capture", "release"]


class JournalRecord(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One record. For a HOLD `hold_seq` is its own seq, and `amount_nanos` and `hold_nanos` are both the money held.

    For a CAPTURE `amount_nanos` is what is charged, for a RELEASE 0. `facts` is a `core.records.RequestFacts` as MessagePack,
    empty for a HOLD. Money in nano-USD.
    """

    seq: int
    kind: RecordKind
    hold_seq: int
    key: str
    account: str
    book: Book
    period: str
    hold_nanos: int
    amount_nanos: int
    request_id: str
    facts: bytes = b""


class JournalBroken(Exception):
    """The journal cannot be written: nothing staged may be believed, and the relay has to exit."""


class JournalGap(Exception):
    """A record that must be there is not: nothing of this journal may be posted beyond this point."""


_decode = msgspec.msgpack.Decoder(list[JournalRecord]).decode


def encode_frame(last_seq: int, records: bytes) -> bytes:
    """Return one group commit as it is appended to a segment; `records` is a MessagePack array of them."""
    return _FRAME.pack(last_seq, len(records), crc32(records)) + records


def segment_name(first_seq: int) -> str:
    """Return the file name of the segment that begins with `first_seq`."""
    return f"{first_seq:0{SEGMENT_DIGITS}d}{SUFFIX}"


def segment_starts(directory: Path) -> list[int]:
    """Return the first seq of every segment, ascending; empty when the directory is gone."""
    try:
        names = os.listdir(directory)
    except FileNotFoundError:
        return []
    stems = (name.removesuffix(SUFFIX) for name in names if name.endswith(SUFFIX))
    return sorted(int(stem) for stem in stems if stem.isdecimal())


class _SegmentFile:
    """One segment, open for reading."""

    def __init__(self, path: Path, start: int) -> None:
        self.path = path
        self.start = start
        self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self._seen_seq, self._seen_bytes = start - 1, 0  # what was read of it, up to which seq and how far

    def frames(self, after_seq: int) -> Iterator[tuple[int, bytes]]:
        """Yield the frames in which something follows `after_seq`, each with its last seq. Who asks for the next has taken all of it."""
        if after_seq < self._seen_seq:
            self._seen_seq, self._seen_bytes = self.start - 1, 0
        data = b""
        while fresh := os.pread(self._descriptor, READ_BYTES, self._seen_bytes + len(data)):
            data += fresh
            at = 0
            while len(data) - at >= _FRAME.size:
                last_seq, length, checksum = _FRAME.unpack_from(data, at)
                end = at + _FRAME.size + length
                if end > len(data):
                    break
                records = data[at + _FRAME.size : end]
                if not records or crc32(records) != checksum:
                    return
                if last_seq > after_seq:
                    yield last_seq, records
                self._seen_seq, self._seen_bytes = last_seq, self._seen_bytes + end - at
                at = end
            data = data[at:]

    def close(self) -> None:
        os.close(self._descriptor)


class JournalReader:
    """Reads the journal of a living or dead relay; opens nothing for writing. Not to be used by two threads at once."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.incarnation = directory.name
        self._segment: _SegmentFile | None = None
        self._at = -1
        self._lock: int | None = None

    def read(self, after_seq: int, limit: int) -> list[JournalRecord]:
        """Return at most `limit` records from `after_seq + 1` on, in order; empty when there is none yet.

        Raises:
            JournalGap: the first record is not `after_seq + 1`, or one is missing in between.
        """
        records: list[JournalRecord] = []
        if not self._seek(after_seq):
            return records
        last = after_seq
        while True:
            assert self._segment is not None
            last = self._read_segment(self._segment, last, limit, into=records)
            if len(records) >= limit:
                del records[limit:]
                break
            if last + 1 == self._segment.start or not self._open(last + 1):  # segments are named by what must come next
                if not records:
                    self._check_newest(self._segment, last)
                break
        self._at = records[-1].seq if records else after_seq
        return records

    def open_holds(self) -> list[JournalRecord]:
        """Return the HOLD of every request without a resolution, in order, from the segments that exist."""
        for _ in range(MAX_LOOKS):
            with suppress(JournalGap):
                return self._open_holds()
        return self._open_holds()

    def _open_holds(self) -> list[JournalRecord]:
        open_holds: dict[int, JournalRecord] = {}
        for record in self.records():
            if record.kind == "hold":
                open_holds[record.seq] = record
            else:
                open_holds.pop(record.hold_seq, None)
        return list(open_holds.values())

    def records(self) -> Iterator[JournalRecord]:
        """Yield every record that is still there, in order.

        Raises:
            JournalGap: one is missing in between, or a living relay deleted a segment that was about to be read.
        """
        starts = segment_starts(self.directory)
        last = starts[0] - 1 if starts else 0
        while batch := self.read(last, RECORDS_AT_ONCE):
            yield from batch
            last = batch[-1].seq

    def last_seq(self) -> int:
        """Return the highest seq that was committed; 0 when there never was one, or the directory is gone."""
        for _ in range(MAX_LOOKS):
            starts = segment_starts(self.directory)
            if not starts:
                return 0
            if self._open(starts[-1]):
                assert self._segment is not None
                return max((seq for seq, _ in self._segment.frames(0)), default=starts[-1] - 1)
        return 0

    def try_lock(self) -> bool:
        """Return whether the relay is dead, and keep its lock if so, until `close`."""
        if self._lock is not None:
            return True
        path = self.directory / LOCK_NAME
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            return self.directory.is_dir()  # a directory is never visible before its lock: this one is half removed
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.fstat(descriptor).st_ino == os.stat(path).st_ino:
                self._lock = descriptor
                return True
        except (BlockingIOError, FileNotFoundError):
            pass
        os.close(descriptor)
        return False

    def remove(self) -> None:
        """Remove the directory, its lock last; repeatable, also when half of it is gone. `try_lock` must have succeeded."""
        self._close_segment()
        remove_directory(self.directory)

    def close(self) -> None:
        """Let go of files and lock."""
        self._close_segment()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _seek(self, after_seq: int) -> bool:
        """Open the segment that holds `after_seq + 1`, unless the last read stopped there; False when there is none at all."""
        if self._segment is not None and after_seq == self._at and self._segment.path.exists():
            return True
        for _ in range(MAX_LOOKS):
            starts = segment_starts(self.directory)
            if not starts:
                return False
            before = [start for start in starts if start <= after_seq + 1]
            if not before:
                raise JournalGap(f"{self.incarnation}: the first segment begins at {starts[0]}, after {after_seq + 1}")
            if self._open(before[-1]):
                return True
        raise JournalGap(f"{self.incarnation}: the segment of record {after_seq + 1} vanished")

    def _path(self, start: int) -> Path:
        return self.directory / segment_name(start)

    def _read_segment(self, segment: _SegmentFile, last: int, limit: int, *, into: list[JournalRecord]) -> int:
        """Append what follows `last` in the segment, until there are `limit` records; return the last seq taken."""
        for _, frame in segment.frames(last):
            for record in _decode(frame):
                if record.seq > last:
                    if record.seq != last + 1:
                        raise JournalGap(f"{self.incarnation}: record {record.seq} follows {last}")
                    into.append(record)
                    last = record.seq
            if len(into) >= limit:
                break
        return last

    def _check_newest(self, segment: _SegmentFile, last: int) -> None:
        """Only the newest segment may end anywhere: the others were whole on the disk before the next one was made."""
        starts = segment_starts(self.directory)
        later = [start for start in starts if start > segment.start]
        if later and segment.start in starts and last + 1 not in later and not any(segment.frames(last)):
            raise JournalGap(f"{self.incarnation}: the segment from {segment.start} on ends at {last}, the next begins at {starts[-1]}")

    def _open(self, start: int) -> bool:
        if self._segment is not None and self._segment.start == start:
            return True
        try:
            segment = _SegmentFile(self._path(start), start)
        except FileNotFoundError:
            return False
        self._close_segment()
        self._segment = segment
        return True

    def _close_segment(self) -> None:
        if self._segment is not None:
            self._segment.close()
        self._segment, self._at = None, -1


def remove_directory(directory: Path) -> None:
    """Remove a journal's directory, its lock last: while anything of it is left, it is seen as locked or half removed."""
    with suppress(FileNotFoundError):
        for entry in list(directory.iterdir()):
            if entry.name != LOCK_NAME:
                entry.unlink(missing_ok=True)
        (directory / LOCK_NAME).unlink(missing_ok=True)
        with suppress(OSError):  # a reader left a file meanwhile: without its lock the directory is found and removed again
            directory.rmdir()


def find_journals(root: Path) -> list[Path]:
    """Return the directory of every incarnation that was born here and is not removed yet, living or dead."""
    with suppress(FileNotFoundError):
        return sorted(entry for entry in root.iterdir() if not entry.name.startswith(".") and entry.is_dir())
    return []


def sweep_unborn(root: Path, *, now: float | None = None) -> None:
    """Remove what relays left that died before their journal was visible: nobody ever spoke of it."""
    now = time.time() if now is None else now
    with suppress(FileNotFoundError):
        for entry in list(root.glob(".*")):
            with suppress(FileNotFoundError):
                if entry.stat().st_mtime + UNBORN_S < now:
                    shutil.rmtree(entry, ignore_errors=True)
