"""A request for a response that passed the checks, in the words of a chat, for the make-believe model."""

from itertools import groupby

import msgspec

from modelgate.core.records import Json
from modelgate.sandbox.chat_ask import ChatAsk
from modelgate.sandbox.openai.request import read_chat

_CALLS = {"function_call": ("function", "arguments"), "custom_tool_call": ("custom", "input")}


def input_items(body: dict[str, Json]) -> list[dict[str, Json]]:
    """Return the input as items; a text is a message of the user."""
    given = body.get("input")
    if isinstance(given, str):
        return [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": given}]}]
    return [item if item.get("type") else {**item, "type": "message"} for item in given or ()]


def read_response(body: dict[str, Json], items: list[dict[str, Json]]) -> ChatAsk:
    """Return what is asked of the model: the body's wishes about all items, earlier turns included."""
    reasoning, text = body.get("reasoning") or {}, body.get("text") or {}
    wanted = text.get("format") or {"type": "text"}
    options = body.get("stream_options") or {}
    include = body.get("include") or ()
    ask = read_chat(
        {
            "model": body["model"],
            "messages": _messages(items, instructions=body.get("instructions")),
            "stream": body.get("stream"),
            "stream_options": {"include_obfuscation": options.get("include_obfuscation") is not False},
            "tools": [_nested(tool) for tool in body.get("tools") or () if tool["type"] in ("function", "custom")],
            "tool_choice": _choice(body),
            "parallel_tool_calls": body.get("parallel_tool_calls"),
            "response_format": {"type": wanted["type"], "json_schema": wanted},
            "max_completion_tokens": body.get("max_output_tokens"),
            "reasoning_effort": reasoning.get("effort"),
            "logprobs": "message.output_text.logprobs" in include,
            "top_logprobs": body.get("top_logprobs"),
        }
    )
    summed_up = reasoning.get("summary") or reasoning.get("generate_summary")
    return msgspec.structs.replace(ask, thinks=bool(summed_up), definitions=body.get("tools"))


def _nested(tool: dict[str, Json]) -> dict[str, Json]:
    return {"type": tool["type"], tool["type"]: tool}


def _choice(body: dict[str, Json]) -> Json:
    choice = body.get("tool_choice")
    if not isinstance(choice, dict):
        return choice
    if choice["type"] == "allowed_tools":
        return {"type": "allowed_tools", "allowed_tools": choice}
    return _nested(choice) if choice["type"] in ("function", "custom") else "none"


def _messages(items: list[dict[str, Json]], *, instructions: str | None) -> list[dict[str, Json]]:
    """Return the messages of a chat; calls that follow each other are one message, and reasoning is none."""
    said: list[dict[str, Json]] = [{"role": "system", "content": instructions}] if instructions else []
    for calls, group in groupby(items, key=lambda item: item["type"] in _CALLS):
        if calls:
            said.append({"role": "assistant", "content": None, "tool_calls": [_call(item) for item in group]})
        else:
            said += [message for item in group if (message := _message(item)) is not None]
    return said


def _call(item: dict[str, Json]) -> dict[str, Json]:
    kind, text = _CALLS[item["type"]]
    return {"id": item["call_id"], "type": kind, kind: {"name": item["name"], text: item[text]}}


def _message(item: dict[str, Json]) -> dict[str, Json] | None:
    if item["type"] == "message":
        return {"role": item["role"], "content": _content(item["content"])}
    if item["type"] in ("function_call_output", "custom_tool_call_output"):
        return {"role": "tool", "tool_call_id": item["call_id"], "content": _content(item["output"])}
    return None


def _content(content: Json) -> Json:
    return content if isinstance(content, str) else [_part(part) for part in content]


def _part(part: dict[str, Json]) -> dict[str, Json]:
    match part["type"]:
        case "input_image":
            return {"type": "image_url", "image_url": {"url": part["image_url"], "detail": part.get("detail")}}
        case "input_file":
            return {"type": "file", "file": part}
        case "refusal":
            return {"type": "text", "text": part["refusal"]}
    return {"type": "text", "text": part["text"]}
