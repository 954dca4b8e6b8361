"""The files in which processes leave their counts."""

import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from modelgate.telemetry.counts import BUCKETS_S, ProcessCounts, SeriesCounts, copy_counts, counts_file, read_counts, write_counts

COUNTS = ProcessCounts(
    pid=7, series=[SeriesCounts("chat", "m", "u", 200, requests=2)], webhooks={"gone": 1}, connections={"client": 3}, backlog_records=4
)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = counts_file(tmp_path / "new" / "folder", "desk")
    assert read_counts(path) is None
    write_counts(path, COUNTS)
    assert read_counts(path) == COUNTS
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"x",
        msgspec.msgpack.encode({"pid": "7"}),
        msgspec.msgpack.encode(ProcessCounts(pid=7, series=[SeriesCounts("chat", "m", "u", 200, totals=[1] * len(BUCKETS_S))])),
    ],
)
def test_a_file_of_another_shape_counts_for_nothing(tmp_path: Path, content: bytes) -> None:
    path = counts_file(tmp_path, "desk")
    path.write_bytes(content)
    assert read_counts(path) is None


def test_a_copy_shares_nothing() -> None:
    copied = copy_counts(COUNTS)
    assert copied == COUNTS
    copied.series[0].totals[0] += 1
    copied.webhooks["gone"] += 1
    assert COUNTS.series[0].totals[0] == 0
    assert COUNTS.webhooks == {"gone": 1}


def test_who_is_alive() -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    assert not ProcessCounts(pid=ended.pid).is_alive
    assert ProcessCounts(pid=os.getpid()).is_alive
    assert ProcessCounts(pid=1).is_alive
