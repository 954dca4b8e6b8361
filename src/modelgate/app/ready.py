"""What a process tells its supervisor: one JSON line, once, on the descriptor named in MODELGATE_READY_FD.

`{"ready": true, …facts}` when it serves; `{"error": "one line"}` when it cannot and trying again would not help;
`{"crash": "one line"}` when it ended by a fault. A process that was started alone tells people on stderr instead.
"""

import ctypes
import os
import signal
import sys

import msgspec

READY_FD = "MODELGATE_READY_FD"
SUPERVISOR_PID = "MODELGATE_SUPERVISOR_PID"
MAX_LINE_BYTES = 64 * 1024
MAX_TEXT_LENGTH = 2_000

_PR_SET_PDEATHSIG = 1


def report_ready(**facts: object) -> None:
    """Say that this process serves. Facts are JSON; the book's may hold `first_run`, lines to print for the operator."""
    _report({"ready": True, **facts})


def report_failure(text: str) -> None:
    """Say why this process cannot start, in one line that tells what to do. The caller then exits with status 1."""
    if not _report({"error": _one_line(text)}):
        sys.stderr.write(f"modelgate: {_one_line(text)}\n")


def report_crash(text: str) -> None:
    """Say by what fault this process ends."""
    _report({"crash": _one_line(text)})


def die_with_supervisor() -> None:
    """Ask the kernel to kill this process when its supervisor is gone. Nothing when it was started alone.

    Killed, not asked: what a child keeps is made to outlive that, and a new supervisor needs its port and locks at once.
    """
    supervisor = os.environ.get(SUPERVISOR_PID)
    if supervisor is None:
        return
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != int(supervisor):  # it died before we asked
        os.kill(os.getpid(), signal.SIGKILL)


def _one_line(text: str) -> str:
    return " ".join(text.split())[:MAX_TEXT_LENGTH]


def _report(message: dict[str, object]) -> bool:
    descriptor = os.environ.pop(READY_FD, None)  # popped: it is said once, and never by a child of ours
    if descriptor is None:
        return False
    try:
        os.write(int(descriptor), msgspec.json.encode(message)[: MAX_LINE_BYTES - 1] + b"\n")
        os.close(int(descriptor))
    except OSError:  # the supervisor is gone
        return False
    return True
