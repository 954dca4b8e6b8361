import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.formats.openai_chat.conftest import PNG

from modelgate.core.usage import Usage
from modelgate.formats.chat.carried import Carried, unpack_id
from modelgate.formats.chat.request import Audio, Image, Refusal, Text, Thinking, ToolCall
from modelgate.formats.chat.response import AnswerPart, ChatResponse, Choice
from modelgate.formats.chat.wire_format import UnreadableAnswer
from modelgate.formats.openai_chat.hub_response import decode_response, encode_response
from modelgate.formats.openai_chat.peek import peek_request

IMAGE = Image(data=PNG, media_type="image/png")
MARKDOWN = f"![image](data:image/png;base64,{PNG})"
FUNCTION = {"type": "function", "function": {"name": "f"}}


def choice_of(message: dict[str, Any], **fields: Any) -> Choice:
    body = {"id": "chatcmpl-upstream", "model": "x", "choices": [{"index": 0, "message": message, "finish_reason": "stop", **fields}]}
    return decode_response(json.dumps(body).encode()).choices[0]


def parts_of(**message: Any) -> tuple[AnswerPart, ...]:
    return choice_of({"role": "assistant", **message}).parts


def test_an_answer_is_read_whole() -> None:
    body = {
        "id": "x",
        "model": "gpt-4o-2024-08-06",
        "choices": [{"message": {"content": "a"}, "finish_reason": "length"}, {"index": 1, "message": {"content": "b"}}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 2},
        "service_tier": "default",
    }
    assert decode_response(json.dumps(body).encode()) == ChatResponse(
        id="x",
        model="gpt-4o-2024-08-06",
        choices=(Choice(index=0, parts=(Text(text="a"),), finish="length"), Choice(index=1, parts=(Text(text="b"),), finish="stop")),
        usage=Usage(input_tokens=3, output_tokens=2),
        service_tier="default",
    )


@pytest.mark.parametrize(
    ("message", "parts"),
    [
        ({"content": None}, ()),
        (
            {"content": [{"type": "text", "text": "a"}, {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}}]},
            (Text(text="a"), IMAGE),
        ),
        ({"content": f"Done.\n{MARKDOWN}"}, (Text(text="Done."), IMAGE)),
        (
            {"content": "a", "images": [{"image_url": {"url": "https://x/a.png"}}, {"odd": 1}, "odd"]},
            (Text(text="a"), Image(url="https://x/a.png")),
        ),
        ({"content": None, "refusal": "no"}, (Refusal(text="no"),)),
        ({"content": "a", "reasoning_content": "hm"}, (Thinking(text="hm"), Text(text="a"))),
        (
            {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}, {"type": "text", "text": "a"}]},
            (Thinking(text="hm"), Text(text="a")),
        ),
        ({"content": "a", "reasoning": "hm"}, (Thinking(text="hm"), Text(text="a"))),
        (
            {"content": None, "audio": {"id": "audio_1", "data": "AAAA", "transcript": "said", "expires_at": 1}},
            (Audio(vendor_id="audio_1", data="AAAA", transcript="said"),),
        ),
    ],
)
def test_what_an_answer_may_hold(message: dict[str, Any], parts: tuple[AnswerPart, ...]) -> None:
    assert parts_of(**message) == parts


def test_sealed_thoughts_of_openrouter_come_back_as_they_were(ask, head) -> None:
    details = [
        {"type": "reasoning.text", "text": "hm", "signature": "s", "index": 0},
        {"type": "reasoning.encrypted", "data": "x", "index": 1},
    ]
    choice = choice_of({"content": "a", "reasoning": "hm", "reasoning_details": details})
    assert [(part.text, part.format) for part in choice.parts if isinstance(part, Thinking)] == [("hm", "openai_chat"), ("", "openai_chat")]
    message = written(choice, ask(), head)["message"]
    assert (message["reasoning_details"], message["reasoning_content"]) == (details, "hm")


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ({"id": "a", "function": {"name": "f", "arguments": "{}"}}, ToolCall(id="a", name="f", arguments="{}")),
        ({"id": "a", "function": {"name": "f", "arguments": {"x": 1}}}, ToolCall(id="a", name="f", arguments='{"x":1}')),
        ({"id": "a", "function": {"name": "f", "arguments": None}}, ToolCall(id="a", name="f", arguments="")),
        ({"function": {"name": "f"}}, ToolCall(id="call_chatcmpl-upstream_0", name="f", arguments="")),
        ({"id": "a", "type": "custom", "custom": {"name": "c", "input": "x"}}, ToolCall(id="a", name="c", arguments="x", custom=True)),
    ],
)
def test_calls_of_every_kind(call: dict[str, Any], expected: ToolCall) -> None:
    choice = choice_of({"content": None, "tool_calls": [call]})
    assert (choice.parts, choice.finish) == ((expected,), "tool_calls")


def test_a_call_of_the_older_form() -> None:
    choice = choice_of({"content": None, "function_call": {"name": "f", "arguments": "{}"}}, finish_reason="function_call")
    assert [part.name for part in choice.parts if isinstance(part, ToolCall)] == ["f"]
    assert choice.finish == "tool_calls"


@pytest.mark.parametrize(
    ("word", "finish"),
    [
        ("stop", "stop"),
        ("length", "length"),
        ("content_filter", "content_filter"),
        ("eos", "stop"),
        ("model_length", "length"),
        ("sensitive", "content_filter"),
        ("odd", "stop"),
        (None, "stop"),
        (7, "stop"),
    ],
)
def test_why_it_ended(word: Any, finish: str) -> None:
    assert choice_of({"content": "a"}, finish_reason=word).finish == finish


def test_sources_and_probabilities() -> None:
    note = {"type": "url_citation", "url_citation": {"url": "https://x", "title": "t", "start_index": 0, "end_index": 1}}
    tokens = [{"token": "a", "logprob": -0.1, "bytes": [97], "top_logprobs": []}]
    choice = choice_of({"content": "a", "annotations": [note]}, logprobs={"content": tokens, "refusal": None})
    assert (choice.citations, choice.logprobs) == ((note,), tokens)
    body = {"choices": [{"message": {"content": "a"}}], "citations": ["https://y", 5]}
    (bare,) = decode_response(json.dumps(body).encode()).choices[0].citations
    assert bare["url_citation"]["url"] == "https://y"


@pytest.mark.parametrize("body", [b"", b"<html>", b"{}", b'{"choices":[]}', b'{"choices":"x"}', b'{"error":{"message":"no"}}', b"[]"])
def test_what_is_no_answer_is_unreadable(body: bytes) -> None:
    with pytest.raises(UnreadableAnswer):
        decode_response(body)


# Writing.


def written(choice: Choice, request: Any, head: Any) -> dict[str, Any]:
    response = ChatResponse(id="up", model="real", choices=(choice,), usage=Usage(input_tokens=3, output_tokens=2))
    return json.loads(encode_response(response, peek_request(request), head))["choices"][0]


def test_the_whole_completion(ask, head) -> None:
    response = ChatResponse(
        id="up",
        model="real",
        choices=(Choice(index=0, parts=(Text(text="a"), Text(text="b")), finish="stop_sequence"),),
        usage=Usage(input_tokens=3, output_tokens=2),
        service_tier="flex",
    )
    body = json.loads(encode_response(response, peek_request(ask()), head))
    assert body.pop("usage")["total_tokens"] == 5
    assert body == {
        "id": "chatcmpl-abc123",
        "object": "chat.completion",
        "created": 1_700_000_000,
        "model": "caller-model",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "ab", "refusal": None, "annotations": []},
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "service_tier": "flex",
    }


def test_calls_alone_leave_no_content(ask, head) -> None:
    choice = written(Choice(index=0, parts=(ToolCall(id="a", name="f", arguments=""),), finish="tool_calls"), ask(), head)
    assert choice["message"]["content"] is None
    assert choice["message"]["tool_calls"] == [{"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}]
    assert choice["finish_reason"] == "tool_calls"


def test_a_forced_call_ends_in_stop(ask, head) -> None:
    request = ask(tools=[FUNCTION], tool_choice=FUNCTION)
    assert (
        written(Choice(index=0, parts=(ToolCall(id="a", name="f", arguments=""),), finish="tool_calls"), request, head)["finish_reason"]
        == "stop"
    )


def test_who_asked_in_the_older_form_is_answered_in_it(ask, head) -> None:
    choice = Choice(index=0, parts=(ToolCall(id="a", name="f", arguments='{"x":1}'),), finish="tool_calls")
    answer = written(choice, ask(functions=[{"name": "f"}]), head)
    assert answer["message"]["function_call"] == {"name": "f", "arguments": '{"x":1}'}
    assert "tool_calls" not in answer["message"]
    assert answer["finish_reason"] == "function_call"


def test_pictures_are_markdown(ask, head) -> None:
    assert (
        written(Choice(index=0, parts=(Text(text="Done."), IMAGE), finish="stop"), ask(), head)["message"]["content"]
        == f"Done.\n{MARKDOWN}"
    )
    assert written(Choice(index=0, parts=(IMAGE,), finish="stop"), ask(), head)["message"]["content"] == MARKDOWN


def test_a_refusal_and_a_sound(ask, head) -> None:
    refused = written(Choice(index=0, parts=(Refusal(text="no"),), finish="stop"), ask(), head)["message"]
    assert (refused["content"], refused["refusal"]) == (None, "no")
    sound = written(Choice(index=0, parts=(Audio(data="AAAA", transcript="said"),), finish="stop"), ask(), head)["message"]
    assert (sound["content"], sound["audio"]["transcript"]) == (None, "said")


def test_what_a_vendor_must_get_back_travels_in_the_first_calls_id(ask, head) -> None:
    thought = Thinking(text="hm", signature="s", format="anthropic_messages")
    calls = (ToolCall(id="t1", name="f", arguments="{}"), ToolCall(id="t2", name="f", arguments="{}"))
    first, second = written(Choice(index=0, parts=(thought, *calls), finish="tool_calls"), ask(), head)["message"]["tool_calls"]
    assert unpack_id(first["id"]) == Carried("t1", "anthropic_messages", "", (thought,))
    assert second["id"] == "t2"
    signed = ToolCall(id="g", name="f", arguments="{}", signature="sig", format="gemini_content")
    (call,) = written(Choice(index=0, parts=(signed,), finish="tool_calls"), ask(), head)["message"]["tool_calls"]
    assert unpack_id(call["id"]) == Carried("g", "gemini_content", "sig")


CALLS = st.builds(
    ToolCall, id=st.from_regex(r"call_[a-z]{1,8}", fullmatch=True), name=st.text(min_size=1, max_size=5), arguments=st.just('{"x":1}')
)


@st.composite
def choices(draw: st.DrawFn) -> Choice:
    thought = draw(st.just("") | st.text(min_size=1, max_size=9))
    text = draw(st.text(min_size=1, max_size=9))
    calls = tuple(draw(st.lists(CALLS, max_size=3)))
    parts = (*((Thinking(text=thought),) if thought else ()), Text(text=text), *calls)
    finish = "tool_calls" if calls else draw(st.sampled_from(["stop", "length", "content_filter"]))
    return Choice(index=0, parts=parts, finish=finish)


@given(choices())
def test_what_can_be_said_survives(choice: Choice) -> None:
    from modelgate.core.http import HeaderBlock, HttpRequest  # noqa: PLC0415
    from modelgate.formats.chat.wire_format import AnswerHead  # noqa: PLC0415

    request = HttpRequest(method="POST", path="/", headers=HeaderBlock(), body=b'{"model":"m","messages":[1]}')
    head = AnswerHead(model="m", created=1, request_id="req_1")
    response = ChatResponse(id="chatcmpl-1", model="m", choices=(choice,), usage=Usage(input_tokens=3, output_tokens=2))
    assert decode_response(encode_response(response, peek_request(request), head)) == response


LEAVES = st.none() | st.booleans() | st.integers(-5, 5) | st.sampled_from(["", "a", "stop", f"{MARKDOWN}", "data:image/png;base64,AAAA"])
KEYS = st.sampled_from(
    [
        "choices",
        "message",
        "content",
        "tool_calls",
        "function",
        "name",
        "arguments",
        "id",
        "index",
        "images",
        "image_url",
        "url",
        "audio",
        "data",
        "usage",
        "prompt_tokens",
        "finish_reason",
        "logprobs",
        "reasoning_details",
        "text",
        "annotations",
        "citations",
        "error",
    ]
)
JSON = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=20)


@given(
    st.binary(max_size=200)
    | JSON.map(lambda value: json.dumps({"choices": [value]}).encode())
    | JSON.map(lambda value: json.dumps({"choices": [{"message": value}]}).encode())
)
def test_nothing_an_upstream_sends_breaks_it(body: bytes) -> None:
    with contextlib.suppress(UnreadableAnswer):
        decode_response(body)
