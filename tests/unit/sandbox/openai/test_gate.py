from typing import Any

import pytest

BODY = {"model": "gpt-4o", "messages": [{"role": "user", "content": "magic: tokens 30 8"}]}


def test_refused_chats_are_counted_too(openai_vendor: Any) -> None:
    openai_vendor.client.post("/v1/chat/completions", json={**BODY, "n": 0})
    openai_vendor.client.post("/v1/chat/completions", json={**BODY, "model": "sandbox-error-500"})
    assert openai_vendor.counted() == [("req_9", "gpt-4o", 0, 0, False, 400), ("req_9", "sandbox-error-500", 0, 0, False, 500)]


@pytest.mark.parametrize(
    ("authorization", "code"),
    [("", "invalid_api_key"), ("sk-sandbox", "invalid_api_key"), ("Bearer key", "invalid_api_key"), ("Basic sk-x", "invalid_api_key")],
)
def test_the_key_is_checked(openai_vendor: Any, authorization: str, code: str) -> None:
    response = openai_vendor.client.post("/v1/chat/completions", json=BODY, headers={"authorization": authorization})
    assert (response.status_code, response.json()["error"]["code"]) == (401, code)
    assert "sk-sandbox" not in response.json()["error"]["message"]


def test_no_key_at_all(openai_vendor: Any) -> None:
    del openai_vendor.client.headers["authorization"]
    response = openai_vendor.client.get("/v1/models")
    assert (response.status_code, response.json()["error"]["code"]) == (401, None)


@pytest.mark.parametrize(
    ("content", "kind"),
    [(b"{", "application/json"), (b"[" * 100_000, "application/json"), (b'{"model": "gpt-4o"}', "text/plain"), (b"", "")],
)
def test_bodies_that_are_not_json(openai_vendor: Any, content: bytes, kind: str) -> None:
    response = openai_vendor.client.post("/v1/chat/completions", content=content, headers={"content-type": kind})
    assert response.status_code == 400
    assert response.json()["error"]["type"] == "invalid_request_error"


def test_long_bodies_are_answered_the_same(openai_vendor: Any) -> None:
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "word " * 20_000}]}
    assert openai_vendor.client.post("/v1/chat/completions", json=body).json()["usage"]["prompt_tokens"] > 20_000
