"""`/readyz` of a real server one of whose processes hangs."""

import json
import os
import signal
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.environment import clean_environment
from tests.installation import RunningInstallation

from modelgate.app.processes import read_processes
from modelgate.app.settings import Settings

WAIT_S = 60.0


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningInstallation]:
    made = RunningInstallation(tmp_path_factory.mktemp("readyz") / "data", environment=clean_environment())
    yield made
    made.stop()


def ask(installation: RunningInstallation, path: str) -> tuple[int, Any]:
    try:
        with urllib.request.urlopen(installation.base_url + path, timeout=WAIT_S) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def wait_until_missing(installation: RunningInstallation, *names: str) -> None:
    ends = time.monotonic() + WAIT_S
    while (answer := ask(installation, "/readyz"))[1]["missing"] != list(names):
        assert time.monotonic() < ends, answer
    assert answer[0] == (503 if names else 200)


@pytest.mark.parametrize("name", ["book", "desk"])
def test_a_process_that_hangs_is_named_until_it_goes_on(installation: RunningInstallation, name: str) -> None:
    """A stopped book went unseen: its socket still took connections."""
    wait_until_missing(installation)
    processes = read_processes(Settings(data=str(Path(installation.data))).processes_path)
    assert processes is not None
    pid = processes.processes[name].pid
    os.kill(pid, signal.SIGSTOP)
    try:
        wait_until_missing(installation, name)
        assert ask(installation, "/healthz") == (200, {"alive": True})
    finally:
        os.kill(pid, signal.SIGCONT)
    wait_until_missing(installation)
