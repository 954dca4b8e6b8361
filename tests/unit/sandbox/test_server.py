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


def test_the_server_keeps_quiet(tokenizer: Tokenizer) -> None:
    server = make_server(make_app(tokenizer=tokenizer))
    assert not server.config.access_log
    assert not server.config.server_header
