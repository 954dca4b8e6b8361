import json
from typing import Any

import pytest

from modelgate.core.errors import InvalidRequest
from modelgate.core.providers import NO_QUIRKS, Quirks
from modelgate.formats.chat.request import (
    AudioOutput,
    ChatRequest,
    Message,
    OutputFormat,
    Reasoning,
    Text,
    Tool,
    ToolChoice,
    WebSearch,
)
from modelgate.formats.chat.wire_format import UpstreamAsk
from modelgate.formats.openai_chat.encode_request import JSON_SENTENCE, SCHEMA_SENTENCE, encode_request

HELLO = Message(role="user", parts=(Text(text="hi"),))
TOOL = Tool(name="f", description="d", schema={"type": "object"}, strict=True)


def asked(*, upstream: str = "m", quirks: Quirks = NO_QUIRKS, **fields: Any) -> UpstreamAsk:
    return encode_request(ChatRequest(**{"model": "m", "messages": (HELLO,), **fields}), upstream, quirks)


def body(**fields: Any) -> dict[str, Any]:
    return json.loads(asked(**fields).body)


def test_a_request_says_no_more_than_its_caller() -> None:
    assert body() == {"model": "m", "messages": [{"role": "user", "content": "hi"}]}


def test_plain_fields_are_said_as_they_are() -> None:
    plain: dict[str, Any] = {
        "temperature": 0.5,
        "top_p": 0.1,
        "n": 2,
        "seed": 7,
        "presence_penalty": 1.0,
        "frequency_penalty": -1.0,
        "logit_bias": {"1": -100},
        "logprobs": True,
        "top_logprobs": 2,
        "verbosity": "low",
        "service_tier": "flex",
        "store": False,
        "user": "u",
        "prompt_cache_key": "k",
        "prediction": {"type": "content", "content": "x"},
    }
    assert {name: value for name, value in body(**plain).items() if name in plain} == plain


@pytest.mark.parametrize(
    ("model", "field"), [("gpt-4o", "max_tokens"), ("o3", "max_completion_tokens"), ("openai/gpt-5", "max_completion_tokens")]
)
def test_the_bound_is_called_as_the_model_wants(model: str, field: str) -> None:
    assert body(upstream=model, max_output_tokens=9)[field] == 9
    renamed = body(upstream=model, max_output_tokens=9, quirks=Quirks(renames={field: "limit"}))
    assert (renamed["limit"], field in renamed) == (9, False)


def test_streams_ask_for_usage_where_that_is_understood() -> None:
    assert body(stream=True)["stream_options"] == {"include_usage": True}
    assert body(stream=True, quirks=Quirks(has_stream_options=False)) == {**body(), "stream": True}


def test_only_so_many_stop_sequences() -> None:
    ask = asked(stop=("a", "b", "c", "d", "e"))
    assert json.loads(ask.body)["stop"] == ["a", "b", "c", "d"]
    assert ask.ignored == ("stop",)


def test_tools_and_choices() -> None:
    custom = Tool(name="sql", custom=True, grammar={"type": "text"})
    found = body(tools=(TOOL, custom), tool_choice=ToolChoice(mode="named", name="sql"), parallel_tool_calls=False)
    assert found["tools"] == [
        {"type": "function", "function": {"name": "f", "description": "d", "parameters": {"type": "object"}, "strict": True}},
        {"type": "custom", "custom": {"name": "sql", "format": {"type": "text"}}},
    ]
    assert found["tool_choice"] == {"type": "custom", "custom": {"name": "sql"}}
    assert found["parallel_tool_calls"] is False
    assert body(tools=(TOOL,), tool_choice=ToolChoice(mode="named", name="f"))["tool_choice"] == {
        "type": "function",
        "function": {"name": "f"},
    }
    assert "parallel_tool_calls" not in body(parallel_tool_calls=True)


def test_narrowing_the_choice_narrows_the_offer() -> None:
    found = body(tools=(TOOL, Tool(name="g")), tool_choice=ToolChoice(mode="required", allowed=("g",)))
    assert [tool["function"]["name"] for tool in found["tools"]] == ["g"]
    assert found["tool_choice"] == "required"


def test_tools_that_a_vendor_runs() -> None:
    own = {"type": "web_search", "web_search": {"enable": True}}
    assert body(tools=(Tool(name="web_search", vendor=own, vendor_format="openai_chat"),))["tools"] == [own]
    foreign = body(tools=(Tool(name="web_search", vendor={}, vendor_format="anthropic_messages"),))
    assert (foreign["web_search_options"], "tools" in foreign) == ({}, False)
    with pytest.raises(InvalidRequest) as caught:
        body(tools=(Tool(name="computer", vendor={}, vendor_format="anthropic_messages"),))
    assert caught.value.param == "tools"


def test_searching_the_web() -> None:
    found = body(web_search=WebSearch(context_size="low", location={"type": "approximate"}))
    assert found["web_search_options"] == {"search_context_size": "low", "user_location": {"type": "approximate"}}


def test_answers_in_json() -> None:
    schema = OutputFormat(kind="schema", name="n", schema={"type": "object"}, strict=True)
    assert body(output=schema)["response_format"] == {
        "type": "json_schema",
        "json_schema": {"name": "n", "schema": {"type": "object"}, "strict": True},
    }
    told = body(output=schema, quirks=Quirks(has_json_schema=False))
    assert told["response_format"] == {"type": "json_object"}
    assert told["messages"][0] == {"role": "system", "content": SCHEMA_SENTENCE + '{"type":"object"}'}
    assert body(output=OutputFormat(kind="json"))["messages"][0] == {"role": "system", "content": JSON_SENTENCE}
    assert len(body(output=OutputFormat(kind="json"), system=(Text(text="Say it in JSON."),))["messages"]) == 2


@pytest.mark.parametrize(
    ("quirks", "reasoning", "said"),
    [
        (NO_QUIRKS, Reasoning(effort="high"), {"reasoning_effort": "high"}),
        (NO_QUIRKS, Reasoning(budget_tokens=3000), {"reasoning_effort": "medium"}),
        (NO_QUIRKS, Reasoning(adaptive=True), {}),
        (NO_QUIRKS, Reasoning(show=True), {}),
        (Quirks(reasoning="thinking"), Reasoning(effort="low"), {"thinking": {"type": "enabled"}}),
        (Quirks(reasoning="thinking"), Reasoning(effort="none"), {"thinking": {"type": "disabled"}}),
        (Quirks(reasoning="enable_thinking"), Reasoning(budget_tokens=100), {"enable_thinking": True, "thinking_budget": 100}),
        (Quirks(reasoning="enable_thinking"), Reasoning(effort="none"), {"enable_thinking": False}),
        (Quirks(reasoning="enable_thinking"), Reasoning(adaptive=True), {"enable_thinking": True}),
        (Quirks(reasoning="reasoning"), Reasoning(effort="low", show=False), {"reasoning": {"effort": "low", "exclude": True}}),
        (Quirks(reasoning="reasoning"), Reasoning(budget_tokens=100), {"reasoning": {"max_tokens": 100}}),
        (Quirks(reasoning="reasoning"), Reasoning(adaptive=True), {"reasoning": {"enabled": True}}),
        (Quirks(reasoning="reasoning"), Reasoning(effort="none"), {"reasoning": {"effort": "none"}}),
    ],
)
def test_how_much_to_think_in_each_vendors_way(quirks: Quirks, reasoning: Reasoning, said: dict[str, Any]) -> None:
    assert body(reasoning=reasoning, quirks=quirks) == {**body(), **said}


@pytest.mark.parametrize(("model", "quirks"), [("gpt-4o", NO_QUIRKS), ("m", Quirks(reasoning=""))])
def test_thought_that_cannot_be_asked_for_is_named(model: str, quirks: Quirks) -> None:
    ask = asked(upstream=model, reasoning=Reasoning(effort="high"), quirks=quirks)
    assert ask.ignored == ("reasoning",)
    assert "reasoning_effort" not in json.loads(ask.body)


def test_sounds_and_pictures() -> None:
    found = body(modalities=("text", "audio"), audio=AudioOutput(voice="alloy", format="wav"))
    assert (found["modalities"], found["audio"]) == (["text", "audio"], {"voice": "alloy", "format": "wav"})
    assert "modalities" not in body(modalities=("text",))
    ask = asked(image_aspect_ratio="1:1", image_size="2K", gemini_safety_settings=[1], top_k=4, metadata={"a": "b"})
    assert ask.ignored == ("gemini_safety_settings", "image_aspect_ratio", "image_size", "metadata", "top_k")
    understood = body(image_aspect_ratio="1:1", top_k=4, quirks=Quirks(accepts=frozenset(("top_k", "image_config"))))
    assert (understood["image_config"], understood["top_k"]) == ({"aspect_ratio": "1:1"}, 4)


def test_what_a_vendor_refuses_is_left_out_and_named() -> None:
    ask = asked(seed=1, reasoning=Reasoning(effort="low"), quirks=Quirks(refuses=frozenset(("seed", "reasoning", "user"))))
    assert (json.loads(ask.body), ask.ignored) == (body(), ("reasoning", "seed"))


def test_metadata_goes_along_with_what_is_stored() -> None:
    assert body(metadata={"a": "b"}, store=True)["metadata"] == {"a": "b"}
