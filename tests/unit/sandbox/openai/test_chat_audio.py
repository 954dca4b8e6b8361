import base64
import io
import json
import threading
import wave
from typing import Any

import pytest

from modelgate.sandbox import voice
from modelgate.sandbox.openai.chat_audio import SpokenMemory, speak_answer
from modelgate.sandbox.openai.errors import Refused
from modelgate.sandbox.sound_files import read_sound, write_sound
from modelgate.sandbox.sounds import play

PATH = "/v1/chat/completions"
MODEL = "gpt-4o-audio-preview"
SPEAK = {"modalities": ["text", "audio"], "audio": {"voice": "alloy", "format": "wav"}}


def _recording(text: str, kind: str = "wav") -> dict[str, Any]:
    data = base64.b64encode(write_sound(play(text), kind, text=text)).decode()
    return {"type": "input_audio", "input_audio": {"data": data, "format": kind}}


def _foreign(pcm: bytes) -> dict[str, Any]:
    """A recording as others make it."""
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setparams((1, 2, 24_000, 0, "NONE", ""))
        file.writeframes(pcm)
    return {"type": "input_audio", "input_audio": {"data": base64.b64encode(buffer.getvalue()).decode(), "format": "wav"}}


def _user(*content: Any) -> list[dict[str, Any]]:
    return [{"role": "user", "content": list(content) if isinstance(content[0], dict) else content[0]}]


def test_a_spoken_answer(openai_vendor: Any) -> None:
    made = openai_vendor.post(PATH, model=MODEL, messages=_user("Say: good morning"), **SPEAK).json()
    message = made["choices"][0]["message"]
    audio = message["audio"]
    assert (message["content"], audio["transcript"], audio["expires_at"]) == (None, "good morning", 1_790_003_600)
    assert read_sound(base64.b64decode(audio["data"]), "wav").text == "good morning"
    details = made["usage"]["completion_tokens_details"]
    assert details["audio_tokens"] > 10
    assert details["text_tokens"] == 2
    assert made["usage"]["completion_tokens"] == details["audio_tokens"] + 2
    assert openai_vendor.counted()[0][3] == made["usage"]["completion_tokens"]


@pytest.mark.parametrize("stream", [True, False])
def test_speaking_holds_up_nobody(openai_vendor: Any, monkeypatch: pytest.MonkeyPatch, stream: bool) -> None:
    """It takes a process and its time, so it is not done on the event loop."""
    threads: list[str] = []
    monkeypatch.setattr(voice, "_run", lambda *_: threads.append(threading.current_thread().name) or bytes(44_100))
    body = {**SPEAK, "audio": {"voice": "alloy", "format": "pcm16"}, "stream": stream}
    assert openai_vendor.post(PATH, model=MODEL, messages=_user("Say: good morning"), **body).status_code == 200
    (name,) = threads
    assert name.startswith("asyncio_")


def test_a_later_turn_refers_to_it(openai_vendor: Any) -> None:
    messages = _user("Say: good morning")
    name = openai_vendor.post(PATH, model=MODEL, messages=messages, **SPEAK).json()["choices"][0]["message"]["audio"]["id"]
    messages += [{"role": "assistant", "audio": {"id": name}}, *_user("Say: bye")]
    assert openai_vendor.post(PATH, model=MODEL, messages=messages, **SPEAK).status_code == 200
    openai_vendor.now += 3_600
    assert openai_vendor.error(PATH, model=MODEL, messages=messages, **SPEAK) == (404, "messages[1].audio.id", None)
    messages[1]["audio"] = {"id": 5}
    assert openai_vendor.error(PATH, model=MODEL, messages=messages, **SPEAK)[1] == "messages[1].audio.id"


def test_a_spoken_stream(openai_vendor: Any) -> None:
    body = {**SPEAK, "audio": {"voice": "alloy", "format": "pcm16"}, "stream": True, "stream_options": {"include_usage": True}}
    text = openai_vendor.post(PATH, model=MODEL, messages=_user("Say: good morning"), **body).text
    *events, done = text.strip().split("\n\n")
    assert done == "data: [DONE]"
    *chunks, last = [json.loads(event.removeprefix("data: ")) for event in events]
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks]
    sounds = [delta["audio"] for delta in deltas if delta.get("audio")]
    assert deltas[0] == {"role": "assistant", "refusal": None}
    assert "".join(sound.get("transcript", "") for sound in sounds) == "good morning"
    assert b"".join(base64.b64decode(sound.get("data", "")) for sound in sounds) == play("good morning", voice="alloy")
    assert [sorted(sound) for sound in sounds[:2]] == [["id", "transcript"], ["transcript"]]
    first_sound = next(delta for delta in deltas if "data" in delta.get("audio", {}))
    assert (first_sound["role"], first_sound["content"], first_sound["audio"]["id"]) == ("assistant", None, sounds[0]["id"])
    assert sounds[-1] == {"expires_at": 1_790_003_600}
    assert chunks[-1]["choices"][0]["finish_reason"] == "stop"
    assert last["usage"]["completion_tokens_details"]["audio_tokens"] > 0


@pytest.mark.parametrize("kind", ["wav", "mp3"])
def test_recordings_are_heard(openai_vendor: Any, kind: str) -> None:
    made = openai_vendor.post(
        PATH, model=MODEL, messages=_user({"type": "text", "text": "What is this?"}, _recording("Hello", kind))
    ).json()
    assert made["choices"][0]["message"]["content"] == "Recording 1 says: “Hello”"
    details = made["usage"]["prompt_tokens_details"]
    assert details["audio_tokens"] > 0
    assert details["audio_tokens"] + details["text_tokens"] == made["usage"]["prompt_tokens"]
    alone = openai_vendor.post(PATH, model=MODEL, messages=_user(_recording("Say: yes", kind))).json()
    assert alone["choices"][0]["message"]["content"] == "yes"
    silence = _foreign(bytes(96_000))
    other = openai_vendor.post(PATH, model=MODEL, messages=_user(silence)).json()
    assert other["choices"][0]["message"]["content"] == "Recording 1: This is a recording in WAV format of 2.0 seconds."


def test_speech_put_together_from_a_stream_is_a_recording_like_any_other(openai_vendor: Any) -> None:
    """PCM carries no metadata, so a file made of it says nothing of what is said."""
    pcm = play("Say: yes")
    made = openai_vendor.post(PATH, model=MODEL, messages=_user(_foreign(pcm))).json()
    seconds = len(pcm) / 48_000
    assert made["choices"][0]["message"]["content"] == f"Recording 1: This is a recording in WAV format of {seconds:.1f} seconds."


def test_tools_are_called_in_silence(openai_vendor: Any) -> None:
    tools = [{"type": "function", "function": {"name": "get_weather"}}]
    made = openai_vendor.post(PATH, model=MODEL, messages=_user("Weather?"), tools=tools, **SPEAK).json()
    assert "audio" not in made["choices"][0]["message"]
    assert made["choices"][0]["finish_reason"] == "tool_calls"


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"modalities": ["video"]}, "modalities[0]"),
        ({"modalities": "audio"}, "modalities"),
        ({"model": "gpt-4o"}, "modalities"),
        ({"audio": None}, "audio"),
        ({"audio": {"format": "wav"}}, "audio.voice"),
        ({"audio": {"voice": "alloy"}}, "audio.format"),
        ({"audio": {"voice": "alloy", "format": "ogg"}}, "audio.format"),
        ({"audio": {"voice": "darth", "format": "wav"}}, "audio.voice"),
        ({"stream": True}, "audio.format"),
        ({"n": 2}, "n"),
        ({"modalities": ["text"]}, "model"),
        ({"messages": _user({"type": "input_audio", "input_audio": {"data": "!", "format": "wav"}})}, "messages"),
        ({"messages": _user({"type": "input_audio", "input_audio": {"data": "AAAA", "format": "mp3"}})}, "messages"),
    ],
)
def test_what_is_refused(openai_vendor: Any, fields: dict[str, Any], param: str) -> None:
    body = {"model": MODEL, "messages": _user("Hi"), **SPEAK, **fields}
    assert openai_vendor.error(PATH, **body)[:2] == (400, param)


def test_pinned_output_is_all_sound(openai_vendor: Any) -> None:
    usage = openai_vendor.post(PATH, model=MODEL, messages=_user("magic: tokens 50 70"), **SPEAK).json()["usage"]
    assert (usage["completion_tokens"], usage["completion_tokens_details"]["audio_tokens"]) == (70, 70)


def test_the_memory_is_bounded() -> None:
    memory = SpokenMemory(limit=1)
    spoken = [speak_answer("Hello", audio={"voice": "alloy", "format": "wav"}, now=0) for _ in range(2)]
    for each in spoken:
        memory.keep(each)
    messages = [[{"role": "assistant", "audio": {"id": each.id}}] for each in spoken]
    assert memory.recalled(messages[1], now=1)[0]["content"] == "Hello"
    with pytest.raises(Refused):
        memory.recalled(messages[0], now=1)
