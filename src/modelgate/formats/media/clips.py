"""How long a clip is, read out of its head, and what is charged by its length."""

import math
import struct
from collections.abc import Iterator

import msgspec

from modelgate.core.records import TaskOutput
from modelgate.formats.media.requests import VideoRequest, inputs_in

MAX_BOXES = 64
MAX_TIMES = 10_000
"""Rows of a track's table of times that are added up: a clip of one frame rate has one."""
_HEAD_BYTES = 8
_LONG_HEAD_BYTES = 16


def seconds_of_mp4(data: bytes) -> float | None:
    """Return the length of an MP4 or QuickTime file in seconds: that of its longest track. None when its head does not tell.

    The length that the head states as that of the whole is not believed alone: players and vendors go by the tracks.
    """
    movie = next(_boxes(data, b"moov"), b"")
    whole = _times_of(next(_boxes(movie, b"mvhd"), b""))
    if whole is None or next(_boxes(movie, b"mvex"), None) is not None:  # in fragments: their times are all over the file
        return None
    lengths = [_seconds_of_track(track, movie_scale=whole[0]) for track in _boxes(movie, b"trak")]
    told = [length_s for length_s in lengths if length_s is not None]
    return max(whole[1] / whole[0], *told, 0.0) if len(told) == len(lengths) else None


def _seconds_of_track(track: bytes, *, movie_scale: int) -> float | None:
    """Return how long a track is shown: what its list of edits says, else the sum of its samples' times."""
    edits = next(_boxes(next(_boxes(track, b"edts"), b""), b"elst"), b"")
    shown = sum(row[0] for row in _rows(edits, ">QqI" if edits[:1] == b"\x01" else ">IiI") or ())
    if shown:
        return shown / movie_scale
    media = next(_boxes(track, b"mdia"), b"")
    times = _times_of(next(_boxes(media, b"mdhd"), b""))
    table = next(_boxes(next(_boxes(next(_boxes(media, b"minf"), b""), b"stbl"), b""), b"stts"), b"")
    rows = _rows(table, ">II")
    return None if times is None or rows is None else sum(count * each for count, each in rows) / times[0]


def _times_of(head: bytes) -> tuple[int, int] | None:
    """Return time scale and length out of the head of a movie or of a track's media."""
    try:
        scale, length = struct.unpack_from(">IQ", head, 20) if head[:1] == b"\x01" else struct.unpack_from(">II", head, 12)
    except struct.error:
        return None
    return (scale, length) if scale else None


def _rows(table: bytes, row: str) -> list[tuple[int, ...]] | None:
    """Return the rows of a table with their number before them; None for none, or too many."""
    count = int.from_bytes(table[4:8])
    if len(table) < _HEAD_BYTES or count > MAX_TIMES or _HEAD_BYTES + count * struct.calcsize(row) > len(table):
        return None
    return list(struct.iter_unpack(row, table[_HEAD_BYTES : _HEAD_BYTES + count * struct.calcsize(row)]))


def _boxes(data: bytes, wanted: bytes) -> Iterator[bytes]:
    """Go through what the boxes of a name hold."""
    at = 0
    for _ in range(MAX_BOXES):
        if at + _HEAD_BYTES > len(data):
            return
        size, name = struct.unpack_from(">I4s", data, at)
        head = _HEAD_BYTES
        if size == 1 and at + _LONG_HEAD_BYTES <= len(data):
            (size,) = struct.unpack_from(">Q", data, at + _HEAD_BYTES)
            head = _LONG_HEAD_BYTES
        if size == 0:
            size = len(data) - at
        if size < head:
            return
        if name == wanted:
            yield data[at + head : at + size]
        at += size


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
