"""The desk of a real server is killed at every stage of a Kling picture: one job at the vendor, charged once, and the picture arrives."""

import contextlib
import http.client
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.environment import clean_environment

IMAGES = "/kling/v1/images/generations"
WAIT_S = 120.0
PRICE_USD = Decimal("0.005")

pytestmark = pytest.mark.slow


def eventually(check: Callable[[], Any], what: str) -> Any:
    ends = time.monotonic() + WAIT_S
    while time.monotonic() < ends:
        if found := check():
            return found
        time.sleep(0.02)
    raise AssertionError(f"{what} did not happen within {WAIT_S:.0f} s")


class UnixConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: Path) -> None:
        super().__init__("sandbox", timeout=WAIT_S)
        self._path = str(path)

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self._path)


class Server:
    """`modelgate serve` with one prepaid account."""

    def __init__(self, data: Path) -> None:
        self.environment = clean_environment(MODELGATE_DATA=str(data))
        self.data = data
        command = [sys.executable, "-m", "modelgate", "serve", "--port", "0"]
        self._process = subprocess.Popen(command, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert self._process.stdout is not None
        self.base_url = self._process.stdout.readline().split()[1]
        self.run("accounts", "create", "--name", "acme")
        self.run("accounts", "credit", "acme", "1", "--test")
        self.secret = self.run("keys", "create", "--name", "k", "--account", "acme", "--test").split()[0]

    def run(self, *arguments: str) -> str:
        command = [sys.executable, "-m", "modelgate", *arguments]
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=WAIT_S, check=True).stdout

    def ask(self, method: str, path: str, fields: dict[str, Any] | None = None) -> tuple[int, Any]:
        body = json.dumps(fields).encode() if fields is not None else None
        request = urllib.request.Request(self.base_url + path, body, {"Authorization": f"Bearer {self.secret}"}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=WAIT_S) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)

    def kill_desk(self) -> None:
        pid = self._desk()["pid"]
        os.kill(pid, signal.SIGKILL)
        eventually(lambda: self._desk()["pid"] != pid and self._desk()["ready"], "the desk's return")

    def follow(self, task_id: str) -> Any:
        def ended() -> Any:
            status, answer = self.ask("GET", f"{IMAGES}/{task_id}")
            return answer["data"] if status == 200 and answer["data"]["task_status"] in ("succeed", "failed") else None

        return eventually(ended, "the task's end")

    def jobs(self) -> list[Any]:
        connection = UnixConnection(self.data / "run" / "sandbox.sock")
        try:
            connection.request("GET", "/sandbox/requests?after=0")
            return [row for row in json.loads(connection.getresponse().read())["requests"] if row["vendor"] == "kling"]
        finally:
            connection.close()

    def balance(self) -> Decimal:
        rows = json.loads(self.run("accounts", "list", "--json"))
        return next(Decimal(row["books"]["test"]["balance_usd"]) for row in rows if row["name"] == "acme")

    def newest_task(self) -> tuple[str, str] | None:
        """The id and state of the newest task, from the database: who was cut off was never told."""
        with contextlib.closing(sqlite3.connect(f"file:{self.data / 'modelgate.db'}?mode=ro", uri=True)) as database:
            row = database.execute("SELECT id, state FROM task ORDER BY created_at DESC LIMIT 1").fetchone()
        return (str(row[0]), str(row[1])) if row else None

    def stop(self) -> None:
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(WAIT_S)
        finally:
            self._process.kill()
            self._process.wait()
            assert self._process.stdout is not None
            self._process.stdout.close()

    def _desk(self) -> Any:
        return json.loads((self.data / "run" / "processes.json").read_text())["processes"]["desk"]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running = Server(tmp_path_factory.mktemp("installation"))
    yield running
    running.stop()


def ask_and_be_cut_off(server: Server, prompt: str) -> None:
    with contextlib.suppress(OSError, http.client.HTTPException, ValueError):  # whatever a client sees whose server dies
        server.ask("POST", IMAGES, {"prompt": prompt})


def test_killed_while_the_vendor_is_being_asked(server: Server) -> None:
    """The vendor takes the job and its answer finds nobody: it is looked up by our id, and not ordered again."""
    jobs, balance = len(server.jobs()), server.balance()
    asking = threading.Thread(target=ask_and_be_cut_off, args=(server, "a lighthouse\nmagic: slow"), daemon=True)
    asking.start()
    eventually(lambda: len(server.jobs()) == jobs + 1, "the vendor's order")
    task_id, state = server.newest_task() or ("", "")
    assert state == "submitting"
    server.kill_desk()
    asking.join(WAIT_S)

    assert server.follow(task_id)["task_status"] == "succeed"
    assert len(server.jobs()) == jobs + 1
    assert server.balance() == balance - PRICE_USD


def test_killed_while_the_picture_is_made(server: Server) -> None:
    jobs, balance = len(server.jobs()), server.balance()
    status, answer = server.ask("POST", IMAGES, {"prompt": "a red kite"})
    assert status == 200, answer
    server.kill_desk()
    server.kill_desk()

    done = server.follow(answer["data"]["task_id"])
    assert done["task_status"] == "succeed"
    with urllib.request.urlopen(done["task_result"]["images"][0]["url"], timeout=WAIT_S) as file:
        assert file.read(8) == b"\x89PNG\r\n\x1a\n"
    assert len(server.jobs()) == jobs + 1
    assert server.balance() == balance - PRICE_USD


def test_killed_while_a_task_fails_the_money_comes_back_once(server: Server) -> None:
    balance = server.balance()
    status, answer = server.ask("POST", IMAGES, {"prompt": "a storm\nmagic: fail-task"})
    assert status == 200, answer
    server.kill_desk()

    failed = server.follow(answer["data"]["task_id"])
    assert failed["task_status"] == "failed"
    assert failed["task_status_msg"]
    assert server.balance() == balance


def test_at_the_end_the_book_balances(server: Server) -> None:
    server.run("audit")
