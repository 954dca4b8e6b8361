"""How long a clip is, read out of its head, and what is charged by its length."""

import math
import struct

import msgspec

from modelgate.core.records import TaskOutput
from modelgate.formats.media.requests import VideoRequest, inputs_in

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


class ByClip(msgspec.Struct, frozen=True, kw_only=True):
    """Work on a clip (`video` among the inputs) that is charged by its length, in whole seconds from `shortest_s` to `longest_s`."""

    shortest_s: int
    longest_s: int

    def seconds(self, request: VideoRequest) -> int:
        """Return the length that is charged: that of the clip, or the longest where it is at an address and not seen yet."""
        length_s = next((seconds_of_mp4(clip.data) for clip in inputs_in(request, "video")), None)
        return self.longest_s if length_s is None else self._within(length_s)

    def complete(self, request: VideoRequest, model: str) -> VideoRequest:
        """Return the request with the length that is charged."""
        del model
        return msgspec.structs.replace(request, seconds=self.seconds(request))

    def measure(self, request: VideoRequest, outputs: tuple[TaskOutput, ...]) -> VideoRequest:
        """Return the request with the length that was made, where the longest is held."""
        made_ms = next((output.duration_ms for output in outputs if output.kind == "video"), 0)
        if request.seconds != self.longest_s or not made_ms:
            return request
        return msgspec.structs.replace(request, seconds=self._within(made_ms / 1000))

    def _within(self, length_s: float) -> int:
        return min(max(math.ceil(length_s - 0.05), self.shortest_s), self.longest_s)
