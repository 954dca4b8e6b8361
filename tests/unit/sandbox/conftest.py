"""One tokenizer for all sandbox tests: building it takes half a second. And the make-believe OpenAI behind a test client."""

from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from modelgate.sandbox.count import Counter
from modelgate.sandbox.openai import OpenaiSandbox
from modelgate.sandbox.tokens import Tokenizer

NOW = 1_790_000_000.5
HEADERS = {"authorization": "Bearer sk-sandbox", "x-request-id": "req_9"}


@pytest.fixture(scope="session")
def tokenizer() -> Tokenizer:
    return Tokenizer()


class OpenaiVendor:
    """The vendor with its client, its count and its clock."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self.counter = Counter()
        self.now = NOW
        vendor = OpenaiSandbox(tokenizer=tokenizer, counter=self.counter, clock=lambda: self.now)
        self.client = TestClient(Starlette(routes=list(vendor.routes())), headers=HEADERS)

    def post(self, path: str, **body: Any) -> Any:
        return self.client.post(path, json=body)

    def error(self, path: str, **body: Any) -> tuple[Any, ...]:
        """Post and return (status, param, code) of the refusal."""
        response = self.client.post(path, json=body)
        error = response.json()["error"]
        assert set(error) == {"message", "type", "param", "code"}
        return response.status_code, error["param"], error["code"]

    def counted(self) -> list[tuple[Any, ...]]:
        entries = self.counter.after(0)
        return [
            (entry.request_id, entry.model, entry.prompt_tokens, entry.completion_tokens, entry.finished, entry.status) for entry in entries
        ]


@pytest.fixture
def openai_vendor(tokenizer: Tokenizer) -> OpenaiVendor:
    return OpenaiVendor(tokenizer)
