import time

from modelgate.formats.anthropic_messages.turns import PLACEHOLDER, Turns
from modelgate.formats.chat.request import Image, Message, Text, Thinking, ToolCall, ToolResult


def said(*messages: Message) -> Turns:
    turns = Turns()
    for message in messages:
        turns.add(message)
    return turns


def test_one_id_for_many_calls_is_told_apart_without_much_ado() -> None:
    calls = [ToolCall(id="call", name="f", arguments="{}") for _ in range(20_000)]
    results = [ToolResult(call_id="call") for _ in calls]
    start = time.process_time()
    assistant, user = said(
        Message(role="user", parts=(Text(text="x"),)),
        Message(role="assistant", parts=tuple(calls)),
        Message(role="user", parts=tuple(results)),
    ).encode()[1:]
    assert time.process_time() - start < 5
    assert [block["id"] for block in assistant["content"]] == [block["tool_use_id"] for block in user["content"]]
    assert len({block["id"] for block in assistant["content"]}) == 20_000


def test_a_name_that_looks_like_a_made_up_one_stays_apart() -> None:
    calls = [ToolCall(id=id, name="f", arguments="{}") for id in ("a", "a_2", "a", "a.2")]
    (_, assistant) = said(Message(role="assistant", parts=tuple(calls))).encode()
    assert len({block["id"] for block in assistant["content"]}) == 4


def test_no_turn_is_empty() -> None:
    assert said().encode() == [{"role": "user", "content": [{"type": "text", "text": PLACEHOLDER}]}]
    only_space = said(Message(role="user", parts=(Text(text=" "),)), Message(role="assistant", parts=(Text(text="\n"),)))
    assert only_space.encode() == [{"role": "user", "content": [{"type": "text", "text": PLACEHOLDER}]}]


def test_thinking_is_allowed_where_the_answer_so_far_begins_with_signed_thoughts() -> None:
    user, call = Message(role="user", parts=(Text(text="q"),)), ToolCall(id="a", name="f", arguments="{}")
    result = Message(role="user", parts=(ToolResult(call_id="a"),))
    thought = Thinking(text="hm", signature="s", format="anthropic_messages")
    assert said(user).may_think()
    assert said(user, Message(role="assistant", parts=(Text(text="a"),)), user).may_think()
    assert said(user, Message(role="assistant", parts=(thought, call)), result).may_think()
    assert not said(user, Message(role="assistant", parts=(call,)), result).may_think()
    second = ToolCall(id="b", name="f", arguments="{}")
    later = (Message(role="assistant", parts=(second,)), Message(role="user", parts=(ToolResult(call_id="b"),)))
    assert said(user, Message(role="assistant", parts=(thought, call)), result, *later).may_think()
    assert not said(user, Message(role="assistant", parts=(Text(text="It is"),))).may_think()


def test_a_picture_of_the_model_goes_to_the_next_turn_of_the_user_behind_results() -> None:
    picture, call = Image(url="https://e.com/a.png"), ToolCall(id="a", name="f", arguments="{}")
    first = Message(role="user", parts=(Text(text="draw"),))
    result = Message(role="user", parts=(ToolResult(call_id="a"), Text(text="and?")))
    _, assistant, user = said(first, Message(role="assistant", parts=(picture, call)), result).encode()
    assert [block["type"] for block in assistant["content"]] == ["tool_use"]
    assert [block["type"] for block in user["content"]] == ["tool_result", "image", "text"]
