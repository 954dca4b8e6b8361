import json
from typing import Any

import pytest

from modelgate.sandbox.tokens import Tokenizer

PATH = "/v1/completions"
MODEL = "gpt-3.5-turbo-instruct"


def test_a_prompt_is_continued(openai_vendor: Any) -> None:
    made = openai_vendor.post(PATH, model=MODEL, prompt="Say: good morning").json()
    assert (made["object"], made["created"], made["id"][:5]) == ("text_completion", 1_790_000_000, "cmpl-")
    assert made["choices"] == [{"text": "good morning", "index": 0, "logprobs": None, "finish_reason": "stop"}]
    assert made["usage"]["completion_tokens"] == 2
    assert openai_vendor.counted() == [("req_9", MODEL, made["usage"]["prompt_tokens"], 2, True, 200)]


def test_sixteen_tokens_unless_told_otherwise(openai_vendor: Any) -> None:
    made = openai_vendor.post(PATH, model=MODEL, prompt="Count to 100").json()
    assert (made["choices"][0]["finish_reason"], made["usage"]["completion_tokens"]) == ("length", 16)
    nothing = openai_vendor.post(PATH, model=MODEL, prompt="Count to 100", max_tokens=0, echo=True).json()
    assert (nothing["choices"][0]["text"], nothing["usage"]["completion_tokens"]) == ("Count to 100", 0)


def test_prompts_and_choices_are_numbered_through(openai_vendor: Any, tokenizer: Tokenizer) -> None:
    texts = openai_vendor.post(PATH, model=MODEL, prompt=["Say: a", "Say: b"], n=2).json()["choices"]
    assert [(choice["index"], choice["text"]) for choice in texts] == [(0, "a"), (1, "Choice 2: a"), (2, "b"), (3, "Choice 2: b")]
    one = openai_vendor.post(PATH, model=MODEL, prompt=tokenizer.encode("Say: c")).json()
    several = openai_vendor.post(PATH, model=MODEL, prompt=[tokenizer.encode("Say: d"), tokenizer.encode("Say: e")]).json()
    assert [choice["text"] for choice in one["choices"] + several["choices"]] == ["c", "d", "e"]


def test_the_best_of_several_is_paid_for_all(openai_vendor: Any) -> None:
    one = openai_vendor.post(PATH, model=MODEL, prompt="Say: a").json()
    best = openai_vendor.post(PATH, model=MODEL, prompt="Say: a", best_of=3).json()
    assert len(best["choices"]) == 1
    assert best["usage"]["completion_tokens"] > 3 * one["usage"]["completion_tokens"]


def test_echo_and_logprobs(openai_vendor: Any) -> None:
    choice = openai_vendor.post(PATH, model=MODEL, prompt="Say: hi there", echo=True, logprobs=2).json()["choices"][0]
    assert choice["text"] == "Say: hi therehi there"
    logprobs = choice["logprobs"]
    assert "".join(logprobs["tokens"]) == choice["text"]
    assert [
        choice["text"][start:][: len(token)] for start, token in zip(logprobs["text_offset"], logprobs["tokens"], strict=True)
    ] == logprobs["tokens"]
    assert (logprobs["token_logprobs"][0], logprobs["top_logprobs"][0]) == (None, None)
    assert all(value <= 0 for value in logprobs["token_logprobs"][1:])
    assert all(len(each) == 2 for each in logprobs["top_logprobs"][1:])
    assert openai_vendor.post(PATH, model=MODEL, prompt="Say: hi", logprobs=0).json()["choices"][0]["logprobs"]["top_logprobs"] is None


def test_stop_and_suffix(openai_vendor: Any) -> None:
    made = openai_vendor.post(PATH, model=MODEL, prompt="Count to 9", stop="4", suffix=" and done").json()
    assert made["choices"][0]["text"] == "1, 2, 3, "


def test_streams(openai_vendor: Any) -> None:
    text = openai_vendor.post(
        PATH, model=MODEL, prompt=["Say: a b c", "Say: d"], stream=True, logprobs=1, stream_options={"include_usage": True}
    ).text
    *events, done = text.strip().split("\n\n")
    assert done == "data: [DONE]"
    *chunks, last = [json.loads(event.removeprefix("data: ")) for event in events]
    assert {chunk["object"] for chunk in chunks} == {"text_completion"}
    assert [chunk["choices"][0]["index"] for chunk in chunks[:4]] == [0, 1, 0, 1]
    first = [chunk["choices"][0] for chunk in chunks if chunk["choices"][0]["index"] == 0]
    assert "".join(choice["text"] for choice in first) == "a b c"
    assert [choice["finish_reason"] for choice in first] == [None, None, None, "stop"]
    assert [choice["logprobs"]["text_offset"] for choice in first[:3]] == [[0], [1], [3]]
    assert all(chunk["usage"] is None for chunk in chunks)
    assert (last["choices"], last["usage"]["completion_tokens"]) == ([], 4)


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"prompt": {}}, "prompt"),
        ({"prompt": []}, "prompt"),
        ({"prompt": ["a", 1]}, "prompt"),
        ({"prompt": [[]]}, "prompt"),
        ({"prompt": [-1]}, "prompt"),
        ({"max_tokens": -1}, "max_tokens"),
        ({"n": 0}, "n"),
        ({"n": 3, "best_of": 2}, "best_of"),
        ({"best_of": 21}, "best_of"),
        ({"best_of": 2, "stream": True}, "best_of"),
        ({"logprobs": 6}, "logprobs"),
        ({"logprobs": True}, "logprobs"),
        ({"echo": 1}, "echo"),
        ({"stop": ["a"] * 5}, "stop"),
        ({"stream_options": {}}, "stream_options"),
        ({"temperature": 3}, "temperature"),
        ({"model": "davinci-002", "suffix": "x"}, "suffix"),
        ({"prompt": ["a"] * 100, "n": 100}, "n"),
    ],
)
def test_what_is_refused(openai_vendor: Any, fields: dict[str, Any], param: str) -> None:
    assert openai_vendor.error(PATH, **{"model": MODEL, "prompt": "a", **fields})[:2] == (400, param)


def test_chat_models_are_at_the_wrong_place(openai_vendor: Any) -> None:
    assert openai_vendor.error(PATH, model="gpt-4o", prompt="a") == (404, "model", None)


def test_magic(openai_vendor: Any) -> None:
    assert openai_vendor.error(PATH, model=MODEL, prompt=["a", "magic: error-500"])[0] == 500
    pinned = openai_vendor.post(PATH, model=MODEL, prompt="magic: tokens 40 3").json()
    assert (pinned["choices"][0]["text"], pinned["usage"]["total_tokens"]) == ("ok ok ok", 43)
    assert "usage" not in openai_vendor.post(PATH, model="sandbox-no-usage").json()
    streamed = openai_vendor.post(PATH, model="sandbox-no-usage", stream=True, stream_options={"include_usage": True}).text
    assert '"usage":{' not in streamed
    assert streamed.endswith("[DONE]\n\n")
