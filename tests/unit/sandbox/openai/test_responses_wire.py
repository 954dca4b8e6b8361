from typing import Any

from modelgate.sandbox.openai.answers import Answerer
from modelgate.sandbox.openai.responses_request import input_items, read_response
from modelgate.sandbox.openai.responses_wire import failed, render_response, unfinished, with_id
from modelgate.sandbox.tokens import Tokenizer


def _response(tokenizer: Tokenizer, text: str, **fields: Any) -> dict[str, Any]:
    body = {"model": "gpt-4o", "input": text, **fields}
    ask = read_response(body, input_items(body))
    return render_response(Answerer(tokenizer).answer(ask), ask=ask, body=body, created=5, tokenizer=tokenizer)


def test_a_plain_response(tokenizer: Tokenizer) -> None:
    response = _response(tokenizer, "Say: Hello")
    (message,) = response["output"]
    assert message["content"] == [{"type": "output_text", "text": "Hello", "annotations": [], "logprobs": []}]
    assert (response["status"], response["model"], response["tool_choice"], response["temperature"]) == (
        "completed",
        "gpt-4o-2026-01-15",
        "auto",
        1.0,
    )
    assert response["text"] == {"format": {"type": "text"}, "verbosity": "medium"}
    usage = response["usage"]
    assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"]
    assert (usage["output_tokens"], usage["input_tokens_details"]["cached_tokens"]) == (1, 0)


def test_reasoning_comes_first(tokenizer: Tokenizer) -> None:
    wanted = {"effort": "low", "summary": "auto"}
    response = _response(tokenizer, "Say: Hello", model="gpt-5", reasoning=wanted, include=["reasoning.encrypted_content"])
    reasoning, message = response["output"]
    assert (reasoning["type"], message["type"]) == ("reasoning", "message")
    assert "Say: Hello" in reasoning["summary"][0]["text"]
    assert reasoning["encrypted_content"].startswith("gAAAAA")
    spent = response["usage"]["output_tokens_details"]["reasoning_tokens"]
    assert 32 < spent < response["usage"]["output_tokens"]
    assert response["reasoning"] == wanted
    silent = _response(tokenizer, "Say: Hello", model="gpt-5")["output"][0]
    assert (silent["summary"], "encrypted_content" in silent) == ([], False)


def test_a_limit_leaves_it_incomplete(tokenizer: Tokenizer) -> None:
    response = _response(tokenizer, "Count to 100", max_output_tokens=16)
    assert (response["status"], response["incomplete_details"]) == ("incomplete", {"reason": "max_output_tokens"})
    assert (response["output"][0]["status"], response["usage"]["output_tokens"]) == ("incomplete", 16)
    only_reasoning = _response(tokenizer, "Count to 100", model="o3", max_output_tokens=16)
    assert [item["type"] for item in only_reasoning["output"]] == ["reasoning"]


def test_calls_are_items(tokenizer: Tokenizer) -> None:
    tools = [{"type": "function", "name": "get_weather"}, {"type": "custom", "name": "run_code"}]
    response = _response(tokenizer, "get the weather and run code", tools=tools)
    first, second = response["output"]
    assert (first["type"], first["name"], first["arguments"], first["status"]) == ("function_call", "get_weather", "{}", "completed")
    assert (second["type"], second["name"]) == ("custom_tool_call", "run_code")
    assert first["call_id"] != second["call_id"]
    assert response["tools"][0] == {"type": "function", "name": "get_weather", "description": None, "parameters": None, "strict": True}


def test_usage_as_magic_wants_it(tokenizer: Tokenizer) -> None:
    assert _response(tokenizer, "magic: no-usage")["usage"] is None
    assert _response(tokenizer, "magic: tokens 10 3 4")["usage"] == {
        "input_tokens": 10,
        "input_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 0},
        "output_tokens": 3,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": 13,
    }


def test_logprobs_when_included(tokenizer: Tokenizer) -> None:
    response = _response(tokenizer, "Say: Hello there", include=["message.output_text.logprobs"], top_logprobs=2)
    logprobs = response["output"][0]["content"][0]["logprobs"]
    assert [each["token"] for each in logprobs] == ["Hello", " there"]
    assert all(len(each["top_logprobs"]) == 2 for each in logprobs)


def test_responses_on_their_way(tokenizer: Tokenizer) -> None:
    response = _response(tokenizer, "Say: Hello")
    early = unfinished(response, status="in_progress")
    assert (early["status"], early["output"], early["usage"], early["completed_at"]) == ("in_progress", [], None, None)
    assert failed(response, message="no")["error"] == {"code": "server_error", "message": "no"}


def test_kept_items_have_ids() -> None:
    kept = with_id({"type": "message", "role": "assistant", "content": "yes", "id": None})
    assert kept["id"].startswith("msg_")
    assert kept["content"] == [{"type": "output_text", "text": "yes"}]
    assert with_id({"type": "function_call", "id": "fc_1"})["id"] == "fc_1"
