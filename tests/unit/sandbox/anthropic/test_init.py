import contextlib
import copy
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.testclient import TestClient

from modelgate.sandbox.anthropic import AnthropicSandbox
from modelgate.sandbox.count import Counter
from modelgate.sandbox.tokens import Tokenizer

HEADERS = {"x-api-key": "sk-ant-sandbox", "anthropic-version": "2023-06-01", "x-request-id": "req_9"}
MARK = {"cache_control": {"type": "ephemeral", "ttl": "1h"}}
RICH: Any = {
    "model": "claude-any",
    "max_tokens": 2_000,
    "system": [{"type": "text", "text": "Be brief.", **MARK}],
    "tools": [
        {"name": "f", "input_schema": {"type": "object", "properties": {"a": {"type": "string"}}}, **MARK},
        {"type": "bash_20250124", "name": "bash"},
    ],
    "tool_choice": {"type": "auto", "disable_parallel_tool_use": True},
    "thinking": {"type": "adaptive", "display": "omitted"},
    "output_config": {"effort": "low"},
    "stop_sequences": ["x"],
    "messages": [
        {
            "role": "user",
            "content": [
                {"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}},
                {"type": "document", "title": "t", "source": {"type": "text", "media_type": "text/plain", "data": "abc"}},
                {"type": "search_result", "source": "s", "title": "t", "content": [{"type": "text", "text": "Hi"}]},
            ],
        },
        {
            "role": "assistant",
            "content": [{"type": "server_tool_use", "id": "s", **MARK}, {"type": "tool_use", "id": "a", "name": "f", "input": {"a": 1}}],
        },
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "a", "content": [{"type": "text", "text": "done", **MARK}]}]},
    ],
}
BODY = {"model": "claude-any", "max_tokens": 50, "messages": [{"role": "user", "content": "magic: tokens 30 8 10 5"}]}


class Vendor:
    def __init__(self, tokenizer: Tokenizer) -> None:
        self.counter = Counter()
        vendor = AnthropicSandbox(tokenizer=tokenizer, counter=self.counter, clock=lambda: 1_790_000_000.5)
        self.client = TestClient(Starlette(routes=list(vendor.routes())), headers=HEADERS)

    def counted(self) -> list[tuple[Any, ...]]:
        entries = self.counter.after(0)
        assert {entry.vendor for entry in entries} <= {"anthropic"}
        return [
            (entry.request_id, entry.model, entry.prompt_tokens, entry.completion_tokens, entry.finished, entry.status) for entry in entries
        ]


@pytest.fixture
def vendor(tokenizer: Tokenizer) -> Vendor:
    return Vendor(tokenizer)


@pytest.mark.parametrize("prefix", ["", "/anthropic"])
@pytest.mark.parametrize("stream", [False, True])
def test_a_message_is_answered_and_counted(vendor: Vendor, prefix: str, stream: bool) -> None:
    response = vendor.client.post(f"{prefix}/v1/messages?beta=true", json={**BODY, "stream": stream})
    assert response.status_code == 200
    assert response.headers["content-type"] == ("text/event-stream; charset=utf-8" if stream else "application/json")
    assert vendor.counted() == [("req_9", "claude-any", 30, 8, True, 200)]
    if not stream:
        usage = response.json()["usage"]
        assert (usage["input_tokens"], usage["cache_read_input_tokens"], usage["cache_creation_input_tokens"]) == (15, 10, 5)


def test_headers_of_every_answer(vendor: Vendor) -> None:
    good, bad = vendor.client.post("/v1/messages", json=BODY), vendor.client.post("/v1/messages", json={})
    for response in (good, bad):
        assert response.headers["request-id"].startswith("req_")
        assert response.headers["anthropic-organization-id"]
        assert response.headers["anthropic-ratelimit-requests-reset"] == "2026-09-21T14:13:21Z"
        for name in ("requests", "tokens", "input-tokens", "output-tokens"):
            remaining = int(response.headers[f"anthropic-ratelimit-{name}-remaining"])
            assert 0 < remaining < int(response.headers[f"anthropic-ratelimit-{name}-limit"])
    assert bad.json()["request_id"] == bad.headers["request-id"] != good.headers["request-id"]


def test_refused_messages_are_counted_too(vendor: Vendor) -> None:
    vendor.client.post("/v1/messages", json={**BODY, "top_k": -1})
    vendor.client.post("/v1/messages", json={**BODY, "model": "sandbox-error-529"})
    assert vendor.counted() == [("req_9", "claude-any", 0, 0, False, 400), ("req_9", "sandbox-error-529", 0, 0, False, 529)]


@pytest.mark.parametrize(
    ("headers", "message"),
    [
        ({}, "x-api-key header is required"),
        ({"x-api-key": "sk-sandbox"}, "invalid x-api-key"),
        ({"x-api-key": ""}, "invalid x-api-key"),
        ({"authorization": "Bearer sk-sandbox"}, "Invalid bearer token"),
        ({"authorization": "sk-ant-sandbox"}, "Invalid bearer token"),
        ({"x-api-key": "wrong", "authorization": "Bearer sk-ant-sandbox"}, "invalid x-api-key"),
    ],
)
def test_the_key_is_checked(vendor: Vendor, headers: dict[str, str], message: str) -> None:
    del vendor.client.headers["x-api-key"]
    response = vendor.client.post("/v1/messages", json=BODY, headers=headers)
    assert (response.status_code, response.json()["error"]) == (401, {"type": "authentication_error", "message": message})


@pytest.mark.parametrize(
    "headers", [{"authorization": "bearer sk-ant-sandbox"}, {"x-api-key": "sk-ant-sandbox", "authorization": "Bearer wrong"}]
)
def test_either_header_will_do(vendor: Vendor, headers: dict[str, str]) -> None:
    del vendor.client.headers["x-api-key"]
    assert vendor.client.post("/v1/messages", json=BODY, headers=headers).status_code == 200


def test_the_version_is_checked(vendor: Vendor) -> None:
    response = vendor.client.post("/v1/messages", json=BODY, headers={"anthropic-version": "2024-01-01"})
    assert response.json()["error"]["message"] == 'anthropic-version: "2024-01-01" is not a valid version'
    del vendor.client.headers["anthropic-version"]
    response = vendor.client.post("/v1/messages", json=BODY)
    assert (response.status_code, response.json()["error"]["message"]) == (400, "anthropic-version: header is required")


def test_the_newest_version_takes_no_sampling(vendor: Vendor) -> None:
    body = {**BODY, "temperature": 1}
    assert vendor.client.post("/v1/messages", json=body).status_code == 200
    response = vendor.client.post("/v1/messages", json=body, headers={"anthropic-version": "2026-10-21"})
    assert (response.status_code, response.json()["error"]["message"]) == (400, "temperature: Extra inputs are not permitted")


@pytest.mark.parametrize("content", [b"{", b"[" * 100_000, b"", b"\xff"])
def test_bodies_that_are_not_json(vendor: Vendor, content: bytes) -> None:
    response = vendor.client.post("/v1/messages", content=content)
    assert (response.status_code, response.json()["error"]["type"]) == (400, "invalid_request_error")


def test_bodies_that_are_too_large(vendor: Vendor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("modelgate.sandbox.anthropic.MAX_BODY_BYTES", 10)
    response = vendor.client.post("/v1/messages/count_tokens", json=BODY)
    assert (response.status_code, response.json()["error"]["type"]) == (413, "request_too_large")


def test_prompts_that_are_too_long(vendor: Vendor) -> None:
    long = {**BODY, "messages": [{"role": "user", "content": "word " * 200_000}]}
    response = vendor.client.post("/v1/messages", json=long)
    assert response.json()["error"]["message"] == "prompt is too long: 200007 tokens > 200000 maximum"
    assert vendor.client.post("/v1/messages", json={**BODY, "model": "sandbox-context-too-long"}).status_code == 400


def test_impossible_schemas_are_refused(vendor: Vendor) -> None:
    schema = {"type": "object", "properties": {"a": {"$ref": "#"}}, "required": ["a"], "additionalProperties": False}
    body = {**BODY, "messages": [{"role": "user", "content": "Hi"}]}
    response = vendor.client.post("/v1/messages", json={**body, "output_config": {"format": {"type": "json_schema", "schema": schema}}})
    assert response.json()["error"]["message"] == "output_config.format: no value of this schema can be made"
    response = vendor.client.post("/v1/messages", json={**body, "tools": [{"name": "f", "input_schema": schema}]})
    assert response.json()["error"]["message"] == "tools: no value of this schema can be made"


def test_counting_is_not_counted(vendor: Vendor) -> None:
    body = {"model": "claude-any", "messages": [{"role": "user", "content": "hello there"}]}
    assert vendor.client.post("/anthropic/v1/messages/count_tokens", json=body).json() == {"input_tokens": 8}
    assert vendor.client.post("/v1/messages/count_tokens", json={**body, "model": "sandbox-nothing"}).status_code == 404
    assert vendor.counted() == []


def test_an_error_that_has_no_stream_to_appear_in(vendor: Vendor) -> None:
    response = vendor.client.post("/v1/messages", json={**BODY, "model": "sandbox-error-in-stream"})
    assert (response.status_code, response.json()["error"]["type"]) == (529, "overloaded_error")


@pytest.mark.parametrize("prefix", ["", "/anthropic"])
def test_models(vendor: Vendor, prefix: str) -> None:
    assert vendor.client.get(f"{prefix}/v1/models?limit=1").json()["data"][0]["id"] == "claude-opus-4-5"
    assert vendor.client.get(f"{prefix}/v1/models/claude-opus-4-5").json()["display_name"] == "Claude Opus 4.5"
    assert vendor.client.get(f"{prefix}/v1/models?limit=x").status_code == 400


def test_unknown_urls(vendor: Vendor) -> None:
    response = vendor.client.post("/anthropic/v1/nothing", json={})
    assert (response.status_code, response.json()["error"]["type"]) == (404, "not_found_error")


def _places(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if place:
        yield place
    for key in value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        yield from _places(value[key], (*place, key))


ODD = (
    None,
    True,
    -1,
    1.5,
    10**30,
    "",
    "x",
    [],
    {},
    [[]],
    [{}],
    [None],
    {"type": "text"},
    {"type": "x"},
    "tool_result",
    "5m",
    {"a": {"b": [1]}},
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(changes=st.lists(st.tuples(st.sampled_from(list(_places(RICH))), st.sampled_from(ODD)), max_size=3), count=st.booleans())
def test_whatever_is_sent_is_answered_or_refused(vendor: Vendor, changes: list[tuple[tuple[Any, ...], Any]], count: bool) -> None:
    body = copy.deepcopy(RICH)
    for place, odd in changes:
        with contextlib.suppress(KeyError, IndexError, TypeError):  # an earlier change took the place away
            holder = body
            for key in place[:-1]:
                holder = holder[key]
            holder[place[-1]] = copy.deepcopy(odd)
    response = vendor.client.post("/v1/messages/count_tokens" if count else "/v1/messages", json=body)
    assert response.status_code in (200, 400, 404)
    assert response.status_code == 200 or response.json()["error"]["message"]
    assert changes or count or response.status_code == 200
