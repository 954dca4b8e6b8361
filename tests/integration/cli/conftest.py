"""Commands run in this process, on an empty database of either kind."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from modelgate.app.settings import Settings
from modelgate.app.snapshots import installation_secret
from modelgate.cli.main import modelgate
from modelgate.core.records import Snapshot
from modelgate.storage.cipher import Cipher
from modelgate.storage.database import Database
from modelgate.storage.settings import load_snapshot


@pytest.fixture
def run(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Runs `modelgate ARGUMENTS` on an installation of its own."""
    monkeypatch.setenv("MODELGATE_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("MODELGATE_DATABASE", database_url)
    monkeypatch.delenv("MODELGATE_SECRET", raising=False)

    def invoke(*arguments: str, stdin: str = "") -> Result:
        return CliRunner().invoke(modelgate, arguments, input=stdin, catch_exceptions=False, prog_name="modelgate")

    return invoke


@pytest.fixture
def run_json(run: Callable[..., Result]) -> Callable[..., Any]:
    """Runs a command with --json and returns what it printed."""

    def invoke(*arguments: str, stdin: str = "") -> Any:
        done = run(*arguments, "--json", stdin=stdin)
        assert done.exit_code == 0, done.output
        return json.loads(done.stdout)

    return invoke


@pytest.fixture
def snapshot(database_url: str, tmp_path: Path) -> Callable[[], Snapshot]:
    """Reads the configuration of `run`'s installation, secrets in the clear."""

    def load() -> Snapshot:
        database = Database(database_url)
        try:
            return database.read(load_snapshot, Cipher(installation_secret(Settings(data=str(tmp_path / "data")), {})))
        finally:
            database.close()

    return load
