from typing import Any

import pytest
from tests.unit.formats.openai_transcriptions.conftest import SOUND, Ask

from modelgate.core.errors import InvalidRequest
from modelgate.core.http import HeaderBlock, HttpRequest
from modelgate.core.providers import NO_QUIRKS, Quirks
from modelgate.core.usage import Usage
from modelgate.formats.chat.wire_format import UpstreamAsk
from modelgate.formats.multipart import parse_form
from modelgate.formats.openai_chat.request import say
from modelgate.formats.openai_transcriptions.single import FORMAT


def parts_of(ask: UpstreamAsk) -> list[tuple[str, str | None, bytes]]:
    again = HttpRequest(method="POST", path="", headers=HeaderBlock(b"content-type: %b\r\n" % ask.content_type), body=ask.body)
    form = parse_form(again, say=say)
    return sorted((each.name, each.filename, form.bytes_of(each)) for each in form.parts)


@pytest.mark.parametrize("fields", [{"model": "whisper-1"}, {"model": "gpt-4o-transcribe", "response_format": "json", "stream": "true"}])
def test_a_form_passes_as_it_is_where_the_upstream_counts(ask: Ask, fields: dict[str, Any]) -> None:
    request = ask(**fields)
    peek = FORMAT.peek(request)
    passed = FORMAT.pass_request(request, peek, fields["model"], NO_QUIRKS)
    assert passed.body is request.body
    assert (passed.path, passed.content_type) == ("/audio/transcriptions", request.headers.get(b"content-type"))
    assert peek.stream == ("stream" in fields)


def test_a_form_is_written_anew_for_another_model_or_format(ask: Ask) -> None:
    request = ask(model="mine", response_format="srt", language="en", **{"known[]": ["a", "b"]})
    passed = FORMAT.pass_request(request, FORMAT.peek(request), "whisper-1", Quirks(paths={"openai_transcriptions": "/d/{model}/hear"}))
    assert passed.path == "/d/whisper-1/hear"
    assert parts_of(passed) == [
        ("file", "kite.mp3", SOUND[1]),
        ("known[]", None, b"a"),
        ("known[]", None, b"b"),
        ("language", None, b"en"),
        ("model", None, b"whisper-1"),
        ("response_format", None, b"verbose_json"),
    ]
    same_model = ask(model="gpt-4o-transcribe", response_format="text")
    passed = FORMAT.pass_request(same_model, FORMAT.peek(same_model), "gpt-4o-transcribe", NO_QUIRKS)
    assert ("response_format", None, b"json") in parts_of(passed)


def test_lists_come_in_two_spellings(ask: Ask) -> None:
    for name in ("timestamp_granularities", "timestamp_granularities[]"):
        peek = FORMAT.peek(ask(model="whisper-1", response_format="verbose_json", **{name: ["word", "segment"]}))
        assert peek.facts.fields.timestamp_granularities == ["word", "segment"]


def test_whisper_does_not_stream(ask: Ask) -> None:
    assert FORMAT.peek(ask(model="whisper-1", stream="true")).stream is False


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({}, "model"),
        ({"model": ""}, "model"),
        ({"model": "m", "response_format": "xml"}, "response_format"),
        ({"model": "m", "temperature": "1.1"}, "temperature"),
        ({"model": "m", "temperature": "nan"}, "temperature"),
        ({"model": "m", "stream": "yes"}, "stream"),
        ({"model": "m", "include[]": ["words"]}, "include[0]"),
        ({"model": "m", "known_speaker_names[]": ["a"] * 5}, "known_speaker_names"),
        ({"model": ["m", "n"]}, "model"),
    ],
)
def test_what_cannot_be_heard_is_refused_by_name(ask: Ask, fields: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        FORMAT.peek(ask(**fields))
    assert refused.value.param == param


def test_a_sound_is_needed_in_a_form(ask: Ask) -> None:
    for request in (ask(("other", SOUND), model="m"), HttpRequest(method="POST", path="", headers=HeaderBlock(), body=b"{}")):
        with pytest.raises(InvalidRequest):
            FORMAT.peek(request)


@pytest.mark.parametrize("size", [1, 9, 1_000])
def test_events_pass_and_the_last_one_counts(ask: Ask, size: int) -> None:
    data = b'data: {"type":"transcript.text.delta","delta":"a"}\n\n'
    data += b'data: {"type":"transcript.text.done","text":"a","usage":{"type":"tokens","input_tokens":3,"output_tokens":1}}\n\n'
    assert FORMAT.make_tap is not None
    relay = FORMAT.make_tap(b"text/event-stream", FORMAT.peek(ask(model="gpt-4o-transcribe", stream="true"))).relay
    passed = b"".join(relay.feed(data[at : at + size]) for at in range(0, len(data), size))
    assert passed + relay.final == data
    assert (relay.is_complete(), relay.usage) == (True, Usage(input_tokens=3, output_tokens=1))


def test_answers_pass(ask: Ask) -> None:
    answer = FORMAT.pass_response(b"application/json", b'{"text":"a"}', FORMAT.peek(ask(model="whisper-1")), True)
    assert answer.body == b'{"text":"a"}'
