"""Speech as the sandbox's vendors make it: 24,000 samples a second, 16 bit, little endian, one channel, at any speed.

FFmpeg's library (PyAV) changes the rate and the speed. It is loaded when first needed: most runs of the sandbox never play a sound.
"""

import importlib
from collections.abc import Sequence
from fractions import Fraction
from functools import cache
from typing import Any

from modelgate.sandbox import voice
from modelgate.sandbox.voice import Line

RATE_HZ = 24_000
BYTES_PER_S = 2 * RATE_HZ
LEAST_S = 0.25
"""A text without anything to speak sounds so long: silence."""

_SLOWEST_AT_ONCE = 0.5  # of FFmpeg's filter


def play(text: str, *, voice: str = "alloy", speed: float = 1.0) -> bytes:
    """Return a text as speech; `speed` 2 takes half the time. Raises NoVoice."""
    return play_lines([Line(voice, text)], speed=speed)


def play_lines(lines: Sequence[Line], *, speed: float = 1.0) -> bytes:
    """Return lines as speech, one after another. Raises NoVoice."""
    spoken = voice.synthesize(lines)
    if spoken:
        spoken = _converted(spoken, speed=speed)
    return spoken.ljust(round(LEAST_S * RATE_HZ) * 2, b"\0")


def duration_s(pcm: bytes) -> float:
    """Return how long PCM sounds."""
    return len(pcm) / BYTES_PER_S


@cache
def load_av() -> Any:
    """Return PyAV."""
    return importlib.import_module("av")


def _converted(spoken: bytes, *, speed: float) -> bytes:
    """Return speech at our rate and the wanted speed."""
    av = load_av()
    graph = av.filter.Graph()
    nodes = [graph.add_abuffer(format="s16", sample_rate=voice.RATE_HZ, layout="mono", time_base=Fraction(1, voice.RATE_HZ))]
    nodes += [graph.add("atempo", f"{tempo:.4f}") for tempo in _tempos(speed)]
    nodes += [graph.add("aresample", str(RATE_HZ)), graph.add("aformat", "sample_fmts=s16:channel_layouts=mono"), graph.add("abuffersink")]
    graph.link_nodes(*nodes).configure()
    frame = av.AudioFrame(format="s16", layout="mono", samples=len(spoken) // 2)
    frame.planes[0].update(spoken)
    frame.sample_rate, frame.pts = voice.RATE_HZ, 0
    graph.push(frame)
    graph.push(None)
    pieces: list[bytes] = []
    while True:
        try:
            made = graph.pull()
        except av.error.EOFError:
            return b"".join(pieces)
        pieces.append(bytes(made.planes[0])[: 2 * made.samples])


def _tempos(speed: float) -> list[float]:
    """Return what a speed is made of: the filter is not slower than half of it."""
    tempos = []
    while speed < _SLOWEST_AT_ONCE:
        tempos.append(_SLOWEST_AT_ONCE)
        speed /= _SLOWEST_AT_ONCE
    return [*tempos, speed] if speed != 1 else tempos
