from typing import Any

import pytest

from modelgate.sandbox.anthropic.errors import Refused
from modelgate.sandbox.anthropic.tool_checks import check_strict, check_tools

TOOL = {"name": "f", "description": "d", "input_schema": {"type": "object", "properties": {"a": {"type": "integer", "minimum": 1}}}}


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"tools": []},
        {"tools": [TOOL, {**TOOL, "name": "g", "type": "custom", "cache_control": {"type": "ephemeral"}}]},
        {"tools": [{"type": "web_search_20250305", "name": "web_search", "max_uses": 3}]},
        *({"tools": [TOOL], "tool_choice": {"type": kind, "disable_parallel_tool_use": True}} for kind in ("auto", "any")),
        {"tools": [TOOL], "tool_choice": {"type": "tool", "name": "f"}},
        {"tools": [TOOL], "tool_choice": {"type": "none"}},
    ],
)
def test_good_tools(body: Any) -> None:
    check_tools(body)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"tools": {}}, "tools: Input should be a valid list"),
        ({"tools": ["f"]}, "tools.0: Input should be a valid dictionary"),
        ({"tools": [{"type": "function", "function": {"name": "f"}}]}, "tools.0: Input tag 'function' found using 'type'"),
        ({"tools": [{"input_schema": {}}]}, "tools.0.custom.name: Field required"),
        ({"tools": [{**TOOL, "name": "a b"}]}, "tools.0.custom.name: String should match pattern '^[a-zA-Z0-9_-]{1,64}$'"),
        ({"tools": [{"name": "f"}]}, "tools.0.custom.input_schema: Field required"),
        ({"tools": [{**TOOL, "input_schema": {}}]}, "tools.0.custom.input_schema.type: Field required"),
        ({"tools": [{**TOOL, "input_schema": {"type": "array"}}]}, "tools.0.custom.input_schema.type: Input should be 'object'"),
        ({"tools": [{**TOOL, "parameters": {}}]}, "tools.0.custom.parameters: Extra inputs are not permitted"),
        ({"tools": [TOOL, TOOL]}, "tools: Tool names must be unique."),
        ({"tools": [{**TOOL, "strict": True}]}, "tools.0.custom.input_schema: For 'object' type, 'additionalProperties'"),
        ({"tool_choice": {"type": "auto"}}, "tool_choice: tool_choice may only be specified while providing tools."),
        ({"tools": [TOOL], "tool_choice": "auto"}, "tool_choice: Input should be a valid dictionary"),
        ({"tools": [TOOL], "tool_choice": {"type": "required"}}, "tool_choice: Input tag 'required'"),
        ({"tools": [TOOL], "tool_choice": {"type": "tool"}}, "tool_choice.tool.name: Field required"),
        ({"tools": [TOOL], "tool_choice": {"type": "tool", "name": "g"}}, "tool_choice.tool.name: Tool 'g' not found in provided tools"),
        (
            {"tools": [TOOL], "tool_choice": {"type": "none", "disable_parallel_tool_use": True}},
            "tool_choice.none.disable_parallel_tool_use: Extra inputs are not permitted",
        ),
    ],
)
def test_bad_tools(body: Any, message: str) -> None:
    with pytest.raises(Refused) as caught:
        check_tools(body)
    assert caught.value.message.startswith(message)


def test_strict_schemas() -> None:
    inner = {"type": "object", "properties": {"minimum": {"type": "string"}}, "additionalProperties": False}
    check_strict({**inner, "properties": {"a": {"anyOf": [inner, {"type": "null"}]}}}, where="s")
    with pytest.raises(Refused, match="s: For 'integer' type, property 'minimum' is not supported"):
        check_strict({**inner, "properties": {"a": {"type": "integer", "minimum": 1}}}, where="s")
    with pytest.raises(Refused, match="must be explicitly set to false"):
        check_strict({**inner, "$defs": {"a": {"type": "object"}}}, where="s")
