"""The bench takes what it started with it, however it ends: left behind, a worker or an nginx would spoil every later measurement."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GONE_S = 60.0
BENCH = """
import sys, time
from pathlib import Path
from bench.processes import leave_on_signals, start, stop
leave_on_signals()
child = start([sys.executable, "-c", "import time; time.sleep(120)"], on=[int(sys.argv[2])], log=Path(sys.argv[1]))
try:
    print(child.pid, flush=True)  # in here: whoever reads it may send the signal before another line is reached
    time.sleep(120)
finally:
    stop(child)
    print("stopped", flush=True)
"""


def is_running(pid: int) -> bool:
    """Tell whether a process is there and no mere leftover that nobody has waited for."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize(
    ("sent", "status", "said"),
    [(signal.SIGTERM, 143, "stopped\n"), (signal.SIGHUP, 129, "stopped\n"), (signal.SIGKILL, -signal.SIGKILL, "")],
    ids=["SIGTERM", "SIGHUP", "SIGKILL"],
)
def test_what_the_bench_started_ends_with_it(tmp_path: Path, sent: signal.Signals, status: int, said: str) -> None:
    core = min(os.sched_getaffinity(0))
    command = [sys.executable, "-c", BENCH, str(tmp_path / "log"), str(core)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as bench:
        assert bench.stdout is not None
        child = int(bench.stdout.readline())
        assert is_running(child)
        bench.send_signal(sent)
        assert bench.wait(GONE_S) == status
        assert bench.stdout.read() == said
    deadline = time.monotonic() + GONE_S
    while is_running(child) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not is_running(child)
