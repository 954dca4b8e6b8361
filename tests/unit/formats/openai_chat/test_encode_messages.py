from typing import Any

import pytest
from tests.unit.formats.openai_chat.conftest import PNG

from modelgate.core.errors import InvalidRequest
from modelgate.core.providers import NO_QUIRKS, Quirks
from modelgate.formats.chat.request import (
    Audio,
    CacheMark,
    ChatRequest,
    File,
    Image,
    Message,
    Part,
    Refusal,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
)
from modelgate.formats.openai_chat.encode_messages import MAX_CALL_ID_CHARACTERS, MessageEncoder, call_id

IMAGE = Image(data=PNG, media_type="image/png", detail="low")
IMAGE_PART = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}", "detail": "low"}}
CALL = ToolCall(id="a", name="f", arguments='{"x":1}')
CALL_BODY = {"id": "a", "type": "function", "function": {"name": "f", "arguments": '{"x":1}'}}


def encoded(*messages: Message, system: tuple[Text, ...] = (), quirks: Quirks = NO_QUIRKS) -> list[dict[str, Any]]:
    return MessageEncoder(quirks).encode(ChatRequest(model="m", messages=messages, system=system))


def user(*parts: Part, name: str = "") -> Message:
    return Message(role="user", parts=parts, name=name)


def assistant(*parts: Part) -> Message:
    return Message(role="assistant", parts=parts)


def test_instructions_are_one_message() -> None:
    assert encoded(system=(Text(text="a"), Text(text="b"))) == [{"role": "system", "content": "a\n\nb"}]
    assert encoded(system=(Text(text="a"),), quirks=Quirks(system_role="developer")) == [{"role": "developer", "content": "a"}]
    said = MessageEncoder(NO_QUIRKS).encode(ChatRequest(model="m", messages=(), system=(Text(text="a"),)), more_system=["b"])
    assert said == [{"role": "system", "content": "a\n\nb"}]


def test_words_alone_are_a_string_and_anything_else_parts() -> None:
    assert encoded(user(Text(text="hi"), name="ann")) == [{"role": "user", "content": "hi", "name": "ann"}]
    assert encoded(user()) == [{"role": "user", "content": ""}]
    assert encoded(user(Text(text="see"), IMAGE)) == [{"role": "user", "content": [{"type": "text", "text": "see"}, IMAGE_PART]}]


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        (Image(url="https://x/a.png"), {"type": "image_url", "image_url": {"url": "https://x/a.png"}}),
        (Audio(data="AAAA", format="wav"), {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}}),
        (File(name="n", text="words"), {"type": "text", "text": "words"}),
        (File(vendor_id="file-1"), {"type": "file", "file": {"file_id": "file-1"}}),
        (
            File(media_type="application/pdf", data="AAAA"),
            {"type": "file", "file": {"filename": "file.pdf", "file_data": "data:application/pdf;base64,AAAA"}},
        ),
        (File(media_type="video/mp4", url="https://x/a.mp4"), {"type": "video_url", "video_url": {"url": "https://x/a.mp4"}}),
    ],
)
def test_parts_of_a_user(part: Part, expected: dict[str, Any]) -> None:
    assert encoded(user(part)) == [{"role": "user", "content": [expected]}]


@pytest.mark.parametrize("file", [File(vendor_id="file_011"), File(url="https://x/a.pdf")])
def test_files_that_cannot_be_said_are_refused(file: File) -> None:
    with pytest.raises(InvalidRequest) as caught:
        encoded(user(file))
    assert (caught.value.param, caught.value.code) == ("messages", "unsupported_parameter")


def test_a_file_may_go_by_address_where_the_vendor_takes_it() -> None:
    (message,) = encoded(user(File(url="https://x/a.pdf")), quirks=Quirks(accepts=frozenset(("file_url",))))
    assert message["content"][0] == {"type": "file", "file": {"file_data": "https://x/a.pdf"}}


def test_results_come_before_what_the_user_says_and_pictures_of_theirs_after() -> None:
    results = (
        ToolResult(call_id="a", name="f", parts=(Text(text="1"), Text(text="2"), IMAGE)),
        ToolResult(call_id="b", parts=(Text(text="boom"),), is_error=True),
    )
    assert encoded(assistant(CALL), user(*results, Text(text="go on"))) == [
        {"role": "assistant", "content": None, "tool_calls": [CALL_BODY]},
        {"role": "tool", "tool_call_id": "a", "content": "1\n2"},
        {"role": "tool", "tool_call_id": "b", "content": "Error: boom"},
        {"role": "user", "content": [IMAGE_PART, {"type": "text", "text": "go on"}]},
    ]
    assert encoded(user(ToolResult(call_id="a", parts=(Text(text="1"),)))) == [{"role": "tool", "tool_call_id": "a", "content": "1"}]
    assert encoded(user(ToolResult(call_id="a", parts=(IMAGE,)))) == [
        {"role": "tool", "tool_call_id": "a", "content": ""},
        {"role": "user", "content": [IMAGE_PART]},
    ]


def test_an_assistants_turn() -> None:
    assert encoded(assistant(Text(text="a"), Text(text="b"), CALL)) == [{"role": "assistant", "content": "ab", "tool_calls": [CALL_BODY]}]
    assert encoded(assistant(Refusal(text="no"))) == [{"role": "assistant", "content": None, "refusal": "no"}]
    assert encoded(assistant(Audio(vendor_id="audio_1"))) == [{"role": "assistant", "content": None, "audio": {"id": "audio_1"}}]
    assert encoded(assistant(Audio(data="AAAA", transcript="said"))) == [{"role": "assistant", "content": "said"}]
    assert encoded(assistant()) == [{"role": "assistant", "content": ""}]
    custom = ToolCall(id="c", name="sql", arguments="select", custom=True)
    assert encoded(assistant(custom))[0]["tool_calls"] == [{"id": "c", "type": "custom", "custom": {"name": "sql", "input": "select"}}]
    assert encoded(assistant(ToolCall(id="c", name="f", arguments="")))[0]["tool_calls"][0]["function"]["arguments"] == "{}"


def test_pictures_of_a_model_are_shown_by_the_user() -> None:
    assert encoded(assistant(Text(text="Done."), IMAGE), user(Text(text="bluer"))) == [
        {"role": "assistant", "content": "Done."},
        {"role": "user", "content": [IMAGE_PART, {"type": "text", "text": "bluer"}]},
    ]
    assert encoded(assistant(IMAGE))[-1] == {"role": "user", "content": [IMAGE_PART]}


def test_thoughts_go_back_only_to_vendors_that_want_them() -> None:
    turn = assistant(Thinking(text="hm"), Thinking(text="secret", signature="s", format="anthropic_messages"), CALL)
    assert "reasoning_content" not in encoded(turn)[0]
    wants = Quirks(reasoning="thinking")
    assert encoded(turn, quirks=wants)[0]["reasoning_content"] == "hm"
    assert "reasoning_content" not in encoded(assistant(Thinking(text="hm"), Text(text="a")), quirks=wants)[0]
    detail = Thinking(text="hm", sealed='{"type":"reasoning.text","text":"","index":0}', format="openai_chat")
    assert encoded(assistant(detail, Text(text="a")), quirks=Quirks(reasoning="reasoning"))[0]["reasoning_details"] == [
        {"type": "reasoning.text", "text": "hm", "index": 0}
    ]


def test_cache_marks_go_where_they_are_understood_and_are_named_elsewhere() -> None:
    marked = Text(text="long", cache=CacheMark(ttl="1h"))
    plain = MessageEncoder(NO_QUIRKS)
    assert plain.encode(ChatRequest(model="m", messages=(user(marked),))) == [{"role": "user", "content": "long"}]
    assert plain.ignored == {"cache"}
    understood = encoded(user(marked), system=(marked,), quirks=Quirks(accepts=frozenset(("cache",))))
    expected = [{"type": "text", "text": "long", "cache_control": {"type": "ephemeral", "ttl": "1h"}}]
    assert [message["content"] for message in understood] == [expected, expected]


def test_ids_are_as_long_as_openai_takes() -> None:
    long = "call_" + "x" * 100
    assert call_id("call_1") == "call_1"
    assert len(call_id(long)) <= MAX_CALL_ID_CHARACTERS
    messages = encoded(assistant(ToolCall(id=long, name="f", arguments="{}")), user(ToolResult(call_id=long)))
    assert messages[0]["tool_calls"][0]["id"] == messages[1]["tool_call_id"] == call_id(long)
