from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from modelgate.sandbox.count import Counter
from modelgate.sandbox.openai import OpenaiSandbox, is_known
from modelgate.sandbox.tokens import Tokenizer

HEADERS = {"authorization": "Bearer sk-sandbox", "x-request-id": "req_9"}
BODY = {"model": "gpt-4o", "messages": [{"role": "user", "content": "magic: tokens 30 8"}]}


class Vendor:
    def __init__(self, tokenizer: Tokenizer) -> None:
        self.counter = Counter()
        vendor = OpenaiSandbox(tokenizer=tokenizer, counter=self.counter, clock=lambda: 1_790_000_000.5)
        self.client = TestClient(Starlette(routes=list(vendor.routes())), headers=HEADERS)

    def counted(self) -> list[tuple[Any, ...]]:
        entries = self.counter.after(0)
        return [
            (entry.request_id, entry.model, entry.prompt_tokens, entry.completion_tokens, entry.finished, entry.status) for entry in entries
        ]


@pytest.fixture
def vendor(tokenizer: Tokenizer) -> Vendor:
    return Vendor(tokenizer)


@pytest.mark.parametrize("prefix", ["", "/openai"])
@pytest.mark.parametrize("stream", [False, True])
def test_a_chat_is_answered_and_counted(vendor: Vendor, prefix: str, stream: bool) -> None:
    response = vendor.client.post(f"{prefix}/v1/chat/completions", json={**BODY, "stream": stream})
    assert response.status_code == 200
    assert response.headers["content-type"] == ("text/event-stream; charset=utf-8" if stream else "application/json")
    assert response.headers["x-request-id"].startswith("req_")
    assert response.headers["x-request-id"] != "req_9"
    assert vendor.counted() == [("req_9", "gpt-4o", 30, 8, True, 200)]
    if not stream:
        assert response.json()["created"] == 1_790_000_000


def test_refused_chats_are_counted_too(vendor: Vendor) -> None:
    vendor.client.post("/v1/chat/completions", json={**BODY, "n": 0})
    vendor.client.post("/v1/chat/completions", json={**BODY, "model": "sandbox-error-500"})
    assert vendor.counted() == [("req_9", "gpt-4o", 0, 0, False, 400), ("req_9", "sandbox-error-500", 0, 0, False, 500)]


@pytest.mark.parametrize(
    ("authorization", "code"),
    [("", "invalid_api_key"), ("sk-sandbox", "invalid_api_key"), ("Bearer key", "invalid_api_key"), ("Basic sk-x", "invalid_api_key")],
)
def test_the_key_is_checked(vendor: Vendor, authorization: str, code: str) -> None:
    response = vendor.client.post("/v1/chat/completions", json=BODY, headers={"authorization": authorization})
    assert (response.status_code, response.json()["error"]["code"]) == (401, code)
    assert "sk-sandbox" not in response.json()["error"]["message"]


def test_no_key_at_all(vendor: Vendor) -> None:
    del vendor.client.headers["authorization"]
    response = vendor.client.get("/v1/models")
    assert (response.status_code, response.json()["error"]["code"]) == (401, None)


@pytest.mark.parametrize(
    ("content", "kind"),
    [(b"{", "application/json"), (b"[" * 100_000, "application/json"), (b'{"model": "gpt-4o"}', "text/plain"), (b"", "")],
)
def test_bodies_that_are_not_json(vendor: Vendor, content: bytes, kind: str) -> None:
    response = vendor.client.post("/v1/chat/completions", content=content, headers={"content-type": kind})
    assert response.status_code == 400
    assert response.json()["error"]["type"] == "invalid_request_error"


def test_long_bodies_are_answered_the_same(vendor: Vendor) -> None:
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "word " * 20_000}]}
    assert vendor.client.post("/v1/chat/completions", json=body).json()["usage"]["prompt_tokens"] > 20_000


def test_impossible_schemas_are_refused(vendor: Vendor) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "integer", "minimum": 2, "maximum": 1}}, "required": ["a"]}
    wanted = {"type": "json_schema", "json_schema": {"name": "s", "schema": schema}}
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}], "response_format": wanted}
    response = vendor.client.post("/v1/chat/completions", json=body)
    assert (response.status_code, response.json()["error"]["param"]) == (400, "response_format")


def test_models_and_unknown_urls(vendor: Vendor) -> None:
    assert vendor.client.get("/openai/v1/models").json()["data"][0]["id"] == "gpt-4o"
    assert vendor.client.get("/v1/models/sandbox-nothing").json()["error"]["code"] == "model_not_found"
    response = vendor.client.post("/v1/nothing", json={})
    assert (response.status_code, response.json()["error"]["message"]) == (404, "Invalid URL (POST /v1/nothing)")


def test_which_models_are_served() -> None:
    assert all(is_known(model) for model in ("gpt-4o", "vendor/any:name", "sandbox-slow", "sandbox-chat"))
    assert not any(is_known(model) for model in ("", "sandbox-nothing", "two words", "x" * 201))
