import json

import pytest

from modelgate.core.http import HeaderBlock, HttpRequest
from modelgate.core.usage import Usage
from modelgate.formats.chat.events import (
    ChoiceEnd,
    RefusalDelta,
    ResponseEnd,
    ResponseFailed,
    ResponseStart,
    StreamEvent,
    TextDelta,
    ThinkingDelta,
    UsageReport,
)
from modelgate.formats.chat.vendor_error import VendorError
from modelgate.formats.chat.wire_format import AnswerHead
from modelgate.formats.openai_completions.request import peek_request
from modelgate.formats.openai_completions.stream import CompletionsDecoder, make_encoder

HEAD = AnswerHead(model="m", created=1, request_id="req_7")
USAGE = Usage(input_tokens=3, output_tokens=4)
EVENTS: list[StreamEvent] = [
    ResponseStart(id="cmpl-7", model="m"),
    TextDelta(text="Grü"),
    TextDelta(text="zwei", choice=1),
    TextDelta(text="ße"),
    ChoiceEnd(finish="stop"),
    ChoiceEnd(finish="length", choice=1),
    UsageReport(usage=USAGE),
    ResponseEnd(),
]


def written(events: list[StreamEvent], *, usage_asked: bool = True) -> bytes:
    options = b',"stream_options":{"include_usage":true}' if usage_asked else b""
    peek = peek_request(HttpRequest(method="POST", path="", headers=HeaderBlock(), body=b'{"model":"m","stream":true%b}' % options))
    encoder = make_encoder(peek, HEAD)
    return b"".join(encoder.encode(event) for event in events)


def read(data: bytes, *, size: int = 10_000) -> list[StreamEvent]:
    decoder = CompletionsDecoder()
    found = [event for at in range(0, len(data), size) for event in decoder.feed(data[at : at + size])]
    return found + decoder.finish()


@pytest.mark.parametrize("size", [1, 2, 3, 7, 10_000])
def test_a_stream_reads_as_it_was_written_however_it_is_cut(size: int) -> None:
    assert read(written(EVENTS), size=size) == EVENTS


def test_the_official_shape() -> None:
    first, *_, last, done, rest = written(EVENTS).split(b"\n\n")
    assert json.loads(first.removeprefix(b"data: ")) == {
        "id": "cmpl-7",
        "object": "text_completion",
        "created": 1,
        "model": "m",
        "choices": [{"text": "Grü", "index": 0, "logprobs": None, "finish_reason": None}],
        "usage": None,
    }
    assert json.loads(last.removeprefix(b"data: "))["choices"] == []
    assert (done, rest) == (b"data: [DONE]", b"")


def test_usage_is_told_only_when_it_was_asked_for() -> None:
    assert b"usage" not in written(EVENTS, usage_asked=False)
    assert written([ChoiceEnd(finish="stop"), ResponseEnd()]).endswith(b"\n\ndata: [DONE]\n\n")


def test_thoughts_have_no_place_and_refusals_are_words() -> None:
    assert written([ResponseStart(), ThinkingDelta(text="Hm.")]) == b""
    assert b'"No."' in written([RefusalDelta(text="No.")])


def test_an_error_ends_it() -> None:
    data = b'data: {"error":{"message":"It broke.","code":"server_error"}}\n\ndata: {"choices":[{"text":"late"}]}\n\n'
    assert read(data) == [ResponseFailed(error=VendorError(status=502, message="It broke.", code="server_error"))]


@pytest.mark.parametrize("data", [b"data: x\n\n", b'data: {"choices":7}\n\n', b": ping\n\n", b"data: [\n\n"])
def test_what_cannot_be_read_is_passed_over(data: bytes) -> None:
    assert read(data) == []


def test_a_stream_without_its_last_word_has_no_end() -> None:
    assert read(b'data: {"choices":[{"text":"a","index":0}]}') == [ResponseStart(), TextDelta(text="a")]
