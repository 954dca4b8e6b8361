from typing import Any

import pytest

from modelgate.core.errors import BodyTooLarge, InvalidRequest
from modelgate.formats.multipart import Form, Part
from modelgate.formats.openai_transcriptions.families import (
    ANY,
    MAX_FILE_BYTES,
    TRANSLATING,
    check_fields,
    extension_of,
    family_of,
    sound_of,
)
from modelgate.formats.openai_transcriptions.schema import HearingFields, TranscriptionFields


def refused(model: str, **fields: Any) -> InvalidRequest | None:
    try:
        check_fields(TranscriptionFields(model=model, **fields), family_of(model))
    except InvalidRequest as error:
        return error
    return None


REFERENCES = ["data:audio/wav;base64,AAAA"] * 2


@pytest.mark.parametrize(
    ("model", "fields"),
    [
        ("whisper-1", {"response_format": "verbose_json", "timestamp_granularities": ["word"], "prompt": "p", "stream": True}),
        ("whisper-1", {"response_format": "vtt", "language": "en", "temperature": 0.5}),
        ("gpt-4o-transcribe", {"include": ["logprobs"], "stream": True, "chunking_strategy": "auto"}),
        ("gpt-4o-mini-transcribe-2025-12-15", {"response_format": "text", "prompt": "p"}),
        ("gpt-transcribe", {"keywords": ["kite"], "languages": ["en", "de"]}),
        (
            "gpt-4o-transcribe-diarize",
            {"response_format": "diarized_json", "known_speaker_names": ["a", "b"], "known_speaker_references": REFERENCES},
        ),
        ("whisper-large-v3", {"response_format": "srt", "keywords": ["kite"]}),
        ("mine", {"response_format": "diarized_json", "keywords": ["kite"], "chunking_strategy": '{"type":"server_vad"}'}),
    ],
)
def test_what_a_family_takes(model: str, fields: dict[str, Any]) -> None:
    assert refused(model, **fields) is None


@pytest.mark.parametrize(
    ("model", "fields", "param", "code"),
    [
        ("whisper-1", {"response_format": "diarized_json"}, "response_format", "unsupported_value"),
        ("whisper-1", {"include": ["logprobs"]}, "include", "unsupported_parameter"),
        ("whisper-1", {"timestamp_granularities": ["word"]}, "timestamp_granularities", "invalid_value"),
        ("gpt-4o-transcribe", {"response_format": "verbose_json"}, "response_format", "unsupported_value"),
        ("gpt-4o-transcribe", {"timestamp_granularities": ["word"]}, "timestamp_granularities", "unsupported_parameter"),
        ("gpt-4o-transcribe", {"response_format": "text", "include": ["logprobs"]}, "include", "invalid_value"),
        ("gpt-4o-transcribe", {"keywords": ["kite"]}, "keywords", "unsupported_parameter"),
        ("gpt-4o-transcribe", {"known_speaker_names": ["a"]}, "known_speaker_names", "unsupported_parameter"),
        ("gpt-4o-transcribe-diarize", {"prompt": "p"}, "prompt", "unsupported_parameter"),
        ("gpt-4o-transcribe-diarize", {"response_format": "srt"}, "response_format", "unsupported_value"),
        ("gpt-4o-transcribe-diarize", {"known_speaker_names": ["a"]}, "known_speaker_names", "invalid_value"),
        ("gpt-4o-transcribe", {"chunking_strategy": "often"}, "chunking_strategy", "invalid_value"),
        ("mine", {"chunking_strategy": "[" * 10_000}, "chunking_strategy", "invalid_value"),
    ],
)
def test_what_a_family_does_not_take_is_refused_by_name(model: str, fields: dict[str, Any], param: str, code: str) -> None:
    error = refused(model, **fields)
    assert error is not None
    assert (error.param, error.code) == (param, code)


def test_translations_tell_no_speakers() -> None:
    with pytest.raises(InvalidRequest):
        check_fields(HearingFields(model="whisper-1", response_format="diarized_json"), TRANSLATING)


@pytest.mark.parametrize(
    ("model", "wanted", "asked"),
    [
        ("whisper-1", "json", "json"),
        ("whisper-1", "srt", "verbose_json"),
        ("whisper-large-v3", "json", "verbose_json"),
        ("openai/whisper-large-v3", "json", "verbose_json"),
        ("gpt-4o-transcribe", "text", "json"),
        ("gpt-4o-transcribe-diarize", "diarized_json", "diarized_json"),
        ("mine", "vtt", "verbose_json"),
        ("mine", "text", "json"),
    ],
)
def test_every_model_is_asked_so_that_it_counts(model: str, wanted: str, asked: str) -> None:
    assert family_of(model).asks.get(wanted, wanted) == asked


def sound(filename: str = "a.MP3", *, size_bytes: int = 5) -> Part:
    return Part(name="file", filename=filename, content_type="", start=0, end=size_bytes)


def found(*parts: Part, model: str = "whisper-1") -> Part:
    return sound_of(Form(body=b"", parts=parts), family_of(model))


def test_a_sound_is_found() -> None:
    assert found(sound()) == sound()
    assert extension_of(sound()) == "mp3"
    assert family_of("mine") is ANY
    assert found(sound("a.amr", size_bytes=MAX_FILE_BYTES + 1), model="mine").filename == "a.amr"


@pytest.mark.parametrize("parts", [(), (sound(), sound()), (sound(""),), (sound(size_bytes=0),), (sound("a.txt"),), (sound("mp3."),)])
def test_what_is_no_sound_is_refused(parts: tuple[Part, ...]) -> None:
    with pytest.raises(InvalidRequest) as error:
        found(*parts)
    assert error.value.param == "file"


def test_a_sound_beyond_the_bound_is_too_large() -> None:
    with pytest.raises(BodyTooLarge):
        found(sound(size_bytes=MAX_FILE_BYTES + 1))
