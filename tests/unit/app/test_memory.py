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
for _ in range(3):
    large, small = [bytes(range(256)) * 40_000 for _ in range(4)], []
    small = [bytearray(1000) for _ in range(100)]
    del large
print(resident_kib() - before)
"""


def test_large_blocks_do_not_stay() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 2_000
