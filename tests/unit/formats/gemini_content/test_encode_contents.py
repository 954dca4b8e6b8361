from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelgate.formats.chat.request import Audio, Image, Message, Part, Text, Thinking, ToolCall, ToolResult
from modelgate.formats.gemini_content.decode_contents import Conversation
from modelgate.formats.gemini_content.encode_contents import arguments_object, encode_contents
from modelgate.formats.gemini_content.model_facts import facts_of
from modelgate.formats.gemini_content.schema import Content
from modelgate.formats.gemini_content.signatures import SKIP

PLAIN = facts_of("gemini-2.5-flash")
SIGNING = facts_of("gemini-3-pro-preview")


def test_only_the_first_call_of_a_step_needs_a_signature() -> None:
    """Symptom: 400 "Function call is missing a thought_signature" on histories of another vendor."""
    step = (ToolCall(id="a", name="f", arguments="{}"), ToolCall(id="b", name="f", arguments="{}"))
    results = (ToolResult(call_id="a"), ToolResult(call_id="b"))
    messages = (
        Message(role="user", parts=(Text(text="Go"),)),
        Message(role="assistant", parts=step),
        Message(role="user", parts=results),
    )
    parts = encode_contents(messages, SIGNING)[1]["parts"]
    assert [part.get("thoughtSignature") for part in parts] == [SKIP, None]
    assert all("thoughtSignature" not in part for part in encode_contents(messages, PLAIN)[1]["parts"])


@pytest.mark.parametrize(
    ("arguments", "expected"), [("", {}), ("  ", {}), ('{"a":1}', {"a": 1}), ("[1]", {"input": "[1]"}), ("\ud800", {"input": "\ud800"})]
)
def test_arguments_are_an_object(arguments: str, expected: Any) -> None:
    found = arguments_object(arguments)
    assert (msgspec.json.decode(found) if isinstance(found, msgspec.Raw) else found) == expected


def test_a_sound_of_an_earlier_answer_is_its_words() -> None:
    messages = (Message(role="assistant", parts=(Audio(vendor_id="audio_1", transcript="Hello"),)),)
    assert encode_contents(messages, PLAIN)[1]["parts"] == [{"text": "Hello"}]


def test_what_the_system_says_goes_before_pictures_where_there_are_no_words() -> None:
    messages = (Message(role="user", parts=(Image(data="iVBORw0KGgo=", media_type="image/png"),)),)
    assert encode_contents(messages, PLAIN, preface="Be brief.")[0]["parts"][0] == {"text": "Be brief."}
    assert encode_contents((), PLAIN, preface="Be brief.") == [{"role": "user", "parts": [{"text": "Be brief."}]}]


WORDS = st.text(min_size=1, max_size=10).filter(lambda text: "](data:" not in text)
SAID: st.SearchStrategy[Part] = st.builds(Text, text=WORDS) | st.just(Image(data="iVBORw0KGgo=", media_type="image/png"))
THOUGHTS = st.lists(st.builds(Thinking, text=WORDS, signature=st.just("c2ln"), format=st.just("gemini_content")), max_size=1)


@st.composite
def conversations(draw: st.DrawFn) -> tuple[Message, ...]:
    """Turns as the dialect can say them: each call answered at once and in order, by an object."""
    messages: list[Message] = []
    for turn in range(draw(st.integers(1, 3))):
        messages.append(Message(role="user", parts=tuple(draw(st.lists(SAID, min_size=1, max_size=3)))))
        calls = tuple(
            ToolCall(
                id=f"c{turn}_{number}", name=draw(st.sampled_from("fg")), arguments='{"a":1}', signature="dA==", format="gemini_content"
            )
            for number in range(draw(st.integers(0, 2)))
        )
        answer = (*draw(THOUGHTS), *draw(st.lists(SAID, min_size=1, max_size=2)), *calls)
        messages.append(Message(role="assistant", parts=answer))
        if calls:
            results = tuple(ToolResult(call_id=call.id, name=call.name, parts=(Text(text='{"r":2}'),)) for call in calls)
            messages.append(Message(role="user", parts=results))
            messages.append(Message(role="assistant", parts=(draw(SAID),)))
    return tuple(messages)


@given(conversations())
def test_what_the_dialect_can_say_comes_back(messages: tuple[Message, ...]) -> None:
    written = msgspec.json.encode(encode_contents(messages, SIGNING))
    conversation = Conversation()
    for at, content in enumerate(msgspec.json.decode(written, type=list[Content])):
        conversation.add(content, at)

    assert conversation.messages() == messages
