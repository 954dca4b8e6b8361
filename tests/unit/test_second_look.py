"""What `make test` looks at a second time: it must never turn a real failure green."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from tests import second_look

GATEWAY = "tests/integration/gateway/test_errors.py::test_row[upstream down-gemini]"
BROWSER = "tests/e2e/test_visit.py::test_first_visit"
UNIT = "tests/unit/core/test_money.py::test_sum"


@pytest.mark.parametrize(
    ("failed", "may"),
    [
        ([], False),
        ([GATEWAY], True),
        ([GATEWAY, BROWSER], True),
        ([GATEWAY] * 3, False),
        ([UNIT], False),
        ([GATEWAY, UNIT], False),
        (["tests/integration/serving/test_chaos.py::test_chaos"], False),
        (["tests/integration/storage/test_audit.py::test_balances"], False),
    ],
)
def test_what_may_be_looked_at_again(failed: list[str], may: bool) -> None:
    assert second_look.may_be_looked_at_again(failed) == may


Runs = Callable[..., list[tuple[str, ...]]]


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Runs:
    """Make runs of pytest end with these statuses, the first leaving these failures; returns the list of runs."""
    monkeypatch.setattr(second_look, "LAST_FAILED", tmp_path / "lastfailed")

    def prepare(*statuses: int, failed: list[str]) -> list[tuple[str, ...]]:
        asked: list[tuple[str, ...]] = []
        coming = iter(statuses)

        def run(*arguments: str) -> int:
            asked.append(arguments)
            if failed:
                second_look.LAST_FAILED.write_text(json.dumps(dict.fromkeys(failed, True)))
            return next(coming)

        monkeypatch.setattr(second_look, "pytest", run)
        return asked

    return prepare


def test_a_test_that_passes_alone_is_named(runs: Runs, capsys: pytest.CaptureFixture[str]) -> None:
    asked = runs(1, 0, failed=[GATEWAY])
    assert second_look.main(["-n", "3"]) == 0
    assert asked == [("-n", "3"), ("-q", GATEWAY)]
    assert f"unsteady, failed beside the others and passed alone: {GATEWAY}" in capsys.readouterr().out


def test_a_test_that_fails_again_fails_the_run(runs: Runs) -> None:
    runs(1, 1, failed=[GATEWAY])
    assert second_look.main([]) == 1


@pytest.mark.parametrize("status", [2, 3, 4, 5])
def test_a_run_that_went_wrong_itself_is_not_tried_again(runs: Runs, status: int) -> None:
    asked = runs(status, failed=[GATEWAY])
    assert second_look.main([]) == status
    assert len(asked) == 1


def test_failures_of_an_earlier_run_are_forgotten(runs: Runs) -> None:
    second_look.LAST_FAILED.write_text(json.dumps({GATEWAY: True}))
    asked = runs(1, failed=[])
    assert second_look.main([]) == 1
    assert len(asked) == 1
