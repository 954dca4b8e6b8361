from typing import Any

import pytest

from modelgate.sandbox.openai.checks import check_chat
from modelgate.sandbox.openai.errors import Refused

TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
OPEN_SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}
LOOSE_SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}, "required": [], "additionalProperties": False}


def _body(**fields: Any) -> dict[str, Any]:
    return {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}], **fields}


def _schema(schema: Any, **more: Any) -> dict[str, Any]:
    return {"response_format": {"type": "json_schema", "json_schema": {"name": "s", "schema": schema, **more}}}


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"top_k": 5, "thinking": {"type": "enabled"}, "extra": None},
        {"temperature": None, "n": None, "stop": None, "tools": None, "stream_options": None, "response_format": None, "logprobs": None},
        {"temperature": 0, "top_p": 0.5, "presence_penalty": -2, "n": 128, "seed": -1, "stop": ["a", "b"], "logit_bias": {"50256": -100}},
        {"stream": True, "stream_options": {"include_usage": True, "include_obfuscation": False}},
        {"logprobs": True, "top_logprobs": 20},
        {"tools": [TOOL], "tool_choice": {"type": "function", "function": {"name": "f"}}, "parallel_tool_calls": False},
        {"tools": [{"type": "custom", "custom": {"name": "c"}}], "tool_choice": "required"},
        {"functions": [{"name": "f"}], "function_call": {"name": "f"}},
        {"metadata": {"a": "b"}, "store": True, "user": "u", "service_tier": "flex", "verbosity": "low", "reasoning_effort": "minimal"},
        {"modalities": ["text"], "prediction": {"type": "content", "content": "x"}},
        {"messages": [{"role": "user", "content": "as JSON please"}], "response_format": {"type": "json_object"}},
        {"model": "gpt-5", "max_completion_tokens": 5, "temperature": 1},
        _schema(OPEN_SCHEMA),
    ],
    ids=str,
)
def test_good_requests_pass(fields: dict[str, Any]) -> None:
    check_chat(_body(**fields))


@pytest.mark.parametrize(
    ("fields", "param", "code"),
    [
        ({"model": None}, "model", "missing_required_parameter"),
        ({"safety_identifier": "x" * 65}, "safety_identifier", "string_above_max_length"),
        ({"prompt_cache_retention": "1y"}, "prompt_cache_retention", "invalid_value"),
        ({"prompt_cache_options": {"mode": "x"}}, "prompt_cache_options.mode", "invalid_value"),
        ({"prediction": {"type": "x", "content": "a"}}, "prediction.type", "invalid_value"),
        ({"web_search_options": {"search_context_size": "huge"}}, "web_search_options.search_context_size", "invalid_value"),
        ({"model": 5}, "model", "invalid_type"),
        ({"temperature": 2.1}, "temperature", "decimal_above_max_value"),
        ({"temperature": "1"}, "temperature", "invalid_type"),
        ({"temperature": True}, "temperature", "invalid_type"),
        ({"top_p": -0.1}, "top_p", "decimal_below_min_value"),
        ({"n": 0}, "n", "integer_below_min_value"),
        ({"n": 129}, "n", "integer_above_max_value"),
        ({"n": 1.5}, "n", "invalid_type"),
        ({"max_tokens": 0}, "max_tokens", "integer_below_min_value"),
        ({"max_tokens": 5, "max_completion_tokens": 5}, None, "invalid_parameter_combination"),
        ({"stop": ["a", "b", "c", "d", "e"]}, "stop", "invalid_value"),
        ({"stop": [1]}, "stop", "invalid_value"),
        ({"logit_bias": {"x": 1}}, "logit_bias", "invalid_value"),
        ({"stream": "yes"}, "stream", "invalid_type"),
        ({"stream_options": {"include_usage": True}}, "stream_options", None),
        ({"stream": False, "stream_options": {}}, "stream_options", None),
        ({"top_logprobs": 3}, "top_logprobs", None),
        ({"logprobs": True, "top_logprobs": 21}, "top_logprobs", "integer_above_max_value"),
        ({"reasoning_effort": "huge"}, "reasoning_effort", "invalid_value"),
        ({"metadata": {"a": 1}}, "metadata", "invalid_value"),
        ({"modalities": ["text", "audio"]}, "modalities", "unsupported_value"),
        ({"response_format": {"type": "yaml"}}, "response_format.type", "invalid_value"),
        ({"response_format": {"type": "json_object"}}, "messages", None),
        (_schema(OPEN_SCHEMA, strict=True), "response_format", None),
        (_schema(LOOSE_SCHEMA, strict=True), "response_format", None),
        (_schema({"type": "array"}, strict=True), "response_format", None),
        (_schema({}, name="a b"), "response_format.json_schema.name", "invalid_value"),
        ({"model": "o3", "max_tokens": 5}, "max_tokens", "unsupported_parameter"),
        ({"model": "gpt-5-mini", "temperature": 0.5}, "temperature", "unsupported_value"),
        ({"model": "o4-mini", "stop": "x"}, "stop", "unsupported_parameter"),
    ],
    ids=str,
)
def test_bad_requests_name_the_field(fields: dict[str, Any], param: str | None, code: str | None) -> None:
    with pytest.raises(Refused) as caught:
        check_chat(_body(**fields))
    assert (caught.value.status, caught.value.type, caught.value.param, caught.value.code) == (400, "invalid_request_error", param, code)


def test_a_body_that_is_no_object_is_refused() -> None:
    for body in ([], None, "text"):
        with pytest.raises(Refused):
            check_chat(body)
