"""Two whole Modelgates, one of which has its media from the other: both keep the same books."""

import json
import time
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from .conftest import Installation

DONE_S = 60.0
FOLLOW_S = 30.0
MODELS = "kling-v1,suno_music"


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Installation, Installation]]:
    """The first, with vendors of its own (make-believe), and the second, which has those models from the first alone."""
    first = Installation(tmp_path_factory.mktemp("first") / "data")
    second = Installation(tmp_path_factory.mktemp("second") / "data")
    try:
        second.run(
            *("upstreams", "add", "modelgate", "--name", "first", "--base-url", first.base_url, "--book", "test"),
            *("--models", MODELS, "--priority", "9"),
            typed=first.test_key,
        )
        until = time.monotonic() + FOLLOW_S
        while not ask(first, "GET", "/v1/tasks?limit=1")["data"] and time.monotonic() < until:  # a running server follows a change soon
            finished(second, {"model": "kling-v1", "operation": "image", "input": {"prompt": "a first try"}})
        yield first, second
    finally:
        codes = [second.stop(), first.stop()]
    assert codes == [0, 0]
    for installation in (first, second):
        assert installation.json("audit")["balances"]


def ask(installation: Installation, method: str, path: str, body: Any = None) -> Any:
    headers = {"Authorization": f"Bearer {installation.test_key}", "Content-Type": "application/json"}
    data = json.dumps(body).encode() if body is not None else None
    url = path if path.startswith("http") else installation.base_url + path
    with urllib.request.urlopen(urllib.request.Request(url, data, headers, method=method), timeout=20) as answer:
        return json.loads(answer.read())


def finished(installation: Installation, body: Any) -> Any:
    task = ask(installation, "POST", "/v1/tasks", body)
    until = time.monotonic() + DONE_S
    while task["finished_at"] is None and time.monotonic() < until:
        time.sleep(0.25)
        task = ask(installation, "GET", f"/v1/tasks/{task['id']}")
    return task


def newest(installation: Installation) -> Any:
    return ask(installation, "GET", "/v1/tasks?limit=1")["data"][0]


@pytest.mark.parametrize(
    ("model", "operation", "kind"), [("kling-v1", "image", "image"), ("kling-v1", "video", "video"), ("suno_music", "music", "audio")]
)
def test_what_the_first_makes_the_second_has(chain: tuple[Installation, Installation], model: str, operation: str, kind: str) -> None:
    first, second = chain

    task = finished(second, {"model": model, "operation": operation, "input": {"prompt": "a red kite"}})

    there = newest(first)
    assert (task["state"], there["state"]) == ("succeeded", "succeeded"), task
    assert (there["model"], there["operation"], there["amount_usd"]) == (model, operation, task["amount_usd"])
    assert float(task["amount_usd"]) > 0
    assert kind in {output["kind"] for output in task["outputs"]}
    assert {output["id"] for output in task["outputs"]} == {output["id"] for output in there["outputs"]}
    assert task["outputs"][0]["url"].startswith(second.base_url)
    with urllib.request.urlopen(task["outputs"][0]["url"], timeout=20) as answer:
        assert answer.status == 200


def test_what_fails_at_the_first_costs_nothing_at_either(chain: tuple[Installation, Installation]) -> None:
    first, second = chain
    before = [one.json("accounts", "list") for one in chain]

    task = finished(second, {"model": "kling-v1", "operation": "image", "input": {"prompt": "a red kite\nmagic: fail-task"}})

    assert (task["state"], newest(first)["state"]) == ("failed", "failed")
    assert task["error"]["code"] == "generation_failed"
    assert [one.json("accounts", "list") for one in chain] == before
