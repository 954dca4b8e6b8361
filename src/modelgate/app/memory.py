"""How a process that handles large bodies now and then gives their memory back."""

import ctypes

LARGE_BLOCK_BYTES = 256 * 1024
_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3


def give_large_blocks_back() -> bool:
    """Let every block from `LARGE_BLOCK_BYTES` on go back to the system when it is freed; False where that cannot be set.

    By itself glibc raises its threshold with each large block that is freed (up to 32 MB), takes the next ones from the heap and
    keeps that: measured on the desk, 35 MB stayed after one picture of 10 MB. Not for relays: it costs page faults.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # absent from musl, which gives back anyway
    if mallopt is None:
        return False
    return bool(mallopt(_M_MMAP_THRESHOLD, LARGE_BLOCK_BYTES)) and bool(mallopt(_M_TRIM_THRESHOLD, LARGE_BLOCK_BYTES))
