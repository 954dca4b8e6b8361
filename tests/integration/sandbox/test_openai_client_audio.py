"""The official OpenAI client has texts read aloud and recordings written down by the sandbox."""

import io
import wave
from pathlib import Path

import openai
import pytest

TEXT = "Good morning. How are you?"


@pytest.mark.parametrize(("kind", "extension"), [("mp3", "mp3"), ("wav", "wav"), ("flac", "flac"), ("opus", "ogg")])
def test_there_and_back(client: openai.OpenAI, kind: str, extension: str) -> None:
    spoken = client.audio.speech.create(model="gpt-4o-mini-tts", voice="coral", input=TEXT, response_format=kind)  # type: ignore[arg-type]
    heard = client.audio.transcriptions.create(model="gpt-4o-transcribe", file=(f"a.{extension}", spoken.content))
    assert heard.text == TEXT
    assert heard.usage is not None
    assert heard.usage.type == "tokens"


def test_speech_arrives_in_pieces(client: openai.OpenAI, tmp_path: Path) -> None:
    with client.audio.speech.with_streaming_response.create(model="tts-1", voice="alloy", input=TEXT * 20) as response:
        response.stream_to_file(tmp_path / "a.mp3")
    verbose = client.audio.transcriptions.create(
        model="whisper-1", file=tmp_path / "a.mp3", response_format="verbose_json", timestamp_granularities=["word"]
    )
    assert verbose.text == TEXT * 20
    assert verbose.words
    assert verbose.segments is None


def test_pcm_in_a_wav_of_the_callers_own(client: openai.OpenAI) -> None:
    """PCM has no room for metadata: what is said in it is not known again, only how long it is."""
    spoken = client.audio.speech.create(model="gpt-4o-mini-tts", voice="coral", input=TEXT, response_format="pcm")
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setparams((1, 2, 24_000, 0, "NONE", ""))
        file.writeframes(spoken.content)
    heard = client.audio.transcriptions.create(model="whisper-1", file=("a.wav", buffer.getvalue()), response_format="text")
    assert heard == f"This is a recording in WAV format of {len(spoken.content) / 48_000:.1f} seconds.\n"


@pytest.mark.anyio
async def test_streams_and_speakers(async_client: openai.AsyncOpenAI) -> None:
    spoken = await async_client.audio.speech.create(model="gpt-4o-mini-tts", voice="coral", input=TEXT)
    stream = await async_client.audio.transcriptions.create(model="gpt-4o-transcribe", file=("a.mp3", spoken.content), stream=True)
    events = [event async for event in stream]
    assert events[-1].type == "transcript.text.done"
    assert events[-1].text == TEXT
    apart = await async_client.audio.transcriptions.create(
        model="gpt-4o-transcribe-diarize", file=("a.mp3", spoken.content), response_format="diarized_json", chunking_strategy="auto"
    )
    assert [segment.speaker for segment in apart.segments] == ["A", "B"]
    with pytest.warns(DeprecationWarning, match="deprecated"):
        translated = await async_client.audio.translations.create(model="whisper-1", file=("a.mp3", spoken.content))
    assert translated.text == f"(translated) {TEXT}"


def test_errors(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as no_sound:
        client.audio.transcriptions.create(model="whisper-1", file=("a.mp3", b"no sound"))
    assert no_sound.value.param == "file"
    with pytest.raises(openai.RateLimitError):
        client.audio.speech.create(model="sandbox-error-429", voice="alloy", input="Hi")
    with pytest.raises(openai.BadRequestError):
        client.audio.speech.create(model="tts-1", voice="nobody", input="Hi")
    with pytest.raises(openai.APIConnectionError):
        client.audio.speech.create(model="sandbox-cut-stream", voice="alloy", input="Hello there " * 50)
