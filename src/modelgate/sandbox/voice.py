"""Who speaks: texts become speech in a process that runs eSpeak NG, each by a voice of the library that goes with a vendor's name for it.

The language is guessed by the script that most letters are of; what is written in Latin letters is read as English.
"""

import importlib
import os
import subprocess
import sys
import unicodedata
from collections import Counter
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from types import ModuleType
from zlib import crc32

import msgspec

from modelgate.sandbox import voice_process

RATE_HZ = voice_process.RATE_HZ
MAX_CHARACTERS = 4_096
"""Letters of a speech that are read aloud, as many as OpenAI takes; the rest is silence."""

MAX_SPEECH_S = 600
"""Longer than this nobody speaks: a sign of Chinese can take half a second, if it is spelled."""

DEADLINE_S = 60
"""A speech takes some milliseconds, the longest about a second."""

PACKAGE = "espeakng_loader"
_LANGUAGES = {
    "CYRILLIC": "ru",
    "GREEK": "el",
    "ARABIC": "ar",
    "HEBREW": "he",
    "ARMENIAN": "hy",
    "GEORGIAN": "ka",
    "DEVANAGARI": "hi",
    "BENGALI": "bn",
    "TAMIL": "ta",
    "TELUGU": "te",
    "THAI": "th",
    "HANGUL": "ko",
    "HIRAGANA": "ja",
    "KATAKANA": "ja",
    "CJK": "cmn",
}
"""The library's language for the letters of a script, which begin their names in Unicode."""

_ENGLISH = "en-us"
_MEN = (
    "ash ballad cedar echo fable onyx verse puck charon fenrir orus enceladus iapetus umbriel algieba algenib rasalgethi alnilam schedar "
    "achird zubenelgenubi sadachbia sadaltager"
)
"""The vendors' voices that sound like a man's; the others, and those nobody knows, like a woman's."""

_MENS = ("m1", "m2", "m3", "m4", "m6", "m7", "m8")
_WOMENS = ("f1", "f2", "f3", "f4", "f5")
_LOWEST_PITCH, _PITCHES = 30, 46  # no two of the vendors' voices are alike


class NoVoice(Exception):
    """Nothing can be said here; the message says why, and is meant for the caller."""


class Line(msgspec.Struct, frozen=True):
    """What one voice says; the voice by its name at the vendor."""

    voice: str
    text: str


def synthesize(lines: Sequence[Line]) -> bytes:
    """Return lines one after another as speech: 16-bit samples of one channel, `RATE_HZ` a second; none where nothing can be spoken.

    Takes some 30 ms more than its thousandth of the speech's length, and is to be called in a thread: those that there are bound how many
    speak at once. Raises NoVoice.
    """
    loader, left, fields = _loader(), MAX_CHARACTERS, []
    for line in lines:
        text = line.text[:left]
        left -= len(text)
        variant, pitch = voice_of(line.voice)
        fields += [f"{language_of(text)}+{variant}", str(pitch), _speakable(text)]
    return _run(loader, "\0".join([*fields, ""]).encode("utf-8", "replace"))


def voice_of(name: str) -> tuple[str, int]:
    """Return the library's variant and pitch for a voice of a vendor; case makes no difference."""
    name = name.lower()
    number = crc32(name.encode("utf-8", "replace"))
    variants = _MENS if name in _MEN.split() else _WOMENS
    return variants[number % len(variants)], _LOWEST_PITCH + number // len(variants) % _PITCHES


def language_of(text: str) -> str:
    """Return the language that a text is read in."""
    scripts = Counter(unicodedata.name(letter, "").partition(" ")[0] for letter in text if letter.isalpha())
    if scripts.keys() & {"HIRAGANA", "KATAKANA"} and scripts["CJK"]:
        scripts["HIRAGANA"] += scripts.pop("CJK")  # Japanese is written in three scripts
    spoken = [script for script, _ in scripts.most_common() if script in _LANGUAGES or script == "LATIN"]
    return _LANGUAGES.get(spoken[0], _ENGLISH) if spoken else _ENGLISH


def _speakable(text: str) -> str:
    """Control characters are commands to the library; zero ends a text."""
    return "".join(" " if unicodedata.category(character) == "Cc" and character != "\n" else character for character in text)


def _run(loader: ModuleType, said: bytes) -> bytes:
    library, data = Path(loader.get_library_path()), Path(loader.get_data_path())
    arguments = [str(library), data.name, str(MAX_SPEECH_S * RATE_HZ)]
    try:
        done = subprocess.run(  # noqa: S603  # our own program
            [sys.executable, "-I", "-S", voice_process.__file__, *arguments],
            input=said,
            capture_output=True,
            cwd=data.parent,  # the library's own bound of a path is 160 bytes, so it gets a short one
            timeout=DEADLINE_S,
        )
    except subprocess.TimeoutExpired:
        raise NoVoice(f"The sandbox could not speak within {DEADLINE_S} seconds.") from None
    if done.returncode == voice_process.NOT_LOADED:
        raise NoVoice(f"The sandbox cannot speak here: eSpeak NG cannot be loaded ({_last_line(done.stderr)}).")
    if done.returncode != 0:
        raise NoVoice(f"The sandbox could not speak: eSpeak NG ended with {done.returncode} ({_last_line(done.stderr)}).")
    return done.stdout


def _last_line(stderr: bytes) -> str:
    return os.fsdecode(stderr.strip().rpartition(b"\n")[2])[-200:]


@cache
def _loader() -> ModuleType:
    """The package that holds the library; only asked where it is. Loaded when first needed: most runs of the sandbox never speak."""
    try:
        return importlib.import_module(PACKAGE)
    except ImportError:
        raise NoVoice(
            "The sandbox cannot speak here: the package espeakng-loader is not installed. It exists for Linux (glibc), macOS and Windows "
            "on x86-64 and arm64; on these, `pip install espeakng-loader` mends it."
        ) from None
