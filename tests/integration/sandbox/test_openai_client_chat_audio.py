"""The official OpenAI client talks with the sandbox, in sound, and with an imitator that thinks aloud."""

import base64
from typing import Any

import openai
import pytest

MODEL = "gpt-4o-audio-preview"


def test_speaking_and_hearing(client: openai.OpenAI) -> None:
    messages: list[Any] = [{"role": "user", "content": "Say: good morning"}]
    done = client.chat.completions.create(
        model=MODEL, messages=messages, modalities=["text", "audio"], audio={"voice": "alloy", "format": "mp3"}
    )
    audio = done.choices[0].message.audio
    assert audio is not None
    assert audio.transcript == "good morning"
    recording = {"type": "input_audio", "input_audio": {"data": audio.data, "format": "mp3"}}
    messages += [{"role": "assistant", "audio": {"id": audio.id}}, {"role": "user", "content": [recording]}]
    heard = client.chat.completions.create(model=MODEL, messages=messages)
    assert "good morning" in (heard.choices[0].message.content or "")
    assert heard.usage is not None
    assert heard.usage.prompt_tokens_details is not None
    assert heard.usage.prompt_tokens_details.audio_tokens


@pytest.mark.anyio
async def test_spoken_stream(async_client: openai.AsyncOpenAI) -> None:
    stream = await async_client.chat.completions.create(
        model=MODEL,
        messages=[{"role": "user", "content": "Say: good morning"}],
        modalities=["text", "audio"],
        audio={"voice": "alloy", "format": "pcm16"},
        stream=True,
    )
    sounds: list[Any] = [chunk.model_dump(exclude_unset=True)["choices"][0]["delta"].get("audio") or {} async for chunk in stream]
    assert "".join(sound.get("transcript", "") for sound in sounds) == "good morning"
    assert len(b"".join(base64.b64decode(sound.get("data", "")) for sound in sounds)) > 24_000


def test_thinking_aloud(client: openai.OpenAI) -> None:
    done = client.chat.completions.create(model="deepseek-reasoner", messages=[{"role": "user", "content": "Say: yes"}])
    assert "Say: yes" in done.choices[0].message.reasoning_content  # type: ignore[attr-defined]
