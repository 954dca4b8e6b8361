from typing import Any

import pytest

from modelgate.sandbox.openai.errors import Refused
from modelgate.sandbox.openai.tool_checks import check_functions, check_tool_choice, check_tools


def _tool(**function: Any) -> dict[str, Any]:
    return {"type": "function", "function": function}


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"tools": []}, "tools"),
        ({"tools": [_tool(name="f")] * 129}, "tools"),
        ({"tools": [{"type": "magic"}]}, "tools[0].type"),
        ({"tools": [{"type": "function"}]}, "tools[0].function"),
        ({"tools": [_tool(name="f"), _tool()]}, "tools[1].function.name"),
        ({"tools": [_tool(name="two words")]}, "tools[0].function.name"),
        ({"tools": [_tool(name="x" * 65)]}, "tools[0].function.name"),
        ({"tools": [_tool(name="f", parameters={"type": "array"})]}, "tools[0].function.parameters"),
        ({"tools": [_tool(name="f", parameters=[])]}, "tools[0].function.parameters"),
        ({"tools": [_tool(name="f", strict=True, parameters={"type": "object", "properties": {"a": {}}})]}, "tools[0].function.parameters"),
        ({"tool_choice": "auto"}, "tool_choice"),
        ({"parallel_tool_calls": True}, "parallel_tool_calls"),
    ],
)
def test_bad_tools(body: dict[str, Any], param: str) -> None:
    with pytest.raises(Refused) as caught:
        check_tools(body)
    assert caught.value.param == param


@pytest.mark.parametrize(
    ("choice", "param"),
    [
        ("always", "tool_choice"),
        ({"type": "tool"}, "tool_choice.type"),
        ({"type": "function"}, "tool_choice.function"),
        ({"type": "function", "function": {"name": "g"}}, "tool_choice"),
        ({"type": "allowed_tools", "allowed_tools": {"mode": "none"}}, "tool_choice.allowed_tools.mode"),
    ],
)
def test_bad_tool_choices(choice: Any, param: str) -> None:
    with pytest.raises(Refused) as caught:
        check_tool_choice({"tools": [_tool(name="f")], "tool_choice": choice})
    assert caught.value.param == param


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"function_call": "auto"}, "function_call"),
        ({"functions": []}, "functions"),
        ({"functions": [{"name": "f"}], "tools": [_tool(name="f")]}, "functions"),
        ({"functions": [{"name": "f"}], "function_call": {"name": "g"}}, "function_call"),
        ({"functions": [{"name": "f"}], "function_call": "required"}, "function_call"),
        ({"functions": [{}]}, "functions[0].name"),
    ],
)
def test_bad_functions(body: dict[str, Any], param: str) -> None:
    with pytest.raises(Refused) as caught:
        check_functions(body)
    assert caught.value.param == param


@pytest.mark.parametrize("required", [None, 1, True, "a", [{}], [[]], []])
def test_an_odd_list_of_required_properties_is_refused(required: Any) -> None:
    """Anything but a list of texts ended in a 500."""
    schema = {"type": "object", "properties": {"a": {}}, "required": required, "additionalProperties": False}
    with pytest.raises(Refused, match="'required' is required"):
        check_tools({"tools": [_tool(name="f", strict=True, parameters=schema)]})


def test_strict_schemas_are_searched_everywhere() -> None:
    closed: dict[str, Any] = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": False}
    inner = {"type": "object", "properties": {"b": {"type": "string"}}, "required": ["b"]}
    check_tools({"tools": [_tool(name="f", strict=True, parameters=closed)]})
    for hidden in (
        {"items": inner},
        {"anyOf": [{"type": "null"}, inner]},
        {"type": "object", "properties": {}, "additionalProperties": False, "$defs": {"x": inner}},
    ):
        with pytest.raises(Refused, match="additionalProperties"):
            check_tools({"tools": [_tool(name="f", strict=True, parameters={**closed, "properties": {"a": hidden}})]})
