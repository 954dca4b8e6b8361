"""Whole answers for clients: every file of testdata/gemini_content/encode_response, and the way back."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelgate.core.http import HeaderBlock, HttpRequest
from modelgate.core.usage import Usage
from modelgate.formats.chat.request import Image, Text, Thinking, ToolCall
from modelgate.formats.chat.response import AnswerPart, ChatResponse, Choice
from modelgate.formats.chat.wire_format import AnswerHead
from modelgate.formats.gemini_content.decode_response import decode_response
from modelgate.formats.gemini_content.encode_response import encode_response
from modelgate.formats.gemini_content.peek import peek

FOLDER = Path(__file__).parents[3] / "testdata" / "gemini_content" / "encode_response"
INPUTS = sorted(FOLDER.glob("*.input.json"))
HEAD = AnswerHead(model="mine", created=1, request_id="req_1")
PEEKED = peek(
    HttpRequest(
        method="POST", path="/v1beta/models/mine:generateContent", headers=HeaderBlock(), body=b'{"contents":[{"parts":[{"text":"x"}]}]}'
    )
)


def outcome_of(given: dict[str, Any], read: Callable[[str, Any], Any]) -> Any:
    return msgspec.json.decode(encode_response(read("response", given["response"]), PEEKED, HEAD))


def test_the_folder_of_cases_is_found() -> None:
    assert len(INPUTS) > 8


@pytest.mark.parametrize("path", INPUTS, ids=lambda path: path.name.removesuffix(".input.json"))
def test_answer_beside_outcome(path: Path, read: Callable[[str, Any], Any]) -> None:
    expected = msgspec.json.decode(path.with_name(path.name.replace(".input.", ".output.")).read_bytes())

    assert outcome_of(msgspec.json.decode(path.read_bytes()), read) == expected


NAME = "gemini_content"
WORDS = st.text(min_size=1, max_size=20)
CALLS = st.builds(
    ToolCall,
    id=st.text("abc_1", min_size=1, max_size=8),
    name=st.text("fg", min_size=1, max_size=4),
    arguments=st.sampled_from(["{}", '{"a":[1,2.50]}', '{"b":"}"}']),
)
SIGNED = st.builds(msgspec.structs.replace, CALLS, signature=st.just("c2ln"), format=st.just(NAME))
PARTS: st.SearchStrategy[AnswerPart] = st.one_of(
    st.builds(Text, text=WORDS),
    st.builds(Thinking, text=WORDS),
    st.builds(Thinking, signature=st.just("dA=="), format=st.just(NAME)),
    st.just(Image(data="iVBORw0K", media_type="image/png")),
    CALLS,
    SIGNED,
)


def put_together(parts: list[AnswerPart]) -> tuple[AnswerPart, ...]:
    """Texts, and thoughts, that follow one another are one: in a stream they cannot be told apart."""
    merged: list[AnswerPart] = []
    for part in parts:
        last = merged[-1] if merged else None
        if isinstance(part, Text) and isinstance(last, Text):
            merged[-1] = Text(text=last.text + part.text)
        elif isinstance(part, Thinking) and isinstance(last, Thinking) and not last.signature:
            merged[-1] = Thinking(text=last.text + part.text, signature=part.signature, format=part.format)
        else:
            merged.append(part)
    return tuple(merged)


@st.composite
def choices(draw: st.DrawFn) -> Choice:
    parts = put_together(draw(st.lists(PARTS, max_size=6)))
    finish = draw(st.sampled_from(["stop", "length", "content_filter"]))
    if finish == "stop" and any(isinstance(part, ToolCall) for part in parts):
        finish = "tool_calls"
    return Choice(index=0, parts=parts, finish=finish)


@given(choices(), st.integers(0, 50), st.integers(1, 50), st.integers(0, 50), st.integers(0, 50))
def test_what_the_dialect_can_say_comes_back(choice: Choice, seen: int, told: int, cached: int, thought: int) -> None:
    usage = Usage(input_tokens=seen + cached, cached_tokens=cached, output_tokens=told + thought, reasoning_tokens=thought)
    response = ChatResponse(id="req_1", model="mine", choices=(choice,), usage=usage)

    assert decode_response(encode_response(response, PEEKED, HEAD)) == response
