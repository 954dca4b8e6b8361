"""The measure of our own code puts a relay's parts together by hand: it has to follow them."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_it_runs() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bench.inside", "--once"], cwd=ROOT, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
