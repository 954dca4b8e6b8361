"""The data directory before anything runs."""

import os
from pathlib import Path

import pytest

from modelgate.app.data_directory import CannotStart, clear_run_directory, ensure_secret, is_locked, lock_directory, prepare_directories
from modelgate.app.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data=str(tmp_path / "data"))


def test_directories_are_private(settings: Settings) -> None:
    prepare_directories(settings)
    prepare_directories(settings)
    for path in (settings.data_path, settings.run_path, settings.metrics_path, settings.journal_path, settings.blobs_path):
        assert path.stat().st_mode & 0o777 == 0o700


def test_blobs_elsewhere_need_no_directory(tmp_path: Path) -> None:
    settings = Settings(data=str(tmp_path / "data"), blobs="s3://bucket/prefix")
    prepare_directories(settings)
    assert not settings.blobs_path.exists()


def test_a_path_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    with pytest.raises(CannotStart, match="choose another with --data"):
        prepare_directories(Settings(data=str(tmp_path / "data")))


def test_a_path_too_long_for_a_socket(tmp_path: Path) -> None:
    with pytest.raises(CannotStart, match="too long"):
        prepare_directories(Settings(data=str(tmp_path / ("é" * 60))))


def test_one_lock_at_a_time(settings: Settings) -> None:
    prepare_directories(settings)
    assert not is_locked(settings.lock_path)
    lock = lock_directory(settings)
    assert is_locked(settings.lock_path)
    with pytest.raises(CannotStart, match=rf"in use by process {os.getpid()}: stop that server"):
        lock_directory(settings)
    os.close(lock)
    assert not is_locked(settings.lock_path)
    os.close(lock_directory(settings))


def test_a_lock_that_cannot_be_written(settings: Settings) -> None:
    prepare_directories(settings)
    settings.lock_path.mkdir()
    with pytest.raises(CannotStart, match=r"cannot write .*/lock: Is a directory"):
        lock_directory(settings)


def test_a_lock_that_outlived_its_holder_is_free(settings: Settings) -> None:
    prepare_directories(settings)
    settings.lock_path.write_text("99999999\n")
    os.close(lock_directory(settings))
    assert settings.lock_path.read_text() == f"{os.getpid()}\n"


def test_the_secret_is_made_once_and_private(settings: Settings) -> None:
    prepare_directories(settings)
    ensure_secret(settings)
    text = settings.secret_path.read_text()
    assert len(bytes.fromhex(text)) == 32
    assert settings.secret_path.stat().st_mode & 0o777 == 0o600
    ensure_secret(settings)
    assert settings.secret_path.read_text() == text


def test_half_a_secret_is_never_taken_for_one(settings: Settings) -> None:
    prepare_directories(settings)
    settings.secret_path.with_suffix(".new").write_text("abc")
    ensure_secret(settings)
    assert len(settings.secret_path.read_text().strip()) == 64


def test_leftovers_are_cleared_and_data_is_not(settings: Settings) -> None:
    prepare_directories(settings)
    stale = [settings.run_path / "book.sock", settings.metrics_path / "relay-0.counts", settings.processes_path]
    kept = [settings.rates_path, settings.data_path / "modelgate.db", settings.journal_path / "inc_1"]
    for path in (*stale, *kept):
        path.touch()
    clear_run_directory(settings)
    assert [path.exists() for path in (*stale, *kept)] == [False] * 3 + [True] * 3
