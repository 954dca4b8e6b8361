"""Processes of the bench, which end when it does; cores, CPU time and memory of process trees, out of /proc."""

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

TICK_S = 1 / os.sysconf("SC_CLK_TCK")
START_S = 30.0
STOP_S = 20.0
PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None)


def cores() -> tuple[int, list[int]]:
    """Return the core of the process under test, and the cores of everything else."""
    first, *others = sorted(os.sched_getaffinity(0))
    if not others:
        raise SystemExit("bench: two cores are needed, one for the process under test and one for the load")
    return first, others


def free_port() -> int:
    """Return a TCP port that nobody listens on."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


def start(command: Sequence[str], *, on: Iterable[int], log: Path, env: Mapping[str, str] | None = None) -> subprocess.Popen[bytes]:
    """Start a process on the given cores; what it says goes to a file. It is told to end when the bench is gone, whatever ended that."""
    chosen, parent = set(on), os.getpid()

    def prepare() -> None:
        os.sched_setaffinity(0, chosen)
        _LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
        if os.getppid() != parent:  # it went before it could be asked
            os._exit(1)

    with log.open("ab") as output:
        return subprocess.Popen(command, stdout=output, stderr=output, stdin=subprocess.DEVNULL, env=env, preexec_fn=prepare)


def leave_on_signals() -> None:
    """Have SIGTERM and SIGHUP end the bench as Ctrl-C does: by an exception, so that all it started is stopped."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # as nohup has it
            signal.signal(number, lambda received, _frame: sys.exit(128 + received))


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a process of ours."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_for_port(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until somebody listens."""
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        with socket.socket() as sock:
            if sock.connect_ex(("127.0.0.1", port)) == 0:
                return
        if process.poll() is not None:
            break
        time.sleep(0.05)
    raise SystemExit(f"bench: {process.args!r} did not start:\n{log.read_text()[-2000:]}")


def pin(pid: int, core: Iterable[int]) -> None:
    """Move a process with all its threads."""
    for thread in Path(f"/proc/{pid}/task").iterdir():
        os.sched_setaffinity(int(thread.name), set(core))


def tree(pid: int) -> list[int]:
    """Return the process and all its descendants."""
    parents: dict[int, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        parents.setdefault(int(fields[1]), []).append(int(path.parent.name))
    found = [pid]
    for one in found:
        found += parents.get(one, [])
    return found


def cpu_s(pids: Iterable[int]) -> float:
    """Return the CPU seconds, user and system, that these processes have used."""
    total = 0.0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        total += (int(fields[11]) + int(fields[12])) * TICK_S
    return total


def waited_s(pid: int) -> float:
    """Return for how many seconds the threads of a process were ready and had no core, taken together."""
    return sum(int((thread / "schedstat").read_text().split()[1]) for thread in Path(f"/proc/{pid}/task").iterdir()) / 1e9


def memory_mb(pids: Iterable[int]) -> float:
    """Return the proportional set size of these processes."""
    total = 0
    for pid in pids:
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
        total += next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:"))
    return total / 1024
