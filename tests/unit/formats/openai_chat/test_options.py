from typing import Any

import msgspec
import pytest

from modelgate.core.errors import InvalidRequest
from modelgate.formats.chat.request import OutputFormat, Reasoning, ToolChoice
from modelgate.formats.openai_chat.hub_schema import Request
from modelgate.formats.openai_chat.options import (
    COMPLETION_TOKENS_MODELS,
    FIELD_NAMES,
    decode_output,
    decode_reasoning,
    decode_tool_choice,
    effort_of_budget,
    knows_efforts,
    nearest_effort,
)


def request(**fields: Any) -> Request:
    return msgspec.convert({"model": "m", "messages": [], **fields}, Request)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, None),
        ({"reasoning_effort": "high"}, Reasoning(effort="high")),
        ({"reasoning_effort": "low", "thinking": {"type": "disabled"}}, Reasoning(effort="low")),
        ({"thinking": {"type": "enabled", "budget_tokens": 4000}}, Reasoning(budget_tokens=4000)),
        ({"thinking": {"type": "enabled"}}, Reasoning(adaptive=True)),
        ({"thinking": {"type": "auto"}}, Reasoning(adaptive=True)),
        ({"thinking": {"type": "disabled"}}, Reasoning(effort="none")),
        ({"enable_thinking": True, "thinking_budget": 512}, Reasoning(budget_tokens=512)),
        ({"enable_thinking": False}, Reasoning(effort="none")),
        ({"reasoning": {"effort": "low", "exclude": True}}, Reasoning(effort="low", show=False)),
        ({"reasoning": {"max_tokens": 900}}, Reasoning(budget_tokens=900)),
        ({"reasoning": {"enabled": False}}, Reasoning(effort="none")),
        ({"reasoning": {"enabled": True}}, Reasoning(adaptive=True)),
        ({"reasoning": {"exclude": True}}, Reasoning(show=False)),
        ({"google": {"thinking_config": {"thinking_budget": -1, "include_thoughts": True}}}, Reasoning(adaptive=True, show=True)),
        ({"google": {"thinking_config": {"thinking_budget": 0}}}, Reasoning(effort="none")),
        ({"google": {"thinking_config": {"thinking_level": "HIGH"}}}, Reasoning(effort="high")),
    ],
)
def test_every_vendors_way_to_ask_for_thought(fields: dict[str, Any], expected: Reasoning | None) -> None:
    asked = request(**fields)
    assert decode_reasoning(asked, asked.google) == expected


@pytest.mark.parametrize(
    ("model", "effort", "nearest"),
    [
        ("o3", "none", "low"),
        ("openai/o4-mini", "max", "high"),
        ("gpt-5-mini", "none", "minimal"),
        ("gpt-5", "minimal", "minimal"),
        ("gpt-5.1", "minimal", "low"),
        ("gpt-5.2", "max", "xhigh"),
        ("gpt-6-astra", "none", "none"),
        ("grok-3-mini", "max", "max"),
    ],
)
def test_efforts_a_model_has_not_become_the_nearest(model: str, effort: str, nearest: str) -> None:
    assert nearest_effort(effort, model) == nearest


@pytest.mark.parametrize(
    ("budget", "effort"), [(0, "none"), (1024, "low"), (2048, "low"), (2049, "medium"), (8192, "medium"), (8193, "high")]
)
def test_budgets_as_efforts(budget: int, effort: str) -> None:
    assert effort_of_budget(budget) == effort


@pytest.mark.parametrize(
    ("model", "newer"), [("o1", True), ("o3-mini", True), ("gpt-5", True), ("gpt-6-astra", True), ("gpt-4o", False), ("omni", False)]
)
def test_which_models_want_the_newer_field(model: str, newer: bool) -> None:
    assert (COMPLETION_TOKENS_MODELS.match(model) is not None) is newer


def test_of_few_models_it_is_known_which_efforts_they_take() -> None:
    assert [knows_efforts(model) for model in ("o3", "openai/gpt-5.2", "gpt-4o", "llama")] == [True, True, False, False]


def test_forms_of_answers() -> None:
    assert decode_output(request()) is None
    assert decode_output(request(response_format={"type": "text"})) is None
    assert decode_output(request(response_format={"type": "json_object"})) == OutputFormat(kind="json")
    form = {"name": "n", "schema": {"type": "object"}, "strict": True}
    assert decode_output(request(response_format={"type": "json_schema", "json_schema": form})) == OutputFormat(
        kind="schema", name="n", schema={"type": "object"}, strict=True
    )
    with pytest.raises(InvalidRequest) as caught:
        decode_output(request(response_format={"type": "json_schema"}))
    assert caught.value.param == "response_format.json_schema"


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (None, None),
        ("auto", ToolChoice(mode="auto")),
        ("any", ToolChoice(mode="required")),
        ({"type": "function", "function": {"name": "f"}}, ToolChoice(mode="named", name="f")),
        ({"type": "custom", "custom": {"name": "c"}}, ToolChoice(mode="named", name="c")),
        ({"name": "f"}, ToolChoice(mode="named", name="f")),
        (
            {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [{"type": "function", "function": {"name": "f"}}]}},
            ToolChoice(mode="required", allowed=("f",)),
        ),
    ],
)
def test_choices_of_tools(choice: Any, expected: ToolChoice | None) -> None:
    assert decode_tool_choice(choice, param="tool_choice") == expected


@pytest.mark.parametrize("choice", ["sometimes", 5, {}, {"function": {}}])
def test_a_choice_that_is_none_is_refused(choice: Any) -> None:
    with pytest.raises(InvalidRequest) as caught:
        decode_tool_choice(choice, param="tool_choice")
    assert caught.value.param == "tool_choice"


def test_fields_are_called_as_callers_know_them() -> None:
    assert FIELD_NAMES["max_output_tokens"] == "max_completion_tokens"
    assert FIELD_NAMES["output"] == "response_format"
