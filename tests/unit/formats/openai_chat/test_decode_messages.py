from typing import Any

import msgspec
import pytest
from tests.unit.formats.openai_chat.conftest import PNG

from modelgate.core.errors import InvalidRequest
from modelgate.formats.chat.carried import Carried, pack_id
from modelgate.formats.chat.request import Audio, CacheMark, File, Image, Message, Refusal, Text, Thinking, ToolCall, ToolResult
from modelgate.formats.openai_chat.decode_messages import Conversation
from modelgate.formats.openai_chat.hub_schema import RequestMessage


def conversation(*messages: dict[str, Any]) -> Conversation:
    made = Conversation()
    for at, message in enumerate(messages):
        made.add(msgspec.convert(message, RequestMessage), param=f"messages[{at}]")
    return made


def parts(*content: dict[str, Any]) -> tuple[Any, ...]:
    return conversation({"role": "user", "content": list(content)}).messages()[0].parts


def call(id: str = "c1", name: str = "f", arguments: str = "{}") -> dict[str, Any]:
    return {"id": id, "type": "function", "function": {"name": name, "arguments": arguments}}


def test_instructions_are_gathered_in_order_wherever_they_stand() -> None:
    found = conversation(
        {"role": "system", "content": "a"},
        {"role": "user", "content": "hi"},
        {"role": "developer", "content": [{"type": "text", "text": "b", "cache_control": {"type": "ephemeral", "ttl": "1h"}}]},
        {"role": "system", "content": ""},
    )
    assert found.system == [Text(text="a"), Text(text="b", cache=CacheMark(ttl="1h"))]
    assert found.messages() == (Message(role="user", parts=(Text(text="hi"),)),)


@pytest.mark.parametrize(
    "url",
    [
        f"data:image/jpg;base64,{PNG}",
        f"data:image/jpeg;charset=utf-8;BASE64,{PNG}",
        f"data:;base64,{PNG[:8]}\n {PNG[8:]}",
    ],
)
def test_the_bytes_of_a_picture_decide_what_it_is(url: str) -> None:
    assert parts({"type": "image_url", "image_url": {"url": url, "detail": "low"}}) == (
        Image(data=PNG, media_type="image/png", detail="low"),
    )


def test_a_picture_may_be_a_bare_address() -> None:
    assert parts({"type": "image_url", "image_url": "https://example.com/a.png"}) == (Image(url="https://example.com/a.png"),)


def test_sounds_files_and_films() -> None:
    pdf = "JVBERi0xLjQKJeLjz9M="
    assert parts({"type": "input_audio", "input_audio": {"data": "UklGRgAAAABXQVZF", "format": "wav"}}) == (
        Audio(data="UklGRgAAAABXQVZF", format="wav"),
    )
    assert parts({"type": "file", "file": {"filename": "a.pdf", "file_data": f"data:application/pdf;base64,{pdf}"}}) == (
        File(name="a.pdf", media_type="application/pdf", data=pdf),
    )
    assert parts({"type": "file", "file": {"file_data": pdf}}) == (File(media_type="application/pdf", data=pdf),)
    assert parts({"type": "file", "file": {"file_id": "file-1"}}) == (File(vendor_id="file-1"),)
    assert parts({"type": "file", "file": {"filename": "n.txt", "file_data": "aGVsbG8="}})[0].media_type == "text/plain"
    assert parts({"type": "image_url", "image_url": {"url": f"data:application/pdf;base64,{pdf}"}}) == (
        File(media_type="application/pdf", data=pdf),
    )
    assert parts({"type": "video_url", "video_url": {"url": "https://example.com/a.mp4"}}) == (
        File(media_type="video/mp4", url="https://example.com/a.mp4"),
    )


@pytest.mark.parametrize(
    ("part", "param"),
    [
        ({"type": "image_url"}, "messages[0].content[0].image_url"),
        ({"type": "image_url", "image_url": {"url": "ftp://x"}}, "messages[0].content[0].image_url.url"),
        ({"type": "image_url", "image_url": "data:image/png;base64,!!!!"}, "messages[0].content[0].image_url"),
        ({"type": "input_audio", "input_audio": {"data": "%%%%"}}, "messages[0].content[0].input_audio.data"),
        ({"type": "file", "file": {}}, "messages[0].content[0].file"),
        ({"type": "smell"}, "messages[0].content[0].type"),
    ],
)
def test_a_part_that_is_not_what_it_says_is_named(part: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        parts(part)
    assert caught.value.param == param


def test_results_belong_to_the_users_turn_and_know_their_tool() -> None:
    found = conversation(
        {"role": "assistant", "content": "", "tool_calls": [call("a", "f", '{"x":1}'), call("b", "g")]},
        {"role": "tool", "tool_call_id": "a", "content": "1"},
        {"role": "tool", "tool_call_id": "b", "content": [{"type": "text", "text": "2"}]},
        {"role": "user", "content": "go on", "name": "ann"},
        {"role": "user", "content": "please"},
    ).messages()
    assert found == (
        Message(role="assistant", parts=(ToolCall(id="a", name="f", arguments='{"x":1}'), ToolCall(id="b", name="g", arguments="{}"))),
        Message(
            role="user",
            parts=(
                ToolResult(call_id="a", name="f", parts=(Text(text="1"),)),
                ToolResult(call_id="b", name="g", parts=(Text(text="2"),)),
                Text(text="go on"),
            ),
            name="ann",
        ),
        Message(role="user", parts=(Text(text="please"),)),
    )


def test_calls_of_the_older_form_get_ids_and_results_in_order() -> None:
    legacy = {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "{}"}}
    found = conversation(
        legacy, {"role": "function", "name": "f", "content": "1"}, legacy, {"role": "function", "name": "f", "content": "2"}
    )
    ids = [part.id if isinstance(part, ToolCall) else part.call_id for message in found.messages() for part in message.parts]  # type: ignore[union-attr]
    assert ids == ["call_1", "call_1", "call_2", "call_2"]


def test_a_custom_tools_call_takes_plain_text() -> None:
    custom = {"id": "a", "type": "custom", "custom": {"name": "sql", "input": "select"}}
    turn, result = conversation(
        {"role": "assistant", "tool_calls": [custom]}, {"role": "tool", "tool_call_id": "a", "content": "1"}
    ).messages()
    assert turn.parts == (ToolCall(id="a", name="sql", arguments="select", custom=True),)
    assert result.parts == (ToolResult(call_id="a", name="sql", parts=(Text(text="1"),), custom=True),)


def test_an_assistants_turn_keeps_its_thoughts_refusal_and_sound() -> None:
    found = conversation(
        {"role": "assistant", "content": "a", "reasoning_content": "hm", "refusal": "no", "audio": {"id": "audio_1"}, "name": "bot"},
        {"role": "assistant", "content": [{"type": "text", "text": "b"}, {"type": "refusal", "refusal": "never"}]},
        {"role": "assistant", "content": [{"type": "thinking", "thinking": "deep", "signature": "s"}, {"type": "text", "text": "c"}]},
        {"role": "assistant", "content": "d", "thinking_blocks": [{"type": "redacted_thinking", "data": "x"}], "reasoning_content": "y"},
    ).messages()
    assert found[0] == Message(
        role="assistant", parts=(Thinking(text="hm"), Text(text="a"), Refusal(text="no"), Audio(vendor_id="audio_1")), name="bot"
    )
    assert found[1].parts == (Text(text="b"), Refusal(text="never"))
    assert found[2].parts == (Thinking(text="deep", signature="s", format="anthropic_messages"), Text(text="c"))
    assert found[3].parts == (Thinking(sealed="x", format="anthropic_messages"), Text(text="d"))


def test_what_an_id_carries_is_put_back_before_everything_else() -> None:
    thought = Thinking(text="hm", signature="s", format="anthropic_messages")
    id = pack_id(Carried("toolu_1", "anthropic_messages", "", (thought,)))
    turn, result = conversation(
        {"role": "assistant", "content": "let me see", "reasoning_content": "hm", "tool_calls": [call(id)]},
        {"role": "tool", "tool_call_id": id, "content": "1"},
    ).messages()
    assert turn.parts == (thought, Text(text="let me see"), ToolCall(id="toolu_1", name="f", arguments="{}"))
    assert result.parts == (ToolResult(call_id="toolu_1", name="f", parts=(Text(text="1"),)),)


def test_signatures_of_calls_come_back_by_either_way() -> None:
    packed = pack_id(Carried("g1", "gemini_content", "sig"))
    beside = {**call("g1"), "extra_content": {"google": {"thought_signature": "sig"}}}
    for given in (call(packed), beside):
        (turn,) = conversation({"role": "assistant", "tool_calls": [given]}).messages()
        assert turn.parts == (ToolCall(id="g1", name="f", arguments="{}", signature="sig", format="gemini_content"),)


def test_arguments_may_come_as_an_object() -> None:
    given = {"id": "a", "type": "function", "function": {"name": "f", "arguments": {"x": 1}}}
    (turn,) = conversation({"role": "assistant", "tool_calls": [given]}).messages()
    assert turn.parts == (ToolCall(id="a", name="f", arguments='{"x":1}'),)


@pytest.mark.parametrize(
    ("message", "param"),
    [
        ({"role": "tool", "content": "1"}, "messages[0].tool_call_id"),
        ({"role": "assistant", "tool_calls": [{"id": "a"}]}, "messages[0].tool_calls[0].function"),
        ({"role": "system", "content": [{"type": "image_url", "image_url": "https://x"}]}, "messages[0].content[0].type"),
    ],
)
def test_what_is_missing_is_named(message: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        conversation(message)
    assert caught.value.param == param
