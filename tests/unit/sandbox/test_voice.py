import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from modelgate.sandbox import voice
from modelgate.sandbox.gemini.speech import VOICES as GEMINI_VOICES
from modelgate.sandbox.openai.speech import VOICES as OPENAI_VOICES
from modelgate.sandbox.voice import Line, NoVoice, language_of, synthesize, voice_of

HELLO = [Line("alloy", "Hello there")]


@pytest.fixture
def unloaded() -> Iterator[None]:
    voice._loader.cache_clear()
    yield
    voice._loader.cache_clear()


def broken(monkeypatch: pytest.MonkeyPatch, **paths: Any) -> None:
    """Replace the package by one whose files are these."""
    known = voice._loader()
    library, data = paths.get("library") or known.get_library_path(), paths.get("data") or known.get_data_path()
    package = SimpleNamespace(get_library_path=lambda: str(library), get_data_path=lambda: str(data))
    monkeypatch.setattr(voice, "_loader", lambda: package)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Hello there", "en-us"),
        ("Größe, ça va?", "en-us"),
        ("Привет, OpenAI!", "ru"),
        ("Καλημέρα", "el"),
        ("你好，世界", "cmn"),
        ("日本語のテキスト。", "ja"),
        ("カタカナ", "ja"),
        ("안녕하세요", "ko"),
        ("नमस्ते", "hi"),
        ("مرحبا", "ar"),
        ("ᚠᚢᚦ", "en-us"),
        ("", "en-us"),
        ("42!", "en-us"),
    ],
)
def test_the_language_is_that_of_most_letters(text: str, language: str) -> None:
    assert language_of(text) == language


def test_no_two_voices_of_the_vendors_are_alike() -> None:
    names = {*OPENAI_VOICES, *GEMINI_VOICES}
    assert len({voice_of(name) for name in names}) == len(names)
    assert voice_of("Kore") == voice_of("kore")
    assert voice_of("onyx")[0].startswith("m")
    assert voice_of("nova")[0].startswith("f")
    assert voice_of("\ud800")


def test_every_variant_is_one_of_the_library() -> None:
    """The library takes a name that it does not know for none, and speaks in its own voice."""
    folder = Path(voice._loader().get_data_path()) / "voices" / "!v"
    assert all((folder / variant).is_file() for variant in (*voice._MENS, *voice._WOMENS))


@pytest.mark.parametrize(
    "text", ["日本語のテキスト。", "Привет", "안녕하세요", "مرحبا بالعالم", "ᚠᚢᚦ", "😀", "a\ud800b", "\x01300P\x00Hello"]
)
def test_every_script_is_spoken(text: str) -> None:
    assert len(synthesize([Line("alloy", text)])) / 2 / voice.RATE_HZ > 0.3


def test_commands_to_the_library_are_not_obeyed() -> None:
    """eSpeak reads what follows a control-A as a change of its own settings."""
    assert synthesize([Line("alloy", "\x0110S Hello there, you")]) == synthesize([Line("alloy", " 10S Hello there, you")])
    assert synthesize([Line("alloy", "Hello\0there")]) == synthesize([Line("alloy", "Hello there")])


def test_a_speech_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(voice, "MAX_CHARACTERS", 11)
    assert synthesize([Line("alloy", "Hello there, how are you?")]) == synthesize(HELLO)
    assert len(synthesize([*HELLO, Line("nova", "never heard")])) < 1.2 * len(synthesize(HELLO))
    monkeypatch.setattr(voice, "MAX_SPEECH_S", 0)
    assert synthesize(HELLO) == b""


@pytest.mark.usefixtures("unloaded")
def test_without_the_package_it_is_told_clearly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, voice.PACKAGE, None)
    with pytest.raises(NoVoice, match="the package espeakng-loader is not installed"):
        synthesize(HELLO)


def test_a_library_that_cannot_be_loaded_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    broken(monkeypatch, library=tmp_path / "none.so")
    with pytest.raises(NoVoice, match=r"cannot be loaded \(.*none.so"):
        synthesize(HELLO)


def test_a_speech_that_takes_too_long_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(voice, "DEADLINE_S", 0)
    with pytest.raises(NoVoice, match="within 0 seconds"):
        synthesize(HELLO)


def test_a_fault_of_the_library_ends_only_the_speech(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(voice.voice_process, "__file__", str(Path(__file__).with_name("nothing.py")))
    with pytest.raises(NoVoice, match="ended with 2"):
        synthesize(HELLO)
