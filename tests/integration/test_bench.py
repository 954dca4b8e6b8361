"""The bench's in-process part still runs: it puts the relay's parts together by hand, and every change of theirs could break it unnoticed."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
KINDS = 4 + 4 + 9
"""Whole answers and streams passed in each dialect, and every translated pair."""

pytestmark = pytest.mark.slow


def test_every_dialect_is_measured() -> None:
    command = [sys.executable, "-m", "bench.dialects_inside", "--rounds", "1"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    assert sum(" times " in line for line in done.stdout.split("\n")) == KINDS


def test_the_log_is_measured(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    program = (
        "from bench.log_rows import QUESTIONS, measure_log; found = measure_log(rows=3_000, rounds=1); assert set(QUESTIONS) <= set(found)"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
