"""Every call in the guides and in the handbook, run as it is printed."""

import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import openai
import pytest
from tests.environment import clean_environment
from tests.integration.gateway.conftest import Installation
from tests.integration.gateway.plain_http import send
from tests.samples import ROOT, SAMPLES

GUIDES = ROOT / "src" / "modelgate" / "portal" / "guides"
COMMANDS = [
    pytest.param(command.replace("http://127.0.0.1:8080", "$MODELGATE_BASE_URL"), id=f"{path.stem}-{number}")
    for path in (*sorted(GUIDES.glob("*.md")), *sorted((ROOT / "docs").glob("*.md")))
    for number, command in enumerate(re.findall(r"^```bash\n(curl .*?)^```", path.read_text(), re.DOTALL | re.MULTILINE))
]
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), *sorted(GUIDES.glob("*.md")))
ELSEWHERE = {"adding-a-vendor": "integration/test_adding_a_vendor.py", "python-langchain": "frameworks/test_samples.py"}
"""Pages whose fragments of Python are run by other tests."""
FRAGMENTS = [
    pytest.param(fragment, id=f"{path.stem}-{number}")
    for path in PAGES
    if path.stem not in ELSEWHERE
    for number, fragment in enumerate(re.findall(r"^```python\n(.*?)^```", path.read_text(), re.DOTALL | re.MULTILINE))
]
RUN_S = 120


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    running = Installation(tmp_path_factory.mktemp("guides") / "data")
    yield running
    assert running.stop() == 0


def run(command: str, folder: Path, installation: Installation) -> tuple[int, str]:
    """Return the status and the body of one curl; without a curl here, send what it would."""
    variables = {"MODELGATE_BASE_URL": installation.base_url, "MODELGATE_KEY": installation.test_key}
    if shutil.which("curl") is None:
        return send_as_curl(command, variables)
    done = subprocess.run(
        ["bash", "-euc", command.rstrip("\n") + " -sS -w '\\n%{http_code}'"],
        cwd=folder,
        env=clean_environment(**variables, no_proxy="127.0.0.1"),
        capture_output=True,
        text=True,
        timeout=RUN_S,
    )
    assert (done.returncode, done.stderr) == (0, "")
    body, _, status = done.stdout.rpartition("\n")
    return int(status), body


def send_as_curl(command: str, variables: dict[str, str]) -> tuple[int, str]:
    """Send what a curl of the guides would: an address, headers, and JSON or nothing."""
    for name, value in variables.items():
        command = command.replace(f"${name}", value)
    words = shlex.split(command.replace("\\\n", " "))
    assert words[0] == "curl"
    headers = dict(words[at + 1].split(": ", 1) for at, word in enumerate(words) if word == "-H")
    body = next((words[at + 1] for at, word in enumerate(words) if word == "-d"), None)
    url = next(word for word in words if word.startswith("http"))
    answer = send(url, body=None if body is None else msgspec.json.decode(body), headers=headers, method="GET" if body is None else "POST")
    return answer.status, answer.content.decode()


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_works_as_it_is_printed(installation: Installation, command: str, tmp_path: Path) -> None:
    status, body = run(command, tmp_path, installation)
    assert (status, body[:1]) == (200, "{"), body


@pytest.mark.parametrize("fragment", FRAGMENTS)
def test_a_fragment_of_python_works_as_it_is_printed(installation: Installation, fragment: str) -> None:
    for address in ("http://127.0.0.1:8080", "{{base_url}}"):
        fragment = fragment.replace(address, installation.base_url)
    for key in ("sk-test-…", "sk-…"):
        fragment = fragment.replace(key, installation.test_key)
    with openai.OpenAI(api_key=installation.test_key, base_url=f"{installation.base_url}/v1", max_retries=0) as client:
        given: dict[str, Any] = {"client": client, "messages": [{"role": "user", "content": "Say: yes"}]}
        exec(fragment, given)  # our own page
        if given["client"] is not client:
            given["client"].models.list()
            given["client"].close()


def test_there_are_fragments() -> None:
    assert len(FRAGMENTS) >= 4
    assert all((ROOT / "tests" / where).exists() for where in ELSEWHERE.values())


def test_without_a_curl_the_same_is_sent(installation: Installation, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert len(COMMANDS) > 4
    monkeypatch.setattr(shutil, "which", lambda _: None)
    status, body = run(str(COMMANDS[0].values[0]), tmp_path, installation)
    assert (status, body[:1]) == (200, "{"), body


def test_the_samples_that_guides_show_exist() -> None:
    shown = {
        name
        for path in GUIDES.glob("*.md")
        for line in path.read_text().splitlines()[:1]
        if line.startswith("samples:")
        for name in line.split()[1:]
    }
    assert {path.name for path in SAMPLES.glob("*.py")} >= shown
    assert len(shown) > 10
