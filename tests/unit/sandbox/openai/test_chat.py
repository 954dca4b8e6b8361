import json
from typing import Any

import pytest

BODY = {"model": "gpt-4o", "messages": [{"role": "user", "content": "magic: tokens 30 8"}]}


@pytest.mark.parametrize("prefix", ["", "/openai"])
@pytest.mark.parametrize("stream", [False, True])
def test_a_chat_is_answered_and_counted(openai_vendor: Any, prefix: str, stream: bool) -> None:
    response = openai_vendor.client.post(f"{prefix}/v1/chat/completions", json={**BODY, "stream": stream})
    assert response.status_code == 200
    assert response.headers["content-type"] == ("text/event-stream; charset=utf-8" if stream else "application/json")
    assert response.headers["x-request-id"].startswith("req_")
    assert response.headers["x-request-id"] != "req_9"
    assert openai_vendor.counted() == [("req_9", "gpt-4o", 30, 8, True, 200)]
    if not stream:
        assert response.json()["created"] == 1_790_000_000


def test_impossible_schemas_are_refused(openai_vendor: Any) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "integer", "minimum": 2, "maximum": 1}}, "required": ["a"]}
    wanted = {"type": "json_schema", "json_schema": {"name": "s", "schema": schema}}
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}], "response_format": wanted}
    response = openai_vendor.client.post("/v1/chat/completions", json=body)
    assert (response.status_code, response.json()["error"]["param"]) == (400, "response_format")


def test_a_chat_that_says_nothing_of_its_usage(openai_vendor: Any) -> None:
    body = {"model": "sandbox-no-usage", "messages": [{"role": "user", "content": "Hi"}]}
    assert "usage" not in openai_vendor.post("/v1/chat/completions", **body).json()
    streamed = openai_vendor.post("/v1/chat/completions", **body, stream=True, stream_options={"include_usage": True}).text
    assert '"usage":{' not in streamed
    assert streamed.endswith("data: [DONE]\n\n")
    assert openai_vendor.counter.after(0)[0].prompt_tokens > 0


def test_a_chat_with_negative_usage(openai_vendor: Any) -> None:
    usage = openai_vendor.post("/v1/chat/completions", model="gpt-4o", messages=[{"role": "user", "content": "magic: bad-usage"}]).json()[
        "usage"
    ]
    assert usage["prompt_tokens"] < 0
    assert usage["prompt_tokens_details"]["cached_tokens"] == -1


@pytest.mark.parametrize("model", ["deepseek-reasoner", "deepseek/deepseek-r1"])
def test_imitators_think_aloud(openai_vendor: Any, model: str) -> None:
    body = {"model": model, "messages": [{"role": "user", "content": "Say: yes"}]}
    made = openai_vendor.post("/v1/chat/completions", **body).json()
    message, usage = made["choices"][0]["message"], made["usage"]
    assert message["content"] == "yes"
    assert "Say: yes" in message["reasoning_content"]
    assert usage["completion_tokens_details"]["reasoning_tokens"] == usage["completion_tokens"] - 1
    assert usage["prompt_cache_hit_tokens"] + usage["prompt_cache_miss_tokens"] == usage["prompt_tokens"]
    events = openai_vendor.post("/v1/chat/completions", **body, stream=True).text.split("\n\n")
    deltas = [json.loads(event.removeprefix("data: "))["choices"][0]["delta"] for event in events if event.startswith("data: {")]
    assert "".join(delta.get("reasoning_content", "") for delta in deltas) == message["reasoning_content"]
    assert deltas[0]["content"] is None
    assert "".join(delta.get("content") or "" for delta in deltas) == "yes"
