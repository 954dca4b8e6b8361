"""Clients of two dialects in a tool loop with a Claude that thinks: without gateway and network, the sandbox's vendor checks every turn.

The vendor signs its thoughts and refuses the next turn without them, so that this fails whenever a dialect loses them.
"""

import json
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from modelgate.core.http import HeaderBlock, HttpRequest
from modelgate.core.providers import NO_QUIRKS
from modelgate.formats.anthropic_messages.wire import WIRE_FORMAT as CLAUDE
from modelgate.formats.chat.translator import StreamTranslator
from modelgate.formats.chat.wire_format import AnswerHead, WireFormat, load_wire_formats
from modelgate.sandbox.anthropic import AnthropicSandbox
from modelgate.sandbox.count import Counter
from modelgate.sandbox.tokens import Tokenizer

MODEL = "claude-sonnet-4-5"
HEAD = AnswerHead(model="mine", created=1_790_000_000, request_id="req_1")
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}


@pytest.fixture(scope="module")
def vendor() -> TestClient:
    sandbox = AnthropicSandbox(tokenizer=Tokenizer(), counter=Counter(), clock=lambda: 1_790_000_000.5)
    return TestClient(Starlette(routes=list(sandbox.routes())), headers={"x-api-key": "sk-ant-sandbox", "anthropic-version": "2023-06-01"})


def asked(vendor: TestClient, client: WireFormat, body: dict[str, Any]) -> bytes:
    """Return what a client gets for a body, by way of the hub."""
    request = HttpRequest(method="POST", path="/", headers=HeaderBlock(), body=json.dumps(body).encode())
    peek = client.peek(request)
    ask = CLAUDE.encode_request(client.decode_request(request, peek), MODEL, NO_QUIRKS)
    assert "reasoning" not in ask.ignored
    answer = vendor.post(ask.path, content=bytes(ask.body), headers={"content-type": "application/json"})
    assert answer.status_code == 200, answer.text
    if not body.get("stream"):
        return client.encode_response(CLAUDE.decode_response(answer.content), peek, HEAD)
    translator = StreamTranslator(CLAUDE.make_decoder(), client.make_encoder(peek, HEAD), encode_error=lambda error: b"failed")
    written = b"".join(translator.feed(answer.content[at : at + 11]) for at in range(0, len(answer.content), 11)) + translator.finish()
    assert translator.is_done
    assert translator.error is None
    return written + translator.final


def chunks(stream: bytes) -> list[Any]:
    lines = [line.removeprefix(b"data: ") for line in stream.split(b"\n") if line.startswith(b"data: ")]
    return [json.loads(line) for line in lines if line != b"[DONE]"]


def chat_calls(told: bytes, *, stream: bool) -> list[dict[str, Any]]:
    if not stream:
        return list(json.loads(told)["choices"][0]["message"]["tool_calls"])
    calls: dict[int, dict[str, Any]] = {}
    for chunk in chunks(told):
        for delta in (chunk["choices"] or [{"delta": {}}])[0]["delta"].get("tool_calls", []):
            call = calls.setdefault(delta["index"], {"type": "function", "function": {"name": "", "arguments": ""}})
            call["id"] = delta.get("id") or call["id"]
            call["function"]["name"] += delta["function"].get("name") or ""
            call["function"]["arguments"] += delta["function"].get("arguments") or ""
    return list(calls.values())


@pytest.mark.parametrize("stream", [False, True])
def test_a_client_of_chat_completions_keeps_claudes_thoughts_without_knowing(vendor: TestClient, stream: bool) -> None:
    chat = load_wire_formats()["openai_chat"]
    question: list[Any] = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "What is the weather in Paris?"}]
    tools = [{"type": "function", "function": {"name": "get_weather", "parameters": SCHEMA}}]
    base = {"model": "mine", "reasoning_effort": "low", "max_completion_tokens": 4000, "tools": tools, "stream": stream}
    calls = chat_calls(asked(vendor, chat, {**base, "messages": question}), stream=stream)
    assert calls
    history = [
        *question,
        {"role": "assistant", "content": None, "tool_calls": calls},
        *({"role": "tool", "tool_call_id": call["id"], "content": "sunny"} for call in calls),
    ]
    told = asked(vendor, chat, {**base, "messages": history})
    assert (b'"finish_reason":"stop"' in told) or b'"finish_reason":"tool_calls"' in told


def message_blocks(told: bytes, *, stream: bool) -> list[dict[str, Any]]:
    if not stream:
        return list(json.loads(told)["content"])
    blocks: list[dict[str, Any]] = []
    for event in chunks(told):
        if event["type"] == "content_block_start":
            blocks.append({**event["content_block"], "json": ""})
        elif event["type"] == "content_block_delta":
            delta = event["delta"]
            field = {"text_delta": "text", "thinking_delta": "thinking", "signature_delta": "signature", "input_json_delta": "json"}[
                delta["type"]
            ]
            blocks[-1][field] = blocks[-1].get(field, "") + delta[{"json": "partial_json"}.get(field, field)]
        elif event["type"] == "content_block_stop" and blocks[-1]["type"] == "tool_use":
            blocks[-1]["input"] = json.loads(blocks[-1]["json"] or "{}")
    return [{name: value for name, value in block.items() if name != "json"} for block in blocks]


@pytest.mark.parametrize("stream", [False, True])
def test_a_client_of_messages_gets_through_the_hub_what_the_vendor_takes_back(vendor: TestClient, stream: bool) -> None:
    question: list[Any] = [{"role": "user", "content": "What is the weather in Paris?"}]
    base = {
        "model": "mine",
        "max_tokens": 4000,
        "thinking": {"type": "enabled", "budget_tokens": 2000},
        "tools": [{"name": "get_weather", "input_schema": SCHEMA}],
        "stream": stream,
    }
    blocks = message_blocks(asked(vendor, CLAUDE, {**base, "messages": question}), stream=stream)
    assert [block["type"] for block in blocks if block["type"] != "text"][:2] == ["thinking", "tool_use"]
    results = [{"type": "tool_result", "tool_use_id": block["id"], "content": "sunny"} for block in blocks if block["type"] == "tool_use"]
    body = {**base, "messages": [*question, {"role": "assistant", "content": blocks}, {"role": "user", "content": results}]}
    assert b'"stop_reason":' in asked(vendor, CLAUDE, body)
    request = HttpRequest(method="POST", path="/", headers=HeaderBlock(), body=json.dumps(body).encode())
    assert not CLAUDE.peek(request).needs_hub  # its bytes may pass
    assert vendor.post("/v1/messages", json={**body, "model": MODEL}).status_code == 200
