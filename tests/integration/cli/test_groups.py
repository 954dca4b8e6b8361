"""`modelgate groups` on real databases."""

from collections.abc import Callable
from typing import Any

import pytest
from click.testing import Result

from modelgate.core.records import Snapshot

Run = Callable[..., Result]
RunJson = Callable[..., Any]
Snapshots = Callable[[], Snapshot]


def test_a_group_has_a_multiplier_until_it_is_unset(run: Run, run_json: RunJson, snapshot: Snapshots) -> None:
    run("migrate")
    assert "every key pays the price as it is" in run("groups", "list").stdout
    run("groups", "set", "gold", "0.8")
    assert snapshot().groups == {"gold": "0.8"}
    assert run_json("groups", "list") == [{"name": "gold", "multiplier": "0.8"}]
    assert "gold" in run("groups", "list").stdout
    assert run("groups", "unset", "gold").exit_code == 0
    assert snapshot().groups == {}
    assert run_json("groups", "set", "gold", "0.9") == {"name": "gold", "multiplier": "0.9"}
    assert run_json("groups", "unset", "gold") == {"name": "gold", "multiplier": None}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # words, not SQL
@pytest.mark.parametrize(
    ("arguments", "stdin", "exit_code", "text"),
    [
        (("groups", "set", "gold", "much"), "", 2, "'much' is not a multiplier"),
        (("groups", "unset", "gold"), "", 1, "has no multiplier"),
    ],
)
def test_what_cannot_be_done_is_said(run: Run, arguments: tuple[str, ...], stdin: str, exit_code: int, text: str) -> None:
    run("migrate")
    ended = run(*arguments, stdin=stdin)
    assert ended.exit_code == exit_code
    assert text in ended.stderr
