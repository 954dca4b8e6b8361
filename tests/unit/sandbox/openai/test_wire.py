import json
from typing import Any

import pytest

from modelgate.sandbox.openai.answers import Answerer
from modelgate.sandbox.openai.request import read_chat
from modelgate.sandbox.openai.sending import DONE
from modelgate.sandbox.openai.wire import MAX_PIECES, Head, answered_model, render_chunks, render_completion
from modelgate.sandbox.tokens import Tokenizer

HEAD = Head(id="chatcmpl-x", created=5, model="m")


def _chunks(tokenizer: Tokenizer, text: str, **fields: Any) -> list[dict[str, Any]]:
    ask = read_chat({"model": "gpt-4o", "messages": [{"role": "user", "content": text}], "stream": True, **fields})
    events = render_chunks(Answerer(tokenizer).answer(ask), ask=ask, head=HEAD, tokenizer=tokenizer)
    assert events[-1] is DONE
    assert all(event.startswith(b"data: {") and event.endswith(b"}\n\n") and event.count(b"\n") == 2 for event in events[:-1])
    return [json.loads(event[6:]) for event in events[:-1]]


def test_a_stream_as_the_contract_shows_it(tokenizer: Tokenizer) -> None:
    chunks = _chunks(tokenizer, "Say: Hello there")
    assert [chunk["choices"][0] for chunk in chunks] == [
        {"index": 0, "delta": {"role": "assistant", "content": "", "refusal": None}, "logprobs": None, "finish_reason": None},
        {"index": 0, "delta": {"content": "Hello"}, "logprobs": None, "finish_reason": None},
        {"index": 0, "delta": {"content": " there"}, "logprobs": None, "finish_reason": None},
        {"index": 0, "delta": {}, "logprobs": None, "finish_reason": "stop"},
    ]
    assert {(chunk["id"], chunk["object"], chunk["created"], chunk["model"]) for chunk in chunks} == {
        ("chatcmpl-x", "chat.completion.chunk", 5, "m")
    }
    assert not any("usage" in chunk for chunk in chunks)


def test_usage_comes_last_and_is_null_before(tokenizer: Tokenizer) -> None:
    *before, last = _chunks(tokenizer, "Say: Hello", stream_options={"include_usage": True})
    assert all(chunk["usage"] is None for chunk in before)
    assert (last["choices"], last["usage"]["completion_tokens"]) == ([], 1)


def test_choices_take_turns(tokenizer: Tokenizer) -> None:
    chunks = _chunks(tokenizer, "Say: a b c", n=2)
    assert [chunk["choices"][0]["index"] for chunk in chunks[:6]] == [0, 1, 0, 1, 0, 1]
    assert [chunk["choices"][0]["finish_reason"] for chunk in chunks].count("stop") == 2


def test_long_texts_come_in_a_bounded_number_of_pieces(tokenizer: Tokenizer) -> None:
    chunks = _chunks(tokenizer, "Count to 1000")
    assert MAX_PIECES // 2 < len(chunks) <= MAX_PIECES + 2
    assert "".join(chunk["choices"][0]["delta"].get("content", "") for chunk in chunks).endswith(", 1000")


def test_arguments_come_in_fragments(tokenizer: Tokenizer) -> None:
    tool = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {"a": {"type": "string"}}}}}
    deltas = [chunk["choices"][0]["delta"] for chunk in _chunks(tokenizer, "go", tools=[tool])]
    first = deltas[0]["tool_calls"][0]
    assert (deltas[0]["role"], deltas[0]["content"], first["function"]) == ("assistant", None, {"name": "f", "arguments": ""})
    rest = [call for delta in deltas[1:] for call in delta.get("tool_calls", [])]
    assert len(rest) > 1
    assert all(set(call) == {"index", "function"} for call in rest)
    assert json.loads("".join(call["function"]["arguments"] for call in rest)) == {"a": "go"}


def test_obfuscation_only_when_asked(tokenizer: Tokenizer) -> None:
    assert "obfuscation" not in _chunks(tokenizer, "Hi")[0]
    assert _chunks(tokenizer, "Hi", stream_options={"include_obfuscation": True})[0]["obfuscation"]


def test_a_whole_answer(tokenizer: Tokenizer) -> None:
    ask = read_chat({"model": "gpt-4o", "messages": [{"role": "user", "content": "Say: né"}], "logprobs": True, "top_logprobs": 3})
    body = json.loads(render_completion(Answerer(tokenizer).answer(ask), ask=ask, head=HEAD, tokenizer=tokenizer))
    assert body["service_tier"] == "default"
    assert {chunk["service_tier"] for chunk in _chunks(tokenizer, "Hi", service_tier="fast")} == {"priority"}
    assert body["choices"][0]["message"] == {"role": "assistant", "content": "né", "refusal": None, "annotations": []}
    (token,) = body["choices"][0]["logprobs"]["content"]
    assert (token["token"], bytes(token["bytes"]), len(token["top_logprobs"])) == ("né", "né".encode(), 3)
    assert token["logprob"] <= 0
    assert body["usage"]["total_tokens"] == body["usage"]["prompt_tokens"] + body["usage"]["completion_tokens"]


@pytest.mark.parametrize(
    ("model", "answered"),
    [
        ("gpt-4o", "gpt-4o-2026-01-15"),
        ("gpt-4o-2024-08-06", "gpt-4o-2024-08-06"),
        ("sandbox-chat", "sandbox-chat"),
        ("openai/gpt-4o", "openai/gpt-4o"),
    ],
)
def test_the_snapshot_answers(model: str, answered: str) -> None:
    assert answered_model(model) == answered
