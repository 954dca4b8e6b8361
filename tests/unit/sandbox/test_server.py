import pytest
from starlette.testclient import TestClient

from modelgate.sandbox.server import make_app, make_server
from modelgate.sandbox.tokens import Tokenizer


def test_all_vendors_are_behind_one_application(tokenizer: Tokenizer) -> None:
    client = TestClient(make_app(tokenizer=tokenizer))
    assert client.get("/v1/models").status_code == 401
    assert client.get("/openai/v1/models").status_code == 401
    assert client.get("/v1/models?key=nonsense").json()["error"]["status"] == "INVALID_ARGUMENT"
    assert client.get("/gemini/v1beta/models").status_code == 403
    assert client.get("/kling/v1/images/generations/x").json()["code"] == 1001
    assert client.post("/ideogram/v1/ideogram-v3/generate").status_code == 401
    assert client.get("/sandbox/requests").json() == {"requests": []}
    assert client.get("/elsewhere").status_code == 404


def test_vendors_share_one_count(tokenizer: Tokenizer) -> None:
    client = TestClient(make_app(tokenizer=tokenizer, clock=lambda: 5.0))
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}]}
    created = client.post("/v1/chat/completions", json=body, headers={"authorization": "Bearer sk-x"}).json()["created"]
    assert created == 5
    assert [entry["vendor"] for entry in client.get("/sandbox/requests").json()["requests"]] == ["openai"]


OPENAI = {"authorization": "Bearer sk-x"}
ANTHROPIC = {"x-api-key": "sk-ant-x", "anthropic-version": "2023-06-01"}
FAL = {"authorization": "Key sandbox-key-id:sandbox-key-secret"}


@pytest.mark.parametrize(
    "body", [b'{"prompt":"\xff"}', b"\xff", b'{"prompt":"\\ud800"}', b"[" * 100_000, b""], ids=["text", "byte", "half", "deep", "none"]
)
@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/v1/chat/completions", OPENAI),
        ("/v1/responses", OPENAI),
        ("/v1/images/generations", OPENAI),
        ("/anthropic/v1/messages", ANTHROPIC),
        ("/anthropic/v1/messages/count_tokens", ANTHROPIC),
        ("/gemini/v1beta/models/gemini-2.5-pro:generateContent", {"x-goog-api-key": "AIza-x"}),
        ("/kling/v1/images/generations", {"authorization": "Bearer kling-sandbox-api-key"}),
        ("/bfl/v1/flux-dev", {"x-key": "bfl-sandbox"}),
        ("/suno/submit/MUSIC", {"authorization": "Bearer suno-sandbox"}),
        ("/fal/fal-ai/pika/v2.2/text-to-video", FAL),
        ("/fal/rest/storage/upload/initiate", FAL),
        ("/midjourney/mj/submit/imagine", {"mj-api-secret": "mj-sandbox"}),
        ("/midjourney/mj/submit/modal", {"mj-api-secret": "mj-sandbox"}),
        ("/runway/v1/text_to_image", {"authorization": "Bearer key_sandbox", "x-runway-version": "2024-11-06"}),
        ("/luma/dream-machine/v1/generations", {"authorization": "Bearer luma-sandbox"}),
        ("/luma-agents/v1/generations", {"authorization": "Bearer luma-api-sandbox"}),
    ],
)
def test_symptom_a_body_that_is_no_utf8_was_a_fault_of_the_make_believe_vendor(
    tokenizer: Tokenizer, path: str, headers: dict[str, str], body: bytes
) -> None:
    client = TestClient(make_app(tokenizer=tokenizer))
    answered = client.post(path, content=body, headers={"content-type": "application/json", **headers})
    assert answered.status_code == 200 if path.startswith("/midjourney") else 400 <= answered.status_code < 500


def test_the_server_keeps_quiet(tokenizer: Tokenizer) -> None:
    server = make_server(make_app(tokenizer=tokenizer))
    assert not server.config.access_log
    assert not server.config.server_header
