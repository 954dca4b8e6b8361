import json

import pytest

from modelgate.core.http import HeaderBlock, HttpRequest
from modelgate.core.usage import Usage
from modelgate.formats.chat.request import Image, Refusal, Text, Thinking
from modelgate.formats.chat.response import ChatResponse, Choice
from modelgate.formats.chat.wire_format import AnswerHead, UnreadableAnswer
from modelgate.formats.openai_completions.request import peek_request
from modelgate.formats.openai_completions.response import decode_response, encode_response, said_finish

PEEK = peek_request(HttpRequest(method="POST", path="", headers=HeaderBlock(), body=b'{"model":"m","prompt":"Once"}'))
HEAD = AnswerHead(model="m", created=1, request_id="req_7")


def test_an_answer_is_its_words() -> None:
    parts = (Thinking(text="Hm."), Text(text="upon "), Refusal(text="no "), Image(url="https://example.com/a.png"))
    answer = ChatResponse(
        id="x", model="y", choices=(Choice(index=0, parts=parts, finish="stop"),), usage=Usage(input_tokens=3, output_tokens=4)
    )
    body = json.loads(encode_response(answer, PEEK, HEAD))
    assert body["usage"]["total_tokens"] == 7
    del body["usage"]
    choice = {"text": "upon no ![image](https://example.com/a.png)", "index": 0, "logprobs": None, "finish_reason": "stop"}
    assert body == {"id": "cmpl-7", "object": "text_completion", "created": 1, "model": "m", "choices": [choice]}


def test_an_answer_reads_as_it_was_written() -> None:
    choices = tuple(Choice(index=index, parts=(Text(text="upon"),), finish="length") for index in range(2))
    answer = ChatResponse(id="cmpl-7", model="m", choices=choices, usage=Usage(input_tokens=3, output_tokens=4))
    assert decode_response(encode_response(answer, PEEK, HEAD)) == answer


def test_ends_of_other_dialects_are_stops() -> None:
    assert [said_finish(finish) for finish in ("tool_calls", "pause", "stop_sequence", "content_filter")] == [
        "stop",
        "stop",
        "stop",
        "content_filter",
    ]


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"choices":[]}', b'{"choices":7}', b"\xff"])
def test_what_is_no_completion_is_unreadable(body: bytes) -> None:
    with pytest.raises(UnreadableAnswer):
        decode_response(body)


def test_counts_that_cannot_be_are_refused() -> None:
    assert decode_response(b'{"choices":[{"text":"a"}],"usage":{"prompt_tokens":-1}}').usage_refused
