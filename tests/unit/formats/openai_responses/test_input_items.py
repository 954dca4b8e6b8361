from modelgate.formats.chat.request import File, Message, Text, Thinking, ToolCall, ToolResult
from modelgate.formats.openai_responses.input_items import encode_input


def test_parts_side_by_side_are_one_message_and_calls_stand_between() -> None:
    call = ToolCall(id="c", name="f", arguments="{}")
    items = encode_input([Message(role="assistant", parts=(Text(text="a"), Text(text="b"), call, Text(text="c")))])
    assert [(item["type"], len(item.get("content", ()))) for item in items] == [("message", 2), ("function_call", 0), ("message", 1)]


def test_only_what_this_dialect_sealed_travels_as_thoughts() -> None:
    foreign = Thinking(text="x", signature="s", sealed="s", format="gemini_content")
    unsealed = Thinking(text="x", format="openai_responses")
    own = Thinking(sealed="gAAA", format="openai_responses")
    assert encode_input([Message(role="assistant", parts=(foreign, unsealed, own))]) == [
        {"type": "reasoning", "summary": [], "encrypted_content": "gAAA"}
    ]


def test_results_keep_their_order_before_the_words_of_their_turn() -> None:
    turn = Message(role="user", parts=(ToolResult(call_id="a"), ToolResult(call_id="b", custom=True), Text(text="Go on.")))
    assert [item["type"] for item in encode_input([turn])] == ["function_call_output", "custom_tool_call_output", "message"]


def test_a_file_without_a_name_gets_one() -> None:
    (item,) = encode_input([Message(role="user", parts=(File(media_type="text/plain", data="SGk="),))])
    assert item["content"] == [{"type": "input_file", "filename": "file.txt", "file_data": "data:text/plain;base64,SGk="}]
