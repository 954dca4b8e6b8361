from typing import Any


def test_models_and_unknown_urls(openai_vendor: Any) -> None:
    assert openai_vendor.client.get("/openai/v1/models").json()["data"][0]["id"] == "gpt-4o"
    assert openai_vendor.client.get("/v1/models/sandbox-nothing").json()["error"]["code"] == "model_not_found"
    response = openai_vendor.client.post("/v1/nothing", json={})
    assert (response.status_code, response.json()["error"]["message"]) == (404, "Invalid URL (POST /v1/nothing)")
