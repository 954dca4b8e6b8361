"""What a process tells its supervisor, and that it dies with it."""

import json
import os

import pytest

from modelgate.app import ready
from modelgate.app.ready import MAX_TEXT_LENGTH, READY_FD, SUPERVISOR_PID, die_with_supervisor, report_crash, report_failure, report_ready


@pytest.fixture
def reported(monkeypatch: pytest.MonkeyPatch) -> int:
    reader, writer = os.pipe()
    monkeypatch.setenv(READY_FD, str(writer))
    return reader


def line_of(reader: int) -> dict[str, object]:
    with os.fdopen(reader, "rb") as file:
        text = file.read()  # to the end: the process has let go of its descriptor
    assert text.count(b"\n") == 1
    return dict(json.loads(text))


def test_ready_with_facts(reported: int) -> None:
    report_ready(role="relay", first_run=["a", "b"])
    assert line_of(reported) == {"ready": True, "role": "relay", "first_run": ["a", "b"]}


def test_a_failure_is_one_line(reported: int, capfd: pytest.CaptureFixture[str]) -> None:
    report_failure("it is\n  broken")
    assert line_of(reported) == {"error": "it is broken"}
    assert capfd.readouterr().err == ""


def test_a_long_text_is_cut(reported: int) -> None:
    report_crash("x" * 100_000)
    assert line_of(reported) == {"crash": "x" * MAX_TEXT_LENGTH}


def test_it_is_said_once(reported: int) -> None:
    report_ready()
    report_failure("later")
    assert line_of(reported) == {"ready": True}
    assert READY_FD not in os.environ


def test_a_failure_of_a_process_alone_is_told_to_people(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    monkeypatch.delenv(READY_FD, raising=False)
    report_ready()
    report_failure("no database")
    assert capfd.readouterr().err == "modelgate: no database\n"


def test_a_supervisor_that_is_gone_is_no_fault(reported: int) -> None:
    os.close(reported)
    os.close(int(os.environ[READY_FD]))
    report_ready()


def test_a_process_alone_does_not_die_with_its_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(SUPERVISOR_PID, raising=False)
    monkeypatch.setattr(ready.ctypes, "CDLL", lambda _name: pytest.fail("asked the kernel"))
    die_with_supervisor()


def test_an_orphan_ends_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """The supervisor may die between starting us and our asking the kernel: then nobody would ever tell us."""
    asked: list[tuple[object, ...]] = []

    class Library:
        def prctl(self, *arguments: object) -> None:
            asked.append(arguments)

    killed: list[int] = []
    monkeypatch.setattr(ready.ctypes, "CDLL", lambda _name: Library())
    monkeypatch.setattr(ready.os, "kill", lambda pid, _signal: killed.append(pid))
    monkeypatch.setenv(SUPERVISOR_PID, str(os.getppid()))
    die_with_supervisor()
    assert (len(asked), killed) == (1, [])
    monkeypatch.setenv(SUPERVISOR_PID, "1")
    monkeypatch.setattr(ready.os, "getppid", lambda: 2)
    die_with_supervisor()
    assert killed == [os.getpid()]
