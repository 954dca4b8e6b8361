"""A newcomer's first minutes with the real server: what is printed works as printed, and commands reach a running server."""

import contextlib
import json
import os
import signal
import statistics
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.environment import clean_environment

START_S = 120
FOLLOW_S = 1.0
"""Within this a running server has to follow a change of its operator, as a rule: a machine may have more to do."""
PATIENCE_S = 60.0
ROUNDS = 5
"""So many times it may be late because the machine has more to do."""


class Server:
    """`modelgate serve` on a free port and an empty data directory."""

    def __init__(self, data: Path) -> None:
        self.environment = clean_environment(MODELGATE_DATA=str(data))
        self.environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{self.environment['PATH']}"
        command = [sys.executable, "-m", "modelgate", "serve", "--port", "0"]
        self._process = subprocess.Popen(command, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.lines = self._read_first_lines()
        self.base_url = self.lines[0].split()[1]

    def _read_first_lines(self) -> list[str]:
        assert self._process.stdout is not None
        killer = threading.Timer(START_S, self._process.kill)
        killer.start()
        lines: list[str] = []
        for line in self._process.stdout:
            lines.append(line.rstrip("\n"))
            if "kling.png" in line:
                break
        killer.cancel()
        assert lines, "the server ended before it was ready"
        return lines

    def run(self, *arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "modelgate", *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=START_S,
            check=True,
        )
        return done.stdout

    def chat(self, secret: str) -> int:
        body = json.dumps({"model": "sandbox-chat", "messages": [{"role": "user", "content": "Hello"}]}).encode()
        headers = {"Authorization": f"Bearer {secret}", "Content-Type": "application/json"}
        try:
            with urllib.request.urlopen(
                urllib.request.Request(f"{self.base_url}/v1/chat/completions", body, headers), timeout=60
            ) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            with error:
                return error.code

    def follows_in_s(self, secret: str, status: int) -> float:
        """Return how long it takes until a chat has the status hoped for."""
        began = time.monotonic()
        while (seen := self.chat(secret)) != status:
            assert time.monotonic() < began + PATIENCE_S, f"{seen}, not {status}"
            time.sleep(0.05)
        return time.monotonic() - began

    def stop(self) -> None:
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(START_S)
        finally:
            self._process.kill()
            self._process.wait()
            assert self._process.stdout is not None
            self._process.stdout.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running = Server(tmp_path_factory.mktemp("installation"))
    yield running
    running.stop()


def commands(server: Server, title: str) -> str:
    """Return the shell lines below a title."""
    return "\n".join(server.lines).partition(title)[2].partition("\nTry ")[0]


def shell(server: Server, script: str, directory: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["sh"], input=script, cwd=directory, capture_output=True, text=True, timeout=START_S, check=True)


def test_the_chat_works_as_printed(server: Server, tmp_path: Path) -> None:
    done = shell(server, commands(server, "Try a chat:"), tmp_path)
    assert json.loads(done.stdout)["choices"][0]["message"]["content"]
    assert done.stdout.endswith("\n")
    assert done.stderr == ""


def test_the_picture_works_as_printed(server: Server, tmp_path: Path) -> None:
    done = shell(server, commands(server, "Try a Kling picture:"), tmp_path)
    assert '"task_status":"succeed"' in done.stdout
    assert (tmp_path / "kling.png").read_bytes().startswith(b"\x89PNG\r\n\x1a\n")


def test_a_running_server_follows_its_operator_within_a_second(server: Server) -> None:
    assert any(follows_quickly(server, f"followed-{number}") for number in range(ROUNDS))


def follows_quickly(server: Server, name: str) -> bool:
    """Change a key in every way, and see each followed; return whether that was quick, as a rule."""
    first = server.run("keys", "create", "--name", name, "--test").splitlines()[0]
    assert server.chat(first) == 200
    steps: list[tuple[tuple[str, ...], int]] = [
        (("disable", name), 403),
        (("enable", name), 200),
        (("edit", name, "--models", "gpt-4o"), 403),
        (("edit", name, "--models", "any", "--ips", "192.0.2.1"), 403),
        (("edit", name, "--ips", "any"), 200),
    ]
    took_s = []
    for arguments, status in steps:
        server.run("keys", *arguments)
        took_s.append(server.follows_in_s(first, status))
    second = server.run("keys", "rotate", name).splitlines()[0]
    took_s.append(server.follows_in_s(first, 401))
    assert server.chat(second) == 200
    return statistics.median(took_s) < FOLLOW_S


def test_a_key_tried_before_it_was_made_works_once_it_is(server: Server) -> None:
    """A wrong key is remembered for seconds, so that it does not hammer the book; a new key must not wait for that."""
    assert server.chat("sk-test-nobody") == 401
    secret = server.run("keys", "create", "--name", "fresh", "--test").splitlines()[0]
    assert server.chat(secret) == 200


def test_the_keys_printed_are_in_no_file(server: Server) -> None:
    secret = next(line.split()[2] for line in server.lines if line.startswith("Test key"))
    for file in Path(server.environment["MODELGATE_DATA"]).rglob("*"):
        with contextlib.suppress(FileNotFoundError, IsADirectoryError):  # what a running server has just replaced
            assert secret.encode() not in (file.read_bytes() if file.is_file() else b""), file
