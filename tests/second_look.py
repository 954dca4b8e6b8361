"""Runs pytest with the arguments it is given, and looks a second time, alone, at the few tests of whole processes that failed beside all others.

A test that starts processes and waits for them can fail because three thousand others want the same two cores. One that fails again when it has the
machine to itself shows a fault; one that passes is named as unsteady, to be mended. What runs in one process, and what proves the money, is never tried
again: see docs/decisions/2026-11-27-second-look.md.
"""

import json
import subprocess
import sys
from pathlib import Path

MAX_SECOND_LOOKS = 2
WHOLE_PROCESSES = ("tests/integration/", "tests/e2e/")
PROOFS = (
    "tests/integration/serving/",
    "tests/integration/storage/",
    "tests/integration/test_relay_kill_points.py",
    "tests/integration/test_kling_restart.py",
)
LAST_FAILED = Path(".pytest_cache/v/cache/lastfailed")
TESTS_FAILED = 1  # pytest's exit status; any other says that the run itself went wrong


def main(arguments: list[str]) -> int:
    """Run pytest, once more for what may be looked at again, and return the exit status."""
    LAST_FAILED.unlink(missing_ok=True)
    status = pytest(*arguments)
    failed = list(json.loads(LAST_FAILED.read_text())) if status == TESTS_FAILED and LAST_FAILED.exists() else []
    if not may_be_looked_at_again(failed):
        return status
    print(f"\nOnce more, alone: {', '.join(failed)}", flush=True)
    status = pytest("-q", *failed)
    if status == 0:
        print(f"unsteady, failed beside the others and passed alone: {', '.join(failed)}", flush=True)
    return status


def may_be_looked_at_again(failed: list[str]) -> bool:
    """Whether all that failed are few, start processes, and do not prove the money."""
    return 0 < len(failed) <= MAX_SECOND_LOOKS and all(test.startswith(WHOLE_PROCESSES) and not test.startswith(PROOFS) for test in failed)


def pytest(*arguments: str) -> int:
    return subprocess.run([Path(sys.executable).with_name("pytest"), *arguments], check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
