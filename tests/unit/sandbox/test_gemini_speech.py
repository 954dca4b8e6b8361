from typing import Any

import pytest

from modelgate.sandbox.gemini_errors import GeminiRefused
from modelgate.sandbox.gemini_speech import MAX_WORDS, RATE_HZ, check_speech, count_speech, speak


def voice(name: str) -> dict[str, Any]:
    return {"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": name}}}


TWO = {"multiSpeakerVoiceConfig": {"speakerVoiceConfigs": [{"speaker": "Joe", **voice("Kore")}, {"speaker": "Jane", **voice("puck")}]}}


def test_a_tone_for_each_word() -> None:
    one, two = speak("hello", {}), speak("hello there", {})
    assert two.startswith(one)
    assert 0.25 < len(one) / 2 / RATE_HZ < 0.35
    assert len(one) % 2 == 0
    assert speak("hello", {}) == one != speak("hello", voice("Puck"))
    assert max(one) > 0
    assert count_speech(bytes(2 * RATE_HZ)) == 25


def test_speech_ends() -> None:
    assert speak("", {}) == bytes(len(speak("", {})))
    assert len(speak("word " * (MAX_WORDS + 500), {})) == len(speak("word " * MAX_WORDS, {}))


def test_each_speaker_has_a_voice() -> None:
    joe, jane = speak("Joe: hello", TWO), speak("Jane: hello", TWO)
    assert joe == speak("hello", voice("Kore"))
    assert jane == speak("hello", voice("Puck"))
    assert speak("Joe: hello\nJane: hello", TWO) == joe + jane


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
