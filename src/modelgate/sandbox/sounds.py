"""The make-believe voice: a text as a melody, a note for each word, with the text itself hidden in the sound.

The hidden text is what lets the sandbox hear what it said: in the lowest bit of the first samples, inaudible and lost only when the
sound is compressed with loss; `sound_files` puts it into such files as a comment.
"""

import math
import re
from array import array
from functools import lru_cache
from zlib import crc32

RATE_HZ = 24_000
"""Samples of speech in a second: 16 bit, little endian, one channel."""

BYTES_PER_S = 2 * RATE_HZ
STEP_S = 0.02
LEAST_WORD_S = 0.08
LETTER_S = 0.05
MOST_WORD_S = 1.0
PAUSE_S = 0.06
STOP_S = 0.2
LOUDNESS = 9_000
MAX_NOTES = 128
"""Notes that are kept, because they are played again."""

_SCALE = (0, 2, 4, 7, 9, 12)  # a pentatonic scale: no two notes of it clash
_MARK = b"SBX1"
_HEAD_BITS = 8 * (len(_MARK) + 4)
_WORD = re.compile(r"\S+")


def play(text: str, *, voice: str = "alloy", speed: float = 1.0) -> bytes:
    """Return a text as PCM: longer words sound longer, each voice has its pitch, and `speed` 2 takes half the time."""
    base_hz = 180 + crc32(voice.encode("utf-8", "replace")) % 120
    pieces = []
    for word in _WORD.findall(text) or [text]:
        wanted_s = min(LEAST_WORD_S + LETTER_S * len(word), MOST_WORD_S) / speed
        pitch = base_hz * 2 ** (_SCALE[crc32(word.encode("utf-8", "replace")) % len(_SCALE)] / 12)
        pieces.append(_note(round(pitch), max(1, round(wanted_s / STEP_S))))
        pieces.append(bytes(_samples((STOP_S if word[-1:] in ".!?。" else PAUSE_S) / speed) * 2))
    return hide_text(b"".join(pieces), text)


def hide_text(pcm: bytes, text: str) -> bytes:
    """Return PCM with a text in its lowest bits; silence is added when it is too short for it."""
    data = text.encode("utf-8", "replace")
    hidden = _MARK + len(data).to_bytes(4, "big") + data
    sound = bytearray(pcm.ljust(len(hidden) * 16, b"\0"))
    for index, byte in enumerate(hidden):
        for bit in range(8):
            at = 2 * (8 * index + bit)
            sound[at] = sound[at] & 0xFE | byte >> (7 - bit) & 1
    return bytes(sound)


def find_text(pcm: bytes) -> str | None:
    """Return the text hidden in PCM, or None."""
    head = _hidden(pcm, 0, _HEAD_BITS)
    if head[: len(_MARK)] != _MARK:
        return None
    length = int.from_bytes(head[len(_MARK) :], "big")
    if len(pcm) < 2 * (_HEAD_BITS + 8 * length):
        return None
    return _hidden(pcm, _HEAD_BITS, 8 * length).decode("utf-8", "replace")


def duration_s(pcm: bytes) -> float:
    """Return how long PCM sounds."""
    return len(pcm) / BYTES_PER_S


def _hidden(pcm: bytes, first: int, count: int) -> bytes:
    bits = pcm[2 * first : 2 * (first + count) : 2]
    return bytes(sum((bits[at + bit] & 1) << (7 - bit) for bit in range(8)) for at in range(0, len(bits) - 7, 8))


def _samples(seconds: float) -> int:
    return round(seconds * RATE_HZ)


@lru_cache(MAX_NOTES)
def _note(pitch_hz: int, steps: int) -> bytes:
    """Return a note with a soft start and a long end."""
    count = _samples(steps * STEP_S)
    turn = 2 * math.pi * pitch_hz / RATE_HZ
    rise = min(count // 4, 400) or 1
    wave = array("h", bytes(2 * count))
    for at in range(count):
        shape = min(at / rise, 1.0) * (1 - at / count)
        wave[at] = round(LOUDNESS * shape * (math.sin(turn * at) + 0.3 * math.sin(2 * turn * at)) / 1.3)
    return wave.tobytes()
