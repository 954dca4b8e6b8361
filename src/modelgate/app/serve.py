"""The supervisor: locks the data directory, binds the port, runs the other processes, and takes them down in order.

It imports little, because it stays in memory for as long as the server runs and does next to nothing. Its loop waits for four
things: signals (a dead child is one), the children's ready reports, the sandbox's first connection, and times that are due.
"""

import os
import selectors
import signal
import socket
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Literal, TextIO

import msgspec

from modelgate.app.children import Child, Report
from modelgate.app.data_directory import CannotStart, clear_run_directory, ensure_secret, lock_directory, prepare_directories
from modelgate.app.listening import listen_for_relays, listen_for_sandbox
from modelgate.app.processes import Processes, ProcessFacts, write_processes
from modelgate.app.ready import SUPERVISOR_PID
from modelgate.app.roles import COMMAND
from modelgate.app.settings import Settings, to_environment

START_TIMEOUT_S = 120.0
"""How long a process may take to become ready; the book may have a large database to bring up to date."""
DRAIN_MARGIN_S = 5.0
"""On top of --drain-s, before a relay is killed."""
STOP_TIMEOUTS_S = {"relay": DRAIN_MARGIN_S, "desk": 15.0, "book": 30.0, "sandbox": 2.0}
"""The order of stopping, and how long each role gets: who asks ends before who answers. Relays get --drain-s more."""
IDLE_WAIT_S = 60.0
WRITE_AGAIN_S = 1.0
BASE_URL = "{base_url}"
"""Stands for the address in the lines for a first start, which are made where the address is not known."""

RELAY_ENVIRONMENT = {
    # Large read buffers otherwise go back to the kernel and fault in again: measured at up to 0.4 of the CPU time.
    "MALLOC_TRIM_THRESHOLD_": str(64 * 1024 * 1024),
    "MALLOC_MMAP_THRESHOLD_": str(4 * 1024 * 1024),
    "MALLOC_TOP_PAD_": str(4 * 1024 * 1024),
}

State = Literal["starting", "running", "stopping"]


class Supervisor:
    """Runs one installation on this machine. `command` is what roles are started with; tests put their own in."""

    def __init__(self, settings: Settings, *, command: Sequence[str] = COMMAND) -> None:
        self._settings = settings
        self._command = tuple(command)
        self._state: State = "starting"
        self._children: list[Child] = []
        self._sandbox: Child | None = None
        self._sandbox_socket: socket.socket | None = None
        self._relay_sockets: list[socket.socket] = []
        self._selector = selectors.DefaultSelector()
        self._signals: list[int] = []
        self._stages: list[str] = []
        self._stage_ends_at = 0.0
        self._failure = ""
        self._first_run: tuple[str, ...] = ()
        self._is_written = True  # what the processes are

    def run(self) -> int:
        """Serve until SIGTERM or SIGINT; return the exit status. What stops it from serving is said in one line on stderr."""
        status = self._run()
        _give_up_the_unsaid()
        return status

    def _run(self) -> int:
        try:
            prepare_directories(self._settings)
            lock = lock_directory(self._settings)
        except CannotStart as error:
            return _complain(str(error))
        try:
            self._bind()
            with self._listening_to_signals():
                self._loop()
        except CannotStart as error:
            return _complain(str(error))
        finally:
            self._close()
            os.close(lock)
        return 1 if self._failure else 0

    # Before the loop.

    def _bind(self) -> None:
        clear_run_directory(self._settings)
        ensure_secret(self._settings)
        self._relay_sockets, port = listen_for_relays(self._settings)
        self._settings = msgspec.structs.replace(self._settings, port=port)
        self._sandbox_socket = listen_for_sandbox(self._settings.sandbox_socket)
        self._watch_sandbox()
        environment = self._environment()
        self._children = [self._child("book", environment), self._child("desk", environment)]
        for index, listening in enumerate(self._relay_sockets):
            descriptor = listening.fileno()
            arguments = ("relay", "--index", str(index), "--listen-fd", str(descriptor))
            relay = Child(
                f"relay-{index}", (*self._command, *arguments), environment=environment | RELAY_ENVIRONMENT, descriptors=(descriptor,)
            )
            self._children.append(relay)

    def _environment(self) -> dict[str, str]:
        return {
            **os.environ,
            **to_environment(self._settings),
            SUPERVISOR_PID: str(os.getpid()),
        }

    def _child(self, role: str, environment: dict[str, str]) -> Child:
        return Child(role, (*self._command, role), environment=environment)

    def _watch_sandbox(self) -> None:
        assert self._sandbox_socket is not None
        self._selector.register(self._sandbox_socket, selectors.EVENT_READ, self._on_sandbox_wanted)

    def _listening_to_signals(self) -> "_Signals":
        return _Signals(self._selector, self._on_signal)

    # The loop.

    def _loop(self) -> None:
        while self._state != "stopping" or any(child.pid for child in self._all()):
            self._start_due()
            for key, _ in self._selector.select(self._wait_s()):
                on_readable: Callable[[], None] = key.data
                on_readable()
            self._reap()
            if not self._is_written:
                self._write_processes()
            self._check_start()
            if self._state == "stopping":
                self._advance_stop()

    def _all(self) -> list[Child]:
        return [*self._children, *([self._sandbox] if self._sandbox is not None else [])]

    def _wait_s(self) -> float:
        now = time.monotonic()
        if self._state == "stopping":
            return max(0.0, min(self._stage_ends_at - now, IDLE_WAIT_S))
        due = [child.start_at for child in self._all() if child.start_at is not None]
        due += [child.started_at + START_TIMEOUT_S for child in self._children if self._state == "starting"]
        return max(0.0, min(due, default=now + (IDLE_WAIT_S if self._is_written else WRITE_AGAIN_S)) - now)

    def _start_due(self) -> None:
        if self._state == "stopping":
            return
        now = time.monotonic()
        due = [child for child in self._all() if child.start_at is not None and child.start_at <= now]
        for child in due:
            try:
                child.start()
            except OSError as error:
                raise CannotStart(f"cannot start {child.name}: {error.strerror}") from None
            self._selector.register(child.reports or 0, selectors.EVENT_READ, lambda child=child: self._on_report(child))
        if due:
            self._write_processes()

    def _on_report(self, child: Child) -> None:
        descriptor = child.reports
        if descriptor is None:
            return
        report = child.read_report()
        if child.reports is None:
            self._selector.unregister(descriptor)
        if report is not None:
            self._take_report(child, report)

    def _take_report(self, child: Child, report: Report) -> None:
        self._first_run = report.first_run or self._first_run
        if report.error and self._state == "starting":
            self._fail(report.error)
        self._write_processes()
        if self._state == "starting" and all(one.ready for one in self._children):
            self._state = "running"
            self._greet()

    def _greet(self) -> None:
        _say(sys.stdout, f"ready {self._settings.base_url}\n")
        self._print_first_run()

    def _print_first_run(self) -> None:
        """Print what the book made on the first start, once: it holds keys that are nowhere else."""
        for line in self._first_run:
            _say(sys.stdout, line.replace(BASE_URL, self._settings.base_url) + "\n")
        self._first_run = ()

    def _on_sandbox_wanted(self) -> None:
        """Somebody connects to the sandbox: it starts now, and takes over the socket."""
        assert self._sandbox_socket is not None
        self._selector.unregister(self._sandbox_socket)
        if self._state == "stopping":
            return
        if self._sandbox is None:
            descriptor = self._sandbox_socket.fileno()
            arguments = ("sandbox", "--fd", str(descriptor))
            environment = self._environment()
            self._sandbox = Child("sandbox", (*self._command, *arguments), environment=environment, descriptors=(descriptor,))

    def _reap(self) -> None:
        for child in self._all():
            descriptor = child.reports
            ended = child.ended()
            if ended is None:
                continue
            if descriptor is not None:
                self._selector.unregister(descriptor)
                if child.report is not None:
                    self._take_report(child, child.report)
            self._write_processes()
            if child.gives_up and self._state == "starting":
                self._fail(f"{ended} ({child.restarts} times in a row)")
            elif self._state != "stopping":
                _say(sys.stderr, f"modelgate: {ended}; it is started again\n")

    def _check_start(self) -> None:
        if self._state != "starting":
            return
        now = time.monotonic()
        late = [child.name for child in self._children if child.pid and not child.ready and now > child.started_at + START_TIMEOUT_S]
        if late:
            self._fail(f"{', '.join(late)} did not become ready within {START_TIMEOUT_S:g} s")

    def _write_processes(self) -> None:
        facts = {child.name: ProcessFacts(pid=child.pid, ready=child.ready, restarts=child.restarts) for child in self._children}
        facts["supervisor"] = ProcessFacts(pid=os.getpid(), ready=True)
        if self._sandbox is not None:
            facts["sandbox"] = ProcessFacts(pid=self._sandbox.pid, ready=self._sandbox.pid > 0, restarts=self._sandbox.restarts)
        settings = self._settings
        processes = Processes(base_url=settings.base_url, host=settings.host, port=settings.port, processes=facts)
        try:
            write_processes(settings.processes_path, processes)
        except OSError as error:  # a full disk may have room again, and what serves goes on serving meanwhile
            if self._is_written:
                _say(sys.stderr, f"modelgate: cannot write {settings.processes_path}: {error.strerror}; it is tried again\n")
            self._is_written = False
        else:
            self._is_written = True

    # Stopping.

    def _on_signal(self, number: int) -> None:
        if number == signal.SIGCHLD:
            return  # `_reap` looks at every child anyway
        if self._state == "stopping":
            self._signal_all(signal.SIGKILL)
        else:
            self._stop()

    def _fail(self, text: str) -> None:
        """Give up: nothing was served, so nothing needs to drain."""
        self._print_first_run()
        if not self._failure:  # said now: the processes that are up may take a while to end
            self._failure = text
            _complain(text)
        self._settings = msgspec.structs.replace(self._settings, drain_s=0)
        self._stop()

    def _stop(self) -> None:
        if self._state != "stopping":
            self._state = "stopping"
            self._stages = list(STOP_TIMEOUTS_S)
            self._begin_stage()

    def _begin_stage(self) -> None:
        role = self._stages[0]
        grace_s = STOP_TIMEOUTS_S[role] + (self._settings.drain_s if role == "relay" else 0)
        self._stage_ends_at = time.monotonic() + grace_s
        if role == "relay":  # else the kernel goes on taking connections that nobody will ever answer
            self._close_relay_sockets()
        for child in self._of_stage():
            child.signal(signal.SIGTERM)

    def _close_relay_sockets(self) -> None:
        for listening in self._relay_sockets:
            listening.close()

    def _of_stage(self) -> list[Child]:
        return [child for child in self._all() if self._stages and child.name.partition("-")[0] == self._stages[0]]

    def _advance_stop(self) -> None:
        if time.monotonic() >= self._stage_ends_at:
            for child in self._of_stage():
                child.signal(signal.SIGKILL)
        while self._stages and not any(child.pid for child in self._of_stage()):
            self._stages.pop(0)
            if self._stages:
                self._begin_stage()

    def _signal_all(self, number: int) -> None:
        for child in self._all():
            child.signal(number)

    def _close(self) -> None:
        self._signal_all(signal.SIGKILL)
        self._close_relay_sockets()
        if self._sandbox_socket is not None:
            self._sandbox_socket.close()
        self._selector.close()
        self._settings.processes_path.unlink(missing_ok=True)


class _Signals:
    """Signals as readable bytes, for as long as the loop runs."""

    NUMBERS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)

    def __init__(self, selector: selectors.BaseSelector, on_signal: Callable[[int], None]) -> None:
        self._selector = selector
        self._on_signal = on_signal

    def __enter__(self) -> None:
        self._reader, self._writer = socket.socketpair()
        self._reader.setblocking(False)
        self._writer.setblocking(False)
        self._wakeup = signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)
        self._handlers = {number: signal.signal(number, lambda _number, _frame: None) for number in self.NUMBERS}
        self._selector.register(self._reader, selectors.EVENT_READ, self._on_readable)

    def _on_readable(self) -> None:
        for number in self._reader.recv(4096):
            self._on_signal(number)

    def __exit__(self, *_: object) -> None:
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._wakeup)
        self._selector.unregister(self._reader)
        self._reader.close()
        self._writer.close()


def _complain(text: str) -> int:
    _say(sys.stderr, f"modelgate: {text}\n")
    return 1


def _say(stream: TextIO, text: str) -> None:
    """Print, if anybody can take it: that the terminal is gone or the log's disk full is no reason to stop serving."""
    with suppress(OSError):
        stream.write(text)
        stream.flush()


def _give_up_the_unsaid() -> None:
    """Let go of a stream that nobody takes anything from: the interpreter would try once more, and end with a status of its own (120)."""
    for name in ("stdout", "stderr"):
        try:
            getattr(sys, name).flush()
        except OSError:
            setattr(sys, name, None)


def main(settings: Settings) -> None:
    """Serve, and end with the status of that."""
    sys.exit(Supervisor(settings).run())
