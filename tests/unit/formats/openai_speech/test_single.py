import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelgate.core.errors import InvalidRequest
from modelgate.core.http import HeaderBlock, HttpRequest
from modelgate.core.providers import NO_QUIRKS
from modelgate.core.usage import Usage
from modelgate.formats.chat.wire_format import UnreadableAnswer
from modelgate.formats.openai_speech.single import FORMAT
from modelgate.formats.single.event_relay import EventRelay
from modelgate.formats.single.file_relay import EventFileRelay, FileRelay
from modelgate.formats.single.single_format import SinglePeek, Streamed

EVENTS = b"text/event-stream"


def asked(**body: Any) -> HttpRequest:
    raw = json.dumps({"model": "tts-1", "input": "hello", "voice": "alloy", **body}).encode()
    return HttpRequest(method="POST", path="/v1/audio/speech", headers=HeaderBlock(), body=raw)


def tap(peek: SinglePeek, content_type: bytes) -> Streamed:
    assert FORMAT.make_tap is not None
    return FORMAT.make_tap(content_type, peek)


def test_a_model_paid_by_characters_passes_as_it_is() -> None:
    request = asked(voice={"id": "voice_1"}, stream_format="audio", response_format="pcm", speed=0.25, extra=1)
    peek = FORMAT.peek(request)
    assert (peek.most, peek.stream, peek.passes_bytes) == (Usage(characters=5), False, True)
    ask = FORMAT.pass_request(request, peek, "tts-1", NO_QUIRKS)
    assert (ask.path, ask.body) == ("/audio/speech", request.body)
    streamed = tap(peek, b"audio/x-raw")
    assert isinstance(streamed.relay, FileRelay)
    assert (streamed.content_type, streamed.is_file, streamed.relay.usage) == (b"audio/x-raw", True, Usage(characters=5))
    assert tap(peek, b"application/octet-stream").content_type == b"audio/pcm"


@pytest.mark.parametrize("stream_format", [None, "audio"])
@pytest.mark.parametrize("model", ["gpt-4o-mini-tts", "mine"])
def test_a_model_paid_by_tokens_is_asked_for_events(model: str, stream_format: str | None) -> None:
    request = asked(model=model, instructions="Loud.", stream_format=stream_format)
    peek = FORMAT.peek(request)
    body = json.loads(FORMAT.pass_request(request, peek, "gpt-4o-mini-tts", NO_QUIRKS).body)
    assert (body["model"], body["stream_format"]) == ("gpt-4o-mini-tts", "sse")
    streamed = tap(peek, EVENTS)
    assert isinstance(streamed.relay, EventFileRelay)
    assert (streamed.content_type, streamed.is_file) == (b"audio/mpeg", True)
    sound = streamed.relay.feed(b'data: {"type":"speech.audio.delta","audio":"AAEC"}\n\n')
    streamed.relay.feed(b'data: {"type":"speech.audio.done","usage":{"input_tokens":3,"output_tokens":9}}\n\n')
    assert (sound, streamed.relay.final) == (b"\0\1", b"\2")
    assert streamed.relay.usage is not None
    assert (streamed.relay.usage.output_tokens, streamed.relay.usage.characters) == (9, 0 if model != "mine" else 5)


def test_whoever_asks_for_events_gets_them() -> None:
    request = asked(model="gpt-4o-mini-tts", stream_format="sse")
    peek = FORMAT.peek(request)
    assert (peek.stream, peek.passes_bytes) == (True, False)
    assert FORMAT.pass_request(request, peek, "gpt-4o-mini-tts", NO_QUIRKS).body == request.body
    streamed = tap(peek, EVENTS)
    assert isinstance(streamed.relay, EventRelay)
    assert (streamed.content_type, streamed.is_file) == (b"text/event-stream; charset=utf-8", False)


def test_an_imitator_takes_what_it_takes() -> None:
    request = asked(model="mine", input="x" * 10_000, response_format="ulaw", stream_format="sse", instructions="Loud.")
    peek = FORMAT.peek(request)
    assert FORMAT.pass_request(request, peek, "mine", NO_QUIRKS).body == request.body
    assert tap(FORMAT.peek(asked(model="mine", response_format="ulaw")), b"").content_type == b"application/octet-stream"


@pytest.mark.parametrize(
    ("body", "param", "code"),
    [
        ({"input": "x" * 4_097}, "input", "string_above_max_length"),
        ({"input": ""}, "input", "invalid_value"),
        ({"input": None}, "input", "invalid_type"),
        ({"voice": ""}, "voice", "invalid_value"),
        ({"voice": {}}, "voice.id", "missing_required_parameter"),
        ({"speed": 0.2}, "speed", "invalid_value"),
        ({"speed": 4.1}, "speed", "invalid_value"),
        ({"response_format": "ogg"}, "response_format", "invalid_value"),
        ({"stream_format": "sse"}, "stream_format", "unsupported_parameter"),
        ({"instructions": "Loud."}, "instructions", "unsupported_parameter"),
        ({"model": "gpt-4o-mini-tts", "instructions": "x" * 4_097}, "instructions", "string_above_max_length"),
    ],
)
def test_what_cannot_be_said_is_refused_by_name(body: dict[str, Any], param: str, code: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        FORMAT.peek(asked(**body))
    assert (refused.value.param, refused.value.code) == (param, code)


def test_a_field_said_twice_is_refused() -> None:
    with pytest.raises(InvalidRequest) as refused:
        FORMAT.peek(HttpRequest(method="POST", path="", headers=HeaderBlock(), body=b'{"model":"m","input":"a","input":"b","voice":"v"}'))
    assert refused.value.param == "input"


def test_json_is_no_sound() -> None:
    with pytest.raises(UnreadableAnswer):
        FORMAT.pass_response(b"application/json", b"{}", FORMAT.peek(asked()), False)


@given(
    st.binary(max_size=100)
    | st.dictionaries(st.sampled_from(["model", "input", "voice", "speed"]), st.none() | st.text()).map(
        lambda value: json.dumps(value).encode()
    )
)
def test_no_body_breaks_it(body: bytes) -> None:
    with contextlib.suppress(InvalidRequest):
        FORMAT.peek(HttpRequest(method="POST", path="", headers=HeaderBlock(), body=body))
