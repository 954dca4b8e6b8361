"""Clients of other dialects in a tool loop with a Gemini that signs its calls, and Gemini's clients with the other vendors: without gateway
and network, the sandbox's vendors check every turn."""

import json
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from modelgate.core.http import HeaderBlock, HttpRequest
from modelgate.core.providers import NO_QUIRKS
from modelgate.formats.chat.translator import StreamTranslator
from modelgate.formats.chat.wire_format import AnswerHead, load_wire_formats
from modelgate.sandbox.anthropic import AnthropicSandbox
from modelgate.sandbox.count import Counter
from modelgate.sandbox.gemini import GeminiSandbox
from modelgate.sandbox.openai import OpenaiSandbox
from modelgate.sandbox.tokens import Tokenizer

HEAD = AnswerHead(model="mine", created=1_790_000_000, request_id="req_1")
FORMATS = load_wire_formats()
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
GENERATE = "/v1beta/models/mine:generateContent"
STREAM = "/v1beta/models/mine:streamGenerateContent"


class Vendors:
    """The make-believe vendors behind one test client each, by the dialect they are asked in."""

    def __init__(self) -> None:
        tokenizer = Tokenizer()
        gemini = GeminiSandbox(tokenizer=tokenizer, counter=Counter())
        openai = OpenaiSandbox(tokenizer=tokenizer, counter=Counter(), clock=lambda: 1_790_000_000.5)
        anthropic = AnthropicSandbox(tokenizer=tokenizer, counter=Counter(), clock=lambda: 1_790_000_000.5)
        at_openai = _client(openai.routes(), {"authorization": "Bearer sk-sandbox"})
        self._clients = {
            "gemini_content": _client(gemini.routes(), {"x-goog-api-key": "AIza-sandbox"}),
            "openai_chat": at_openai,
            "openai_responses": at_openai,
            "anthropic_messages": _client(anthropic.routes(), {"x-api-key": "sk-ant-sandbox", "anthropic-version": "2023-06-01"}),
        }

    def ask(self, vendor: str, model: str, *, client: str, body: Any, path: str = "/", query: str = "") -> bytes:
        """Return what a client gets for a body, by way of the hub."""
        theirs, ours = FORMATS[vendor], FORMATS[client]
        request = HttpRequest(method="POST", path=path, query=query, headers=HeaderBlock(), body=json.dumps(body).encode())
        peek = ours.peek(request)
        ask = theirs.encode_request(ours.decode_request(request, peek), model, NO_QUIRKS)
        place = ask.path if ask.path.startswith("/v1") else "/v1" + ask.path
        answer = self._clients[vendor].post(place, content=bytes(ask.body), headers={"content-type": "application/json"})
        assert answer.status_code == 200, answer.text
        if not peek.stream:
            return ours.encode_response(theirs.decode_response(answer.content), peek, HEAD)
        translator = StreamTranslator(theirs.make_decoder(), ours.make_encoder(peek, HEAD), encode_error=lambda error: b"failed")
        pieces = [answer.content[at : at + 13] for at in range(0, len(answer.content), 13)]
        written = b"".join([translator.feed(piece) for piece in pieces]) + translator.finish()
        assert translator.is_done
        assert translator.usage is not None or client == "gemini_content"
        return written + translator.final


def _client(routes: Any, headers: dict[str, str]) -> TestClient:
    return TestClient(Starlette(routes=list(routes)), headers=headers)


@pytest.fixture(scope="module")
def vendors() -> Vendors:
    return Vendors()


def chat_calls(told: bytes, *, stream: bool) -> list[dict[str, Any]]:
    if not stream:
        return list(json.loads(told)["choices"][0]["message"]["tool_calls"])
    calls: dict[int, dict[str, Any]] = {}
    for line in told.split(b"\n"):
        chunk = json.loads(line[6:]) if line.startswith(b"data: {") else {"choices": []}
        for delta in (delta for choice in chunk["choices"] for delta in choice["delta"].get("tool_calls", [])):
            call = calls.setdefault(delta["index"], {"type": "function", "id": delta.get("id"), "function": {"name": "", "arguments": ""}})
            call["function"]["name"] += delta["function"].get("name") or ""
            call["function"]["arguments"] += delta["function"].get("arguments") or ""
    return list(calls.values())


@pytest.mark.parametrize("model", ["gemini-2.5-flash", "gemini-3-pro-preview", "gemini-3-flash-preview"])
@pytest.mark.parametrize("stream", [False, True])
def test_a_client_of_chat_completions_keeps_signatures_without_knowing(vendors: Vendors, model: str, stream: bool) -> None:
    question = {"role": "user", "content": "What is the weather in Paris?"}
    tools = [{"type": "function", "function": {"name": "get_weather", "parameters": SCHEMA}}]
    base = {"model": "mine", "reasoning_effort": "low", "tools": tools, "stream": stream}
    told = vendors.ask("gemini_content", model, client="openai_chat", body={**base, "messages": [question], "tool_choice": "required"})
    calls = chat_calls(told, stream=stream)
    assert calls
    results = [{"role": "tool", "tool_call_id": call["id"], "content": "sunny"} for call in calls]
    history = [question, {"role": "assistant", "content": None, "tool_calls": calls}, *results]

    assert b"sunny" in vendors.ask("gemini_content", model, client="openai_chat", body={**base, "stream": False, "messages": history})


def test_a_history_of_nobodys_signatures_is_taken(vendors: Vendors) -> None:
    """Calls that another model made have none, which Gemini 3 refuses without the word for it."""
    call = {"type": "function", "id": "call_1", "function": {"name": "get_weather", "arguments": '{"city":"Paris"}'}}
    body = {
        "model": "mine",
        "tools": [{"type": "function", "function": {"name": "get_weather", "parameters": SCHEMA}}],
        "messages": [
            {"role": "user", "content": "What is the weather in Paris?"},
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "call_1", "content": "sunny"},
        ],
    }
    assert b"sunny" in vendors.ask("gemini_content", "gemini-3-pro-preview", client="openai_chat", body=body)


def test_a_picture_comes_as_markdown(vendors: Vendors) -> None:
    body = {"model": "mine", "messages": [{"role": "system", "content": "Paint."}, {"role": "user", "content": "Draw a cat"}]}
    for model in ("gemini-2.5-flash-image", "gemini-2.0-flash-preview-image-generation"):
        told = json.loads(vendors.ask("gemini_content", model, client="openai_chat", body=body))
        assert "\n![image](data:image/png;base64," in told["choices"][0]["message"]["content"]


VENDORS = [("openai_chat", "gpt-4o-mini"), ("openai_responses", "gpt-5-mini"), ("anthropic_messages", "claude-sonnet-4-5")]


@pytest.mark.parametrize(("vendor", "model"), VENDORS)
@pytest.mark.parametrize("query", [None, "alt=sse", ""])
def test_geminis_clients_keep_other_vendors_thoughts_without_knowing(vendors: Vendors, vendor: str, model: str, query: str | None) -> None:
    """Claude refuses a tool loop without its signed thoughts."""
    question = {"role": "user", "parts": [{"text": "What is the weather in Paris?"}]}
    body = {
        "contents": [question],
        "tools": [{"functionDeclarations": [{"name": "get_weather", "parametersJsonSchema": SCHEMA}]}],
        "generationConfig": {"maxOutputTokens": 4000, "thinkingConfig": {"thinkingBudget": 1024, "includeThoughts": True}},
    }
    told = vendors.ask(vendor, model, client="gemini_content", body=body, path=GENERATE if query is None else STREAM, query=query or "")
    answers = [json.loads(line[6:]) for line in told.split(b"\r\n") if line.startswith(b"data: ")] if query else json.loads(told)
    chunks = answers if isinstance(answers, list) else [answers]
    parts = [part for chunk in chunks for candidate in chunk["candidates"] for part in candidate["content"]["parts"]]
    assert chunks[-1]["candidates"][0]["finishReason"] == "STOP"
    calls = [part["functionCall"] for part in parts if "functionCall" in part]
    assert calls
    results = [{"functionResponse": {"id": call["id"], "name": call["name"], "response": {"said": "sunny"}}} for call in calls]
    history = [question, {"role": "model", "parts": parts}, {"role": "user", "parts": results}]

    assert b"sunny" in vendors.ask(vendor, model, client="gemini_content", body={**body, "contents": history}, path=GENERATE)
