"""Reading journals: every committed record once, in order; a hole is an error; a lock is the only witness of death."""

import os
from pathlib import Path

import pytest

from modelgate.storage import journal as storage_journal
from modelgate.storage.journal import (
    UNBORN_S,
    JournalGap,
    JournalReader,
    JournalRecord,
    find_journals,
    remove_directory,
    segment_name,
    segment_starts,
    sweep_unborn,
)
from modelgate.storage.journal_writer import JournalWriter


def hold(journal: JournalWriter, amount_nanos: int = 5) -> int:
    return journal.stage_hold(key="key_k", account="acct_a", book="live", period="all", amount_nanos=amount_nanos, request_id="req_1")


def fill(journal: JournalWriter, commits: int, *, per_commit: int = 3) -> None:
    for _ in range(commits):
        for _ in range(per_commit):
            hold(journal)
        journal.commit()


def resolve_all(journal: JournalWriter, first: int, last: int) -> None:
    for seq in range(first, last + 1):
        journal.stage_release(seq, facts=b"")
    journal.commit()


@pytest.fixture
def journal(tmp_path: Path) -> JournalWriter:
    return JournalWriter.create(tmp_path, incarnation="inc_1", segment_records=10)


def split_frames(data: bytes) -> list[bytes]:
    """Split a segment's bytes; written apart from the code under test: 8 bytes of seq, 4 of length, 4 of checksum."""
    frames = []
    while data:
        end = 16 + int.from_bytes(data[8:12], "little")
        frames.append(data[:end])
        data = data[end:]
    return frames


def seqs(records: list[JournalRecord]) -> list[int]:
    return [record.seq for record in records]


def test_records_come_back_as_they_were_staged(journal: JournalWriter) -> None:
    first = hold(journal, 7)
    journal.commit()
    journal.stage_capture(first, amount_nanos=3, facts=b"facts")
    second = hold(journal, 8)
    journal.stage_release(second, facts=b"why")
    journal.commit()
    assert JournalReader(journal.directory).read(0, 100) == [
        JournalRecord(1, "hold", 1, "key_k", "acct_a", "live", "all", 7, 7, "req_1"),
        JournalRecord(2, "capture", 1, "key_k", "acct_a", "live", "all", 7, 3, "req_1", b"facts"),
        JournalRecord(3, "hold", 3, "key_k", "acct_a", "live", "all", 8, 8, "req_1"),
        JournalRecord(4, "release", 3, "key_k", "acct_a", "live", "all", 8, 0, "req_1", b"why"),
    ]


def test_what_is_staged_is_not_there_before_the_commit(journal: JournalWriter) -> None:
    reader = JournalReader(journal.directory)
    hold(journal)
    assert reader.read(0, 10) == []
    assert reader.last_seq() == 0
    journal.commit()
    assert seqs(reader.read(0, 10)) == [1]


def test_reading_goes_on_across_segments_whatever_the_limit(journal: JournalWriter) -> None:
    fill(journal, 12)
    assert len(segment_starts(journal.directory)) == 3
    for limit in range(1, 40):
        reader, read, after = JournalReader(journal.directory), [], 0
        while batch := reader.read(after, limit):
            assert len(batch) <= limit
            read += seqs(batch)
            after = batch[-1].seq
        assert read == list(range(1, 37))


def test_a_batch_read_before_a_rotation_does_not_skip_what_came_between(journal: JournalWriter) -> None:
    """A cursor of (segment, row) moved to the new segment, and a capture written just before the rotation was never posted."""
    reader = JournalReader(journal.directory)
    fill(journal, 3)
    assert seqs(reader.read(0, 100)) == list(range(1, 10))
    fill(journal, 1)  # the last commit of the first segment
    fill(journal, 1)  # the first of the second
    assert len(segment_starts(journal.directory)) == 2
    assert seqs(reader.read(9, 100)) == [10, 11, 12, 13, 14, 15]


def test_a_reader_may_jump_to_any_record(journal: JournalWriter) -> None:
    fill(journal, 20)
    reader = JournalReader(journal.directory)
    for after in (50, 0, 11, 12, 13, 59, 60, 24):
        assert seqs(reader.read(after, 5)) == list(range(after + 1, min(after + 6, 61)))


def test_a_missing_record_is_an_error_not_a_shorter_journal(journal: JournalWriter) -> None:
    fill(journal, 3)
    path = journal.directory / segment_name(1)
    frames = split_frames(path.read_bytes())
    path.write_bytes(frames[0] + frames[2])
    with pytest.raises(JournalGap, match="7 follows 3"):
        JournalReader(journal.directory).read(0, 100)


def test_a_missing_first_segment_is_an_error(journal: JournalWriter) -> None:
    fill(journal, 8)
    (journal.directory / segment_name(1)).unlink()
    with pytest.raises(JournalGap, match="begins at 13, after 1"):
        JournalReader(journal.directory).read(0, 100)
    assert seqs(JournalReader(journal.directory).read(12, 2)) == [13, 14]


def test_a_second_book_that_fell_behind_a_deletion_hears_of_it(journal: JournalWriter) -> None:
    """A book that read nothing new for long kept the deleted segment open, and would have read nothing for ever."""
    reader = JournalReader(journal.directory)
    fill(journal, 4)
    assert seqs(reader.read(0, 100)) == list(range(1, 13))
    resolve_all(journal, 1, 12)  # the second segment
    fill(journal, 1)
    resolve_all(journal, 25, 27)
    assert journal.prune(journal.committed_seq) == 2
    with pytest.raises(JournalGap):
        reader.read(12, 100)
    assert seqs(reader.read(24, 100)) == [25, 26, 27, 28, 29, 30]


def test_open_holds_are_those_without_a_resolution(journal: JournalWriter) -> None:
    fill(journal, 4)
    for seq in (1, 2, 4, 5, 6, 12):
        journal.stage_release(seq, facts=b"")
    journal.commit()
    assert seqs(JournalReader(journal.directory).open_holds()) == [3, 7, 8, 9, 10, 11]


def test_last_seq_of_an_empty_new_segment_is_what_came_before_it(journal: JournalWriter, tmp_path: Path) -> None:
    fill(journal, 5)
    reader = JournalReader(journal.directory)
    assert reader.last_seq() == 15
    (tmp_path / "inc_2").mkdir()
    source = JournalWriter.create(tmp_path, incarnation="inc_3")
    (source.directory / segment_name(1)).rename(tmp_path / "inc_2" / segment_name(101))
    empty = JournalReader(tmp_path / "inc_2")
    assert empty.last_seq() == 100
    assert empty.read(100, 10) == []
    assert JournalReader(tmp_path / "never").last_seq() == 0
    assert JournalReader(tmp_path / "never").read(0, 1) == []


def test_the_lock_is_held_while_the_writer_lives_and_free_after(journal: JournalWriter) -> None:
    reader, other = JournalReader(journal.directory), JournalReader(journal.directory)
    assert not reader.try_lock()
    journal.close()
    assert reader.try_lock()
    assert reader.try_lock()
    assert not other.try_lock()
    reader.close()
    assert other.try_lock()


def test_a_lock_taken_on_a_removed_journal_does_not_count(journal: JournalWriter, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two books: one removes the directory between the other's open and lock of the file; the other then held nothing."""
    journal.close()
    path = journal.directory / "lock"
    original = os.fstat

    def replaced(descriptor: int) -> os.stat_result:
        path.unlink(missing_ok=True)
        return original(descriptor)

    monkeypatch.setattr(os, "fstat", replaced)
    assert not JournalReader(journal.directory).try_lock()
    path.touch()  # another inode of the same name
    monkeypatch.setattr(os, "fstat", lambda descriptor: (path.unlink(), path.touch(), original(descriptor))[2])
    assert not JournalReader(journal.directory).try_lock()


def test_a_removal_cut_short_is_done_again(journal: JournalWriter) -> None:
    fill(journal, 8)
    journal.close()
    reader = JournalReader(journal.directory)
    assert reader.try_lock()
    (journal.directory / segment_name(1)).unlink()
    (journal.directory / "lock").unlink()
    again = JournalReader(journal.directory)
    assert again.try_lock(), "a directory without its lock is one half removed"
    again.remove()
    assert not journal.directory.exists()
    assert not again.try_lock()
    again.remove()
    remove_directory(journal.directory)
    assert find_journals(journal.directory.parent) == []


def test_the_directory_goes_before_its_lock(journal: JournalWriter, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(journal, 8)
    journal.close()
    removed: list[str] = []
    original = Path.unlink

    def unlink(path: Path, missing_ok: bool = False) -> None:
        removed.append(path.name)
        original(path, missing_ok=missing_ok)

    monkeypatch.setattr(Path, "unlink", unlink)
    reader = JournalReader(journal.directory)
    assert reader.try_lock()
    reader.remove()
    assert removed[-1] == "lock"
    assert len(removed) >= 3


def test_only_born_journals_are_found_and_old_unborn_ones_swept(tmp_path: Path) -> None:
    assert find_journals(tmp_path / "nothing") == []
    sweep_unborn(tmp_path / "nothing")
    born = JournalWriter.create(tmp_path, incarnation="inc_1")
    unborn = tmp_path / ".inc_2"
    unborn.mkdir()
    (unborn / "lock").touch()
    (tmp_path / "stray").touch()
    assert find_journals(tmp_path) == [born.directory]
    sweep_unborn(tmp_path)
    assert unborn.exists()
    sweep_unborn(tmp_path, now=unborn.stat().st_mtime + UNBORN_S + 1)
    assert not unborn.exists()
    assert born.directory.exists()


def test_a_frame_that_is_not_whole_is_not_there(journal: JournalWriter) -> None:
    """A relay that is killed while it writes leaves a part of its last commit: nobody was told of that, so nothing counts."""
    fill(journal, 3)
    path = journal.directory / segment_name(1)
    whole = path.read_bytes()
    complete = len(whole) - len(split_frames(whole)[-1])
    for size in range(complete, len(whole)):
        path.write_bytes(whole[:size])
        assert seqs(JournalReader(journal.directory).read(0, 100)) == [1, 2, 3, 4, 5, 6]
        assert JournalReader(journal.directory).last_seq() == 6
    path.write_bytes(whole)
    assert JournalReader(journal.directory).last_seq() == 9


def test_a_frame_that_grows_while_it_is_read_comes_when_it_is_whole(journal: JournalWriter) -> None:
    fill(journal, 2)
    path = journal.directory / segment_name(1)
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    reader = JournalReader(journal.directory)
    assert seqs(reader.read(0, 100)) == [1, 2, 3]
    assert reader.read(3, 100) == []
    with path.open("ab") as file:
        file.write(whole[-1:])
    assert seqs(reader.read(3, 100)) == [4, 5, 6]


@pytest.mark.parametrize("tail", [b"\0" * 4096, b"\xff" * 4096, b"\x07" + b"\0" * 15])
def test_what_a_power_cut_left_behind_the_last_frame_is_not_there(journal: JournalWriter, tail: bytes) -> None:
    fill(journal, 2)
    with (journal.directory / segment_name(1)).open("ab") as file:
        file.write(tail)
    assert seqs(JournalReader(journal.directory).read(0, 100)) == [1, 2, 3, 4, 5, 6]
    assert JournalReader(journal.directory).last_seq() == 6


def test_a_changed_byte_in_a_finished_segment_is_an_error(journal: JournalWriter) -> None:
    """The records behind it would be lost in silence, and their charges with them."""
    fill(journal, 6)
    path = journal.directory / segment_name(1)
    whole = bytearray(path.read_bytes())
    whole[20] ^= 1
    path.write_bytes(whole)
    with pytest.raises(JournalGap, match="ends at 0"):
        JournalReader(journal.directory).read(0, 100)


def test_frames_larger_than_what_is_read_at_once_come_whole(journal: JournalWriter, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(journal, 3)
    for size in (1, 7, 16, 100, 301):
        monkeypatch.setattr(storage_journal, "READ_BYTES", size)
        assert seqs(JournalReader(journal.directory).read(0, 100)) == list(range(1, 10))


def test_a_reader_writes_nothing(journal: JournalWriter) -> None:
    fill(journal, 5)
    before = {path.name: path.read_bytes() for path in journal.directory.iterdir()}
    reader = JournalReader(journal.directory)
    assert len(reader.read(0, 100)) == 15
    reader.close()
    assert {path.name: path.read_bytes() for path in journal.directory.iterdir()} == before
