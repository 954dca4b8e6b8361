"""A whole Modelgate, as a stranger would start it: `modelgate serve` on a free port with an empty data directory."""

import json
import re
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.environment import clean_environment

from modelgate.core.records import RequestFacts

START_TIMEOUT_S = 60
POSTED_S = 15.0


class Installation:
    """A running server and the operator's command line beside it."""

    def __init__(self, data: Path, *flags: str) -> None:
        self.data = data
        self.environment = clean_environment(MODELGATE_DATA=str(data), MODELGATE_LOG_LEVEL="warning")
        self.log = (data.parent / f"{data.name}.log").open("w+")
        command = [sys.executable, "-m", "modelgate", "serve", "--port", "0", *flags]
        self.process = subprocess.Popen(command, env=self.environment, stdout=subprocess.PIPE, stderr=self.log, text=True)
        self.base_url = self._read_base_url()
        self.test_key = self._read_test_key()

    def _read_base_url(self) -> str:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.startswith("ready "):
                return line.split()[1]
        raise AssertionError(f"it did not start: {Path(self.log.name).read_text()}")

    def _read_test_key(self) -> str:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            found = re.search(r"sk-test-\w+", line)
            if found:
                return found[0]
        raise AssertionError("no test key was printed")

    def run(self, *arguments: str, typed: str = "", fails: bool = False) -> str:
        """Run `modelgate …`; return what it prints."""
        command = [sys.executable, "-m", "modelgate", *arguments]
        done = subprocess.run(command, env=self.environment, input=typed, capture_output=True, text=True, timeout=60)
        assert (done.returncode != 0) == fails, done.stderr
        return done.stderr if fails else done.stdout

    def json(self, *arguments: str, typed: str = "") -> Any:
        return json.loads(self.run(*arguments, "--json", typed=typed))

    def key(self, *flags: str) -> str:
        """Make a key; return its secret."""
        return str(self.json("keys", "create", "--name", "k", *flags)["secret"])

    def stop(self) -> int:
        self.process.terminate()
        code = self.process.wait(60)
        self.log.close()
        if self.process.stdout is not None:
            self.process.stdout.close()
        return code


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
