import json
from typing import Any

import msgspec
import pytest

from modelgate.core.usage import Usage
from modelgate.formats.openai_speech.count import characters_of, estimate, most, read_usage, spoiled
from modelgate.formats.openai_speech.schema import SpeechRequest, family_of


def ask(model: str, **more: Any) -> SpeechRequest:
    return SpeechRequest(model=model, input="Grüße, kite!", voice="alloy", **more)


@pytest.mark.parametrize(
    ("model", "more", "usage"),
    [
        ("tts-1-hd", {}, Usage(characters=12)),
        ("gpt-4o-mini-tts", {"instructions": "Loud."}, Usage(input_tokens=19, output_tokens=272, output_audio_tokens=272)),
        ("gpt-4o-mini-tts", {"speed": 0.5}, Usage(input_tokens=14, output_tokens=344, output_audio_tokens=344)),
        ("other", {"speed": 4.0}, Usage(input_tokens=14, output_tokens=272, output_audio_tokens=272, characters=12)),
    ],
)
def test_the_upper_bound(model: str, more: dict[str, Any], usage: Usage) -> None:
    assert most(ask(model, **more), family_of(model)) == usage


@pytest.mark.parametrize("model", ["gpt-4o-mini-tts", "other"])
def test_estimates_say_so_and_stay_below_the_bound(model: str) -> None:
    guessed, bound = estimate(ask(model), family_of(model)), most(ask(model), family_of(model))
    assert guessed.estimated
    assert 0 < guessed.input_tokens < bound.input_tokens
    assert 0 < guessed.output_tokens < bound.output_tokens
    assert spoiled(ask(model), family_of(model)).output_tokens == 0


def test_characters_need_no_estimate() -> None:
    family = family_of("tts-1")
    assert estimate(ask("tts-1"), family) == spoiled(ask("tts-1"), family) == Usage(characters=12)
    assert characters_of(ask("gpt-4o-mini-tts"), family_of("gpt-4o-mini-tts")) == 0


@pytest.mark.parametrize(
    ("said", "usage"),
    [
        ({"input_tokens": 3, "output_tokens": 7}, Usage(input_tokens=3, output_tokens=7, output_audio_tokens=7, characters=5)),
        ({"input_tokens": -3}, None),
        ({"output_tokens": 10**12}, None),
        ([], None),
    ],
)
def test_usage_is_read(said: Any, usage: Usage | None) -> None:
    assert read_usage(msgspec.Raw(json.dumps(said).encode()), characters=5) == usage
    assert read_usage(msgspec.Raw(), characters=5) is None
