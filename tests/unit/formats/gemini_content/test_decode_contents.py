import pytest

from modelgate.core.errors import InvalidRequest
from modelgate.formats.chat.carried import Carried, pack_id
from modelgate.formats.chat.request import Text, Thinking, ToolCall, ToolResult
from modelgate.formats.gemini_content.decode_contents import Conversation
from modelgate.formats.gemini_content.schema import Content, FunctionCall, FunctionResponse, Part
from modelgate.formats.gemini_content.signatures import tell_signature


def read(*contents: Content) -> Conversation:
    conversation = Conversation()
    for at, content in enumerate(contents):
        conversation.add(content, at)
    return conversation


def call(name: str, id: str | None = None) -> Part:
    return Part(function_call=FunctionCall(name=name, id=id))


def answer(name: str, id: str | None = None) -> Part:
    return Part(function_response=FunctionResponse(name=name, id=id))


def result_ids(conversation: Conversation) -> list[str]:
    return [part.call_id for turn in conversation.messages() for part in turn.parts if isinstance(part, ToolResult)]


def test_results_find_their_calls_by_id_else_by_name_in_order() -> None:
    conversation = read(
        Content(role="model", parts=[call("f"), call("f", "own"), call("f")]),
        Content(role="user", parts=[answer("f"), answer("f", "own"), answer("f"), answer("gone"), answer("")]),
    )
    assert result_ids(conversation) == ["call_0_0", "own", "call_0_2", "gone", "call_0"]


def test_an_id_that_carries_thoughts_is_opened_on_both_sides() -> None:
    thought = Thinking(text="Hm", signature="S", format="anthropic_messages")
    packed = pack_id(Carried("toolu_1", "anthropic_messages", "", (thought,)))
    conversation = read(
        Content(role="model", parts=[Part(text="Look"), call("f", packed)]),
        Content(role="function", parts=[answer("f", packed)]),
    )
    assert conversation.messages()[0].parts == (thought, Text(text="Look"), ToolCall(id="toolu_1", name="f", arguments="{}"))
    assert result_ids(conversation) == ["toolu_1"]


def test_a_turn_without_a_role_that_calls_is_the_models() -> None:
    assert read(Content(parts=[call("f")])).messages()[0].role == "assistant"


def test_a_turn_of_nothing_readable_is_left_out() -> None:
    assert read(Content(role="model", parts=[Part(text="")])).messages() == ()


def test_a_part_beside_its_list_is_taken() -> None:
    assert read(Content(parts=Part(text="x"))).messages()[0].parts == (Text(text="x"),)


def test_errors_name_the_place() -> None:
    with pytest.raises(InvalidRequest) as caught:
        read(Content(parts=[Part(text="x"), Part()]))
    assert caught.value.param == "contents[0].parts[1]"


def test_thoughts_come_back_where_they_were() -> None:
    """Claude refuses a turn whose thoughts do not stand first; those between two calls stay between them."""
    first, second = (Thinking(text=text, signature="S", format="anthropic_messages") for text in "ab")
    packed = [tell_signature(signature="", format="", thinking=(thought,)) for thought in (first, second)]
    conversation = read(
        Content(
            role="model",
            parts=[
                Part(text="a", thought=True),
                Part(text="Look"),
                Part(function_call=FunctionCall(name="f", id="1"), thought_signature=packed[0]),
                Part(text="b", thought=True),
                Part(function_call=FunctionCall(name="g", id="2"), thought_signature=packed[1]),
            ],
        )
    )
    calls = [ToolCall(id=id, name=name, arguments="{}") for id, name in (("1", "f"), ("2", "g"))]
    assert conversation.messages()[0].parts == (first, Text(text="Look"), calls[0], second, calls[1])
