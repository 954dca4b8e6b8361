"""Commands run in this process, on an empty database of either kind."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from modelgate.cli.main import modelgate


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
