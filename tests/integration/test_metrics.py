"""`/metrics` of a real server: summed over its relays, and never falling when one is killed."""

import json
import os
import signal
import time
import urllib.request
from collections.abc import Iterator
from http.client import HTTPException
from pathlib import Path

import pytest
from tests.environment import clean_environment
from tests.installation import RunningInstallation

from modelgate.app.processes import ProcessFacts, read_processes
from modelgate.app.settings import Settings

WAIT_S = 60.0
ROUND = 20


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[RunningInstallation]:
    made = RunningInstallation(tmp_path / "data", "--workers", "2", environment=clean_environment())
    yield made
    made.stop()


def ask(installation: RunningInstallation, path: str, body: bytes | None = None) -> bytes:
    """Ask until it is answered: a relay that is killed takes connections with it."""
    headers = {"authorization": f"Bearer {installation.test_key}", "content-type": "application/json"}
    ends = time.monotonic() + WAIT_S
    while True:
        try:
            with urllib.request.urlopen(urllib.request.Request(installation.base_url + path, body, headers), timeout=WAIT_S) as answer:
                return bytes(answer.read())
        except (OSError, HTTPException):
            assert time.monotonic() < ends
            time.sleep(0.05)


def requests_finished(installation: RunningInstallation) -> float:
    page = ask(installation, "/metrics").decode().splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in page if line.startswith("modelgate_requests_total{"))


def process(installation: RunningInstallation, name: str) -> ProcessFacts:
    processes = read_processes(Settings(data=str(installation.data)).processes_path)
    assert processes is not None
    return processes.processes[name]


def test_totals_are_summed_and_outlive_relays_that_are_killed(installation: RunningInstallation) -> None:
    chat = json.dumps({"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "x"}]}).encode()
    seen = 0.0
    for life in range(3):
        for _ in range(ROUND):
            ask(installation, "/v1/chat/completions", chat)
        ends = time.monotonic() + WAIT_S
        while (now := requests_finished(installation)) < seen + ROUND:  # each relay tells once a second
            assert now >= seen
            assert time.monotonic() < ends, now
        seen = now
        os.kill(process(installation, f"relay-{life % 2}").pid, signal.SIGKILL)
        while process(installation, f"relay-{life % 2}").restarts < life // 2 + 1 or not process(installation, f"relay-{life % 2}").ready:
            assert requests_finished(installation) >= seen
            assert time.monotonic() < ends + WAIT_S
    assert requests_finished(installation) == seen
    names = {path.name for path in Settings(data=str(installation.data)).metrics_path.glob("*.counts")}
    assert {"relay-0.counts", "relay-1.counts"} <= names <= {"relay-0.counts", "relay-1.counts", "desk.counts"}
