from typing import Any

import pytest

from modelgate.sandbox.openai.errors import Refused
from modelgate.sandbox.openai.responses_item_checks import MAX_INPUT_ITEMS, check_input, check_pairs, check_reasoning_order

CALL = {"type": "function_call", "call_id": "call_1", "name": "f", "arguments": "{}"}
OUTPUT = {"type": "function_call_output", "call_id": "call_1", "output": "21"}
USER = {"role": "user", "content": "hi"}
REASONING = {"type": "reasoning", "id": "rs_1", "summary": []}


@pytest.mark.parametrize(
    "items",
    [
        "hi",
        [USER, {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "yes", "annotations": []}]}],
        [{"role": "developer", "content": [{"type": "input_text", "text": "be brief"}]}],
        [{"role": "user", "content": [{"type": "input_image", "image_url": "https://example.com/a.png"}]}],
        [{"role": "user", "content": [{"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,AAAA"}]}],
        [REASONING, CALL, {**OUTPUT, "output": [{"type": "input_text", "text": "21"}]}],
        [{"type": "item_reference", "id": "msg_1"}, {"type": "web_search_call", "id": "ws_1"}],
    ],
)
def test_what_passes(items: Any) -> None:
    check_input({"input": items})


@pytest.mark.parametrize(
    ("item", "param", "code"),
    [
        (5, "input[0]", "invalid_type"),
        ({}, "input[0].type", "missing_required_parameter"),
        ({"type": "telegram"}, "input[0]", "invalid_value"),
        ({"type": ["message"]}, "input[0].type", "missing_required_parameter"),
        ({"type": "message", "content": "hi"}, "input[0].role", "missing_required_parameter"),
        ({"role": "tool", "content": "hi"}, "input[0].role", "invalid_value"),
        ({"role": "user"}, "input[0].content", "missing_required_parameter"),
        ({"role": "user", "content": 5}, "input[0].content", "invalid_type"),
        ({"role": "user", "content": ["hi"]}, "input[0].content[0]", "invalid_type"),
        ({"role": "user", "content": [{"text": "hi"}]}, "input[0].content[0].type", "missing_required_parameter"),
        ({"role": "user", "content": [{"type": "text", "text": "hi"}]}, "input[0].content[0]", "invalid_value"),
        ({"role": "assistant", "content": [{"type": "input_text", "text": "hi"}]}, "input[0].content[0]", "invalid_value"),
        ({"role": "user", "content": [{"type": "input_text"}]}, "input[0].content[0].text", "missing_required_parameter"),
        ({"role": "user", "content": [{"type": "input_image"}]}, "input[0].content[0].image_url", "missing_required_parameter"),
        (
            {"role": "user", "content": [{"type": "input_image", "image_url": {"url": "x"}}]},
            "input[0].content[0].image_url",
            "invalid_type",
        ),
        ({"role": "user", "content": [{"type": "input_image", "image_url": "data:,x"}]}, "input[0].content[0]", "image_parse_error"),
        ({"role": "user", "content": [{"type": "input_file"}]}, "input[0].content[0].file_id", "missing_required_parameter"),
        ({**USER, "id": "abc"}, "input[0].id", "invalid_value"),
        ({**CALL, "id": "call_1"}, "input[0].id", "invalid_value"),
        ({"type": "web_search_call", "id": ["a"]}, "input[0].id", "invalid_type"),
        ({**CALL, "arguments": {}}, "input[0].arguments", "invalid_type"),
        ({"type": "function_call_output", "output": "x"}, "input[0].call_id", "missing_required_parameter"),
        ({"type": "function_call_output", "call_id": "a"}, "input[0].output", "missing_required_parameter"),
        ({"type": "reasoning", "id": "rs_1"}, "input[0].summary", "missing_required_parameter"),
        ({"type": "item_reference"}, "input[0].id", "missing_required_parameter"),
    ],
)
def test_what_is_refused(item: Any, param: str, code: str) -> None:
    with pytest.raises(Refused) as caught:
        check_input({"input": [item]})
    assert (caught.value.param, caught.value.code) == (param, code)


def test_uploaded_files_are_not_found_and_lists_are_bounded() -> None:
    with pytest.raises(Refused) as caught:
        check_input({"input": [{"role": "user", "content": [{"type": "input_image", "file_id": "file_1"}]}]})
    assert caught.value.status == 404
    with pytest.raises(Refused, match="too long"):
        check_input({"input": [USER] * (MAX_INPUT_ITEMS + 1)})
    with pytest.raises(Refused, match="expected one of"):
        check_input({"input": {}})


def test_calls_and_outputs_belong_together() -> None:
    check_pairs([USER, CALL, OUTPUT])
    with pytest.raises(Refused, match="No tool output found for function call call_1"):
        check_pairs([USER, CALL, USER])
    with pytest.raises(Refused, match="No tool call found for function call output with call_id call_1"):
        check_pairs([USER, OUTPUT])


def test_reasoning_leads_to_something() -> None:
    check_reasoning_order([USER, REASONING, CALL, OUTPUT])
    check_reasoning_order([])
    for items in ([USER, REASONING], [REASONING, USER], [REASONING, OUTPUT]):
        with pytest.raises(Refused, match="required following item"):
            check_reasoning_order(items)
