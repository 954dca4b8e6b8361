"""What one process has counted, and the file in which it leaves that for the metrics page.

A file is replaced as a whole, by name and never mapped: writing to a mapped page kills a process whose disk is full (SIGBUS), and
that was every relay. A successor goes on from its predecessor's file, so that no total falls and there are no more files than processes.
"""

import os
from pathlib import Path
from typing import Literal

import msgspec

SUFFIX = ".counts"
BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0)
"""Bounds of the histograms; one more bucket takes what lies beyond."""

Side = Literal["client", "upstream"]

_encode = msgspec.msgpack.Encoder().encode


def no_buckets() -> list[int]:
    """Return empty buckets."""
    return [0] * (len(BUCKETS_S) + 1)


class SeriesCounts(msgspec.Struct, array_like=True):
    """The requests of one series. Spans in milliseconds, money in nano-USD; buckets hold what lies between two bounds."""

    endpoint: str
    model: str
    upstream: str
    status: int
    requests: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    amount_nanos: int = 0
    total_ms: int = 0
    first_byte_ms: int = 0
    totals: list[int] = msgspec.field(default_factory=no_buckets)
    first_bytes: list[int] = msgspec.field(default_factory=no_buckets)


class ProcessCounts(msgspec.Struct):
    """All of one process. Totals are since the server's start; gauges count only while `pid` lives."""

    pid: int
    series: list[SeriesCounts] = []
    webhooks: dict[str, int] = {}
    connections: dict[Side, int] = {}
    backlog_records: int | None = None

    @property
    def is_alive(self) -> bool:
        """Whether the process that counted is there."""
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            return True
        return True


_decode = msgspec.msgpack.Decoder(ProcessCounts).decode


def read_counts(path: Path) -> ProcessCounts | None:
    """Return what is in a file; None when there is none that can be read."""
    try:
        counts = _decode(path.read_bytes())
    except (OSError, msgspec.DecodeError):
        return None
    width = len(BUCKETS_S) + 1
    return counts if all(len(one.totals) == len(one.first_bytes) == width for one in counts.series) else None


def copy_counts(counts: ProcessCounts) -> ProcessCounts:
    """Return a copy that shares nothing."""
    return _decode(_encode(counts))


def counts_file(directory: Path, process: str) -> Path:
    """Return the file of a process, which its successor takes over."""
    return directory / f"{process}{SUFFIX}"


def write_counts(path: Path, counts: ProcessCounts) -> None:
    """Replace a file, all of it or nothing. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)  # a relay that was started alone
    draft = path.with_suffix(".new")
    draft.write_bytes(_encode(counts))
    os.replace(draft, path)
