"""How a response looks on OpenAI's wire: the object with its output items."""

import msgspec

from modelgate.core.ids import random_text
from modelgate.core.records import Json
from modelgate.sandbox.calls import Call
from modelgate.sandbox.chat_ask import ChatAsk
from modelgate.sandbox.openai.answers import Answer
from modelgate.sandbox.openai.checks import REASONING_MODEL
from modelgate.sandbox.openai.reasoning import make_encrypted
from modelgate.sandbox.openai.wire import answered_model, render_logprobs
from modelgate.sandbox.speaker import Choice
from modelgate.sandbox.tokens import Tokenizer

_ID_LENGTH = 48
_ID_STARTS = {"message": "msg_", "function_call": "fc_", "custom_tool_call": "ctc_", "reasoning": "rs_"}


def new_response_id() -> str:
    """Return the id of a new response."""
    return "resp_" + random_text(_ID_LENGTH)


def with_id(item: dict[str, Json]) -> dict[str, Json]:
    """Return an input item as the vendor keeps it: with an id, and its content as parts."""
    new_id = _ID_STARTS.get(item["type"], item["type"] + "_") + random_text(_ID_LENGTH)
    kept = {"status": "completed", **item, "id": item.get("id") or new_id}
    if item["type"] == "message" and isinstance(item["content"], str):
        kind = "output_text" if item["role"] == "assistant" else "input_text"
        kept["content"] = [{"type": kind, "text": item["content"]}]
    return kept


def render_response(answer: Answer, *, ask: ChatAsk, body: dict[str, Json], created: int, tokenizer: Tokenizer) -> dict[str, Json]:
    """Return the finished response to a request."""
    (choice,) = answer.choices
    cut = choice.finish == "length"
    reasoning, text = body.get("reasoning") or {}, body.get("text") or {}
    return {
        "id": new_response_id(),
        "object": "response",
        "created_at": created,
        "status": "incomplete" if cut else "completed",
        "background": bool(body.get("background")),
        "completed_at": None if cut else created,
        "error": None,
        "incomplete_details": {"reason": "max_output_tokens"} if cut else None,
        "instructions": body.get("instructions"),
        "max_output_tokens": body.get("max_output_tokens"),
        "max_tool_calls": body.get("max_tool_calls"),
        "model": answered_model(body["model"]),
        "output": list(_output(choice, ask=ask, body=body, tokenizer=tokenizer)),
        "parallel_tool_calls": body.get("parallel_tool_calls") is not False,
        "previous_response_id": body.get("previous_response_id"),
        "prompt_cache_key": body.get("prompt_cache_key"),
        "reasoning": {"effort": _effort(body), "summary": reasoning.get("summary") or reasoning.get("generate_summary")},
        "safety_identifier": body.get("safety_identifier"),
        "service_tier": "default",
        "store": body.get("store") is not False,
        "temperature": 1.0 if body.get("temperature") is None else body["temperature"],
        "text": {"format": _format(text.get("format") or {"type": "text"}), "verbosity": text.get("verbosity") or "medium"},
        "tool_choice": body.get("tool_choice") or "auto",
        "tools": [_tool(tool) for tool in body.get("tools") or ()],
        "top_logprobs": body.get("top_logprobs") or 0,
        "top_p": 1.0 if body.get("top_p") is None else body["top_p"],
        "truncation": body.get("truncation") or "disabled",
        "usage": ask.magic.usage(_usage(answer)),
        "user": body.get("user"),
        "metadata": body.get("metadata") or {},
    }


def unfinished(response: dict[str, Json], *, status: str) -> dict[str, Json]:
    """Return a response as it is seen before anything came out of it."""
    return {**response, "status": status, "completed_at": None, "incomplete_details": None, "output": [], "usage": None}


def failed(response: dict[str, Json], *, message: str) -> dict[str, Json]:
    """Return a response that failed on its way."""
    return {**unfinished(response, status="failed"), "error": {"code": "server_error", "message": message}}


def encoded(response: dict[str, Json]) -> bytes:
    """Return a response as a body."""
    return msgspec.json.encode(response)


def _effort(body: dict[str, Json]) -> str | None:
    effort: str | None = (body.get("reasoning") or {}).get("effort")
    return effort or ("medium" if REASONING_MODEL.match(body["model"]) else None)


def _format(wanted: dict[str, Json]) -> dict[str, Json]:
    if wanted["type"] != "json_schema":
        return {"type": wanted["type"]}
    return {"description": None, "strict": False, **wanted}


def _tool(tool: dict[str, Json]) -> dict[str, Json]:
    if tool["type"] != "function":
        return tool
    return {"description": None, "strict": True, "parameters": None, **tool}


def _usage(answer: Answer) -> dict[str, Json]:
    return {
        "input_tokens": answer.prompt_tokens,
        "input_tokens_details": {"cached_tokens": answer.cached_tokens, "cache_write_tokens": 0},
        "output_tokens": answer.completion_tokens,
        "output_tokens_details": {"reasoning_tokens": answer.reasoning_tokens},
        "total_tokens": answer.prompt_tokens + answer.completion_tokens,
    }


def _output(choice: Choice, *, ask: ChatAsk, body: dict[str, Json], tokenizer: Tokenizer) -> list[dict[str, Json]]:
    """Return the items: what was reasoned, then what was said or called."""
    items: list[dict[str, Json]] = []
    if choice.reasoning:
        items.append(_reasoning(choice, body=body))
    status = "incomplete" if choice.finish == "length" else "completed"
    items += [_call(call, status=status if call is choice.calls[-1] else "completed") for call in choice.calls]
    if choice.text or not items:
        items.append(_message(choice.text or "", status=status, ask=ask, tokenizer=tokenizer))
    return items


def _new_item(kind: str, **fields: Json) -> dict[str, Json]:
    return {"id": _ID_STARTS[kind] + random_text(_ID_LENGTH), "type": kind, **fields}


def _reasoning(choice: Choice, *, body: dict[str, Json]) -> dict[str, Json]:
    item = _new_item("reasoning", summary=[{"type": "summary_text", "text": choice.thought}] if choice.thought else [])
    if "reasoning.encrypted_content" in (body.get("include") or ()):
        item["encrypted_content"] = make_encrypted()
    return item


def _call(call: Call, *, status: str) -> dict[str, Json]:
    kind, text = ("custom_tool_call", "input") if call.custom else ("function_call", "arguments")
    return _new_item(kind, status=status, call_id=call.id, name=call.name, **{text: call.arguments})


def _message(text: str, *, status: str, ask: ChatAsk, tokenizer: Tokenizer) -> dict[str, Json]:
    logprobs = [] if ask.top_logprobs is None else render_logprobs(tokenizer.pieces(text), top=ask.top_logprobs, tokenizer=tokenizer)
    part = {"type": "output_text", "text": text, "annotations": [], "logprobs": logprobs}
    return _new_item("message", status=status, role="assistant", content=[part])
