"""How long a clip is, read out of its head."""

import struct

MAX_BOXES = 64
_HEAD_BYTES = 8
_LONG_HEAD_BYTES = 16


def seconds_of_mp4(data: bytes) -> float | None:
    """Return the length of an MP4 or QuickTime file in seconds, None when its head does not tell."""
    movie = _box(data, b"moov")
    head = _box(movie, b"mvhd") if movie is not None else None
    if head is None:
        return None
    try:
        scale, length = struct.unpack_from(">IQ", head, 20) if head[:1] == b"\x01" else struct.unpack_from(">II", head, 12)
    except struct.error:
        return None
    return length / scale if scale else None


def _box(data: bytes, wanted: bytes) -> bytes | None:
    """Return what the first box of a name holds."""
    at = 0
    for _ in range(MAX_BOXES):
        if at + _HEAD_BYTES > len(data):
            return None
        size, name = struct.unpack_from(">I4s", data, at)
        head = _HEAD_BYTES
        if size == 1 and at + _LONG_HEAD_BYTES <= len(data):
            (size,) = struct.unpack_from(">Q", data, at + _HEAD_BYTES)
            head = _LONG_HEAD_BYTES
        if size == 0:
            size = len(data) - at
        if size < head:
            return None
        if name == wanted:
            return data[at + head : at + size]
        at += size
    return None
