from typing import Any

import pytest

from modelgate.sandbox.openai.request import ChatAsk, read_chat

F = {"type": "function", "function": {"name": "f"}}
G = {"type": "custom", "custom": {"name": "g"}}


def _read(**fields: Any) -> ChatAsk:
    return read_chat({"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}], **fields})


def test_defaults() -> None:
    ask = _read()
    assert (ask.text, ask.n, ask.stream, ask.limit, ask.top_logprobs, ask.mode, ask.format) == ("Hi", 1, False, None, None, "none", "text")


@pytest.mark.parametrize(("asked", "used"), [(None, "default"), ("auto", "default"), ("flex", "flex"), ("fast", "priority")])
def test_the_speed_class_that_is_used(asked: str | None, used: str) -> None:
    assert _read(service_tier=asked).tier == used


@pytest.mark.parametrize(
    ("fields", "names", "mode"),
    [
        ({"tools": [F, G]}, ["f", "g"], "auto"),
        ({"tools": [F, G], "tool_choice": "none"}, ["f", "g"], "none"),
        ({"tools": [F, G], "tool_choice": "required"}, ["f", "g"], "required"),
        ({"tools": [F, G], "tool_choice": {"type": "custom", "custom": {"name": "g"}}}, ["g"], "named"),
        (
            {"tools": [F, G], "tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [F]}}},
            ["f"],
            "required",
        ),
        ({"tools": [F], "tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": []}}}, [], "none"),
        ({"functions": [{"name": "h"}]}, ["h"], "auto"),
        ({"functions": [{"name": "h"}], "function_call": "none"}, ["h"], "none"),
        ({"functions": [{"name": "h"}, {"name": "i"}], "function_call": {"name": "i"}}, ["i"], "named"),
    ],
)
def test_tools_and_choice(fields: dict[str, Any], names: list[str], mode: str) -> None:
    ask = _read(**fields)
    assert ([tool.name for tool in ask.tools], ask.mode) == (names, mode)


def test_the_last_user_message_counts() -> None:
    image = {"type": "image_url", "image_url": {"url": "https://a/b.png"}}
    parts = [{"type": "text", "text": "See\nmagic: slow"}, image]
    ask = _read(messages=[{"role": "user", "content": "first"}, {"role": "user", "content": parts}, {"role": "assistant", "content": "x"}])
    assert ask.text == "See"
    assert ask.magic.has("slow")
    assert ask.images == (("https://a/b.png", "auto"),)


def test_results_are_those_after_the_last_call() -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    turn = [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": "42"},
    ]
    assert _read(messages=turn).results == (("f", "42"),)
    assert _read(messages=[*turn, {"role": "user", "content": "and?"}]).results == ()


def test_limits_and_stops() -> None:
    assert _read(max_tokens=5).limit == 5
    assert _read(max_tokens=5, max_completion_tokens=0).limit == 0
    assert _read(stop="x").stops == ("x",)
    assert _read(stop=["x", "y"]).stops == ("x", "y")
    assert _read(logprobs=True).top_logprobs == 0
    assert _read(parallel_tool_calls=False).parallel is False


@pytest.mark.parametrize("listed", [{}, [{"type": {}, "name": "f"}], [{"type": "function", "function": "f", "name": "f"}]])
def test_odd_lists_of_allowed_tools(listed: Any) -> None:
    """A type that is no text was answered with 500."""
    ask = _read(tools=[F], tool_choice={"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": listed}})
    assert [tool.name for tool in ask.tools] == (["f"] if listed else [])
