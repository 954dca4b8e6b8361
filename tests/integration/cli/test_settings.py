"""`modelgate settings` on real databases."""

from collections.abc import Callable
from typing import Any

import pytest
from click.testing import Result

from modelgate.core.records import Snapshot

Run = Callable[..., Result]
RunJson = Callable[..., Any]
Snapshots = Callable[[], Snapshot]


def test_a_setting_is_set_until_it_is_unset(run: Run, run_json: RunJson, snapshot: Snapshots) -> None:
    run("migrate")
    assert run_json("settings", "list")[0]["value"] == "no"
    run("settings", "set", "charge_orphans", "yes")
    assert snapshot().settings == {"charge_orphans": "yes"}
    assert run_json("settings", "list")[0]["value"] == "yes"
    assert "charge_orphans" in run("settings", "list").stdout
    assert run("settings", "unset", "charge_orphans").exit_code == 0
    assert run_json("settings", "list")[0]["value"] == "no"
    assert run("settings", "unset", "colour").exit_code == 2
    assert run_json("settings", "set", "charge_orphans", "yes") == {"name": "charge_orphans", "value": "yes"}
    assert run_json("settings", "unset", "charge_orphans") == {"name": "charge_orphans", "value": "no"}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # words, not SQL
@pytest.mark.parametrize(
    ("arguments", "stdin", "exit_code", "text"),
    [
        (("settings", "set", "colour", "red"), "", 2, "there is no setting 'colour'"),
        (("settings", "set", "charge_orphans", "maybe"), "", 2, "charge_orphans is one of: no, yes"),
    ],
)
def test_what_cannot_be_done_is_said(run: Run, arguments: tuple[str, ...], stdin: str, exit_code: int, text: str) -> None:
    ended = run(*arguments, stdin=stdin)
    assert ended.exit_code == exit_code
    assert text in ended.stderr
