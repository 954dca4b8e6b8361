import json
from typing import Any

from modelgate.sandbox.openai.answers import Answerer
from modelgate.sandbox.openai.responses_events import render_error_event, render_events
from modelgate.sandbox.openai.responses_request import input_items, read_response
from modelgate.sandbox.openai.responses_wire import render_response
from modelgate.sandbox.tokens import Tokenizer


def _events(tokenizer: Tokenizer, text: str, *, options: dict[str, Any] | None = None, **fields: Any) -> list[dict[str, Any]]:
    body = {"model": "gpt-4o", "input": text, **fields}
    ask = read_response(body, input_items(body))
    response = render_response(Answerer(tokenizer).answer(ask), ask=ask, body=body, created=5, tokenizer=tokenizer)
    decoded = []
    for rendered in render_events(response, tokenizer=tokenizer, **(options or {})):
        name, data, *rest = rendered.decode().split("\n")
        assert rest == ["", ""]
        decoded.append(json.loads(data.removeprefix("data: ")))
        assert name == f"event: {decoded[-1]['type']}"
    return decoded


def test_text_in_the_order_of_the_contract(tokenizer: Tokenizer) -> None:
    events = _events(tokenizer, "Say: Hello there")
    assert [event["type"].removeprefix("response.") for event in events] == [
        "created",
        "in_progress",
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.delta",
        "output_text.done",
        "content_part.done",
        "output_item.done",
        "completed",
    ]
    assert [event["sequence_number"] for event in events] == list(range(10))
    assert [event["delta"] for event in events[4:6]] == ["Hello", " there"]
    assert events[2]["item"]["status"] == "in_progress"
    assert events[3]["part"]["text"] == ""
    assert events[6]["text"] == events[7]["part"]["text"] == events[8]["item"]["content"][0]["text"] == "Hello there"
    assert len({event["item_id"] for event in events[3:8]}) == 1
    assert events[0]["response"]["usage"] is None
    assert events[-1]["response"]["usage"]["output_tokens"] == 2


def test_reasoning_and_calls(tokenizer: Tokenizer) -> None:
    tools = [{"type": "function", "name": "get_time", "parameters": {"type": "object", "properties": {"zone": {"type": "string"}}}}]
    events = _events(tokenizer, "What is the time in Oslo?", model="gpt-5", reasoning={"summary": "auto"}, tools=tools)
    names = [event["type"].removeprefix("response.") for event in events]
    shown = list(dict.fromkeys(names))
    assert shown == [
        "created",
        "in_progress",
        "output_item.added",
        "reasoning_summary_part.added",
        "reasoning_summary_text.delta",
        "reasoning_summary_text.done",
        "reasoning_summary_part.done",
        "output_item.done",
        "function_call_arguments.delta",
        "function_call_arguments.done",
        "completed",
    ]
    arguments = "".join(event["delta"] for event in events if event["type"].endswith("arguments.delta"))
    done = next(event for event in events if event["type"].endswith("arguments.done"))
    assert done["arguments"] == arguments
    assert (done["name"], done["output_index"]) == ("get_time", 1)
    assert [event["item"].get("arguments") for event in events if event["type"].endswith("item.added")] == [None, ""]


def test_ways_to_begin_and_end(tokenizer: Tokenizer) -> None:
    assert _events(tokenizer, "Count to 99", max_output_tokens=16)[-1]["type"] == "response.incomplete"
    queued = _events(tokenizer, "hi", background=True)
    assert [event["type"] for event in queued[:3]] == ["response.created", "response.queued", "response.in_progress"]
    assert queued[0]["response"]["status"] == "queued"
    later = _events(tokenizer, "hi", options={"after": 4})
    assert later[0]["sequence_number"] == 5


def test_obfuscation_is_on_deltas_alone(tokenizer: Tokenizer) -> None:
    events = _events(tokenizer, "Say: Hello", options={"obfuscated": True})
    assert {event["type"] for event in events if "obfuscation" in event} == {"response.output_text.delta"}


def test_custom_tools(tokenizer: Tokenizer) -> None:
    events = _events(tokenizer, "go", tools=[{"type": "custom", "name": "c"}])
    done = next(event for event in events if event["type"] == "response.custom_tool_call_input.done")
    assert (done["input"], "name" in done) == ("go", False)


def test_the_error_event() -> None:
    name, data, *_ = render_error_event(7).decode().split("\n")
    assert name == "event: error"
    assert json.loads(data.removeprefix("data: "))["sequence_number"] == 7
