from typing import Any

import pytest

from modelgate.sandbox.openai.errors import Refused
from modelgate.sandbox.openai.responses_checks import check_response

TOOL = {"type": "function", "name": "f", "parameters": {"type": "object", "properties": {}}}
SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": False}


def _body(**fields: Any) -> dict[str, Any]:
    return {"model": "gpt-4o", "input": "hi", **fields}


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"instructions": None, "max_output_tokens": 16, "temperature": 2, "top_p": 0, "store": False, "metadata": {"a": "b"}},
        {"stream": True, "stream_options": {"include_obfuscation": False}},
        {"tools": [TOOL, {"type": "web_search"}, {"type": "custom", "name": "c"}], "tool_choice": {"type": "function", "name": "f"}},
        {"tools": [{"type": "web_search"}], "tool_choice": {"type": "web_search"}},
        {"tools": [TOOL], "tool_choice": {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "f"}]}},
        {"text": {"format": {"type": "json_schema", "name": "s", "schema": SCHEMA, "strict": True}, "verbosity": "low"}},
        {"input": "answer in JSON", "text": {"format": {"type": "json_object"}}},
        {"model": "gpt-5", "reasoning": {"effort": "high", "summary": "auto"}, "include": ["reasoning.encrypted_content"]},
        {"model": "sandbox-slow", "reasoning": {"effort": "high"}},
        {"input": None, "previous_response_id": "resp_1"},
    ],
)
def test_what_passes(fields: dict[str, Any]) -> None:
    check_response(_body(**fields))


@pytest.mark.parametrize(
    ("fields", "param", "code"),
    [
        ({"model": None}, "model", "missing_required_parameter"),
        ({"input": None}, "input", "missing_required_parameter"),
        ({"messages": []}, "messages", "unsupported_parameter"),
        ({"max_tokens": 5}, "max_tokens", "unsupported_parameter"),
        ({"response_format": {"type": "text"}}, "response_format", "unsupported_parameter"),
        ({"stop": "x"}, "stop", "unknown_parameter"),
        ({"max_output_tokens": 15}, "max_output_tokens", "integer_below_min_value"),
        ({"temperature": 2.5}, "temperature", "decimal_above_max_value"),
        ({"top_logprobs": 21}, "top_logprobs", "integer_above_max_value"),
        ({"truncation": "some"}, "truncation", "invalid_value"),
        ({"instructions": 5}, "instructions", "invalid_type"),
        ({"store": "yes"}, "store", "invalid_type"),
        ({"safety_identifier": "x" * 65}, "safety_identifier", "string_above_max_length"),
        ({"metadata": {"a": 1}}, "metadata", "invalid_value"),
        ({"stream_options": {}}, "stream_options", None),
        ({"include": ["everything"]}, "include[0]", "invalid_value"),
        ({"include": [["a"]]}, "include[0]", "invalid_value"),
        ({"background": True, "store": False}, "background", "invalid_value"),
        ({"previous_response_id": "abc"}, "previous_response_id", "invalid_value"),
        ({"previous_response_id": "resp_1", "conversation": "conv_1"}, "previous_response_id", "mutually_exclusive_parameters"),
        ({"conversation": 5}, "conversation", "invalid_type"),
        ({"prompt": {}}, "prompt.id", "missing_required_parameter"),
        ({"tools": [{"type": "function", "function": {"name": "f"}}]}, "tools[0].name", "missing_required_parameter"),
        ({"tools": [{"name": "f"}]}, "tools[0].type", "missing_required_parameter"),
        ({"tools": [{"type": "teleport"}]}, "tools[0].type", "invalid_value"),
        ({"tools": [{"type": ["function"]}]}, "tools[0].type", "invalid_value"),
        ({"tools": ["f"]}, "tools[0]", "invalid_type"),
        ({"tools": [TOOL] * 129}, "tools", "array_above_max_length"),
        ({"tool_choice": "required"}, "tool_choice", None),
        ({"tool_choice": "always"}, "tool_choice", "invalid_value"),
        ({"tools": [TOOL], "tool_choice": {"type": "function", "name": "g"}}, "tool_choice", None),
        (
            {"tools": [TOOL], "tool_choice": {"type": "function", "function": {"name": "f"}}},
            "tool_choice.name",
            "missing_required_parameter",
        ),
        ({"tools": [TOOL], "tool_choice": {"type": "allowed_tools", "mode": "some"}}, "tool_choice.mode", "invalid_value"),
        ({"tools": [TOOL], "tool_choice": {"type": {}}}, "tool_choice.type", "invalid_value"),
        ({"text": {"format": {"type": "xml"}}}, "text.format.type", "invalid_value"),
        ({"text": {"format": {"type": "json_object"}}}, "input", None),
        ({"text": {"format": {"type": "json_schema", "json_schema": {}}}}, "text.format.name", "missing_required_parameter"),
        ({"text": {"format": {"type": "json_schema", "name": "s"}}}, "text.format.schema", "missing_required_parameter"),
        ({"text": {"format": {"type": "json_schema", "name": "a b", "schema": {}}}}, "text.format.name", "invalid_value"),
        (
            {"text": {"format": {"type": "json_schema", "name": "s", "strict": True, "schema": {"type": "string"}}}},
            "text.format.schema",
            "invalid_json_schema",
        ),
        ({"text": {"verbosity": "some"}}, "text.verbosity", "invalid_value"),
        ({"reasoning": {"effort": "high"}}, "reasoning.effort", "unsupported_parameter"),
        ({"model": "o3", "reasoning": {"effort": "huge"}}, "reasoning.effort", "invalid_value"),
        ({"include": ["reasoning.encrypted_content"]}, "include", None),
        ({"model": "gpt-5", "temperature": 0.5}, "temperature", "unsupported_parameter"),
    ],
)
def test_what_is_refused(fields: dict[str, Any], param: str, code: str | None) -> None:
    with pytest.raises(Refused) as caught:
        check_response(_body(**fields))
    assert (caught.value.status, caught.value.param, caught.value.code) == (400, param, code)


@pytest.mark.parametrize("fields", [{"conversation": "conv_1"}, {"conversation": {"id": "conv_1"}}, {"prompt": {"id": "pmpt_1"}}])
def test_what_is_not_kept_is_not_found(fields: dict[str, Any]) -> None:
    with pytest.raises(Refused, match="not found") as caught:
        check_response(_body(**fields))
    assert caught.value.status == 404


def test_a_body_that_is_no_object() -> None:
    with pytest.raises(Refused):
        check_response([])
