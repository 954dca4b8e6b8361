from typing import Any

import pytest

from modelgate.sandbox.gemini.errors import GeminiRefused
from modelgate.sandbox.gemini.speech import check_speech, count_speech, speak
from modelgate.sandbox.sounds import RATE_HZ, duration_s, play, play_lines
from modelgate.sandbox.voice import Line, NoVoice


def voice(name: str) -> dict[str, Any]:
    return {"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": name}}}


TWO = {"multiSpeakerVoiceConfig": {"speakerVoiceConfigs": [{"speaker": "Joe", **voice("Kore")}, {"speaker": "Jane", **voice("puck")}]}}


def test_a_text_is_spoken_in_the_wanted_voice() -> None:
    one, two = speak("hello", {}), speak("hello there, my friend", {})
    assert 0.4 < duration_s(one) < 1.5
    assert duration_s(two) > 1.5 * duration_s(one)
    assert speak("hello", {}) == speak("hello", voice("Kore")) == play("hello", voice="kore")
    assert speak("hello", voice("Puck")) != one
    assert count_speech(bytes(2 * RATE_HZ)) == 25


@pytest.mark.parametrize("text", ["", "\n\n", "Joe:"])
def test_who_says_nothing_is_silent(text: str) -> None:
    assert not any(speak(text, TWO))
    assert speak(text, TWO)


def test_each_speaker_has_a_voice() -> None:
    """A line without a name belongs to who spoke last; the names are not read aloud."""
    assert speak("Joe: hello", TWO) == speak(" hello", voice("Kore"))
    assert speak("Jane: hello", TWO) == speak(" hello", voice("Puck"))
    assert speak("Joe: hello\nJane: hello\nyou", TWO) == play_lines([Line("Kore", " hello"), Line("puck", " hello\nyou")])
    assert speak("Jim: hello", TWO) == speak("Jim: hello", {})


def test_where_there_is_no_voice_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("modelgate.sandbox.voice._run", _no_voice)
    with pytest.raises(GeminiRefused, match="no voice here"):
        speak("hello", {})


def _no_voice(*_: object) -> bytes:
    raise NoVoice("no voice here")


@pytest.mark.parametrize("speech", [{}, {"languageCode": "en-US"}, voice("Zephyr"), TWO])
def test_what_is_taken(speech: dict[str, Any]) -> None:
    check_speech(speech)


@pytest.mark.parametrize(
    "speech",
    [
        voice("Bob"),
        {**TWO, **voice("Kore")},
        {"multiSpeakerVoiceConfig": {}},
        {"multiSpeakerVoiceConfig": {"speakerVoiceConfigs": [{"speaker": "Joe"}] * 3}},
        {"multiSpeakerVoiceConfig": {"speakerVoiceConfigs": [{"speaker": "Joe"}, voice("Kore")]}},
    ],
)
def test_what_is_refused(speech: dict[str, Any]) -> None:
    with pytest.raises(GeminiRefused):
        check_speech(speech)
