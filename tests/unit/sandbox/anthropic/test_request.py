import base64
import io
from typing import Any

import pytest
from PIL import Image

from modelgate.sandbox.anthropic.request import MessageAsk, count_pages, read_message

TOOL = {"name": "f", "input_schema": {"type": "object"}}
OTHER = {"name": "g", "input_schema": {"type": "object"}}
SEARCH = {"type": "web_search_20250305", "name": "web_search"}


def _text(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}


def _user(*content: Any) -> dict[str, Any]:
    return {"role": "user", "content": list(content)}


def _read(*messages: Any, **fields: Any) -> MessageAsk:
    return read_message({"model": "m", "max_tokens": 9, "messages": list(messages) or [{"role": "user", "content": "Hi"}], **fields})


def test_defaults() -> None:
    ask = _read()
    assert (ask.chat.text, ask.chat.limit, ask.chat.stops, ask.chat.stream, ask.chat.mode) == ("Hi", 9, (), False, "none")
    assert (ask.chat.format, ask.chat.thinks, ask.chat.announces, ask.chat.begun, ask.omits, ask.continues) == (
        "text",
        False,
        False,
        "",
        False,
        False,
    )


@pytest.mark.parametrize(
    ("fields", "names", "mode"),
    [
        ({"tools": [TOOL, OTHER]}, ["f", "g"], "auto"),
        ({"tools": [TOOL, OTHER], "tool_choice": {"type": "any"}}, ["f", "g"], "required"),
        ({"tools": [TOOL, OTHER], "tool_choice": {"type": "tool", "name": "g"}}, ["g"], "named"),
        ({"tools": [TOOL], "tool_choice": {"type": "none"}}, ["f"], "none"),
        ({"tools": [SEARCH, TOOL]}, ["f"], "auto"),
        ({"tools": [SEARCH]}, [], "none"),
    ],
)
def test_tools(fields: dict[str, Any], names: list[str], mode: str) -> None:
    chat = _read(**fields).chat
    assert ([tool.name for tool in chat.tools], chat.mode, chat.announces) == (names, mode, mode == "auto")


def test_parallel_calls_can_be_turned_off() -> None:
    assert _read(tools=[TOOL]).chat.parallel
    assert not _read(tools=[TOOL], tool_choice={"type": "any", "disable_parallel_tool_use": True}).chat.parallel


def test_results_come_with_the_names_of_their_tools() -> None:
    calls = [{"type": "tool_use", "id": str(number), "name": name, "input": {}} for number, name in enumerate("fg")]
    results = [
        {"type": "tool_result", "tool_use_id": "1", "content": [_text("one"), _text("more")]},
        {"type": "tool_result", "tool_use_id": "0", "content": "broken", "is_error": True},
    ]
    question = _user(_text("magic: slow\nWhat now?"))
    chat = _read(question, {"role": "assistant", "content": calls}, _user(*results), tools=[TOOL, OTHER]).chat
    assert chat.results == (("g", "one\nmore"), ("f", "Error: broken"))
    assert (chat.text, chat.magic.has("slow")) == ("What now?", True)
    later = _read(
        question,
        {"role": "assistant", "content": calls},
        _user(*results, _text("And?")),
        {"role": "assistant", "content": "So."},
        _user(_text("Bye")),
    )
    assert (later.chat.results, later.chat.text) == ((), "Bye")


def test_a_result_can_show_pictures() -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (4, 2), (220, 30, 30)).save(buffer, "PNG")
    picture = {
        "type": "image",
        "source": {"type": "base64", "media_type": "image/png", "data": base64.b64encode(buffer.getvalue()).decode()},
    }
    call = {"type": "tool_use", "id": "a", "name": "look", "input": {}}
    result = {"type": "tool_result", "tool_use_id": "a", "content": [picture]}
    chat = _read(_user(_text("Look")), {"role": "assistant", "content": [call]}, _user(result)).chat
    assert chat.results == (("look", "Picture 1 is a PNG of 4x2 pixels; its dominant colour is red."),)
    assert chat.images == ()


def test_documents() -> None:
    def shown(**source: Any) -> str:
        (sentence,) = _read(_user({"type": "document", "source": source})).chat.documents
        return sentence

    assert shown(type="text", data="abc") == "Document 1 is text/plain of 3 characters."
    assert shown(type="url", url="https://a") == "Document 1 is at https://a, which the sandbox does not fetch."
    assert shown(type="content", content=[_text("abcd")]) == "Document 1 has 4 characters."
    pdf = base64.b64encode(b"%PDF-1.4 /Type /Pages /Type /Page /Type/Page").decode()
    assert shown(type="base64", data=pdf) == "Document 1 is application/pdf of 2 pages and 44 bytes."
    found = {"type": "search_result", "source": "s", "title": "T", "content": [_text("ab")]}
    assert _read(_user(found)).chat.documents == ("Document 1, “T”, was found at s and has 2 characters.",)


def test_pages_of_a_pdf_that_hides_them() -> None:
    assert count_pages(b"%PDF-1.7 compressed") == 1


def test_an_answer_can_be_begun() -> None:
    ask = _read(_user(_text("Hi")), {"role": "assistant", "content": "I say"})
    assert (ask.chat.begun, ask.continues, ask.chat.text) == ("I say", True, "Hi")


def test_thinking_and_format() -> None:
    ask = _read(thinking={"type": "adaptive", "display": "omitted"}, output_config={"format": {"type": "json_schema", "schema": {"a": 1}}})
    assert (ask.chat.thinks, ask.omits, ask.chat.format, ask.chat.schema) == (True, True, "json_schema", {"a": 1})
    assert not _read(thinking={"type": "disabled"}).chat.thinks
