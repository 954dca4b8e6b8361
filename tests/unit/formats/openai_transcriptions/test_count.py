import json
from typing import Any

import msgspec
import pytest

from modelgate.core.usage import Usage
from modelgate.formats.multipart import Part
from modelgate.formats.openai_transcriptions.count import estimate, most, of_seconds, read_usage
from modelgate.formats.openai_transcriptions.families import family_of
from modelgate.formats.openai_transcriptions.schema import HearingFields, TranscriptionFields


def sound(filename: str = "a.mp3", *, size_bytes: int = 100_000) -> Part:
    return Part(name="file", filename=filename, content_type="", start=0, end=size_bytes)


@pytest.mark.parametrize(
    ("model", "filename", "size_bytes", "usage"),
    [
        ("whisper-1", "a.mp3", 100_001, Usage(milliseconds=101_000)),
        ("whisper-1", "a.wav", 100_001, Usage(milliseconds=13_000)),
        ("gpt-4o-transcribe", "a.mp3", 10_000, Usage(input_tokens=255, input_audio_tokens=250, output_tokens=120)),
        ("gpt-4o-transcribe", "a.mp3", 25_000_000, Usage(input_tokens=37_505, input_audio_tokens=37_500, output_tokens=2_000)),
        ("mine", "a.mp3", 1_000, Usage(input_tokens=30, input_audio_tokens=25, output_tokens=12, milliseconds=1_000)),
    ],
)
def test_the_upper_bound_follows_from_the_size(model: str, filename: str, size_bytes: int, usage: Usage) -> None:
    fields = HearingFields(model=model, prompt="Kites")
    assert most(fields, family_of(model), sound(filename, size_bytes=size_bytes)) == usage


def test_speakers_that_are_known_are_heard_too() -> None:
    fields = TranscriptionFields(model="m", known_speaker_names=["a", "b"], known_speaker_references=["data:", "data:"], keywords=["kite"])
    bound = most(fields, family_of("gpt-4o-transcribe-diarize"), sound(size_bytes=1_000))
    assert (bound.input_audio_tokens, bound.input_tokens) == (21 * 25, 21 * 25 + 4)


@pytest.mark.parametrize("model", ["whisper-1", "gpt-4o-transcribe", "mine"])
@pytest.mark.parametrize("text", [None, "What was said."])
def test_estimates_say_so_and_stay_below_the_bound(model: str, text: str | None) -> None:
    fields, family = HearingFields(model=model), family_of(model)
    for each in (sound(), sound("a.wav"), sound(size_bytes=1)):
        guessed, bound = estimate(fields, family, each, text=text), most(fields, family, each)
        assert guessed.estimated
        assert guessed.milliseconds + guessed.input_tokens > 0
        assert guessed.milliseconds <= bound.milliseconds
        assert guessed.input_tokens <= bound.input_tokens
        assert guessed.output_tokens <= bound.output_tokens


TOKENS = {"type": "tokens", "input_tokens": 14, "output_tokens": 45, "total_tokens": 59}


@pytest.mark.parametrize(
    ("said", "usage"),
    [
        (
            {**TOKENS, "input_token_details": {"text_tokens": 4, "audio_tokens": 10}},
            Usage(input_tokens=14, input_audio_tokens=10, output_tokens=45),
        ),
        (TOKENS, Usage(input_tokens=14, output_tokens=45)),
        ({"type": "duration", "seconds": 9}, 9_000),
        ({"type": "duration", "seconds": 8.4706}, 8_471),
        ({"seconds": 0}, 0),
        ({"type": "duration"}, None),
        ({"type": "duration", "seconds": -1}, None),
        ({**TOKENS, "input_tokens": -1}, None),
        ({**TOKENS, "input_token_details": {"audio_tokens": 15}}, None),
        ({**TOKENS, "output_tokens": 10**12}, None),
        ({}, None),
        ("much", None),
    ],
)
def test_usage_is_read(said: Any, usage: Any) -> None:
    expected = Usage(milliseconds=usage) if isinstance(usage, int) else usage
    assert read_usage(msgspec.Raw(json.dumps(said).encode())) == expected
    assert read_usage(msgspec.Raw()) is None


@pytest.mark.parametrize(
    ("seconds", "milliseconds"),
    [(2.5, 2_500), ("2.5", 2_500), ("long", None), (None, None), (float("nan"), None), ("inf", None), (-1, None)],
)
def test_durations_come_in_two_spellings(seconds: Any, milliseconds: int | None) -> None:
    assert of_seconds(seconds) == (None if milliseconds is None else Usage(milliseconds=milliseconds))
