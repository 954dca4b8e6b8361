"""`modelgate prices` on real databases."""

from collections.abc import Callable
from typing import Any

import pytest
from click.testing import Result

from modelgate.core.records import Snapshot

Run = Callable[..., Result]
RunJson = Callable[..., Any]
Snapshots = Callable[[], Snapshot]


def test_prices_are_laid_over_the_shipped_list(run: Run, run_json: RunJson, snapshot: Snapshots) -> None:
    run("migrate")
    assert run_json("prices", "list", "--model", "gpt-4o")[0]["set_by"].startswith("shipped list")
    run("prices", "set", "gpt-4o", "--input", "1.5", "--output", "3", "--cached", "0.5")
    run("prices", "set", "picture", "--rate", "image:with_image=0.02", "--image", "0.01")
    run("prices", "set", "local", "--free")
    assert run_json("prices", "list", "--model", "gpt-4o")[0]["rates"] == {"input": "1.5", "cached": "0.5", "output": "3"}
    assert {price.model: price.free for price in snapshot().prices} == {
        "gpt-4o": False,
        "local": True,
        "picture": False,
    }
    assert "by the shipped list" in run("prices", "unset", "gpt-4o").stdout
    assert "has no price now" in run("prices", "unset", "local").stdout
    assert "has no price" in run("prices", "list", "--model", "local").stdout
    assert run_json("prices", "unset", "picture") == {"model": "picture", "rates": None, "free": False}
    run("prices", "set", "gpt-4o", "--free")
    assert run_json("prices", "unset", "gpt-4o")["rates"]["input"] == "2.50"
    assert "gpt-4o" in run("prices", "list").stdout


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # words, not SQL
@pytest.mark.parametrize(
    ("arguments", "stdin", "exit_code", "text"),
    [
        (("prices", "set", "m"), "", 2, "names no rate"),
        (("prices", "set", "m", "--input", "cheap"), "", 2, "'cheap' is not a price"),
        (("prices", "set", "m", "--rate", "smiles=1"), "", 2, "'smiles' is not a unit"),
        (("prices", "set", "m", "--free", "--input", "1"), "", 2, "--free goes without rates"),
        (("prices", "unset", "m"), "", 1, "no price of 'm' was set"),
    ],
)
def test_what_cannot_be_done_is_said(run: Run, arguments: tuple[str, ...], stdin: str, exit_code: int, text: str) -> None:
    run("migrate")
    ended = run(*arguments, stdin=stdin)
    assert ended.exit_code == exit_code
    assert text in ended.stderr
