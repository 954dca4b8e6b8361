"""The page "adding a vendor", followed to the letter for a vendor of media: its two files make a picture, and nothing else is changed.

The files go into a copy of the source tree; the gateway is the copy's `modelgate serve`, and its upstream the copy's `modelgate sandbox`.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.environment import clean_environment
from tests.installation import RunningInstallation

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "adding-a-vendor.md").read_text()
MAX_LINES = 300
START_S = 120.0
DONE_S = 120.0
PNG = b"\x89PNG\r\n\x1a\n"


def shown_file(place: str) -> str:
    """Return the file that the page shows for a place."""
    found = re.search(rf"^`{re.escape(place)}`.*?^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert found is not None, f"the page shows no {place}"
    return found[1]


FILES = {place: shown_file(place) for place in ("providers/sketchy.py", "sandbox/sketchy.py")}


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return the environment of programs that run a copy of the source with the vendor's files in it."""
    source = tmp_path_factory.mktemp("source")
    shutil.copytree(
        ROOT / "src" / "modelgate", source / "modelgate", copy_function=os.symlink, ignore=shutil.ignore_patterns("__pycache__")
    )
    for place, text in FILES.items():
        (source / "modelgate" / place).write_text(text)
    return clean_environment(PYTHONPATH=str(source), PYTHONDONTWRITEBYTECODE="1")


def ended(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(START_S)
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


@pytest.fixture(scope="module")
def vendor(environment: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Run the make-believe vendors; return Sketchy's address and key as they are printed."""
    command = [sys.executable, "-m", "modelgate", "sandbox", "--port", "0"]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    killer = threading.Timer(START_S, process.kill)
    killer.start()
    assert process.stdout is not None
    found = next((match for line in process.stdout if (match := re.match(r"  Sketchy  (\S+)  key (\S+)$", line.rstrip()))), None)
    killer.cancel()
    assert found is not None, "the sandbox does not list it"
    yield found[1], found[2]
    ended(process)


@pytest.fixture(scope="module")
def installation(
    environment: dict[str, str], vendor: tuple[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningInstallation]:
    address, key = vendor
    made = RunningInstallation(tmp_path_factory.mktemp("sketchy") / "data", "--workers", "1", environment=environment)
    made.run("upstreams", "add", "sketchy", "--base-url", address, "--models", "sketch-1", typed=f"{key}\n")
    made.run("prices", "set", "sketch-1", "--image", "0.02")
    yield made
    made.stop()


@pytest.fixture(scope="module")
def secret(installation: RunningInstallation) -> str:
    made: str = installation.json("keys", "create", "--name", "media")["secret"]
    return made


def ask(installation: RunningInstallation, secret: str, path: str, body: dict[str, Any] | None = None) -> tuple[int, Any]:
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {secret}"}
    data = json.dumps(body).encode() if body is not None else None
    try:
        with urllib.request.urlopen(urllib.request.Request(f"{installation.base_url}{path}", data, headers), timeout=60) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read())


def finished(installation: RunningInstallation, secret: str, prompt: str) -> dict[str, Any]:
    """Start a job and return it as it ended."""
    status, task = ask(
        installation, secret, "/v1/tasks", {"model": "sketch-1", "input": {"prompt": prompt, "aspect_ratio": "16:9", "seed": 7}}
    )
    assert status in (200, 201, 202), task
    ends_at = time.monotonic() + DONE_S
    while task["state"] not in ("succeeded", "failed") and time.monotonic() < ends_at:
        time.sleep(0.2)
        _, task = ask(installation, secret, f"/v1/tasks/{task['id']}")
    return task


def test_each_file_is_short() -> None:
    assert all(len(text.split("\n")) <= MAX_LINES for text in FILES.values())


def test_a_job_goes_its_way_to_its_output(installation: RunningInstallation, secret: str) -> None:
    task = finished(installation, secret, "a fox")
    assert (task["state"], task["operation"], task["error"]) == ("succeeded", "image", None)
    assert float(task["amount_usd"]) == 0.02
    (output,) = task["outputs"]
    with urllib.request.urlopen(output["url"], timeout=60) as answer:
        assert answer.read().startswith(PNG)


def test_what_fails_there_fails_here(installation: RunningInstallation, secret: str) -> None:
    task = finished(installation, secret, "a fox\nmagic: fail-task")
    assert (task["state"], task["error"]["code"]) == ("failed", "generation_failed")
    assert "the prompt asked for it" in task["error"]["message"]


def test_what_it_cannot_do_is_refused_by_name(installation: RunningInstallation, secret: str) -> None:
    status, answer = ask(installation, secret, "/v1/tasks", {"model": "sketch-1", "input": {"prompt": "a fox", "aspect_ratio": "5:4"}})
    assert (status, answer["error"]["param"]) == (400, "aspect_ratio")
    assert "sketch-1 makes 1:1, 16:9, 9:16" in answer["error"]["message"]
