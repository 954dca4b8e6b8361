"""The official OpenAI client through a running gateway: texts read aloud and sound written down, and what each costs."""

import asyncio
import base64
import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from tests.integration.gateway.conftest import Installation, record_of

TEXT = "The kite flies over the sea."
FORMATS = {"mp3": "audio/mpeg", "opus": "audio/opus", "aac": "audio/aac", "flac": "audio/flac", "wav": "audio/wav", "pcm": "audio/pcm"}


@pytest.fixture(scope="module")
def client(installation: Installation) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(api_key=installation.test_key, base_url=f"{installation.base_url}/v1", max_retries=0, timeout=60) as made:
        yield made


def speech_events(client: openai.OpenAI, **more: Any) -> tuple[list[dict[str, Any]], str]:
    """Ask for events; the official client has no reader of its own for them."""
    body = {"model": "gpt-4o-mini-tts", "input": TEXT, "voice": "coral", "stream_format": "sse", **more}
    response = client.audio.speech.with_raw_response.create(**body)
    assert response.headers["content-type"].startswith("text/event-stream")
    lines = response.content.decode().split("\n\n")
    return [json.loads(line.removeprefix("data: ")) for line in lines if line], response.headers["x-request-id"]


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize(("model", "nanos"), [("tts-1", 15_000), ("tts-1-hd", 30_000)])
def test_speech_paid_by_characters_in_every_format(
    client: openai.OpenAI, installation: Installation, kind: Any, model: str, nanos: int
) -> None:
    raw = client.audio.speech.with_raw_response.create(model=model, input=TEXT, voice="alloy", response_format=kind, speed=1.5)
    assert raw.headers["content-type"] == FORMATS[kind]
    assert len(raw.content) > 1_000
    record = record_of(installation, raw.headers["x-request-id"])
    assert (record["amount_nanos"], record["units"]) == (len(TEXT) * nanos, {"characters": len(TEXT)})
    assert not record["estimated"]


@pytest.mark.parametrize("kind", ["mp3", "wav", "pcm"])
def test_speech_paid_by_tokens_is_put_together_again(client: openai.OpenAI, installation: Installation, kind: Any) -> None:
    """The upstream is asked for events; the client gets the very bytes that a client of events gets."""
    raw = client.audio.speech.with_raw_response.create(
        model="gpt-4o-mini-tts", input=TEXT, voice="coral", response_format=kind, instructions="Cheerful."
    )
    assert raw.headers["content-type"] == FORMATS[kind]
    events, request_id = speech_events(client, response_format=kind, instructions="Cheerful.")
    assert raw.content == b"".join(base64.b64decode(event["audio"]) for event in events[:-1])
    usage = events[-1]["usage"]
    for each in (raw.headers["x-request-id"], request_id):
        record = record_of(installation, each)
        assert (record["input_tokens"], record["output_tokens"]) == (usage["input_tokens"], usage["output_tokens"])
        assert record["amount_nanos"] == usage["input_tokens"] * 600 + usage["output_tokens"] * 12_000
        assert record["units"] == {"output_audio_tokens": usage["output_tokens"]}


def test_speech_is_streamed_to_both_clients(client: openai.OpenAI, installation: Installation) -> None:
    with client.audio.speech.with_streaming_response.create(
        model="gpt-4o-mini-tts", input=TEXT * 20, voice="coral", response_format="wav"
    ) as response:
        pieces = list(response.iter_bytes(4_096))
    assert len(pieces) > 10

    async def speak() -> int:
        async with openai.AsyncOpenAI(api_key=installation.test_key, base_url=f"{installation.base_url}/v1", max_retries=0) as other:
            answer = await other.audio.speech.create(model="tts-1", input=TEXT * 20, voice="alloy", response_format="wav")
            return len(answer.content)

    assert asyncio.run(speak()) > 10_000


@pytest.mark.parametrize(
    ("more", "param"),
    [
        ({"input": "x" * 4_097}, "input"),
        ({"input": ""}, "input"),
        ({"instructions": "Cheerful."}, "instructions"),
        ({"stream_format": "sse"}, "stream_format"),
        ({"response_format": "ogg"}, "response_format"),
        ({"speed": 5}, "speed"),
        ({"voice": ""}, "voice"),
    ],
)
def test_what_the_model_does_not_say_is_a_bad_request(client: openai.OpenAI, more: dict[str, Any], param: str) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        client.audio.speech.create(**{"model": "tts-1", "input": TEXT, "voice": "alloy", **more})
    assert (refused.value.param or "").partition(".")[0] == param


def test_what_the_vendor_refuses_is_told_and_released(client: openai.OpenAI, installation: Installation) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        client.audio.speech.create(model="tts-1", input=TEXT, voice="cedar")
    assert refused.value.param == "voice"
    assert record_of(installation, refused.value.response.headers["x-request-id"])["amount_nanos"] == 0


@pytest.mark.parametrize("model", ["tts-1", "gpt-4o-mini-tts"])
@pytest.mark.parametrize("word", ["cut-stream", "error-in-stream"])
def test_a_file_that_breaks_off_breaks_off_for_the_client_too(client: openai.OpenAI, model: str, word: str) -> None:
    """A file has no place for an error: an orderly end would make half a sound look whole."""
    with pytest.raises(openai.APIConnectionError):
        client.audio.speech.create(model=model, input=f"{TEXT * 40}\nmagic: {word}", voice="alloy", response_format="wav")


def test_speech_without_usage_is_estimated(client: openai.OpenAI, installation: Installation) -> None:
    raw = client.audio.speech.with_raw_response.create(model="gpt-4o-mini-tts", input=f"{TEXT}\nmagic: no-usage", voice="coral")
    record = record_of(installation, raw.headers["x-request-id"])
    assert record["estimated"]
    assert record["amount_nanos"] > 0


def test_a_model_that_does_not_speak_is_not_found(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError):
        client.audio.speech.create(model="gpt-4o-mini", input=TEXT, voice="alloy")
