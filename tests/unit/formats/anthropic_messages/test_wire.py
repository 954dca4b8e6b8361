"""The dialect as a whole: what is in the files of testdata, there and back."""

import json
from typing import Any

import pytest

from modelgate.core.providers import NO_QUIRKS
from modelgate.formats.anthropic_messages.wire import WIRE_FORMAT
from modelgate.formats.chat.wire_format import load_wire_formats

from .conftest import HEAD, asked, cases, neutral, plain

PEEK = WIRE_FORMAT.peek(asked({"model": "my-claude", "max_tokens": 1, "messages": [1]}))


def test_the_dialect_is_found() -> None:
    assert load_wire_formats()["anthropic_messages"] is WIRE_FORMAT
    assert WIRE_FORMAT.stream_type(PEEK).startswith(b"text/event-stream")
    assert WIRE_FORMAT.keep_alive.startswith(b"event: ping\n")


@pytest.mark.parametrize("case", cases("decode_request"))
def test_a_request_in_neutral_words(case: Any) -> None:
    request = asked(case["given"])
    assert plain(WIRE_FORMAT.decode_request(request, WIRE_FORMAT.peek(request))) == case["wanted"]


@pytest.mark.parametrize("case", cases("encode_request"))
def test_a_neutral_request_for_an_upstream(case: Any) -> None:
    ask = WIRE_FORMAT.encode_request(neutral(case["given"]["request"]), case["given"]["model"], NO_QUIRKS)
    assert (json.loads(ask.body), list(ask.ignored)) == (case["wanted"]["body"], case["wanted"]["ignored"])
    assert (ask.path, ask.lines) == ("/v1/messages", b"anthropic-version: 2023-06-01\r\n")


@pytest.mark.parametrize("case", cases("decode_response"))
def test_an_answer_in_neutral_words(case: Any) -> None:
    assert plain(WIRE_FORMAT.decode_response(json.dumps(case["given"]).encode())) == case["wanted"]


@pytest.mark.parametrize("case", cases("encode_response"))
def test_a_neutral_answer_for_a_client(case: Any) -> None:
    assert json.loads(WIRE_FORMAT.encode_response(neutral(case["given"]), PEEK, HEAD)) == case["wanted"]


@pytest.mark.parametrize("case", cases("decode_stream"))
def test_a_stream_in_neutral_events_however_it_is_cut(case: Any) -> None:
    stream = case["given"].encode()
    for size in (len(stream) or 1, 1, 7):
        decoder = WIRE_FORMAT.make_decoder()
        events = [event for at in range(0, len(stream), size) for event in decoder.feed(stream[at : at + size])]
        assert plain(events + decoder.finish()) == case["wanted"]


@pytest.mark.parametrize("case", cases("decode_stream"))
def test_a_stream_split_at_every_byte(case: Any) -> None:
    stream = case["given"].encode()
    for at in range(len(stream)):
        decoder = WIRE_FORMAT.make_decoder()
        assert plain(decoder.feed(stream[:at]) + decoder.feed(stream[at:]) + decoder.finish()) == case["wanted"]


@pytest.mark.parametrize("case", cases("encode_stream"))
def test_neutral_events_for_a_client(case: Any) -> None:
    encoder = WIRE_FORMAT.make_encoder(PEEK, HEAD)
    written = b"".join(encoder.encode(event) for event in neutral(case["given"])).decode()
    assert written == "".join(f"{event}\n\n" for event in case["wanted"])


@pytest.mark.parametrize("case", cases("decode_error"))
def test_an_error_in_neutral_words(case: Any) -> None:
    body = case["given"]["body"]
    found = WIRE_FORMAT.decode_error(case["given"]["status"], (body if isinstance(body, str) else json.dumps(body)).encode())
    assert plain(found) == case["wanted"]
