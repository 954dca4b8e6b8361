from modelgate.sandbox.openai.responses_request import input_items, read_response

CALL = {"type": "function_call", "call_id": "call_1", "name": "f", "arguments": "{}"}


def test_a_text_is_an_item() -> None:
    assert input_items({"input": "hi"}) == [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hi"}]}]
    assert input_items({"input": [{"role": "user", "content": "hi"}]}) == [{"type": "message", "role": "user", "content": "hi"}]
    assert input_items({}) == []


def test_items_become_messages() -> None:
    items = [
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "weather?"}]},
        {"type": "reasoning", "id": "rs_1", "summary": []},
        CALL,
        {**CALL, "type": "custom_tool_call", "call_id": "call_2", "input": "x"},
        {"type": "function_call_output", "call_id": "call_1", "output": [{"type": "input_text", "text": "21"}]},
        {"type": "custom_tool_call_output", "call_id": "call_2", "output": "22"},
    ]
    ask = read_response({"model": "gpt-4o", "instructions": "be brief"}, items)
    assert [message["role"] for message in ask.messages] == ["system", "user", "assistant", "tool", "tool"]
    assert [call["type"] for call in ask.messages[2]["tool_calls"]] == ["function", "custom"]
    assert ask.results == (("f", "21"), ("f", "22"))


def test_wishes() -> None:
    tool = {"type": "function", "name": "f", "parameters": {}}
    body = {
        "model": "gpt-5",
        "tools": [tool, {"type": "web_search"}],
        "tool_choice": {"type": "function", "name": "f"},
        "text": {"format": {"type": "json_schema", "name": "s", "schema": {"type": "object"}}},
        "max_output_tokens": 50,
        "reasoning": {"effort": "low", "summary": "auto"},
        "include": ["message.output_text.logprobs"],
        "stream": True,
    }
    ask = read_response(body, input_items({"input": "go"}))
    assert [each.name for each in ask.tools] == ["f"]
    assert (ask.mode, ask.format, ask.schema, ask.limit, ask.thinks) == ("named", "json_schema", {"type": "object"}, 50, True)
    assert (ask.hidden_tokens, ask.top_logprobs, ask.stream, ask.obfuscated) == (32, 0, True, True)
    assert read_response({**body, "tool_choice": {"type": "web_search"}}, []).mode == "none"
    allowed = {"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "f"}]}
    assert read_response({**body, "tool_choice": allowed}, []).mode == "required"


def test_parts_that_are_shown() -> None:
    parts = [
        {"type": "input_image", "image_url": "https://example.com/a.png", "detail": "low"},
        {"type": "input_file", "file_url": "https://example.com/a.pdf"},
    ]
    ask = read_response({"model": "gpt-4o"}, input_items({"input": [{"role": "user", "content": parts}]}))
    assert ask.images == (("https://example.com/a.png", "low"),)
    refused = {"role": "assistant", "content": [{"type": "refusal", "refusal": "no"}]}
    assert read_response({"model": "gpt-4o"}, input_items({"input": [refused]})).messages[0]["content"] == [{"type": "text", "text": "no"}]
