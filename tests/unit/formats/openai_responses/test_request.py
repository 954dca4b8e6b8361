import json
from typing import Any

import pytest

from modelgate.core.errors import InvalidRequest
from modelgate.core.http import HeaderBlock, HttpRequest
from modelgate.formats.chat.request import ChatRequest, Reasoning, ToolChoice
from modelgate.formats.openai_responses.peek import peek
from modelgate.formats.openai_responses.request import decode_request


def decoded(**more: Any) -> ChatRequest:
    body = json.dumps({"model": "m", "input": "Hi", **more}).encode()
    request = HttpRequest(method="POST", path="/v1/responses", headers=HeaderBlock(), body=body)
    return decode_request(request, peek(request))


@pytest.mark.parametrize("choice", ["auto", "none", "required"])
def test_plain_tool_choices(choice: Any) -> None:
    assert decoded(tool_choice=choice).tool_choice == ToolChoice(mode=choice)


@pytest.mark.parametrize(
    ("said", "reasoning"),
    [
        ({}, None),
        ({"effort": None, "summary": None}, None),
        ({"effort": "low"}, Reasoning(effort="low")),
        ({"summary": "auto"}, Reasoning(show=True)),
        ({"generate_summary": "concise"}, Reasoning(show=True)),
    ],
)
def test_how_much_to_think(said: Any, reasoning: Reasoning | None) -> None:
    assert decoded(reasoning=said).reasoning == reasoning


@pytest.mark.parametrize("default", [{"store": None}, {"truncation": "disabled"}, {"background": False}, {"max_tool_calls": None}])
def test_defaults_are_not_told_as_ignored(default: Any) -> None:
    assert decoded(**default).ignored == ()


@pytest.mark.parametrize("unknown", ["store", "truncation", "top_k", "moderation"])
def test_what_has_no_word_in_the_hub_is_told_as_ignored(unknown: str) -> None:
    assert decoded(**{unknown: "x" if unknown != "store" else True}).ignored == (unknown,)


@pytest.mark.parametrize(
    ("more", "param"),
    [
        ({"tools": [{"type": "function", "name": 7}]}, "tools[0].name"),
        ({"tools": [{"name": "f"}]}, "tools[0].type"),
        ({"text": {"format": {"type": "json_schema", "name": "x"}}}, "text.format.schema"),
        ({"text": {"format": {"type": "xml"}}}, "text.format.type"),
        ({"tool_choice": "maybe"}, "tool_choice"),
        ({"metadata": {"a": 1}}, "metadata[...]"),
        ({"input": [{"type": "function_call_output", "call_id": "c"}]}, "input[0].output"),
        ({"input": [{"type": "function_call_output", "call_id": "c", "output": {}}]}, "input[0].output"),
        ({"input": [{"type": "function_call_output", "call_id": "c", "output": [{"type": "refusal", "refusal": "x"}]}]}, "input[0].output"),
        ({"input": [{"role": "system", "content": [{"type": "input_image", "image_url": "http://x.example"}]}]}, "input[0].content"),
        ({"input": [{"content": "x"}]}, "input[0].type"),
        ({"input": [{"role": "user"}]}, "input[0].content"),
    ],
)
def test_what_is_wrong_is_named_by_its_path(more: Any, param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        decoded(**more)
    assert caught.value.param == param
