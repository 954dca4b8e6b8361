import json
from typing import Any

import pytest

PATH = "/azure/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21"
HEADERS = {"api-key": "0123456789abcdef", "authorization": ""}
BODY = {"messages": [{"role": "user", "content": "Say: yes"}]}


def _post(vendor: Any, path: str = PATH, *, headers: dict[str, str] | None = None, **body: Any) -> Any:
    return vendor.client.post(path, json={**BODY, **body}, headers=HEADERS if headers is None else headers)


def test_the_deployment_is_the_model(openai_vendor: Any) -> None:
    made = _post(openai_vendor, model="something else").json()
    assert (made["model"], made["choices"][0]["message"]["content"]) == ("gpt-4o-2026-01-15", "yes")
    assert made["choices"][0]["content_filter_results"]["hate"] == {"filtered": False, "severity": "safe"}
    assert made["prompt_filter_results"][0]["prompt_index"] == 0
    (entry,) = openai_vendor.counter.after(0)
    assert (entry.vendor, entry.model, entry.completion_tokens, entry.status) == ("azure", "gpt-4o", 1, 200)


def test_a_stream_begins_with_a_chunk_without_choices(openai_vendor: Any) -> None:
    *events, done = _post(openai_vendor, stream=True).text.strip().split("\n\n")
    chunks = [json.loads(event.removeprefix("data: ")) for event in events]
    assert done == "data: [DONE]"
    assert (chunks[0]["choices"], chunks[0]["id"], chunks[0]["created"], chunks[0]["model"]) == ([], "", 0, "")
    assert "prompt_filter_results" in chunks[0]
    assert chunks[1]["choices"][0]["delta"]["role"] == "assistant"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"api-key": "0123456789abcdef", "authorization": ""}, 200),
        ({"authorization": "Bearer eyJ0eXAi.abc"}, 200),
        ({"authorization": ""}, 401),
        ({"api-key": "short", "authorization": ""}, 401),
        ({"api-key": "with blanks in it", "authorization": ""}, 401),
    ],
)
def test_keys(openai_vendor: Any, headers: dict[str, str], status: int) -> None:
    response = _post(openai_vendor, headers=headers)
    assert response.status_code == status
    if status == 401:
        assert response.json()["error"]["code"] == "401"


@pytest.mark.parametrize(
    ("version", "status", "code"),
    [("", 404, "404"), ("?api-version=new", 400, "BadRequest"), ("?api-version=2025-04-01-preview", 200, None)],
)
def test_versions(openai_vendor: Any, version: str, status: int, code: str | None) -> None:
    response = _post(openai_vendor, PATH.partition("?")[0] + version)
    assert response.status_code == status
    assert response.json().get("error", {}).get("code") == code


def test_other_paths(openai_vendor: Any) -> None:
    embedded = openai_vendor.client.post(
        "/azure/openai/deployments/text-embedding-3-small/embeddings?api-version=2024-10-21", json={"input": "a"}, headers=HEADERS
    )
    assert embedded.json()["model"] == "text-embedding-3-small"
    assert _post(openai_vendor, "/azure/openai/deployments/gpt-4o/responses?api-version=2024-10-21").status_code == 404
    made = openai_vendor.client.post("/azure/openai/v1/responses", json={"model": "gpt-4o", "input": "hi"}, headers=HEADERS).json()
    assert openai_vendor.client.get(f"/azure/openai/v1/responses/{made['id']}", headers=HEADERS).json() == made
    assert openai_vendor.client.get(f"/v1/responses/{made['id']}").status_code == 404
    assert _post(openai_vendor, "/azure/openai/v1/chat/completions", model="gpt-4o").json()["prompt_filter_results"]
    assert openai_vendor.client.post(PATH, content=b"[]", headers={**HEADERS, "content-type": "application/json"}).status_code == 400
