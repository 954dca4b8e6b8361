import json

import pytest

from modelgate.core.errors import InvalidRequest
from modelgate.core.http import HeaderBlock, HttpRequest
from modelgate.core.providers import NO_QUIRKS, Quirks
from modelgate.core.usage import Usage
from modelgate.formats.chat.wire_format import UnreadableAnswer
from modelgate.formats.openai_completions.passage import make_tap, pass_request, pass_response
from modelgate.formats.openai_completions.request import peek_request


class NoIds:
    def seal(self, vendor_id: str) -> str:
        raise InvalidRequest(vendor_id)

    def open(self, our_id: str) -> str:
        raise InvalidRequest(our_id)


def asked(body: bytes) -> HttpRequest:
    return HttpRequest(method="POST", path="/v1/completions", headers=HeaderBlock(), body=body)


PLAIN = b'{"prompt":["a", "b"],"model":"m","echo":true}'
STREAMED = b'{"model":"m","prompt":"a","stream":true}'


def passed(body: bytes, model: str, quirks: Quirks = NO_QUIRKS) -> bytes:
    ask = pass_request(asked(body), peek_request(asked(body)), model, quirks, NoIds())
    assert ask.path == "/completions"
    return bytes(ask.body)


def test_only_the_model_changes_and_a_stream_asks_for_usage() -> None:
    assert passed(PLAIN, "m") == PLAIN
    assert passed(PLAIN, "up") == PLAIN.replace(b'"m"', b'"up"')
    assert json.loads(passed(STREAMED, "m"))["stream_options"] == {"include_usage": True}
    assert passed(STREAMED, "m", Quirks(has_stream_options=False)) == STREAMED


def test_an_answer_is_counted_and_renamed() -> None:
    body = b'{"id":"cmpl-1","model":"up","choices":[{"text":"b","index":0}],"usage":{"prompt_tokens":1,"completion_tokens":2}}'
    found = pass_response(body, peek_request(asked(PLAIN)), True, NoIds())
    assert (bytes(found.body), found.usage) == (body.replace(b'"up"', b'"m"'), Usage(input_tokens=1, output_tokens=2))
    assert pass_response(body, peek_request(asked(PLAIN)), False, NoIds()).body == body


@pytest.mark.parametrize("body", [b"", b"{}", b'{"choices":[]}'])
def test_what_is_no_completion_is_unreadable(body: bytes) -> None:
    with pytest.raises(UnreadableAnswer):
        pass_response(body, peek_request(asked(PLAIN)), False, NoIds())


WORDS = b'data: {"model":"up","choices":[{"text":"b","index":0,"finish_reason":null}],"usage":null}\n\n' * 2
END = b'data: {"model":"up","choices":[{"text":"","index":0,"finish_reason":"stop"}],"usage":null}\n\n'
COUNT = b'data: {"model":"up","choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2}}\n\n'


@pytest.mark.parametrize("size", [1, 5, 10_000])
def test_a_stream_passes_without_the_count_nobody_asked_for(size: int) -> None:
    tap = make_tap(peek_request(asked(STREAMED)), True, NoIds())
    data = WORDS + END + COUNT + b"data: [DONE]\n\n"
    out = b"".join(tap.feed(data[at : at + size]) for at in range(0, len(data), size)) + tap.finish()
    assert out == (WORDS + END).replace(b'"up"', b'"m"')
    assert (tap.usage, tap.text, tap.final, tap.is_complete()) == (Usage(input_tokens=1, output_tokens=2), "bb", b"data: [DONE]\n\n", True)
