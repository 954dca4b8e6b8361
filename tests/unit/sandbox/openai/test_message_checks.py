from typing import Any

import pytest

from modelgate.sandbox.openai.errors import Refused
from modelgate.sandbox.openai.message_checks import check_messages

PIXEL = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"
CALLING = {
    "role": "assistant",
    "tool_calls": [{"id": f"call_{n}", "type": "function", "function": {"name": "f", "arguments": ""}} for n in (1, 2)],
}
RESULTS = [{"role": "tool", "tool_call_id": f"call_{n}", "content": "ok"} for n in (2, 1)]
USER = {"role": "user", "content": "Hi"}


def _part(**part: Any) -> list[dict[str, Any]]:
    return [{"role": "user", "content": [part]}]


@pytest.mark.parametrize(
    "messages",
    [
        [{"role": "system", "content": "s"}, {"role": "developer", "content": [{"type": "text", "text": "d"}]}, USER],
        [USER, CALLING, *RESULTS, USER],
        [
            USER,
            {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "{}"}},
            {"role": "function", "name": "f", "content": None},
        ],
        [USER, {"role": "assistant", "content": [{"type": "refusal", "refusal": "no"}]}, USER],
        _part(type="image_url", image_url={"url": PIXEL, "detail": "low"}),
        _part(type="image_url", image_url={"url": "https://example.com/a.png"}),
        _part(type="input_audio", input_audio={"data": "AAAA", "format": "wav"}),
        _part(type="file", file={"file_data": "data:application/pdf;base64,AAAA"}),
    ],
)
def test_good_messages_pass(messages: list[Any]) -> None:
    check_messages({"messages": messages})


@pytest.mark.parametrize(
    ("messages", "param"),
    [
        (_part(type="file", file={"filename": "a.pdf"}), "messages[0].content[0].file.file_id"),
        (None, "messages"),
        ([], "messages"),
        ("Hi", "messages"),
        (["Hi"], "messages[0]"),
        ([{"content": "Hi"}], "messages[0].role"),
        ([{"role": "robot", "content": "Hi"}], "messages[0].role"),
        ([{"role": "user"}], "messages[0].content"),
        ([{"role": "assistant"}], "messages[0].content"),
        ([{"role": "user", "content": 5}], "messages[0].content"),
        (_part(text="Hi"), "messages[0].content[0].type"),
        (_part(type="video"), "messages[0].content[0].type"),
        (_part(type="text"), "messages[0].content[0].text"),
        ([{"role": "system", "content": [{"type": "image_url", "image_url": {"url": PIXEL}}]}], "messages[0].content[0].type"),
        (_part(type="image_url", image_url=PIXEL), "messages[0].content[0].image_url"),
        (_part(type="image_url", image_url={}), "messages[0].content[0].image_url.url"),
        (_part(type="image_url", image_url={"url": "ftp://a"}), "messages[0].content[0].image_url.url"),
        (_part(type="image_url", image_url={"url": "data:image/png;base64,AAAA"}), "messages[0].content[0].image_url"),
        (_part(type="image_url", image_url={"url": PIXEL, "detail": "huge"}), "messages[0].content[0].image_url.detail"),
        (_part(type="input_audio", input_audio={"data": "AAAA", "format": "ogg"}), "messages[0].content[0].input_audio.format"),
        ([USER, {"role": "tool", "content": "ok"}], "messages[1].tool_call_id"),
        ([USER, {"role": "tool", "content": "ok", "tool_call_id": "call_1"}], "messages[1].role"),
        ([USER, CALLING, RESULTS[0], USER], "messages[3].role"),
        ([USER, CALLING], "messages[2].role"),
        ([USER, CALLING, *RESULTS, RESULTS[0]], "messages[4].role"),
        ([USER, {"role": "assistant", "tool_calls": [{"id": "a", "type": "function"}]}], "messages[1].tool_calls[0].function.name"),
        (
            [USER, {"role": "assistant", "tool_calls": [{"id": "a", "type": "function", "function": {"name": "f", "arguments": {}}}]}],
            "messages[1].tool_calls[0].function.arguments",
        ),
    ],
)
def test_bad_messages_name_the_place(messages: Any, param: str) -> None:
    with pytest.raises(Refused) as caught:
        check_messages({"messages": messages})
    assert (caught.value.param, caught.value.status) == (param, 400)


@pytest.mark.parametrize("calls", [2.5, 1, "x", {"a": 1}])
def test_calls_that_are_no_list_are_refused(calls: Any) -> None:
    """A number in place of `tool_calls` was answered with 500."""
    with pytest.raises(Refused) as caught:
        check_messages({"messages": [USER, {**CALLING, "tool_calls": calls}]})
    assert (caught.value.param, caught.value.code) == ("messages[1].tool_calls", "invalid_type")
