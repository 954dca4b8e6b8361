from typing import Any

import pytest

from modelgate.sandbox.forms import Upload
from modelgate.sandbox.openai.errors import Refused
from modelgate.sandbox.openai.transcription_checks import MAX_FILE_BYTES, family_of, read_transcription, read_translation
from modelgate.sandbox.sound_files import write_sound
from modelgate.sandbox.sounds import play

WAV = write_sound(play("Hello there"), "wav", text="Hello there")


def _upload(name: str = "a.wav", data: bytes = WAV) -> Upload:
    return Upload(filename=name, content_type="application/octet-stream", data=data)


def _form(**fields: Any) -> dict[str, Any]:
    form = {"model": "whisper-1", "file": _upload(), **fields}
    return {name: value for name, value in form.items() if value is not None}


def test_what_is_read() -> None:
    ask = read_transcription(
        _form(response_format="verbose_json", temperature="0.5", language="de", timestamp_granularities=["word"], stream="true", prompt="p")
    )
    assert (ask.format, ask.temperature, ask.language, ask.granularities, ask.prompt) == ("verbose_json", 0.5, "de", ("word",), "p")
    assert not ask.stream  # whisper ignores it
    assert ask.sound.text == "Hello there"
    streamed = read_transcription(_form(model="gpt-4o-transcribe", stream="true", include=["logprobs"]))
    assert (streamed.stream, streamed.logprobs) == (True, True)
    assert read_translation(_form(response_format="srt")).translates


def test_families() -> None:
    assert [family_of(model) for model in ("whisper-1", "gpt-4o-mini-transcribe", "gpt-4o-transcribe-diarize", "vendor/ear")] == [
        "whisper",
        "gpt",
        "diarize",
        "imitator",
    ]


@pytest.mark.parametrize(
    ("fields", "param", "status"),
    [
        ({"file": None}, "file", 400),
        ({"file": "text"}, "file", 400),
        ({"file": _upload("a.txt")}, "file", 400),
        ({"file": _upload("wav")}, "file", 200),
        ({"file": _upload("a")}, "file", 400),
        ({"file": _upload("a.mp3", b"no sound")}, "file", 400),
        ({"file": _upload("a.wav", WAV[:1_000])}, "file", 400),
        ({"file": _upload("a.wav", bytes(MAX_FILE_BYTES + 1))}, None, 413),
        ({"model": None}, "model", 400),
        ({"model": "gpt-4o"}, "model", 404),
        ({"response_format": "xml"}, "response_format", 400),
        ({"response_format": "diarized_json"}, "response_format", 400),
        ({"model": "gpt-4o-transcribe", "response_format": "srt"}, "response_format", 400),
        ({"temperature": "hot"}, "temperature", 400),
        ({"temperature": "2"}, "temperature", 400),
        ({"language": "German"}, "language", 400),
        ({"timestamp_granularities": ["word"]}, "timestamp_granularities", 400),
        ({"timestamp_granularities": ["letter"], "response_format": "verbose_json"}, "timestamp_granularities[]", 400),
        ({"include": ["logprobs"]}, "include", 400),
        ({"include": ["everything"]}, "include[]", 400),
        ({"stream": "yes"}, "stream", 400),
        ({"chunking_strategy": "some"}, "chunking_strategy", 400),
        ({"languages": ["de"]}, "languages", 400),
        ({"model": "gpt-4o-transcribe-diarize", "prompt": "p"}, "prompt", 400),
        ({"model": "gpt-4o-transcribe-diarize", "known_speaker_names": ["a"]}, "known_speaker_names", 400),
        ({"unheard": "1"}, "unheard", 400),
    ],
)
def test_what_is_refused(fields: dict[str, Any], param: str | None, status: int) -> None:
    if status == 200:
        read_transcription(_form(**fields))
        return
    with pytest.raises(Refused) as caught:
        read_transcription(_form(**fields))
    assert (caught.value.status, caught.value.param) == (status, param)


def test_what_speakers_need() -> None:
    model = "gpt-4o-transcribe-diarize"
    known = {"known_speaker_names": ["Ann"], "known_speaker_references": ["data:audio/wav;base64,AAAA"]}
    assert read_transcription(_form(model=model, response_format="diarized_json", **known)).speakers == ("Ann",)
    long = play("word " * 200)
    file = _upload(data=write_sound(long, "wav", text=""))
    with pytest.raises(Refused) as caught:
        read_transcription(_form(model=model, file=file))
    assert caught.value.param == "chunking_strategy"
    read_transcription(_form(model=model, file=file, chunking_strategy='{"type":"server_vad"}'))
    read_transcription(_form(model=model, file=file, chunking_strategy="auto"))
    read_transcription(
        _form(**{"model": model, "file": file, "chunking_strategy[type]": "server_vad", "chunking_strategy[threshold]": "0.5"})
    )


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"language": "de"}, "language"),
        ({"model": "gpt-4o-transcribe"}, "model"),
        ({"response_format": "diarized_json"}, "response_format"),
    ],
)
def test_translations_that_are_refused(fields: dict[str, Any], param: str) -> None:
    with pytest.raises(Refused) as caught:
        read_translation(_form(**fields))
    assert caught.value.param == param
