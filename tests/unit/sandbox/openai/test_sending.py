import json
from typing import Any

import pytest

from modelgate.sandbox.openai.sending import event

BODY = {"model": "sandbox-error-in-stream", "messages": [{"role": "user", "content": "Count to 9"}]}


def test_events_are_one_line_and_may_have_a_name() -> None:
    assert event({"a": "é"}) == 'data: {"a":"é"}\n\n'.encode()
    assert event({}, name="x.y") == b"event: x.y\ndata: {}\n\n"


def test_an_error_in_the_middle_of_a_stream(openai_vendor: Any) -> None:
    events = openai_vendor.post("/v1/chat/completions", **BODY, stream=True).text.split("\n\n")
    assert len(events) > 5
    assert events[-1] == ""
    assert json.loads(events[-2].removeprefix("data: "))["error"]["type"] == "server_error"
    ((*_, completion_tokens, finished, status),) = openai_vendor.counted()
    assert (completion_tokens > 0, finished, status) == (True, False, 200)


def test_without_a_stream_it_is_the_whole_answer(openai_vendor: Any) -> None:
    assert openai_vendor.post("/v1/chat/completions", **BODY).status_code == 500
    assert openai_vendor.counted() == [("req_9", "sandbox-error-in-stream", 0, 0, False, 500)]


@pytest.mark.parametrize("stream", [False, True])
def test_malformed_answers_are_whole_but_not_json(openai_vendor: Any, stream: bool) -> None:
    text = openai_vendor.post("/v1/chat/completions", **{**BODY, "model": "sandbox-malformed-chunk"}, stream=stream).text
    parts = [part.removeprefix("data: ") for part in text.split("\n\n") if part and part != "data: [DONE]"]
    broken = 0
    for part in parts:
        try:
            json.loads(part)
        except ValueError:
            broken += 1
    assert broken == 1
