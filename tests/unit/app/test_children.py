"""One child: reports, ends, delays."""

import os
import select
import sys
import time
from pathlib import Path

import pytest

from modelgate.app import children
from modelgate.app.children import Child, Report
from modelgate.app.ready import MAX_LINE_BYTES


def child(code: str, *, descriptors: tuple[int, ...] = ()) -> Child:
    program = f"import os, sys\nreport = lambda text: os.write(int(os.environ['MODELGATE_READY_FD']), text)\n{code}"
    return Child("book", (sys.executable, "-c", program), environment=dict(os.environ), descriptors=descriptors)


def read(one: Child) -> Report | None:
    while one.reports is not None:
        select.select([one.reports], [], [], 10)
        one.read_report()
    return one.report


def wait_for_end(one: Child) -> str:
    ends = time.monotonic() + 60
    while time.monotonic() < ends:
        ended = one.ended()
        if ended is not None:
            return ended
        time.sleep(0.005)
    raise AssertionError("still runs")


def test_a_report_in_pieces() -> None:
    one = child(
        'report(b\'{"ready": tr\')\nimport time; time.sleep(0.05)\nreport(b\'ue, "first_run": ["a"], "other": 1}\\n\')\nsys.stdin.read()'
    )
    one.start()
    assert read(one) == Report(ready=True, first_run=("a",))
    wait_for_end(one)
    assert not one.ready


@pytest.mark.parametrize("said", ["", "{\\n", "[]\\n", "nonsense"])
def test_what_is_no_report(said: str) -> None:
    one = child(f"report(b'{said}')" if said else "")
    one.start()
    assert read(one) is None
    assert wait_for_end(one) == "book ended with status 0"


def test_an_endless_report_ends() -> None:
    one = child(f"report(b'x' * {MAX_LINE_BYTES}); report(b'x' * 10)\nos.close(int(os.environ['MODELGATE_READY_FD']))")
    one.start()
    assert read(one) is None
    wait_for_end(one)


def test_a_report_nobody_read_before_the_end_is_not_lost() -> None:
    one = child('report(b\'{"error": "no database"}\\n\'); sys.exit(1)')
    one.start()
    assert wait_for_end(one) == "book ended with status 1: no database"
    assert one.report == Report(error="no database")
    assert one.reports is None


def test_last_words_are_of_the_life_that_ended(tmp_path: Path) -> None:
    """A relay was "ended by SIGBUS: the book sent no configuration", which it had said of a start long before."""
    once = tmp_path / "once"
    one = child(
        f"if not os.path.exists({str(once)!r}): open({str(once)!r}, 'w'); report(b'{{\"crash\": \"no book\"}}\\n'); sys.exit(3)\nsys.exit(4)"
    )
    one.start()
    assert wait_for_end(one) == "book ended with status 3: no book"
    one.start()
    assert wait_for_end(one) == "book ended with status 4"


def test_a_signal_is_named() -> None:
    one = child("os.kill(os.getpid(), 9)")
    one.start()
    assert wait_for_end(one) == "book was ended by SIGKILL"
    assert one.pid == 0


class StandingClock:
    """In the place of the module `time`."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


def test_delays_double_and_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = StandingClock()
    monkeypatch.setattr(children, "time", clock)
    one = child("pass")
    delays = []
    for _ in range(8):
        one.start()
        assert one.start_at is None
        wait_for_end(one)
        assert one.start_at is not None
        delays.append(one.start_at - clock.now)
    assert delays == pytest.approx([0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0])
    assert (one.restarts, one.gives_up) == (8, True)
    one.start()
    clock.now += children.STEADY_AFTER_S + 0.1
    wait_for_end(one)
    assert one.start_at is not None
    assert one.start_at - clock.now == pytest.approx(0.1)


def test_deaths_far_apart_are_not_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(children, "CRASHES_WITHIN_S", 0.0)
    one = child("pass")
    for _ in range(6):
        one.start()
        wait_for_end(one)
    assert not one.gives_up


def test_only_its_own_descriptors_are_inherited() -> None:
    reader, writer = os.pipe()
    kept, other = os.pipe()
    one = child(
        f"report(('[' + str(os.path.exists('/proc/self/fd/{writer}')) + str(os.path.exists('/proc/self/fd/{other}'))).encode())",
        descriptors=(writer,),
    )
    one.start()
    wait_for_end(one)
    assert one._line == b"[TrueFalse"
    for descriptor in (reader, writer, kept, other):
        os.close(descriptor)
