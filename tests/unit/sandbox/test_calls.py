import json
from typing import Any

import pytest

from modelgate.sandbox.calls import hints_from, plan_calls
from modelgate.sandbox.openai.request import read_chat


def _tool(name: str, **properties: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, "parameters": {"type": "object", "properties": properties}}}


WEATHER = _tool("get_weather", city={"type": "string"})
TIME = _tool("get_time", zone={"type": "string"})
BOOK = _tool("book_table", restaurant={"type": "string"}, guests={"type": "integer"})


def _calls(text: str, *tools: dict[str, Any], **fields: Any) -> list[tuple[str, Any]]:
    ask = read_chat({"model": "gpt-4o", "messages": [{"role": "user", "content": text}], "tools": list(tools), **fields})
    return [(call.name, json.loads(call.arguments)) for call in plan_calls(ask)]


@pytest.mark.parametrize(
    ("text", "calls"),
    [
        ("How is the weather in Paris?", [("get_weather", {"city": "Paris"})]),
        ("What time is it in New York now?", [("get_time", {"zone": "New York"})]),
        ('Book a table for 4 at "Chez Nous"', [("book_table", {"restaurant": "Chez Nous", "guests": 4})]),
        ("weather and time in Oslo", [("get_weather", {"city": "Oslo"}), ("get_time", {"zone": "Oslo"})]),
        ("weather in Paris, London and Rome", [("get_weather", {"city": city}) for city in ("Paris", "London", "Rome")]),
        ("hm", [("get_weather", {"city": "hm"})]),
    ],
)
def test_the_tool_that_is_spoken_of_is_called(text: str, calls: list[Any]) -> None:
    assert _calls(text, WEATHER, TIME, BOOK) == calls


def test_all_tools_when_the_text_asks_for_several() -> None:
    assert [name for name, _ in _calls("use both please", WEATHER, TIME)] == ["get_weather", "get_time"]
    assert len(_calls("use both please", WEATHER, TIME, parallel_tool_calls=False)) == 1


def test_custom_tools_get_text() -> None:
    ask = read_chat(
        {
            "model": "gpt-4o",
            "messages": [{"role": "user", "content": 'run "1 + 1"'}],
            "tools": [{"type": "custom", "custom": {"name": "python"}}],
        }
    )
    (call,) = plan_calls(ask)
    assert (call.name, call.arguments, call.custom) == ("python", "1 + 1", True)


def test_hints() -> None:
    hints = hints_from('Tell Anna Karenina about "snow" and -2.5 or 7 things. Well.')
    assert hints.texts == ("snow", "Anna Karenina")
    assert hints.numbers == (-2.5, 7.0)
    assert "things" in hints.words
    assert hints_from("").texts == ()
