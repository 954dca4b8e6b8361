import subprocess
import sys
import time
from array import array
from pathlib import Path

import espeakng_loader
import pytest

from modelgate.sandbox import voice_process

HELLO = b"en-us+f1\x0050\0Hello there\0"
BREATHY = HELLO.replace(b"f1", b"f3")


def run(said: bytes, *, library: str = "", samples: int = 1_000_000) -> subprocess.CompletedProcess[bytes]:
    arguments = [library or espeakng_loader.get_library_path(), espeakng_loader.get_data_path(), str(samples)]
    program = [sys.executable, "-I", "-S", voice_process.__file__, *arguments]
    return subprocess.run(program, input=said, capture_output=True, timeout=60)


def test_a_line_is_spoken_and_always_in_the_same_way() -> None:
    done = run(HELLO)
    assert (done.returncode, done.stderr) == (0, b"")
    assert 0.5 < len(done.stdout) / 2 / voice_process.RATE_HZ < 1.5
    assert max(array("h", done.stdout)) > 5_000
    assert run(HELLO).stdout == done.stdout


def test_the_time_of_day_makes_no_difference() -> None:
    """The library seeds the noise in a voice with the second in which it starts: the same text gave other bytes in the next one."""
    first = run(BREATHY).stdout
    before = int(time.time())
    while int(time.time()) <= before:
        time.sleep(0.05)
    assert run(BREATHY).stdout == first


def test_lines_follow_each_other() -> None:
    one, two = run(HELLO).stdout, run(HELLO + HELLO).stdout
    assert two.startswith(one)
    assert len(two) == pytest.approx(2 * len(one), rel=0.05)


def test_a_speech_has_an_end() -> None:
    assert len(run(b"en-us\x0050\0" + b"word " * 400 + b"\0", samples=20_000).stdout) == 40_000
    assert len(run(HELLO * 10, samples=20_000).stdout) == 40_000


@pytest.mark.parametrize("said", [b"", b"\0", b"en-us\x0050\0", b"en-us\x0050\0\0", b"nobody\x0050\0Hello\0"])
def test_odd_input_is_no_fault(said: bytes) -> None:
    assert run(said).returncode == 0


def test_a_library_that_is_none_is_told(tmp_path: Path) -> None:
    nothing = tmp_path / "libespeak-ng.so"
    nothing.write_bytes(b"no library")
    done = run(HELLO, library=str(nothing))
    assert (done.returncode, done.stdout) == (voice_process.NOT_LOADED, b"")
    assert b"libespeak-ng.so" in done.stderr
