"""What vendors really answer when they cannot or will not, told in every client's dialect: by an upstream that says what it is told to.

The bodies are made up after the vendors' references, the key in them too.
"""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

import pytest
from tests.integration.gateway.conftest import Installation
from tests.integration.gateway.dialects.ask import Json, Told
from tests.integration.gateway.dialects.talk import DIALECTS, Talk

KEY = "sk-proj-abcdefghijklmnopqrstuvwxyz012345"
OPERATORS = ("127.0.0.1", "org-abc", "gpu-7", "credit balance", "organization")
"""What of those bodies is not for callers."""


class Said(NamedTuple):
    status: int
    body: Json
    headers: dict[str, str] = {}


class Expected(NamedTuple):
    """Status and word for clients of OpenAI's dialects (code), of Anthropic's (type), of Gemini's (status name)."""

    openai: tuple[int, str | None]
    anthropic: tuple[int, str]
    gemini: tuple[int, str]


def openai_error(message: str, *, type: str, code: str | None = None, param: str | None = None) -> Json:
    return {"error": {"message": message, "type": type, "param": param, "code": code}}


def anthropic_error(type: str, message: str) -> Json:
    return {"type": "error", "error": {"type": type, "message": message}, "request_id": "req_vendor"}


def gemini_error(code: int, status: str, message: str, *details: Json) -> Json:
    return {"error": {"code": code, "message": message, "status": status, **({"details": list(details)} if details else {})}}


TOO_LONG = Expected((400, "context_length_exceeded"), (400, "invalid_request_error"), (400, "INVALID_ARGUMENT"))
FILTERED = Expected((400, "content_filter"), (400, "invalid_request_error"), (400, "INVALID_ARGUMENT"))
OURS = Expected((502, "bad_upstream_response"), (502, "api_error"), (502, "INTERNAL"))
LIMITED = Expected((429, "rate_limit_exceeded"), (429, "rate_limit_error"), (429, "RESOURCE_EXHAUSTED"))
RETRY_INFO = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "27s"}
ERROR_INFO = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID", "domain": "googleapis.com"}

CASES: dict[tuple[str, str], tuple[Said, Expected]] = {
    ("openai", "too-long"): (
        Said(
            400,
            openai_error(
                "This model's maximum context length is 128000 tokens. However, your messages resulted in 140012 tokens.",
                type="invalid_request_error",
                code="context_length_exceeded",
                param="messages",
            ),
        ),
        TOO_LONG,
    ),
    ("openai", "filtered"): (
        Said(
            400,
            openai_error(
                "The response was filtered due to the prompt triggering Azure OpenAI's content management policy.",
                type="invalid_request_error",
                code="content_filter",
                param="prompt",
            ),
        ),
        FILTERED,
    ),
    ("openai", "bad-key"): (
        Said(
            401,
            openai_error(
                f"Incorrect API key provided: {KEY}. You can find your API key at https://platform.openai.com.",
                type="invalid_request_error",
                code="invalid_api_key",
            ),
        ),
        OURS,
    ),
    ("openai", "no-credit"): (
        Said(429, openai_error("You exceeded your current quota.", type="insufficient_quota", code="insufficient_quota")),
        OURS,
    ),
    ("openai", "limited"): (
        Said(
            429,
            openai_error(
                "Rate limit reached for gpt-4o in organization org-abc on tokens per min (TPM). Please try again in 27s.",
                type="tokens",
                code="rate_limit_exceeded",
            ),
            {"retry-after": "27"},
        ),
        LIMITED,
    ),
    ("openai", "broken"): (
        Said(
            500,
            openai_error("litellm: connect to gpu-7.internal:8000 for org-abc failed: your credit balance is too low.", type="api_error"),
        ),
        Expected((500, "bad_response_status_code"), (500, "api_error"), (500, "INTERNAL")),
    ),
    ("openai", "page"): (
        Said(503, "<html><h1>503 Service Unavailable</h1></html>"),
        Expected((503, "bad_response_status_code"), (529, "overloaded_error"), (503, "UNAVAILABLE")),
    ),
    ("anthropic", "too-long"): (
        Said(400, anthropic_error("invalid_request_error", "prompt is too long: 210000 tokens > 200000 maximum")),
        TOO_LONG,
    ),
    ("anthropic", "filtered"): (
        Said(400, anthropic_error("invalid_request_error", "Output blocked by content filtering policy")),
        FILTERED,
    ),
    ("anthropic", "bad-key"): (Said(401, anthropic_error("authentication_error", "invalid x-api-key")), OURS),
    ("anthropic", "no-credit"): (
        Said(400, anthropic_error("invalid_request_error", "Your credit balance is too low to access the Anthropic API.")),
        OURS,
    ),
    ("anthropic", "limited"): (
        Said(429, anthropic_error("rate_limit_error", "This request would exceed your organization's rate limit."), {"retry-after": "27"}),
        LIMITED,
    ),
    ("anthropic", "overloaded"): (
        Said(529, anthropic_error("overloaded_error", "Overloaded")),
        Expected((503, "overloaded_error"), (529, "overloaded_error"), (503, "UNAVAILABLE")),
    ),
    ("gemini", "too-long"): (
        Said(
            400,
            gemini_error(
                400, "INVALID_ARGUMENT", "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576)."
            ),
        ),
        TOO_LONG,
    ),
    ("gemini", "bad-key"): (
        Said(400, gemini_error(400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key.", ERROR_INFO)),
        OURS,
    ),
    ("gemini", "limited"): (Said(429, gemini_error(429, "RESOURCE_EXHAUSTED", "You exceeded your current quota.", RETRY_INFO)), LIMITED),
    ("gemini", "elsewhere"): (Said(400, gemini_error(400, "FAILED_PRECONDITION", "User location is not supported for the API use.")), OURS),
    ("gemini", "overloaded"): (
        Said(503, [gemini_error(503, "UNAVAILABLE", "The model is overloaded. Please try again later.")]),
        Expected((503, "unavailable"), (529, "overloaded_error"), (503, "UNAVAILABLE")),
    ),
}


def model_of(vendor: str, name: str) -> str:
    return f"{vendor}-{name}"


class Upstream(BaseHTTPRequestHandler):
    """Answers every request by the model it names, in its body or its path."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        asked = self.rfile.read(int(self.headers["content-length"])).decode() + self.path
        said = next(said for (vendor, name), (said, _) in CASES.items() if model_of(vendor, name) in asked)
        body = (said.body if isinstance(said.body, str) else json.dumps(said.body)).encode()
        self.send_response(said.status)
        for header, value in {**said.headers, "content-type": "application/json", "content-length": str(len(body))}.items():
            self.send_header(header, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        del format, args


@pytest.fixture(scope="module")
def live_key(installation: Installation) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Upstream)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    origin = f"http://127.0.0.1:{server.server_address[1]}"
    for vendor, path in (("openai", "/v1"), ("anthropic", ""), ("gemini", "")):
        models = ",".join(model_of(vendor, name) for of, name in CASES if of == vendor)
        flags = ("--name", f"failing-{vendor}", "--base-url", origin + path, "--models", models, "--free")
        installation.run("upstreams", "add", vendor, *flags, typed=f"{KEY}\n")
    key = installation.key()
    installation.wait_for_models(key, *(model_of(*case) for case in CASES))
    yield key
    for vendor in ("openai", "anthropic", "gemini"):
        installation.run("upstreams", "remove", f"failing-{vendor}")
    server.shutdown()
    server.server_close()


def found_in(told: Told, dialect: str) -> tuple[int, Any]:
    word = {"anthropic_messages": "type", "gemini_content": "status"}.get(dialect, "code")
    return told.status, told.error[word]


@pytest.mark.parametrize("mode", ["whole", "stream"])
@pytest.mark.parametrize("dialect", list(DIALECTS))
@pytest.mark.parametrize(("vendor", "name"), list(CASES))
def test_error(installation: Installation, live_key: str, vendor: str, name: str, dialect: str, mode: str) -> None:
    said, expected = CASES[vendor, name]
    talk = Talk(installation.base_url, live_key, dialect=DIALECTS[dialect], model=model_of(vendor, name), mode=mode)
    told = talk.fail("hi")
    talk.close()
    assert found_in(told, dialect) == getattr(expected, dialect.partition("_")[0])
    assert "sk-" not in json.dumps(told.error)
    assert not [word for word in OPERATORS if word in json.dumps(told.error)]
    if expected is LIMITED:
        assert int(told.headers["retry-after"]) in range(2, 28)  # what is left of 27 s: the first refusal is told to those that follow
    if expected in (TOO_LONG, FILTERED):
        assert said.body["error"]["message"] in told.error["message"]  # the vendor's own words, which tell the figures
