"""A whole Modelgate for all tests of a session, proved at the end, and what its book says."""

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx2
import msgspec
import pytest
from click.testing import CliRunner
from tests.environment import clean_environment
from tests.installation import RunningInstallation

from modelgate.cli.main import modelgate
from modelgate.core.records import RequestFacts

POSTED_S = 60.0
FOLLOW_S = 60.0
ANSWER_S = 60.0
"""How long one answer may take where much else runs."""
NO_UPSTREAM = 503


class Installation(RunningInstallation):
    """One of the environment that the tests run in."""

    def __init__(self, data: Path, *flags: str) -> None:
        super().__init__(data, *flags, environment=clean_environment())

    def run(self, *arguments: str, typed: str = "", fails: bool = False) -> str:
        """Run `modelgate …` in this process, which has loaded what a process of its own would load for half a second."""
        environment = {**dict.fromkeys(os.environ), **self.environment}
        done = CliRunner().invoke(modelgate, arguments, input=typed, env=environment, catch_exceptions=False, prog_name="modelgate")
        assert (done.exit_code != 0) == fails, done.stderr
        return done.stderr if fails else done.stdout

    def followed(self, model: str, operation: str, key: str) -> None:
        """Wait until the running server serves a model for live keys: it hears of its operator's commands a moment after them."""
        asked = {"model": model, "operation": operation, "input": {"prompt": "a fox"}}
        deadline = time.monotonic() + FOLLOW_S
        headers = {"Authorization": f"Bearer {key}"}
        while httpx2.post(self.base_url + "/v1/tasks/quote", json=asked, headers=headers, timeout=ANSWER_S).status_code == NO_UPSTREAM:
            assert time.monotonic() < deadline
            time.sleep(0.05)

    def wait_for_models(self, key: str, *models: str) -> None:
        """Wait until the running server lists models that were just added."""
        deadline = time.monotonic() + FOLLOW_S
        headers = {"Authorization": f"Bearer {key}"}
        while True:
            answer = httpx2.get(
                self.base_url + "/v1/models", headers=headers, timeout=ANSWER_S
            )  # 503: the book has not told of the key yet
            if answer.status_code == 200 and {*models} <= {each["id"] for each in answer.json()["data"]}:
                return
            assert time.monotonic() < deadline, answer
            time.sleep(0.05)


def record_of(installation: Installation, request_id: str) -> dict[str, Any]:
    """Return what the book keeps of one request, its facts among it, as soon as it is posted."""
    until = time.monotonic() + POSTED_S
    while time.monotonic() < until:
        with closing(sqlite3.connect(f"file:{installation.data / 'modelgate.db'}?mode=ro", uri=True)) as database:
            database.row_factory = sqlite3.Row
            row = database.execute("SELECT * FROM request_record WHERE request_id = ?", (request_id,)).fetchone()
        if row is not None:
            return {**msgspec.structs.asdict(msgspec.msgpack.decode(row["facts"], type=RequestFacts)), **row}
        time.sleep(0.05)
    raise AssertionError("the request has no record")


@pytest.fixture(scope="session")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    running = Installation(tmp_path_factory.mktemp("installation") / "data", "--drain-s", "2")  # some streams here never end
    yield running
    assert running.stop() == 0
    audit = running.json("audit")
    assert audit["balances"], audit
    assert audit["at_rest"], audit
