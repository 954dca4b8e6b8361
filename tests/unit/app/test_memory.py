"""Giving memory back."""

import subprocess
import sys

SCRIPT = """
import re
from modelgate.app.memory import give_large_blocks_back

def resident_kib():
    return int(re.search(r"VmRSS:\\s+(\\d+)", open("/proc/self/status").read())[1])

assert give_large_blocks_back()
before = resident_kib()
kept = []
for _ in range(6):  # 1 MB of small things, each allocated while a large one is there; by default 20 MB stay
    large = bytes(range(256)) * 40_000
    kept.append(bytearray(200_000))
    del large
    smaller = bytes(range(256)) * 30_000
    kept.append(bytearray(1_000))
    del smaller
print(resident_kib() - before)
"""


def test_large_blocks_do_not_stay() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 6_000
