import base64
import json
from typing import Any

import pytest

from modelgate.sandbox.openai.speech import in_parts
from modelgate.sandbox.sound_files import read_sound
from modelgate.sandbox.sounds import duration_s, play
from modelgate.sandbox.voice import NoVoice

PATH = "/v1/audio/speech"
BODY = {"model": "gpt-4o-mini-tts", "input": "Hello there", "voice": "marin"}


@pytest.mark.parametrize(
    ("kind", "type"),
    [
        ("mp3", "audio/mpeg"),
        ("opus", "audio/opus"),
        ("aac", "audio/aac"),
        ("flac", "audio/flac"),
        ("wav", "audio/wav"),
        ("pcm", "audio/pcm"),
    ],
)
def test_each_format(openai_vendor: Any, kind: str, type: str) -> None:
    response = openai_vendor.post(PATH, **BODY, response_format=kind)
    assert response.headers["content-type"] == type
    if kind == "pcm":
        assert response.content == play("Hello there", voice="marin")
    else:
        assert read_sound(response.content, {"opus": "ogg"}.get(kind, kind)).text == "Hello there"
    ((*_, prompt_tokens, completion_tokens, finished, status),) = openai_vendor.counted()
    assert (prompt_tokens, finished, status) == (2, True, 200)
    assert completion_tokens > 10


def test_mp3_unless_told_otherwise_and_characters_of_old_models(openai_vendor: Any) -> None:
    response = openai_vendor.post(PATH, model="tts-1", input="Hello", voice="alloy", speed=4)
    assert response.headers["content-type"] == "audio/mpeg"
    assert openai_vendor.counted()[0][2:4] == (5, 0)


def test_events(openai_vendor: Any) -> None:
    response = openai_vendor.post(PATH, **BODY, response_format="pcm", stream_format="sse")
    events = [json.loads(event.removeprefix("data: ")) for event in response.text.strip().split("\n\n")]
    assert {event["type"] for event in events[:-1]} == {"speech.audio.delta"}
    assert b"".join(base64.b64decode(event["audio"]) for event in events[:-1]) == play("Hello there", voice="marin")
    assert events[-1]["type"] == "speech.audio.done"
    assert events[-1]["usage"]["total_tokens"] == events[-1]["usage"]["output_tokens"] + 2


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"input": None}, "input"),
        ({"input": ""}, "input"),
        ({"input": "x" * 4_097}, "input"),
        ({"instructions": "x" * 4_097}, "instructions"),
        ({"voice": None}, "voice"),
        ({"voice": "darth"}, "voice"),
        ({"voice": 5}, "voice"),
        ({"voice": {}}, "voice.id"),
        ({"model": "tts-1", "voice": "marin"}, "voice"),
        ({"model": "tts-1", "voice": "alloy", "instructions": "softly"}, "instructions"),
        ({"model": "tts-1", "voice": "alloy", "stream_format": "sse"}, "stream_format"),
        ({"response_format": "ogg"}, "response_format"),
        ({"stream_format": "chunks"}, "stream_format"),
        ({"speed": 0.2}, "speed"),
        ({"speed": 5}, "speed"),
        ({"model": None}, "model"),
    ],
)
def test_what_is_refused(openai_vendor: Any, fields: dict[str, Any], param: str) -> None:
    assert openai_vendor.error(PATH, **{**BODY, **fields})[:2] == (400, param)


def test_models_and_magic(openai_vendor: Any) -> None:
    assert openai_vendor.error(PATH, **{**BODY, "model": "gpt-4o"})[0] == 404
    assert openai_vendor.post(PATH, model="vendor/voice", input="Hi", voice={"id": "voice_1"}).status_code == 200
    assert openai_vendor.error(PATH, model="sandbox-error-500", input="Hi", voice="any")[0] == 500
    pinned = openai_vendor.post(PATH, **{**BODY, "input": "magic: tokens 7 90"}, stream_format="sse").text
    assert '"usage":{"input_tokens":7,"output_tokens":90,"total_tokens":97}' in pinned
    assert "usage" not in openai_vendor.post(PATH, **{**BODY, "input": "magic: no-usage"}, stream_format="sse").text
    broken = openai_vendor.post(PATH, **{**BODY, "input": "magic: error-in-stream"}, stream_format="sse").text
    assert '"error":{' in broken
    assert "speech.audio.done" not in broken


def test_speed(openai_vendor: Any) -> None:
    usual, quick = (openai_vendor.post(PATH, **BODY, response_format="pcm", speed=speed).content for speed in (1, 2))
    assert duration_s(quick) == pytest.approx(duration_s(usual) / 2, rel=0.05)


def test_where_there_is_no_voice_the_caller_is_told(openai_vendor: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("modelgate.sandbox.voice._run", _no_voice)
    response = openai_vendor.post(PATH, **BODY)
    assert response.status_code == 400
    assert response.json()["error"] == {"message": "no voice here", "type": "invalid_request_error", "param": None, "code": "no_voice"}


def _no_voice(*_: object) -> bytes:
    raise NoVoice("no voice here")


def test_a_sound_leaves_in_a_bounded_number_of_even_parts() -> None:
    parts = list(in_parts(bytes(9_999_998)))
    assert len(parts) <= 201
    assert all(len(part) % 2 == 0 for part in parts)
    assert sum(len(part) for part in parts) == 9_999_998
