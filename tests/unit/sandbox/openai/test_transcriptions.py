import io
import json
import wave
from typing import Any

import pytest

from modelgate.sandbox.sound_files import write_sound
from modelgate.sandbox.sounds import play

TEXT = "Good morning. How are you?"
PATH = "/v1/audio/transcriptions"


def _post(vendor: Any, path: str = PATH, *, sound: bytes | None = None, name: str = "a.wav", **fields: Any) -> Any:
    data = write_sound(play(TEXT), "wav", text=TEXT) if sound is None else sound
    return vendor.client.post(path, data={"model": "whisper-1", **fields}, files={"file": (name, data)})


@pytest.mark.parametrize(("kind", "extension"), [("wav", "wav"), ("mp3", "mp3"), ("flac", "flac"), ("opus", "ogg")])
def test_what_was_said_is_heard(openai_vendor: Any, kind: str, extension: str) -> None:
    answer = _post(openai_vendor, sound=write_sound(play(TEXT), kind, text=TEXT), name=f"a.{extension}").json()
    assert (answer["text"], answer["usage"]["type"]) == (TEXT, "duration")
    seconds = answer["usage"]["seconds"]
    assert openai_vendor.counted() == [("req_9", "whisper-1", seconds, 0, True, 200)]


def test_others_are_described(openai_vendor: Any) -> None:
    """Speech among them that lost its metadata on the way, as PCM in a file of the caller's own has."""
    for pcm in (bytes(96_000), play(TEXT)):
        buffer = io.BytesIO()
        with wave.open(buffer, "wb") as file:
            file.setparams((1, 2, 24_000, 0, "NONE", ""))
            file.writeframes(pcm)
        answer = _post(openai_vendor, sound=buffer.getvalue()).json()
        assert answer["text"] == f"This is a recording in WAV format of {len(pcm) / 48_000:.1f} seconds."
        translated = _post(openai_vendor, "/v1/audio/translations", sound=buffer.getvalue()).json()
        assert translated["text"] == answer["text"]


@pytest.mark.parametrize("kind", ["text", "srt", "vtt"])
def test_plain_answers(openai_vendor: Any, kind: str) -> None:
    response = _post(openai_vendor, response_format=kind)
    assert response.headers["content-type"] == "text/plain; charset=utf-8"
    starts = {"text": TEXT + "\n", "srt": "1\n00:00:00,000 --> ", "vtt": "WEBVTT\n\n00:00:00.000 --> "}
    assert response.text.startswith(starts[kind])


def test_verbose_answers(openai_vendor: Any) -> None:
    fields = {"response_format": "verbose_json", "language": "de", "timestamp_granularities[]": ["word", "segment"]}
    answer = _post(openai_vendor, **fields).json()
    assert (answer["task"], answer["language"], answer["text"]) == ("transcribe", "german", TEXT)
    assert len(answer["words"]) == 5
    assert [segment["text"] for segment in answer["segments"]] == [" Good morning.", " How are you?"]
    assert answer["segments"][-1]["end"] == answer["duration"]
    plain = _post(openai_vendor, response_format="verbose_json").json()
    assert "words" not in plain
    assert plain["segments"]


def test_answers_with_tokens(openai_vendor: Any) -> None:
    answer = _post(openai_vendor, model="gpt-4o-transcribe", prompt="two words", **{"include[]": "logprobs"}).json()
    usage = answer["usage"]
    assert usage["type"] == "tokens"
    assert usage["input_token_details"]["text_tokens"] == 2
    assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"]
    assert "".join(each["token"] for each in answer["logprobs"]) == TEXT
    assert set(answer["logprobs"][0]) == {"token", "logprob", "bytes"}
    assert openai_vendor.counted()[0][2:4] == (usage["input_tokens"], usage["output_tokens"])


def test_speakers(openai_vendor: Any) -> None:
    answer = _post(openai_vendor, model="gpt-4o-transcribe-diarize", response_format="diarized_json").json()
    assert [(segment["speaker"], segment["text"]) for segment in answer["segments"]] == [("A", "Good morning."), ("B", "How are you?")]
    assert answer["usage"]["type"] == "tokens"


def _events(response: Any) -> list[dict[str, Any]]:
    return [json.loads(event.removeprefix("data: ")) for event in response.text.strip().split("\n\n")]


def test_streams(openai_vendor: Any) -> None:
    *deltas, done = _events(_post(openai_vendor, model="gpt-4o-mini-transcribe", stream="true"))
    assert "".join(delta["delta"] for delta in deltas) == done["text"] == TEXT
    assert (done["type"], done["usage"]["type"]) == ("transcript.text.done", "tokens")
    told_apart = _events(_post(openai_vendor, model="gpt-4o-transcribe-diarize", stream="true", response_format="diarized_json"))
    kinds = [event["type"] for event in told_apart]
    assert kinds.count("transcript.text.segment") == 2
    assert kinds.index("transcript.text.segment") > kinds.index("transcript.text.delta")
    assert told_apart[0]["segment_id"] == "seg_000"


def test_translations(openai_vendor: Any) -> None:
    assert _post(openai_vendor, "/v1/audio/translations").json() == {"text": f"(translated) {TEXT}"}
    verbose = _post(openai_vendor, "/v1/audio/translations", response_format="verbose_json").json()
    assert (verbose["task"], verbose["language"]) == ("translate", "english")


def test_magic(openai_vendor: Any) -> None:
    assert _post(openai_vendor, prompt="magic: error-429").status_code == 429
    pinned = _post(openai_vendor, model="gpt-4o-transcribe", prompt="magic: tokens 70 9").json()["usage"]
    assert (pinned["input_tokens"], pinned["output_tokens"]) == (70, 9)
    assert _post(openai_vendor, prompt="magic: tokens 70 9").json()["usage"] == {"type": "duration", "seconds": 70}
    assert "usage" not in _post(openai_vendor, prompt="magic: no-usage").json()
    assert _post(openai_vendor, prompt="magic: bad-usage").json()["usage"]["seconds"] < 0


def test_json_is_no_form(openai_vendor: Any) -> None:
    assert openai_vendor.post(PATH, model="whisper-1").status_code == 400
