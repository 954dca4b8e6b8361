"""Makes the make-believe songs: a tune with chords out of the words' hash, as MP3, and lyrics about what was asked."""

import hashlib
import math
import re
from array import array
from functools import lru_cache

from modelgate.sandbox.sound_files import write_sound
from modelgate.sandbox.sounds import RATE_HZ

MAX_SONG_S = 600.0
MAX_SONGS = 8
"""Songs that are kept, because players fetch them in pieces."""

MAX_COMMENT = 200
LOUDNESS = 6_000

_BEATS = 16
_CHORDS = ((0, 7, 9, 5), (0, 9, 5, 7), (9, 5, 0, 7), (0, 5, 9, 7))
"""Roots of four bars, in half tones over the key."""

_SCALE = (12, 14, 16, 19, 21, 24)
_BASE_HZ = 110.0
_SPACES = re.compile(r"\s+")
_WORD = re.compile(r"[^\W\d_][\w'-]*")
_DULL = frozenset(
    _WORD.findall(
        "a about all an and any are as at be but by can for from give has have how i in into is it its just like make me my of on or our"
        " please so song songs lyric lyrics music write some sing something that the their them then there this to tune up upbeat was we"
        " were what when where which who will with you your short long slow fast bright happy sad"
    )
)
_MAX_WORD = 24
_VERSES = (
    ("I found {a} in the corner of the night", "and carried it home by a flickering light"),
    ("They say that {a} will never come back", "but I hear it hum down the railway track"),
    ("You talked about {a} with the radio low", "and I knew there was nowhere I wanted to go"),
    ("There's {a} in the window and rain on the street", "a clock on the wall keeping time with my feet"),
    ("I packed up {a} and a handful of rhyme", "and left all the rest for another time"),
    ("Somewhere past {a} where the avenues end", "I stopped for a while and I sang to a friend"),
    ("We painted {a} on the side of a train", "and watched it roll out through the silver rain"),
    ("The morning brought {a} to the edge of the town", "and none of the neighbours could turn the thing down"),
)
_CHORUSES = (
    ("Oh {a}, {b}, don't let me go", "you're the only song that I really know"),
    ("So here's to {a}, and here's to {b}", "and here's to whatever the morning will be"),
    ("Sing {a} till the stars fall through", "sing {b} till the sky turns blue"),
    ("It's {a}, it's {b}, it's a beautiful sound", "it lifts me up and it turns me around"),
)
_BRIDGES = (
    ("And if the lights go out on {b}", "I'll hum the part you taught to me"),
    ("No map, no moon, just {b} ahead", "and all the things we never said"),
    ("Slow down, slow down, let {b} ring", "there's one more line I need to sing"),
)


def make_song(words: str, *, seconds: float) -> bytes:
    """Return an MP3 of that length (up to `MAX_SONG_S`) whose tune follows from the words. Takes a while: call it in a thread."""
    return _song(words, max(0.1, min(seconds, MAX_SONG_S)))


def make_tune(words: str) -> bytes:
    """Return a phrase of sixteen beats as PCM (see `sounds`): a chord for each four of them and a note of the tune on each."""
    seed = _seed("song", words)
    key_hz = _BASE_HZ * 2 ** (seed[0] % 8 / 12)
    beat = round(RATE_HZ * (0.36 + seed[1] % 8 * 0.03))
    roots = _CHORDS[seed[2] % len(_CHORDS)]
    sound = array("h", bytes(2 * beat * _BEATS))
    for bar, root in enumerate(roots):
        third = 3 if root == 9 else 4
        for interval in (0, third, 7):
            _add(sound, _note(key_hz * 2 ** ((root + interval) / 12), beat * 4), at=bar * beat * 4, loudness=0.35)
    for index in range(_BEATS):
        step = _SCALE[seed[4 + index] % len(_SCALE)]
        _add(sound, _note(key_hz * 2 ** (step / 12), beat), at=index * beat, loudness=1.0)
    return sound.tobytes()


def make_lyrics(prompt: str) -> tuple[str, str]:
    """Return a title and a text in parts, marked `[Verse]`, `[Chorus]` and `[Bridge]`, about what the prompt names."""
    seed = _seed("lyrics", prompt)
    subjects = _subjects(prompt)
    first, second = subjects[0], subjects[1 % len(subjects)]
    verses = _picked(_VERSES, seed, 4)
    chorus = _lines(_picked(_CHORUSES, seed[8:], 2), first, second)
    parts = [
        ("[Verse 1]", _lines(verses[:2], first, second)),
        ("[Chorus]", chorus),
        ("[Verse 2]", _lines(verses[2:], second, first)),
        ("[Chorus]", chorus),
        ("[Bridge]", _lines(_picked(_BRIDGES, seed[16:], 1), first, second)),
        ("[Chorus]", chorus),
    ]
    return _title(first, second, seed), "\n\n".join(f"{mark}\n{text}" for mark, text in parts)


def _seed(kind: str, words: str) -> bytes:
    return hashlib.sha256(f"{kind}\0{words}".encode("utf-8", "replace")).digest()


def _subjects(prompt: str) -> list[str]:
    """Return words worth singing about, in their order; always at least one."""
    words = [word[:_MAX_WORD] for word in _WORD.findall(prompt)]
    worth = [word for word in words if word.casefold() not in _DULL and (len(word) > 2 or not word.isascii())]
    return list(dict.fromkeys(worth or words)) or ["the wind"]


def _picked(couplets: tuple[tuple[str, str], ...], seed: bytes, count: int) -> list[tuple[str, str]]:
    """Return some of the couplets, each at most once."""
    left = list(couplets)
    return [left.pop(byte % len(left)) for byte in seed[:count]]


def _lines(couplets: list[tuple[str, str]], first: str, second: str) -> str:
    lines = [line.format(a=first, b=second) for couplet in couplets for line in couplet]
    return "\n".join(line[0].upper() + line[1:] for line in lines)


def _title(first: str, second: str, seed: bytes) -> str:
    shapes = ("{a} and {b}", "Song for {a}", "{a} Tonight", "Back to {a}")
    shape = shapes[seed[24] % len(shapes) if first != second else 1 + seed[24] % (len(shapes) - 1)]
    return shape.format(a=first[0].upper() + first[1:], b=second[0].upper() + second[1:])


@lru_cache(MAX_SONGS)
def _song(words: str, seconds: float) -> bytes:
    samples = round(seconds * RATE_HZ)
    bars = make_tune(words)
    pcm = (bars * (2 * samples // len(bars) + 1))[: 2 * samples]
    return write_sound(pcm, "mp3", text=_SPACES.sub(" ", words)[:MAX_COMMENT])


def _note(pitch_hz: float, count: int) -> list[float]:
    """Return a note with a soft start and a long end."""
    turn, rise = 2 * math.pi * pitch_hz / RATE_HZ, min(count // 4, 400) or 1
    return [min(at / rise, 1.0) * (1 - at / count) * math.sin(turn * at) for at in range(count)]


def _add(sound: "array[int]", note: list[float], *, at: int, loudness: float) -> None:
    scale = LOUDNESS * loudness
    for index, value in enumerate(note, at):
        sound[index] += int(scale * value)
