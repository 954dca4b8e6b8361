"""Writing journals: a commit is all or nothing, segments are finished before the next, and none goes that is needed."""

import fcntl
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from modelgate.storage import journal_writer
from modelgate.storage.journal import JournalBroken, JournalReader, segment_starts
from modelgate.storage.journal_writer import JournalWriter


def hold(journal: JournalWriter) -> int:
    return journal.stage_hold(key="key_k", account="acct_a", book="live", period="all", amount_nanos=5, request_id="req_1")


def commit_holds(journal: JournalWriter, count: int) -> list[int]:
    made = [hold(journal) for _ in range(count)]
    journal.commit()
    return made


def commit_releases(journal: JournalWriter, holds: list[int]) -> None:
    for seq in holds:
        journal.stage_release(seq, facts=b"")
    journal.commit()


@pytest.fixture
def journal(tmp_path: Path) -> JournalWriter:
    return JournalWriter.create(tmp_path, segment_records=10)


def test_a_journal_is_born_locked_and_with_a_segment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A book that saw the directory before its lock took a living relay for dead."""
    seen: list[list[str]] = []
    original = Path.rename

    def rename(path: Path, target: Path) -> Path:
        if path.is_dir():
            with open(path / "lock") as lock, pytest.raises(BlockingIOError):
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            seen.append(sorted(os.listdir(path)))
        return original(path, target)

    monkeypatch.setattr(Path, "rename", rename)
    journal = JournalWriter.create(tmp_path)
    assert seen == [["000000000001.log", "lock"]]
    assert journal.incarnation.startswith("inc_")
    assert journal.directory.stat().st_mode & 0o777 == 0o700


def test_an_incarnation_id_is_never_used_again(tmp_path: Path) -> None:
    JournalWriter.create(tmp_path, incarnation="inc_1")
    with pytest.raises(OSError, match="inc_1"):
        JournalWriter.create(tmp_path, incarnation="inc_1")


def test_a_program_started_by_the_relay_does_not_inherit_its_lock(tmp_path: Path) -> None:
    """A child that inherited the lock kept a dead relay's money out for as long as it ran."""
    journal = JournalWriter.create(tmp_path)
    program = "import sys; print('running', flush=True); sys.stdin.read()"
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", program], stdin=pipe, stdout=pipe, close_fds=False) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"running\n"
        journal.close()
        assert JournalReader(journal.directory).try_lock()


def test_symptom_a_stream_that_ended_after_the_journal_wrote_into_somebody_elses_file(tmp_path: Path) -> None:
    """The number of its closed descriptor had been given to the next file or socket that was opened."""
    journal = JournalWriter.create(tmp_path)
    journal.close()
    others = [os.open(tmp_path / f"other_{number}", os.O_WRONLY | os.O_CREAT) for number in range(8)]
    hold(journal)
    with pytest.raises(JournalBroken):
        journal.commit()
    for other in others:
        assert os.fstat(other).st_size == 0
        os.close(other)


def test_seqs_have_no_gap_across_segments(journal: JournalWriter) -> None:
    for _ in range(9):
        commit_holds(journal, 4)
    assert segment_starts(journal.directory) == [1, 13, 25]
    assert [record.seq for record in JournalReader(journal.directory).records()] == list(range(1, 37))
    assert journal.last_seq == journal.committed_seq == 36


def test_a_segment_also_ends_by_its_bytes(tmp_path: Path) -> None:
    journal = JournalWriter.create(tmp_path, segment_bytes=1000)
    for seq in commit_holds(journal, 4):
        journal.stage_capture(seq, amount_nanos=1, facts=b"x" * 300)
        journal.commit()
    assert segment_starts(journal.directory) == [1, 8]


def test_one_commit_is_never_split_over_segments(journal: JournalWriter) -> None:
    commit_holds(journal, 9)
    commit_holds(journal, 25)
    commit_holds(journal, 1)
    assert segment_starts(journal.directory) == [1, 35]


def test_the_old_segment_is_synced_before_the_next_one_appears(journal: JournalWriter, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a power cut a later segment could be there, and the tail of an earlier one not."""
    order: list[str] = []
    sync, rename = journal_writer._sync, Path.rename

    def noted_sync(path: Path) -> None:
        order.append(f"sync {path.name}")
        sync(path)

    def noted_rename(path: Path, target: Path) -> Path:
        order.append(f"name {target.name}")
        return rename(path, target)

    monkeypatch.setattr(journal_writer, "_sync", noted_sync)
    monkeypatch.setattr(Path, "rename", noted_rename)
    commit_holds(journal, 12)
    assert order == []
    commit_holds(journal, 1)
    assert order == ["sync 000000000001.log", "sync .next.log", "sync 000000000001.log", "name 000000000013.log"]


def test_a_large_segment_is_synced_beside_the_loop_and_nothing_is_lost_meanwhile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Syncing a segment stopped every stream of the relay for 50 ms."""
    monkeypatch.setattr(journal_writer, "THREAD_BYTES", 0)
    gate = threading.Event()
    prepare, main = journal_writer._prepare, threading.current_thread()

    def slow(directory: Path, full: Path) -> None:
        assert threading.current_thread() is not main
        assert gate.wait(60)
        prepare(directory, full)

    monkeypatch.setattr(journal_writer, "_prepare", slow)
    journal = JournalWriter.create(tmp_path, segment_records=10)
    for _ in range(4):
        commit_releases(journal, commit_holds(journal, 4))
    assert segment_starts(journal.directory) == [1], "commits go on in the full segment"
    gate.set()
    assert journal._prepared is not None
    journal._prepared.result(60)
    (running,) = commit_holds(journal, 1)
    assert segment_starts(journal.directory) == [1, 33]
    assert journal.prune(32) == 1
    commit_releases(journal, [running])
    journal.close()
    assert [record.seq for record in JournalReader(journal.directory).records()] == [33, 34]


def test_a_reader_in_the_middle_of_a_segment_does_not_stop_the_next(journal: JournalWriter) -> None:
    commit_holds(journal, 6)
    commit_holds(journal, 6)
    reader = JournalReader(journal.directory)
    assert len(reader.read(0, 3)) == 3
    commit_holds(journal, 6)
    assert [record.seq for record in reader.read(3, 100)] == list(range(4, 19))


def test_a_hold_cannot_be_resolved_twice(journal: JournalWriter) -> None:
    (seq,) = commit_holds(journal, 1)
    journal.stage_capture(seq, amount_nanos=1, facts=b"")
    with pytest.raises(KeyError):
        journal.stage_release(seq, facts=b"")
    with pytest.raises(KeyError):
        journal.stage_capture(99, amount_nanos=1, facts=b"")
    journal.commit()
    assert len(JournalReader(journal.directory).read(0, 10)) == 2


def test_an_empty_commit_writes_nothing(journal: JournalWriter) -> None:
    journal.commit()
    assert JournalReader(journal.directory).read(0, 10) == []


def test_segments_are_deleted_oldest_first_when_posted_and_resolved(journal: JournalWriter) -> None:
    first = commit_holds(journal, 10)
    commit_releases(journal, first)  # seqs 11 to 20, the second segment
    third = commit_holds(journal, 1)  # 21
    assert segment_starts(journal.directory) == [1, 11, 21]
    assert journal.prune(19) == 0, "the resolution of a HOLD in it is not posted"
    assert journal.prune(20) == 2
    assert segment_starts(journal.directory) == [21]
    commit_releases(journal, third)
    assert journal.prune(22) == 0, "the segment that is written to stays"


def test_a_running_request_pins_its_segment_and_all_that_follow(journal: JournalWriter) -> None:
    """Deleted when posted, the only HOLD of a running request went with its segment, and its orphan was never listed."""
    *done, running = commit_holds(journal, 10)
    commit_releases(journal, done)
    for _ in range(3):
        commit_releases(journal, commit_holds(journal, 5))
    starts = segment_starts(journal.directory)
    assert len(starts) > 3
    assert journal.prune(journal.committed_seq) == 0
    assert segment_starts(journal.directory) == starts
    assert [record.seq for record in JournalReader(journal.directory).open_holds()] == [running]
    commit_releases(journal, [running])
    assert journal.prune(journal.committed_seq) == len(starts) - 1


@pytest.mark.parametrize("written", [0, 1, 30])
def test_a_commit_that_fails_breaks_the_journal_for_good(journal: JournalWriter, monkeypatch: pytest.MonkeyPatch, written: int) -> None:
    commit_holds(journal, 1)
    hold(journal)
    write = os.write

    def full(descriptor: int, data: bytes) -> int:
        if not written:
            raise OSError(28, "No space left on device")
        return write(descriptor, data[:written])

    with monkeypatch.context() as patched, pytest.raises(JournalBroken, match="cannot be written"):
        patched.setattr(os, "write", full)
        journal.commit()
    assert journal.broken
    hold(journal)
    with pytest.raises(JournalBroken, match="broke before"):
        journal.commit()
    assert journal.committed_seq == 1
    assert len(JournalReader(journal.directory).read(0, 10)) == 1


def test_a_segment_that_cannot_be_made_breaks_the_journal(journal: JournalWriter, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_space(path: Path) -> None:
        raise OSError(28, "No space left on device")

    commit_holds(journal, 10)
    monkeypatch.setattr(journal_writer, "_make_segment", no_space)
    with pytest.raises(JournalBroken, match="No space left"):
        commit_holds(journal, 1)


@pytest.mark.parametrize(("synchronous", "syncs"), [("NORMAL", 0), ("FULL", 2)])
def test_full_synchronous_waits_for_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, synchronous: journal_writer.Synchronous, syncs: int
) -> None:
    waited: list[int] = []
    monkeypatch.setattr(os, "fdatasync", waited.append)
    journal = JournalWriter.create(tmp_path, synchronous=synchronous)
    commit_holds(journal, 2)
    commit_holds(journal, 1)
    assert len(waited) == syncs
