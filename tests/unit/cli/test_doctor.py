"""`modelgate doctor`: findings as lines or JSON, and the exit code."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from modelgate.app import doctor as module
from modelgate.app.doctor import Finding
from modelgate.cli.doctor import doctor

GOOD = Finding(subject="disk", ok=True, text="much room")
BAD = Finding(subject="port", ok=False, text="is taken", mend="take another")


@pytest.mark.parametrize(("findings", "code"), [((GOOD,), 0), ((GOOD, BAD), 1)])
def test_the_exit_code_says_whether_anything_is_wrong(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, findings: tuple[Finding, ...], code: int
) -> None:
    monkeypatch.setattr(module, "examine", lambda _settings: findings)
    result = CliRunner().invoke(doctor, ["--data", str(tmp_path)])
    assert result.exit_code == code
    assert "ok   disk         much room\n" in result.output
    assert ("BAD  port         is taken\n                  mend: take another\n" in result.output) == (code == 1)


def test_json_for_machines(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(module, "examine", lambda _settings: (BAD,))
    result = CliRunner().invoke(doctor, ["--data", str(tmp_path), "--json"])
    assert json.loads(result.output) == [{"subject": "port", "ok": False, "text": "is taken", "mend": "take another"}]
    assert result.exit_code == 1


def test_a_wrong_setting_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODELGATE_WORKERS", "none")
    result = CliRunner().invoke(doctor, ["--data", str(tmp_path)])
    assert result.exit_code == 1
    assert result.output == "Error: --workers (MODELGATE_WORKERS) is not usable: it takes a whole number from 1 to 256\n"
