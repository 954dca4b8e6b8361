"""Anthropic's messages, as a client writes and reads them."""

import json
from collections.abc import Iterator

from tests.integration.gateway.dialects.ask import Ask, Call, Counted, Json, Model, Results, Told, User

LIMIT = 3000
"""The dialect always wants one."""
BUDGET = 1024


class AnthropicMessages:
    name = "anthropic_messages"
    finishes = {
        "stop": "end_turn",
        "stop_sequence": "stop_sequence",
        "length": "max_tokens",
        "tools": "tool_use",
        "named": "tool_use",
        "filtered": "refusal",
    }

    def path(self, model: str, mode: str) -> str:
        del model, mode
        return "/v1/messages"

    def headers(self, key: str) -> dict[str, str]:
        return {"x-api-key": key, "anthropic-version": "2023-06-01"}

    def body(self, ask: Ask, *, model: str, mode: str) -> dict[str, Json]:
        body: dict[str, Json] = {"model": model, "max_tokens": ask.limit or LIMIT, "messages": [_turn(turn) for turn in ask.turns]}
        if ask.system:
            body["system"] = ask.system
        if ask.tools:
            body["tools"] = [{"name": tool.name, "input_schema": tool.schema} for tool in ask.tools]
        if ask.choice:
            body["tool_choice"] = {"type": "any"} if ask.choice == "required" else {"type": "tool", "name": ask.choice}
        if ask.schema is not None:
            body["output_config"] = {"format": {"type": "json_schema", "schema": ask.schema}}
        if ask.stop:
            body["stop_sequences"] = list(ask.stop)
        if ask.thinks:
            body["thinking"] = {"type": "enabled", "budget_tokens": BUDGET}
        if mode != "whole":
            body["stream"] = True
        return body

    def whole(self, pieces: list[Json]) -> Json:
        pieces = [piece for piece in pieces if piece["type"] != "ping"]
        assert [pieces[0]["type"], pieces[-2]["type"], pieces[-1]["type"]] == ["message_start", "message_delta", "message_stop"]
        message = pieces[0]["message"]
        blocks: list[Json] = []
        is_open = False
        for piece in pieces[1:-2]:
            if piece["type"] == "content_block_start":
                assert not is_open
                assert piece["index"] == len(blocks)
                blocks.append({**piece["content_block"], "json": ""})
                is_open = True
                continue
            assert is_open
            assert piece["index"] == len(blocks) - 1
            if piece["type"] == "content_block_stop":
                is_open = False
            else:
                _merge(blocks[-1], piece["delta"])
        for block in blocks:
            written = block.pop("json")
            if block["type"] == "tool_use":
                block["input"] = json.loads(written or "{}")
        end = pieces[-2]
        return {**message, **end["delta"], "content": blocks, "usage": {**message.get("usage", {}), **end.get("usage", {})}}

    def read(self, answer: Json) -> Told:
        blocks = answer["content"]
        assert (answer["stop_sequence"] is not None) == (answer["stop_reason"] == "stop_sequence")
        text = "".join(block["text"] for block in blocks if block["type"] == "text")
        return Told(
            text=text,
            thoughts="".join(block["thinking"] for block in blocks if block["type"] == "thinking"),
            calls=tuple(Call(block["id"], block["name"], block["input"]) for block in blocks if block["type"] == "tool_use"),
            pictures=tuple(part.partition(")")[0] for part in text.split("](data:image/png;base64,")[1:]),
            finish=answer["stop_reason"],
            usage=_counted(answer.get("usage") or {}),
            turn=blocks,
        )

    def error_in(self, piece: Json) -> Json:
        return piece["error"] if piece["type"] == "error" else None


def _counted(usage: Json) -> Counted | None:
    cached, written = usage.get("cache_read_input_tokens") or 0, usage.get("cache_creation_input_tokens") or 0
    if usage.get("input_tokens", 0) + cached + written <= 0:
        return None
    thought = (usage.get("output_tokens_details") or {}).get("thinking_tokens") or 0
    return Counted(usage["input_tokens"] + cached + written, usage["output_tokens"], cached, written, thought)


def _merge(block: Json, delta: Json) -> None:
    match delta["type"]:
        case "text_delta":
            block["text"] += delta["text"]
        case "thinking_delta":
            block["thinking"] += delta["thinking"]
        case "signature_delta":
            block["signature"] = delta["signature"]
        case "input_json_delta":
            block["json"] += delta["partial_json"]


def _turn(turn: User | Model | Results) -> Json:
    match turn:
        case User(text=text, picture="", document=""):
            return {"role": "user", "content": text}
        case User():
            return {"role": "user", "content": list(_parts(turn))}
        case Model(turn=sent):
            return {"role": "assistant", "content": sent}
        case Results(results=results):
            return {"role": "user", "content": [{"type": "tool_result", "tool_use_id": call.id, "content": text} for call, text in results]}


def _parts(turn: User) -> Iterator[Json]:
    if turn.picture:
        yield {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": turn.picture}}
    if turn.document:
        yield {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": turn.document}}
    yield {"type": "text", "text": turn.text}
