from modelgate.formats.chat.carried import Carried, pack_id
from modelgate.formats.chat.request import Message, Text, Thinking, ToolCall, ToolResult
from modelgate.formats.openai_responses.items import as_text, read_input
from modelgate.formats.openai_responses.schema import Item


def test_what_ids_carry_is_put_back_where_it_was() -> None:
    thinking = Thinking(text="Hm.", signature="sig", format="anthropic_messages")
    packed = pack_id(Carried("toolu_1", "anthropic_messages", thinking=(thinking,)))
    found = read_input(
        [
            Item(role="user", content="Go."),
            Item(type="function_call", call_id=packed, name="f", arguments="{}"),
            Item(type="function_call_output", call_id=packed, output="1"),
        ]
    )
    call = ToolCall(id="toolu_1", name="f", arguments="{}", format="anthropic_messages")
    assert found.messages[1] == Message(role="assistant", parts=(thinking, call))
    assert found.messages[2] == Message(role="user", parts=(ToolResult(call_id="toolu_1", name="f", parts=(Text(text="1"),)),))


def test_sealed_thoughts_of_another_vendor_come_out_of_the_reasoning_item() -> None:
    thinking = Thinking(text="Hm.", signature="sig", format="anthropic_messages")
    packed = pack_id(Carried("", "anthropic_messages", thinking=(thinking,)))
    item = Item(type="reasoning", id="rs_1", summary=[{"type": "summary_text", "text": "Changed by the client."}], encrypted_content=packed)
    assert read_input([item, Item(role="assistant", content="Hi")]).messages[0].parts == (thinking, Text(text="Hi"))


def test_a_broken_seal_of_ours_is_no_thought_at_all() -> None:
    assert read_input(
        [Item(type="reasoning", id="rs_1", encrypted_content="call_mg1broken"), Item(role="user", content="Hi")]
    ).messages == [Message(role="user", parts=(Text(text="Hi"),))]


def test_two_turns_of_the_user_stay_two_and_results_join_the_turn_that_follows() -> None:
    found = read_input(
        [
            Item(role="user", content="One."),
            Item(role="user", content="Two."),
            Item(type="function_call", call_id="c", name="f", arguments="{}"),
            Item(type="function_call_output", call_id="c", output="1"),
            Item(role="user", content="Three."),
        ]
    )
    assert [(message.role, len(message.parts)) for message in found.messages] == [("user", 1), ("user", 1), ("assistant", 1), ("user", 2)]


def test_an_empty_message_after_the_first_is_no_turn() -> None:
    assert read_input([Item(role="user", content=""), Item(role="user", content="Hi")]).messages == [
        Message(role="user", parts=(Text(text="Hi"),))
    ]


def test_an_object_where_text_belongs_becomes_json() -> None:
    assert (as_text({"a": 1}), as_text(None), as_text("x")) == ('{"a":1}', "", "x")
