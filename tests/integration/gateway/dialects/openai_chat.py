"""OpenAI's chat completions, as a client writes and reads them."""

import json
from collections.abc import Iterator
from typing import Any

from tests.integration.gateway.dialects.ask import Ask, Call, Counted, Json, Model, Results, Told, User


class OpenaiChat:
    name = "openai_chat"
    finishes = {
        "stop": "stop",
        "stop_sequence": "stop",
        "length": "length",
        "tools": "tool_calls",
        "named": "tool_calls",
        "filtered": "content_filter",
    }

    def path(self, model: str, mode: str) -> str:
        del model, mode
        return "/v1/chat/completions"

    def headers(self, key: str) -> dict[str, str]:
        return {"authorization": f"Bearer {key}"}

    def body(self, ask: Ask, *, model: str, mode: str) -> dict[str, Json]:
        messages: list[Json] = [{"role": "system", "content": ask.system}] if ask.system else []
        for turn in ask.turns:
            messages += _turn(turn)
        body: dict[str, Json] = {"model": model, "messages": messages}
        if ask.tools:
            body["tools"] = [{"type": "function", "function": {"name": tool.name, "parameters": tool.schema}} for tool in ask.tools]
        if ask.choice:
            named = {"type": "function", "function": {"name": ask.choice}}
            body["tool_choice"] = ask.choice if ask.choice == "required" else named
        if ask.schema is not None:
            body["response_format"] = {"type": "json_schema", "json_schema": {"name": "answer", "schema": ask.schema, "strict": True}}
        if ask.json:
            body["response_format"] = {"type": "json_object"}
        if ask.stop:
            body["stop"] = list(ask.stop)
        if ask.limit is not None:
            body["max_completion_tokens"] = ask.limit
        if ask.thinks:
            body["reasoning_effort"] = "low"
        if mode != "whole":
            body |= {"stream": True, "stream_options": {"include_usage": True}}
        return body

    def whole(self, pieces: list[Json]) -> Json:
        message: dict[str, Json] = {"role": "assistant", "content": None}
        calls: dict[int, dict[str, Json]] = {}
        finish, usage = None, None
        for piece in pieces:
            assert piece["object"] == "chat.completion.chunk"
            usage = piece.get("usage") or usage
            for choice in piece["choices"]:
                assert finish is None, "something came after the end"
                finish = choice["finish_reason"]
                _merge(message, calls, choice["delta"])
        if calls:
            assert list(calls) == list(range(len(calls)))
            message["tool_calls"] = list(calls.values())
        return {"choices": [{"index": 0, "message": message, "finish_reason": finish}], "usage": usage}

    def read(self, answer: Json) -> Told:
        (choice,) = answer["choices"]
        message, usage = choice["message"], answer.get("usage")
        text = message["content"] or ""
        return Told(
            text=text,
            thoughts=message.get("reasoning_content") or "",
            calls=tuple(_call(call) for call in message.get("tool_calls") or ()),
            pictures=tuple(part.partition(")")[0] for part in text.split("](data:image/png;base64,")[1:]),
            finish=choice["finish_reason"],
            usage=_counted(usage or {}),
            turn=message,
        )

    def error_in(self, piece: Json) -> Json:
        return piece.get("error")


def _counted(usage: Json) -> Counted | None:
    if usage.get("prompt_tokens", 0) <= 0:
        return None
    of_input, of_output = usage.get("prompt_tokens_details") or {}, usage.get("completion_tokens_details") or {}
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
    return Counted(
        usage["prompt_tokens"],
        usage["completion_tokens"],
        of_input.get("cached_tokens") or 0,
        of_input.get("cache_write_tokens") or 0,
        of_output.get("reasoning_tokens") or 0,
    )


def _turn(turn: User | Model | Results) -> list[Json]:
    match turn:
        case User(text=text, picture="", document=""):
            return [{"role": "user", "content": text}]
        case User():
            return [{"role": "user", "content": list(_parts(turn))}]
        case Model(turn=sent):
            return [sent]
        case Results(results=results):
            return [{"role": "tool", "tool_call_id": call.id, "content": text} for call, text in results]


def _parts(turn: User) -> Iterator[Json]:
    yield {"type": "text", "text": turn.text}
    if turn.picture:
        yield {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{turn.picture}"}}
    if turn.document:
        yield {"type": "file", "file": {"filename": "a.pdf", "file_data": f"data:application/pdf;base64,{turn.document}"}}


def _call(call: Json) -> Call:
    assert call["type"] == "function"
    return Call(call["id"], call["function"]["name"], json.loads(call["function"]["arguments"]))


def _merge(message: dict[str, Json], calls: dict[int, dict[str, Json]], delta: Any) -> None:
    for name in ("content", "reasoning_content", "refusal"):
        if delta.get(name):
            message[name] = (message.get(name) or "") + delta[name]
    if delta.get("reasoning_details"):
        message["reasoning_details"] = [*message.get("reasoning_details", []), *delta["reasoning_details"]]
    for part in delta.get("tool_calls") or ():
        call = calls.setdefault(part["index"], {"id": part.get("id"), "type": "function", "function": {"name": "", "arguments": ""}})
        call["function"]["name"] += part["function"].get("name") or ""
        call["function"]["arguments"] += part["function"].get("arguments") or ""
