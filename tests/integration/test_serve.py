"""The supervisor, with make-believe roles and then with the real ones."""

import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from modelgate.storage.database import sqlite_url
from modelgate.storage.migrations import prepare

PATIENCE_S = 60.0
"""Nothing waits so long when all is well."""

ROLE = """
import json, os, signal, socket, sys, time
role = sys.argv[1]
name = role + (sys.argv[3] if role == "relay" else "")
log = open(os.environ["FAKE_LOG"], "a", buffering=1)
def stop(*_):
    log.write(f"stopped {name}\\n")
    sys.exit(0)
from modelgate.app.ready import die_with_supervisor, report_crash, report_failure, report_ready
signal.signal(signal.SIGTERM, stop)  # not within an import, where what it raises may be printed in place of ending the process
die_with_supervisor()
behaviour = os.environ.get("FAKE_" + role.upper(), "")
log.write(f"started {name}\\n")
if behaviour == "fail":
    report_failure("the database is newer\\nthan this program")
    sys.exit(1)
if behaviour == "crash":
    report_crash("ValueError: no good")
    sys.exit(3)
def drain(*_):
    listening.close()
    log.write("draining\\n")
    time.sleep(60)
if behaviour == "draining":
    signal.signal(signal.SIGTERM, drain)
if behaviour == "stubborn":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
if role == "sandbox" or role == "relay":
    listening = socket.socket(fileno=int(sys.argv[-1]))
    listening.setblocking(True)
if role == "book":
    report_ready(first_run=["Base URL {base_url}/v1", "Test key sk-test-x {\\"a\\": 1}"])
else:
    report_ready(role=role)
if role == "sandbox" or role == "relay":
    while True:
        connection, _ = listening.accept()
        connection.sendall(name.encode() + b" " + os.environ.get("MALLOC_TOP_PAD_", "none").encode() + b"\\n")
        connection.close()
while True:
    time.sleep(0.05)
"""

START = """
import os, sys
from modelgate.app.serve import Supervisor
from modelgate.app.settings import load_settings
sys.exit(Supervisor(load_settings({}, os.environ), command=(sys.executable, os.environ["FAKE_ROLE"])).run())
"""


class Serving:
    """A running supervisor with make-believe roles."""

    def __init__(self, directory: Path, **environment: str) -> None:
        (directory / "role.py").write_text(ROLE)
        self.directory = directory
        self.log = directory / "log"
        self.log.touch()
        self.process = subprocess.Popen(
            [sys.executable, "-c", START],
            env={
                **{
                    name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"
                },  # what is buffered is harder to end with
                "MODELGATE_DATA": str(directory / "data"),
                "MODELGATE_PORT": "0",
                "FAKE_ROLE": str(directory / "role.py"),
                "FAKE_LOG": str(self.log),
                **environment,
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def wait_until_ready(self) -> str:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line.startswith("ready "), line + self.process.communicate(timeout=10)[1]
        return line.split()[1]

    def finish(self) -> tuple[int, str, str]:
        out, err = self.process.communicate(timeout=PATIENCE_S)
        return self.process.returncode, out, err

    @property
    def facts(self) -> dict[str, Any]:
        loaded: dict[str, Any] = json.loads((self.directory / "data" / "run" / "processes.json").read_text())
        return loaded

    def pid(self, name: str) -> int:
        return int(self.facts["processes"][name]["pid"])


@pytest.fixture
def serving(tmp_path: Path) -> Iterator[Callable[..., Serving]]:
    made: list[Serving] = []

    def make(directory: Path = tmp_path, **environment: str) -> Serving:
        made.append(Serving(directory, **environment))
        return made[-1]

    yield make
    for one in made:
        with one.process:
            one.process.kill()


def eventually(condition: Callable[[], Any]) -> Any:
    ends = time.monotonic() + PATIENCE_S
    while time.monotonic() < ends:
        found = condition()
        if found:
            return found
        time.sleep(0.01)
    raise AssertionError("never became true")


def ask(port: int) -> str:
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as connection:
        return connection.recv(100).decode().strip()


def is_gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def test_it_starts_greets_and_stops_in_order(serving: Callable[..., Serving]) -> None:
    one = serving(MODELGATE_WORKERS="2")
    url = one.wait_until_ready()
    assert one.process.stdout is not None
    assert one.process.stdout.readline() == f"Base URL {url}/v1\n"
    assert one.process.stdout.readline() == 'Test key sk-test-x {"a": 1}\n'
    facts = one.facts
    assert facts["base_url"] == url
    assert set(facts["processes"]) == {"supervisor", "book", "desk", "relay-0", "relay-1"}
    assert all(process["ready"] for process in facts["processes"].values())
    data = one.directory / "data"
    assert len(bytes.fromhex((data / "secret").read_text())) == 32
    assert (data / "secret").stat().st_mode & 0o777 == 0o600
    port = int(url.rpartition(":")[2])
    assert {ask(port) for _ in range(40)} == {"relay0 4194304", "relay1 4194304"}
    one.process.send_signal(signal.SIGTERM)
    code, _, err = one.finish()
    assert (code, err) == (0, "")
    stopped = [line for line in one.log.read_text().splitlines() if line.startswith("stopped")]
    assert set(stopped[:2]) == {"stopped relay0", "stopped relay1"}
    assert stopped[2:] == ["stopped desk", "stopped book"]
    assert not (data / "run" / "processes.json").exists()


def test_a_killed_child_comes_back_and_its_port_stays(serving: Callable[..., Serving]) -> None:
    one = serving()
    port = int(one.wait_until_ready().rpartition(":")[2])
    pid = one.pid("relay-0")
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: is_gone(pid))  # a process in its last moment may still accept, and take the connection with it
    assert ask(port).startswith("relay0")  # it waited in the socket, which the supervisor keeps open
    facts = eventually(lambda: one.pid("relay-0") not in (0, pid) and one.facts["processes"]["relay-0"])
    assert facts["restarts"] == 1


def test_the_sandbox_starts_with_its_first_connection(serving: Callable[..., Serving]) -> None:
    one = serving()
    one.wait_until_ready()
    assert "sandbox" not in one.facts["processes"]
    path = str(one.directory / "data" / "run" / "sandbox.sock")
    for _ in range(2):
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(path)
            assert connection.recv(100).startswith(b"sandbox")
    assert one.log.read_text().count("started sandbox") == 1
    assert one.pid("sandbox") > 0


def test_a_reported_failure_ends_it_with_that_line(serving: Callable[..., Serving]) -> None:
    one = serving(FAKE_BOOK="fail")
    code, out, err = one.finish()
    assert (code, out, err) == (1, "", "modelgate: the database is newer than this program\n")
    assert one.log.read_text().count("started book") == 1


def test_a_child_that_keeps_crashing_at_start_ends_it(serving: Callable[..., Serving]) -> None:
    one = serving(FAKE_DESK="crash")
    code, out, err = one.finish()
    assert code == 1
    assert err.splitlines()[-1] == "modelgate: desk ended with status 3: ValueError: no good (5 times in a row)"
    assert one.log.read_text().count("started desk") == 5
    assert "Test key sk-test-x" in out  # made by the book, and never shown again


def test_children_die_with_a_killed_supervisor(serving: Callable[..., Serving]) -> None:
    one = serving()
    one.wait_until_ready()
    pids = [one.pid(name) for name in ("book", "desk", "relay-0")]
    one.process.kill()
    eventually(lambda: all(is_gone(pid) for pid in pids))


def test_a_full_disk_does_not_end_the_server(serving: Callable[..., Serving]) -> None:
    """Symptom: `OSError: [Errno 28] No space left on device` in a traceback, and nothing served any more."""
    one = serving()
    one.wait_until_ready()
    book = one.pid("book")
    draft = one.directory / "data" / "run" / "processes.new"
    draft.mkdir()  # where it would be written
    os.kill(book, signal.SIGKILL)
    eventually(lambda: one.log.read_text().count("started book") == 2)
    assert one.pid("book") == book
    draft.rmdir()
    eventually(lambda: one.facts["processes"]["book"]["ready"] and one.pid("book") != book)
    one.process.terminate()
    code, _, err = one.finish()
    assert code == 0
    assert err.count("processes.json: Is a directory; it is tried again") == 1


def test_nobody_to_tell_does_not_end_the_server(serving: Callable[..., Serving]) -> None:
    """Who reads the log may be gone, or its disk full."""
    one = serving()
    one.wait_until_ready()
    assert one.process.stderr is not None
    one.process.stderr.close()
    os.kill(one.pid("book"), signal.SIGKILL)
    eventually(lambda: one.facts["processes"]["book"]["restarts"] == 1 and one.facts["processes"]["book"]["ready"])
    one.process.terminate()
    assert one.process.wait(PATIENCE_S) == 0


def test_a_second_signal_does_not_wait(serving: Callable[..., Serving]) -> None:
    one = serving(FAKE_RELAY="stubborn")
    one.wait_until_ready()
    one.process.send_signal(signal.SIGTERM)
    time.sleep(0.3)
    assert one.process.poll() is None
    one.process.send_signal(signal.SIGINT)
    assert one.finish()[0] == 0


def test_nobody_is_left_waiting_on_a_port_that_is_being_given_up(serving: Callable[..., Serving]) -> None:
    """Symptom: while a relay finished its last answers, the kernel took new connections, and they hung until the end of it."""
    one = serving(FAKE_RELAY="draining")
    port = int(one.wait_until_ready().rpartition(":")[2])
    one.process.send_signal(signal.SIGTERM)
    eventually(lambda: "draining" in one.log.read_text())
    with pytest.raises(ConnectionRefusedError):
        ask(port)
    assert one.process.poll() is None


def test_a_child_that_does_not_stop_is_killed(serving: Callable[..., Serving], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(
        globals(), "START", START.replace("sys.exit(", "from modelgate.app import serve; serve.STOP_TIMEOUTS_S['relay'] = 0.2; sys.exit(")
    )
    one = serving(FAKE_RELAY="stubborn", MODELGATE_DRAIN_S="0")
    one.wait_until_ready()
    one.process.send_signal(signal.SIGTERM)
    assert one.finish()[0] == 0
    assert "stopped book" in one.log.read_text()


def test_a_data_directory_in_use_is_one_line(serving: Callable[..., Serving], tmp_path: Path) -> None:
    one = serving()
    one.wait_until_ready()
    code, out, err = serving(tmp_path).finish()
    assert (code, out) == (1, "")
    assert err == (
        f"modelgate: the data directory {tmp_path / 'data'} is in use by process {one.process.pid}: "
        "stop that server, or choose another with --data\n"
    )


@pytest.mark.parametrize("shared", [False, True])
def test_a_port_in_use_is_one_line(serving: Callable[..., Serving], shared: bool) -> None:
    """Another server with SO_REUSEPORT would otherwise share the port with ours and take half of the connections."""
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        code, out, err = serving(MODELGATE_PORT=str(port)).finish()
    assert (code, out) == (1, "")
    assert err == f"modelgate: port {port} is in use on 127.0.0.1: stop what listens there, or choose another with --port\n"


def test_a_path_too_long_for_sockets_is_one_line(serving: Callable[..., Serving], tmp_path: Path) -> None:
    code, _, err = serving(MODELGATE_DATA=str(tmp_path / ("d" * 100))).finish()
    assert code == 1
    assert err.endswith("is too long for Unix sockets: choose a shorter one with --data\n")


def test_the_supervisor_stays_small(serving: Callable[..., Serving]) -> None:
    one = serving()
    one.wait_until_ready()
    loaded = (Path(f"/proc/{one.process.pid}") / "maps").read_text()
    assert "_ssl" not in loaded
    assert "uvloop" not in loaded


class Installation:
    """The real thing, as an operator starts it."""

    def __init__(self, directory: Path) -> None:
        self.data = directory / "data"
        self.process = subprocess.Popen(
            [sys.executable, "-m", "modelgate.cli.main", "serve", "--data", str(self.data), "--port", "0"],
            env={name: value for name, value in os.environ.items() if not name.endswith(("_API_KEY", "_HOST"))},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def wait_until_ready(self) -> str:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line.startswith("ready "), line + self.process.communicate(timeout=10)[1]
        return line.split()[1]

    def doctor(self) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "modelgate.cli.main", "doctor", "--data", str(self.data)]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    def pid(self, name: str) -> int:
        facts = json.loads((self.data / "run" / "processes.json").read_text())
        return int(facts["processes"][name]["pid"]) if facts["processes"][name]["ready"] else 0


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    made = Installation(tmp_path)
    with made.process:
        yield made
        made.process.kill()


def test_the_real_thing_starts_heals_and_stops(installation: Installation) -> None:
    url = installation.wait_until_ready()
    assert installation.process.stdout is not None
    assert installation.process.stdout.readline() == f"Base URL   {url}/v1\n"
    assert re.match(r"Test key   sk-test-\w{40} ", installation.process.stdout.readline())
    eventually(lambda: readiness(url) == (200, {"ready": True, "missing": []}))
    seen = eventually(lambda: (told := installation.doctor()).returncode == 0 and told)
    assert seen.stderr == ""
    for name in ("book", "desk", "relay-0"):
        pid = eventually(lambda name=name: installation.pid(name))  # 0 would be the tests themselves
        os.kill(pid, signal.SIGKILL)
        eventually(lambda name=name, pid=pid: installation.pid(name) not in (0, pid))
    eventually(lambda: readiness(url)[0] == 200)
    installation.process.send_signal(signal.SIGTERM)
    installation.process.communicate(timeout=PATIENCE_S)
    assert installation.process.returncode == 0
    seen = installation.doctor()
    assert seen.returncode == 1
    assert "BAD  server       does not run\n                  mend: modelgate serve\n" in seen.stdout


def readiness(url: str) -> tuple[int, dict[str, Any]]:
    try:
        with urllib.request.urlopen(f"{url}/readyz", timeout=PATIENCE_S) as answer:
            status, body = answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            status, body = error.code, error.read()
    except OSError:
        return 0, {}
    facts = json.loads(body)
    return status, {"ready": facts["ready"], "missing": facts["missing"]}


@pytest.mark.parametrize("content", [b"this is not a database, whatever its name says" * 100])
def test_a_broken_database_ends_it_with_one_line(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "modelgate.db").write_bytes(content)
    one = Installation(tmp_path)
    out, err = one.process.communicate(timeout=PATIENCE_S)
    assert (one.process.returncode, out) == (1, "")
    assert err.count("\n") == 1
    assert "damaged or not Modelgate's" in err


def test_a_database_that_another_program_keeps_to_itself_is_named(tmp_path: Path) -> None:
    """It ended after most of a minute by `relay 0: the book sent no configuration within 30 s`."""
    path = tmp_path / "data" / "modelgate.db"
    prepare(sqlite_url(path))
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        one = Installation(tmp_path)
        assert one.process.stderr is not None
        line = one.process.stderr.readline()
    assert f"the database {path} is locked by another program" in line
    assert one.process.communicate(timeout=PATIENCE_S) == ("", "")
    assert one.process.returncode == 1
