"""Each thing that can be wrong is found and named with its cure."""

import os
import socket
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from modelgate.app import doctor
from modelgate.app.data_directory import ensure_secret, lock_directory, prepare_directories
from modelgate.app.doctor import Finding, examine
from modelgate.app.processes import Processes, ProcessFacts, write_processes
from modelgate.app.settings import Settings
from modelgate.sandbox.certificate import make_certificates
from modelgate.storage import database
from modelgate.storage.migrations import prepare


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.delenv("MODELGATE_SECRET", raising=False)
    made = Settings(data=str(tmp_path / "data"), port=0)
    prepare_directories(made)
    ensure_secret(made)
    prepare(made.database_url)
    return made


def bad(settings: Settings) -> dict[str, str]:
    findings = [finding for finding in examine(settings) if not finding.ok]
    assert all(finding.mend for finding in findings)
    return {finding.subject: finding.text for finding in findings}


def test_nothing_is_wrong_but_that_it_does_not_run(settings: Settings) -> None:
    assert bad(settings) == {"server": "does not run"}


def test_before_the_first_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MODELGATE_SECRET", raising=False)
    settings = Settings(data=str(tmp_path / "new"), port=0)
    assert bad(settings) == {"server": "does not run"}
    assert not settings.data_path.exists()


def test_what_others_could_read(settings: Settings) -> None:
    settings.data_path.chmod(0o755)
    settings.secret_path.chmod(0o644)
    assert {"data", "secret"} <= set(bad(settings))


def test_a_secret_that_is_damaged(settings: Settings) -> None:
    settings.secret_path.write_text("abc")
    assert "secret" in bad(settings)


@pytest.mark.parametrize(("made_days_ago", "is_told"), [(0, False), (4000, True)])
def test_a_certificate_that_ended(settings: Settings, tmp_path: Path, *, made_days_ago: int, is_told: bool) -> None:
    """Nothing but the clients said so."""
    made = make_certificates(("localhost",), now=datetime.now(UTC) - timedelta(days=made_days_ago))
    (tmp_path / "chain.pem").write_bytes(made.chain)
    (tmp_path / "key.pem").write_bytes(made.key)
    served = msgspec.structs.replace(settings, tls_cert=str(tmp_path / "chain.pem"), tls_key=str(tmp_path / "key.pem"))
    assert ("certificate" in bad(served)) == is_told
    assert "certificate" in {finding.subject for finding in examine(served)}


def test_another_users_directory(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """It ended as an unexpected fault in the program, for everyone who forgot to become the server's user."""

    def denied(path: Path) -> bool:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(doctor, "is_locked", denied)
    assert bad(settings) == {"data": f"{settings.lock_path} may not be read"}


def test_a_database_that_another_program_keeps_to_itself(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """It was up to date, though nothing could be written into it."""
    monkeypatch.setattr(database, "BUSY_TIMEOUT_MS", 10)
    path = settings.data_path / "modelgate.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        assert f"{path} is locked by another program" in bad(settings)["database"]
    assert "database" not in bad(settings)


def test_a_secret_that_is_gone(settings: Settings) -> None:
    settings.secret_path.unlink()
    assert "is gone" in bad(settings)["secret"]


def test_a_data_directory_that_is_a_file(tmp_path: Path) -> None:
    """It ended as an unexpected fault in the program."""
    (tmp_path / "data").touch()
    assert "cannot be written to" in bad(Settings(data=str(tmp_path / "data"), port=0))["data"]


def test_a_path_that_is_too_long_for_sockets(tmp_path: Path) -> None:
    assert "too long" in bad(Settings(data=str(tmp_path / ("x" * 120)), port=0))["settings"]


def test_settings_that_no_start_would_take(settings: Settings) -> None:
    assert "--ca-file" in bad(msgspec.structs.replace(settings, ca_file="/nowhere/ca.pem"))["settings"]


def test_a_damaged_database(settings: Settings) -> None:
    Path(settings.database_url.removeprefix("sqlite:///")).write_bytes(b"not a database" * 100)
    assert "damaged" in bad(settings)["database"]


def test_a_database_that_is_not_there(settings: Settings, tmp_path: Path) -> None:
    elsewhere = Settings(data=settings.data, port=0, database="postgresql://nobody@127.0.0.1:1/none")
    assert "cannot be used" in bad(elsewhere)["database"]


def test_a_port_that_is_taken(settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        assert f"port {port} is in use" in bad(Settings(data=settings.data, port=port))["port"]


def test_little_room_few_files_wrong_clock(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "LEAST_FREE_BYTES", 1 << 60)
    monkeypatch.setattr(doctor, "LEAST_OPEN_FILES", 1 << 60)
    monkeypatch.setattr(doctor, "EARLIEST_CLOCK", 1 << 60)
    assert {"disk", "open files", "clock"} <= set(bad(settings))


def test_a_clock_that_went_back(settings: Settings) -> None:
    ahead = 4_000_000_000
    os.utime(settings.data_path / "modelgate.db", (ahead, ahead))
    assert "in the past" in bad(settings)["clock"]


def test_a_running_server_with_a_missing_process(settings: Settings) -> None:
    lock = lock_directory(settings)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        facts = {
            "book": ProcessFacts(pid=1, ready=False),
            "desk": ProcessFacts(pid=2, ready=True, restarts=9),
            "relay-0": ProcessFacts(pid=3, ready=True),
        }
        processes = Processes(base_url="https://ai.example", host="127.0.0.1", port=listening.getsockname()[1], processes=facts)
        write_processes(settings.processes_path, processes)
        found = bad(settings)
    os.close(lock)
    assert set(found) == {"book", "desk"}
    assert found["desk"].startswith("does not answer")


def test_a_running_server_that_takes_no_connection(settings: Settings) -> None:
    lock = lock_directory(settings)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    write_processes(settings.processes_path, Processes(base_url="http://x", host="127.0.0.1", port=port))
    found = bad(settings)
    os.close(lock)
    assert "takes no connection" in found["port"]


def test_a_server_that_wrote_nothing_yet(settings: Settings) -> None:
    lock = lock_directory(settings)
    found = bad(settings)
    os.close(lock)
    assert "processes" in found


@pytest.mark.anyio
async def test_without_upstreams_there_is_nothing_to_call(settings: Settings) -> None:
    found: tuple[Finding, ...] = await doctor.examine_upstreams(settings)
    assert found == ()
