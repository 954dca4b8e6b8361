import base64
import io
import time
from typing import Any

import pytest
from PIL import Image

from modelgate.sandbox.anthropic import message_checks
from modelgate.sandbox.anthropic.errors import Refused
from modelgate.sandbox.anthropic.message_checks import check_messages, check_thoughts_lead, turns_of
from modelgate.sandbox.anthropic.thinking import sign_thought

TEXT = {"type": "text", "text": "Hi"}
THOUGHT = {"type": "thinking", "thinking": "Hm.", "signature": sign_thought("Hm.", thought="Hm.")}


def _call(number: int = 1) -> dict[str, Any]:
    return {"type": "tool_use", "id": f"toolu_{number}", "name": "f", "input": {}}


def _result(number: int = 1) -> dict[str, Any]:
    return {"type": "tool_result", "tool_use_id": f"toolu_{number}", "content": "done"}


def _user(*content: Any) -> dict[str, Any]:
    return {"role": "user", "content": list(content) or "Hi"}


def _assistant(*content: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": list(content) or "Hello"}


def _refusal(*messages: Any) -> str:
    with pytest.raises(Refused) as caught:
        check_messages({"messages": list(messages)})
    return caught.value.message


@pytest.mark.parametrize(
    "messages",
    [
        [_user()],
        [_user(), _user(), _assistant(), _user()],
        [_user(), {"role": "assistant", "content": ""}],
        [_user(), _assistant()],
        [_user(), _assistant(TEXT, _call(1), _call(2)), _user(_result(2), _result(1), TEXT)],
        [_user(), _assistant(_call(1)), _assistant(_call(2)), _user(_result(1)), _user(_result(2), TEXT)],
    ],
)
def test_good_messages(messages: list[Any]) -> None:
    check_messages({"messages": messages})


@pytest.mark.parametrize(
    ("messages", "message"),
    [
        ([], "messages: at least one message is required"),
        (["Hi"], "messages.0: Input should be a valid dictionary"),
        ([{"content": "Hi"}], "messages.0.role: Field required"),
        ([{"role": "user"}], "messages.0.content: Field required"),
        ([{"role": "user", "content": 1}], "messages.0.content: Input should be a valid list"),
        ([{"role": "user", "content": ""}], "messages.0: all messages must have non-empty content"),
        ([{"role": "user", "content": []}], "messages.0: all messages must have non-empty content"),
        ([{"role": "user", "content": " \n"}], "messages: text content blocks must contain non-whitespace text"),
        ([_user(), {"role": "assistant", "content": ""}, _user()], "messages.1: all messages must have non-empty content"),
        ([{"role": "system", "content": "Hi"}], 'messages: Unexpected role "system".'),
        ([{"role": "tool", "content": "Hi"}], 'messages: Unexpected role "tool".'),
        ([{"role": "user", "content": "Hi", "name": "Ada"}], "messages.0.name: Extra inputs are not permitted"),
        ([_assistant()], 'messages: first message must use the "user" role'),
        ([_user(), {"role": "assistant", "content": "I say "}], "messages: final assistant content cannot end with trailing whitespace"),
        ([_user(), _assistant({"type": "text", "text": "I\n"})], "messages: final assistant content cannot end with trailing whitespace"),
    ],
)
def test_bad_messages(messages: list[Any], message: str) -> None:
    assert _refusal(*messages).startswith(message)


OPEN = "messages.1: `tool_use` ids were found without `tool_result` blocks immediately after: toolu_1."


@pytest.mark.parametrize(
    ("messages", "message"),
    [
        ([_user(), _assistant(_call())], OPEN),
        ([_user(), _assistant(_call()), _user()], OPEN),
        ([_user(), _assistant(_call()), _user(TEXT, _result())], OPEN),
        ([_user(), _assistant(_call(1), _call(2)), _user(_result(2))], OPEN),
        ([_user(_result())], "messages.0.content.0: unexpected `tool_use_id` found in `tool_result` blocks: toolu_1."),
        (
            [_user(), _assistant(_call()), _user(_result()), _assistant(), _user(_result())],
            "messages.4.content.0: unexpected `tool_use_id`",
        ),
        ([_user(), _assistant(_call()), _user(_result(), _result())], "messages.2.content.1: each tool_use must have a single result."),
        ([_user(), _assistant(_call(), _call()), _user(_result())], "messages: `tool_use` ids must be unique"),
        (
            [_user(), _assistant(_call()), _user(_result()), _assistant(_call()), _user(_result())],
            "messages: `tool_use` ids must be unique",
        ),
    ],
)
def test_calls_and_results_go_together(messages: list[Any], message: str) -> None:
    assert _refusal(*messages).startswith(message)


def test_many_calls_do_not_take_long() -> None:
    count = 20_000
    calls, results = [_call(number) for number in range(count)], [_result(number) for number in range(count)]
    began = time.process_time()
    check_messages({"messages": [_user(), _assistant(*calls), _user(*results)]})
    check_messages(
        {"messages": [_user(), *(turn for number in range(count) for turn in (_assistant(_call(number)), _user(_result(number))))]}
    )
    assert time.process_time() - began < 10


@pytest.mark.parametrize(
    "messages",
    [
        [_user()],
        [_user(), _assistant(TEXT), _user()],
        [_user(), _assistant(THOUGHT, _call(1)), _user(_result(1))],
        [_user(), _assistant(THOUGHT, _call(1)), _user(_result(1)), _assistant(_call(2)), _user(_result(2))],
        [_user(), _assistant(_call(1)), _user(_result(1)), _assistant(), _user()],
    ],
)
def test_thoughts_lead(messages: list[Any]) -> None:
    check_thoughts_lead(messages)


@pytest.mark.parametrize("content", [[_call()], [TEXT, THOUGHT, _call()]])
def test_thoughts_do_not_lead(content: list[Any]) -> None:
    with pytest.raises(
        Refused, match=r"messages\.1\.content\.0\.type: Expected `thinking` or `redacted_thinking`, but found `(tool_use|text)`"
    ):
        check_thoughts_lead([_user(), _assistant(*content), _user(_result())])


def test_turns() -> None:
    turns = list(turns_of([_user(), _user(TEXT), _assistant(), _user()]))
    assert turns == [(0, "user", [TEXT, TEXT]), (2, "assistant", [{"type": "text", "text": "Hello"}]), (3, "user", [TEXT])]


def test_many_pictures_must_be_smaller(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(message_checks, "MANY_PICTURES", 1)
    buffer = io.BytesIO()
    Image.new("1", (2001, 1)).save(buffer, "PNG")
    data = base64.b64encode(buffer.getvalue()).decode()
    wide = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": data}}
    check_messages({"messages": [_user(wide)]})
    assert "many-image requests" in _refusal(_user(wide, wide))
    monkeypatch.setattr(message_checks, "MAX_PICTURES", 2)
    assert _refusal(_user(wide, wide, wide)) == "messages: Too many images in request: 3 > 2"
