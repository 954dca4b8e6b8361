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


def test_a_model_that_does_not_speak_is_told_so(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="has no operation 'speech'"):
        client.audio.speech.create(model="gpt-4o-mini", input=TEXT, voice="alloy")


@pytest.fixture(scope="module")
def sound(client: openai.OpenAI) -> bytes:
    """A sound whose words the sandbox knows again."""
    said = "The kite flies. It is red. " * 3
    return client.audio.speech.create(model="tts-1", input=said.strip(), voice="alloy", response_format="wav").content


def hear(client: openai.OpenAI, sound: bytes, **more: Any) -> Any:
    return client.audio.transcriptions.with_raw_response.create(file=("kite.wav", sound), **more)


def test_whisper_is_paid_by_the_second_in_every_format(client: openai.OpenAI, installation: Installation, sound: bytes) -> None:
    """The formats without usage are rendered here; they are what the vendor itself would have sent."""
    verbose = hear(client, sound, model="whisper-1", response_format="verbose_json", timestamp_granularities=["word", "segment"])
    long = verbose.parse()
    assert (len(long.segments), long.words[0].word) == (6, "The")
    seconds = long.usage.seconds
    told = {}
    for kind in ("json", "text", "srt", "vtt"):
        raw = hear(client, sound, model="whisper-1", response_format=kind)
        told[kind] = raw.parse()
        assert raw.headers["content-type"] == ("application/json" if kind == "json" else "text/plain; charset=utf-8")
        record = record_of(installation, raw.headers["x-request-id"])
        assert (record["amount_nanos"], record["units"]) == (round(seconds * 100_000), {"milliseconds": round(seconds * 1_000)})
        assert not record["estimated"]
    assert told["json"].text == long.text
    assert told["text"] == long.text + "\n"
    assert told["srt"].startswith("1\n00:00:00,000 --> 00:00:")
    assert told["srt"].count("-->") == 6
    assert told["vtt"].startswith("WEBVTT\n\n00:00:00.000 --> 00:00:")
    assert "It is red.\n\n" in told["vtt"]


@pytest.mark.parametrize("kind", ["json", "text", openai.NOT_GIVEN])
def test_transcribers_are_paid_by_tokens(client: openai.OpenAI, installation: Installation, sound: bytes, kind: Any) -> None:
    raw = hear(client, sound, model="gpt-4o-transcribe", response_format=kind, prompt="Kites.", language="en")
    usage = hear(client, sound, model="gpt-4o-transcribe", prompt="Kites.").parse().usage
    record = record_of(installation, raw.headers["x-request-id"])
    heard, said = usage.input_token_details.audio_tokens, usage.input_token_details.text_tokens
    assert record["amount_nanos"] == (heard + said) * 2_500 + usage.output_tokens * 10_000
    assert record["units"] == {"input_audio_tokens": heard}
    text = raw.parse() if kind == "text" else raw.parse().text
    assert text.startswith("The kite flies.")


def test_a_transcription_is_streamed_to_both_clients(client: openai.OpenAI, installation: Installation, sound: bytes) -> None:
    raw = hear(client, sound, model="gpt-4o-mini-transcribe", stream=True, include=["logprobs"])
    events = list(raw.parse())
    assert events[-1].type == "transcript.text.done"
    assert "".join(event.delta for event in events[:-1]) == events[-1].text
    usage = events[-1].usage
    record = record_of(installation, raw.headers["x-request-id"])
    assert record["stream"]
    assert record["amount_nanos"] == usage.input_tokens * 1_250 + usage.output_tokens * 5_000

    async def listen() -> list[Any]:
        async with openai.AsyncOpenAI(api_key=installation.test_key, base_url=f"{installation.base_url}/v1", max_retries=0) as other:
            stream = await other.audio.transcriptions.create(file=("kite.wav", sound), model="gpt-4o-transcribe", stream=True)
            return [event async for event in stream]

    assert asyncio.run(listen())[-1].text == events[-1].text


@pytest.mark.parametrize("strategy", ["auto", {"type": "server_vad", "threshold": 0.5}])
def test_sound_is_cut_as_wanted(client: openai.OpenAI, sound: bytes, strategy: Any) -> None:
    """The official client sends the parts of a strategy as fields of their own."""
    answer = hear(client, sound, model="gpt-4o-transcribe", response_format="text", chunking_strategy=strategy).parse()
    assert answer.startswith("The kite flies.")


def test_speakers_are_told_apart(client: openai.OpenAI, installation: Installation, sound: bytes) -> None:
    reference = "data:audio/wav;base64," + base64.b64encode(sound).decode()
    raw = hear(
        client,
        sound,
        model="gpt-4o-transcribe-diarize",
        response_format="diarized_json",
        chunking_strategy="auto",
        known_speaker_names=["anna", "ben"],
        known_speaker_references=[reference, reference],
    )
    answer = raw.parse()
    assert {segment.speaker for segment in answer.segments} == {"anna", "ben"}
    assert record_of(installation, raw.headers["x-request-id"])["input_tokens"] == answer.usage.input_tokens


@pytest.mark.filterwarnings("ignore:deprecated:DeprecationWarning")
@pytest.mark.parametrize("kind", ["json", "text", "srt", "verbose_json", "vtt"])
def test_translations_are_paid_by_the_second(client: openai.OpenAI, installation: Installation, sound: bytes, kind: Any) -> None:
    raw = client.audio.translations.with_raw_response.create(file=("kite.wav", sound), model="whisper-1", response_format=kind)
    answer: Any = raw.parse()
    text = answer if isinstance(answer, str) else answer.text
    assert "(translated) The kite flies." in text
    if kind == "json":
        assert set(json.loads(raw.content)) == {"text", "usage"}
    record = record_of(installation, raw.headers["x-request-id"])
    milliseconds = record["units"]["milliseconds"]
    assert (record["amount_nanos"], record["estimated"]) == (milliseconds * 100, False)
    assert milliseconds >= 5_000


@pytest.mark.parametrize(
    ("more", "param"),
    [
        ({"model": "gpt-4o-transcribe", "response_format": "srt"}, "response_format"),
        ({"model": "whisper-1", "include": ["logprobs"]}, "include"),
        ({"model": "whisper-1", "timestamp_granularities": ["word"]}, "timestamp_granularities"),
        ({"model": "whisper-1", "temperature": 2}, "temperature"),
        ({"model": "gpt-4o-transcribe-diarize", "prompt": "Kites."}, "prompt"),
        ({"model": "gpt-4o-transcribe", "keywords": ["kite"]}, "keywords"),
        ({"model": "whisper-1", "file": ("kite.txt", b"text")}, "file"),
        ({"model": "whisper-1", "file": ("kite.wav", b"")}, "file"),
    ],
)
def test_what_the_model_does_not_hear_is_a_bad_request(client: openai.OpenAI, sound: bytes, more: dict[str, Any], param: str) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        client.audio.transcriptions.create(**{"file": ("kite.wav", sound), **more})
    assert refused.value.param == param


def test_a_file_that_is_no_sound_is_refused_in_the_vendors_words(client: openai.OpenAI, installation: Installation) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        hear(client, b"no sound", model="whisper-1", response_format="srt")
    assert "corrupted" in str(refused.value)
    assert record_of(installation, refused.value.response.headers["x-request-id"])["amount_nanos"] == 0


def test_a_file_too_large_to_be_heard_is_refused(client: openai.OpenAI) -> None:
    with pytest.raises(openai.APIStatusError) as refused:
        hear(client, bytes(25 * 1024 * 1024 + 1), model="whisper-1")
    assert (refused.value.status_code, refused.value.param) == (413, "file")


@pytest.mark.parametrize(("model", "kind"), [("whisper-1", "json"), ("gpt-4o-transcribe", "text")])
def test_sound_without_usage_is_estimated(client: openai.OpenAI, installation: Installation, sound: bytes, model: str, kind: Any) -> None:
    raw = hear(client, sound, model=model, prompt="magic: no-usage", response_format=kind)
    record = record_of(installation, raw.headers["x-request-id"])
    assert record["estimated"]
    assert record["amount_nanos"] > 0


@pytest.mark.filterwarnings("ignore:deprecated:DeprecationWarning")
def test_a_model_that_does_not_translate_is_told_so(client: openai.OpenAI, sound: bytes) -> None:
    with pytest.raises(openai.BadRequestError, match="has no operation 'translations'"):
        client.audio.translations.create(file=("kite.wav", sound), model="gpt-4o-transcribe")
