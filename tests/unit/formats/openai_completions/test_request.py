import json
from typing import Any

import pytest

from modelgate.core.errors import InvalidRequest
from modelgate.core.http import HeaderBlock, HttpRequest
from modelgate.core.providers import NO_QUIRKS, Quirks
from modelgate.formats.chat.request import ChatRequest, Message, OutputFormat, Text, Thinking
from modelgate.formats.openai_completions.request import decode_request, encode_request, peek_request


def asked(body: Any) -> HttpRequest:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return HttpRequest(method="POST", path="/v1/completions", headers=HeaderBlock(), body=data)


def decoded(**body: Any) -> ChatRequest:
    request = asked({"model": "m", "prompt": "Once", **body})
    return decode_request(request, peek_request(request))


@pytest.mark.parametrize(
    ("body", "n", "limit"),
    [
        ({"prompt": "a"}, 1, 16),
        ({}, 1, 16),
        ({"prompt": ["a", "b"], "n": 3, "max_tokens": 7}, 6, 7),
        ({"prompt": [1, 2, 3]}, 1, 16),
        ({"prompt": [[1], [2, 3]], "best_of": 4, "max_tokens": 0}, 8, 0),
    ],
)
def test_every_text_that_is_made_counts(body: Any, n: int, limit: int) -> None:
    found = peek_request(asked({"model": "m", **body}))
    assert (found.n, found.output_limit, found.images, found.needs_hub, found.state) == (n, limit, 0, False, "")


@pytest.mark.parametrize(
    ("body", "param", "code"),
    [
        (b"{", None, "invalid_json"),
        ({}, "model", "missing_required_parameter"),
        ({"model": "m", "prompt": []}, "prompt", "invalid_value"),
        ({"model": "m", "prompt": 7}, "prompt", "invalid_type"),
        ({"model": "m", "prompt": [{}]}, "prompt[0]", "invalid_type"),
        ({"model": "m", "prompt": ["a"] * 2049}, "prompt", "invalid_value"),
        ({"model": "m", "max_tokens": -1}, "max_tokens", "invalid_value"),
        ({"model": "m", "n": 0}, "n", "invalid_value"),
        ({"model": "m", "best_of": 21}, "best_of", "invalid_value"),
        ({"model": "m", "stream_options": {}}, "stream_options", "invalid_value"),
        (b'{"model":"m","model":"n"}', "model", "invalid_value"),
        (b'{"model":"m","prompt":"a","best_of":1,"best_of":9}', "best_of", "invalid_value"),
    ],
)
def test_a_bad_request_names_the_field_and_the_rule(body: Any, param: str | None, code: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        peek_request(asked(body))
    assert (caught.value.param, caught.value.code) == (param, code)


def test_one_text_is_a_conversation_of_one_turn() -> None:
    found = decoded(
        prompt=["Once"], n=2, stop="END", temperature=0.5, seed=7, user="u", logit_bias={"1": 2}, stream=True, max_tokens=9, top_k=3
    )
    assert found == ChatRequest(
        model="m",
        messages=(Message(role="user", parts=(Text(text="Once"),)),),
        stream=True,
        max_output_tokens=9,
        n=2,
        stop=("END",),
        temperature=0.5,
        seed=7,
        user="u",
        logit_bias={"1": 2},
        ignored=("top_k",),
    )
    assert decoded(best_of=1, echo=False, suffix=None).max_output_tokens == 16


@pytest.mark.parametrize(
    ("body", "param", "code"),
    [
        ({"prompt": ["a", "b"]}, "prompt", "unsupported_parameter"),
        ({"prompt": [1, 2]}, "prompt", "unsupported_parameter"),
        ({"prompt": [[1, 2]]}, "prompt", "unsupported_parameter"),
        ({"prompt": None}, "prompt", "missing_required_parameter"),
        ({"prompt": ""}, "prompt", "missing_required_parameter"),
        ({"echo": True}, "echo", "unsupported_parameter"),
        ({"suffix": "x"}, "suffix", "unsupported_parameter"),
        ({"best_of": 2}, "best_of", "unsupported_parameter"),
        ({"logprobs": 0}, "logprobs", "unsupported_parameter"),
        ({"stop": [1]}, "stop[0]", "invalid_type"),
    ],
)
def test_what_cannot_be_translated_is_refused(body: Any, param: str, code: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        decoded(**body)
    assert (caught.value.param, caught.value.code) == (param, code)


@pytest.mark.parametrize("more", [{}, {"stream": True, "stop": ["a", "b"]}, {"n": 2, "temperature": 1.0, "user": "u"}])
def test_a_request_reads_as_it_was_written(more: Any) -> None:
    neutral = decoded(**more)
    again = asked(bytes(encode_request(neutral, "m", NO_QUIRKS).body))
    assert decode_request(again, peek_request(again)) == neutral


def test_ways_of_a_vendor() -> None:
    quirks = Quirks(paths={"openai_completions": "/v2/{model}"}, query="a=1", has_stream_options=False)
    ask = encode_request(decoded(stream=True), "a/b", quirks)
    assert (ask.path, b"stream_options" in ask.body) == ("/v2/a%2Fb?a=1", False)


ONE = Message(role="user", parts=(Text(text="Once"),))


@pytest.mark.parametrize(
    ("request_", "param"),
    [
        (ChatRequest(model="m", messages=(ONE, ONE)), "messages"),
        (ChatRequest(model="m", messages=(Message(role="user", parts=(Thinking(text="x"),)),)), "messages"),
        (ChatRequest(model="m", messages=(ONE,), output=OutputFormat(kind="json")), "output"),
        (ChatRequest(model="m", messages=(ONE,), top_k=3), "top_k"),
    ],
)
def test_what_is_no_single_text_is_refused(request_: ChatRequest, param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        encode_request(request_, "m", NO_QUIRKS)
    assert caught.value.param == param


def test_hints_are_left_out_and_named() -> None:
    ask = encode_request(ChatRequest(model="m", messages=(ONE,), system=(Text(text="Be kind."),), metadata={"a": "b"}), "m", NO_QUIRKS)
    assert (ask.ignored, json.loads(ask.body)["prompt"]) == (("metadata",), "Be kind.\n\nOnce")


@pytest.mark.parametrize(
    ("prompt", "what"),
    [
        (b"[" + b"[1]," * 100_000 + b"[1]]", "2048 prompts"),
        (b"[ " + b'"a",' * 100_000 + b'"a"]', "2048 prompts"),
        (b"[" + b"1," * 4_000_001 + b"1]", "4000000 tokens"),
    ],
)
def test_symptom_millions_of_prompts_were_read_before_they_were_counted(prompt: bytes, what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten megabytes of them held the loop for two seconds."""
    monkeypatch.setattr("modelgate.formats.openai_completions.request._peek", None)
    with pytest.raises(InvalidRequest, match=f"more than {what}"):
        peek_request(asked(b'{"model":"m","prompt":%b}' % prompt))


@pytest.mark.parametrize("prompt", [['"[' * 50_000], ["\\" * 90_000, "a"], "[" * 90_000, [1, 2] * 50_000])
def test_large_prompts_are_taken(prompt: object) -> None:
    assert peek_request(asked({"model": "m", "prompt": prompt})).model == "m"
