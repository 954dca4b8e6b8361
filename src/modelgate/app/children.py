"""One child of the supervisor: how it is started, what it reported, how it ends."""

import os
import signal
import subprocess
import time
from collections import deque
from collections.abc import Mapping

import msgspec

from modelgate.app.ready import MAX_LINE_BYTES, READY_FD

CRASHES = 5
CRASHES_WITHIN_S = 30.0
"""So many deaths in so long, before everything was ready: serving is given up."""
FIRST_DELAY_S = 0.1
MAX_DELAY_S = 5.0
STEADY_AFTER_S = 30.0
"""A child that lived so long starts over with the first delay."""


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """The one line of a child; see `app.ready`."""

    ready: bool = False
    error: str = ""
    crash: str = ""
    first_run: tuple[str, ...] = ()


class Child:
    """A process that is started again whenever it ends."""

    def __init__(self, name: str, command: tuple[str, ...], *, environment: Mapping[str, str], descriptors: tuple[int, ...] = ()) -> None:
        self.name = name
        self.report: Report | None = None
        self.reports: int | None = None  # the descriptor to read the report from
        self.restarts = 0
        self.start_at: float | None = time.monotonic()
        self._command = command
        self._environment = environment
        self._descriptors = descriptors
        self._process: subprocess.Popen[bytes] | None = None
        self._line = b""
        self._started_at = 0.0
        self._deaths: deque[float] = deque(maxlen=CRASHES)
        self._delay_s = FIRST_DELAY_S
        self.last_words = ""

    @property
    def pid(self) -> int:
        """The process id; 0 when it does not run."""
        return 0 if self._process is None else self._process.pid

    @property
    def ready(self) -> bool:
        return self._process is not None and self.report is not None and self.report.ready

    @property
    def started_at(self) -> float:
        """When the running process was started, on the monotonic clock."""
        return self._started_at

    @property
    def gives_up(self) -> bool:
        """Whether it died too often, too fast."""
        return len(self._deaths) == CRASHES and self._deaths[-1] - self._deaths[0] < CRASHES_WITHIN_S

    def start(self) -> None:
        """Start the process; its report comes on `reports`. Raises OSError when the system cannot."""
        self.reports, theirs = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        os.set_blocking(theirs, True)
        try:
            self._process = subprocess.Popen(  # noqa: S603  # our own program
                self._command,
                env={**self._environment, READY_FD: str(theirs)},
                pass_fds=(theirs, *self._descriptors),
                stdin=subprocess.DEVNULL,
                process_group=0,  # a Ctrl-C at the terminal is the supervisor's alone
            )
        finally:
            os.close(theirs)
        self.start_at = None
        self.report = None
        self.last_words = ""
        self._line = b""
        self._started_at = time.monotonic()

    def read_report(self) -> Report | None:
        """Read what there is; return the report once its line is whole. `reports` is None after the end."""
        assert self.reports is not None
        try:
            piece = os.read(self.reports, MAX_LINE_BYTES)
        except BlockingIOError:
            piece = b""
        self._line += piece
        if piece and b"\n" not in self._line and len(self._line) <= MAX_LINE_BYTES:
            return None
        os.close(self.reports)
        self.reports = None
        try:
            self.report = msgspec.json.decode(self._line, type=Report)
        except msgspec.DecodeError:
            return None
        self.last_words = self.report.error or self.report.crash or self.last_words
        return self.report

    def ended(self) -> str | None:
        """Return how the process ended, in words, if it did; it is due to start again after a delay that doubles."""
        process = self._process
        status = None if process is None else process.poll()
        if process is None or status is None:
            return None
        while self.reports is not None:
            self.read_report()
        self._process = None
        now = time.monotonic()
        self._deaths.append(now)
        if now - self._started_at > STEADY_AFTER_S:
            self._delay_s = FIRST_DELAY_S
        self.start_at = now + self._delay_s
        self._delay_s = min(self._delay_s * 2, MAX_DELAY_S)
        self.restarts += 1
        how = f"was ended by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"
        return f"{self.name} {how}" + (f": {self.last_words}" if self.last_words else "")

    def signal(self, number: int) -> None:
        """Send a signal, if it runs."""
        if self._process is not None:
            self._process.send_signal(number)
