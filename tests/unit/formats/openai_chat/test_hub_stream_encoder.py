import json
from typing import Any

import pytest
from tests.unit.formats.openai_chat.conftest import PNG

from modelgate.core.usage import Usage
from modelgate.formats.chat.carried import Carried, unpack_id
from modelgate.formats.chat.collect import Collector, events_of
from modelgate.formats.chat.events import (
    AudioDelta,
    ChoiceEnd,
    CitationAdded,
    ImageAdded,
    RefusalDelta,
    ResponseEnd,
    ResponseFailed,
    ResponseStart,
    StreamEvent,
    TextDelta,
    ThinkingDelta,
    ThinkingEnd,
    ToolCallDelta,
    ToolCallEnd,
    ToolCallStart,
    UsageReport,
)
from modelgate.formats.chat.request import Image, Text, Thinking, ToolCall
from modelgate.formats.chat.response import ChatResponse, Choice
from modelgate.formats.chat.vendor_error import VendorError
from modelgate.formats.openai_chat.hub_stream import ChatDecoder
from modelgate.formats.openai_chat.hub_stream_encoder import make_encoder
from modelgate.formats.openai_chat.peek import peek_request

FUNCTION = {"type": "function", "function": {"name": "f"}}
CALL = (
    ToolCallStart(index=0, id="a", name="f"),
    ToolCallDelta(index=0, arguments="{}"),
    ToolCallEnd(index=0),
    ChoiceEnd(finish="tool_calls"),
)


@pytest.fixture
def write(ask, head):
    """Return the chunks of events as JSON, `[DONE]` as it is."""

    def wrote(*events: StreamEvent, **fields: Any) -> list[Any]:
        encoder = make_encoder(peek_request(ask(stream=True, **fields)), head)
        data = b"".join(encoder.encode(event) for event in events)
        chunks = data.split(b"\n\n")
        assert chunks.pop() == b""
        return [json.loads(chunk[6:]) if chunk != b"data: [DONE]" else "[DONE]" for chunk in chunks]

    return wrote


@pytest.fixture
def deltas(write):
    """Return the deltas of one choice's events after its first chunk."""

    def wrote(*events: StreamEvent, **fields: Any) -> list[Any]:
        return [chunk["choices"][0]["delta"] for chunk in write(*events, **fields)[1:]]

    return wrote


def test_the_whole_stream(write) -> None:
    usage = UsageReport(usage=Usage(input_tokens=3, output_tokens=2))
    chunks = write(
        ResponseStart(id="up"),
        TextDelta(text="Hi"),
        usage,
        ChoiceEnd(finish="length"),
        ResponseEnd(),
        stream_options={"include_usage": True},
    )
    first, second, third, fourth, last = chunks
    shared = {"id": "chatcmpl-abc123", "object": "chat.completion.chunk", "created": 1_700_000_000, "model": "caller-model"}
    assert first == {
        **shared,
        "choices": [{"index": 0, "delta": {"role": "assistant", "content": "", "refusal": None}, "logprobs": None, "finish_reason": None}],
        "usage": None,
    }
    assert second["choices"] == [{"index": 0, "delta": {"content": "Hi"}, "logprobs": None, "finish_reason": None}]
    assert third["choices"] == [{"index": 0, "delta": {}, "logprobs": None, "finish_reason": "length"}]
    assert (fourth["choices"], fourth["usage"]["total_tokens"]) == ([], 5)
    assert last == "[DONE]"


def test_no_usage_for_who_did_not_ask(write) -> None:
    chunks = write(ResponseStart(), UsageReport(usage=Usage(input_tokens=3)), ChoiceEnd(finish="stop"), ResponseEnd())
    assert [chunk == "[DONE]" or "usage" not in chunk for chunk in chunks] == [True, True, True]


def test_each_answer_begins_when_it_is_first_heard_of(write) -> None:
    chunks = write(ResponseStart(), TextDelta(text="b", choice=1), TextDelta(text="a"))
    assert [(chunk["choices"][0]["index"], chunk["choices"][0]["delta"].get("role")) for chunk in chunks] == [
        (0, "assistant"),
        (1, "assistant"),
        (1, None),
        (0, None),
    ]


def test_every_kind_of_piece(deltas) -> None:
    note = {"type": "url_citation"}
    picture = f"![image](data:image/png;base64,{PNG})"
    image = Image(data=PNG, media_type="image/png")
    assert deltas(
        ThinkingDelta(text="hm"),
        ImageAdded(image=image),
        TextDelta(text="a"),
        ImageAdded(image=image),
        RefusalDelta(text="no"),
        AudioDelta(id="audio_1", transcript="Hi"),
        AudioDelta(data="AAAA"),
        CitationAdded(citation=note),
        ResponseFailed(error=VendorError(status=500)),
    ) == [
        {"reasoning_content": "hm"},
        {"content": picture},
        {"content": "a"},
        {"content": "\n" + picture},
        {"refusal": "no"},
        {"audio": {"id": "audio_1", "transcript": "Hi"}},
        {"audio": {"data": "AAAA"}},
        {"annotations": [note]},
    ]


def test_calls(deltas, write) -> None:
    assert deltas(*CALL) == [
        {"tool_calls": [{"index": 0, "id": "a", "type": "function", "function": {"name": "f", "arguments": ""}}]},
        {"tool_calls": [{"index": 0, "function": {"arguments": "{}"}}]},
        {},
    ]
    assert write(*CALL)[-1]["choices"][0]["finish_reason"] == "tool_calls"
    assert write(*CALL, tools=[FUNCTION], tool_choice=FUNCTION)[-1]["choices"][0]["finish_reason"] == "stop"


def test_a_call_without_arguments_says_so(deltas) -> None:
    assert deltas(ToolCallStart(index=0, id="a", name="f"), ToolCallEnd(index=0))[1] == {
        "tool_calls": [{"index": 0, "function": {"arguments": "{}"}}]
    }


def test_custom_calls(deltas) -> None:
    assert deltas(ToolCallStart(index=0, id="a", name="c", custom=True), ToolCallDelta(index=0, arguments="x"), ToolCallEnd(index=0)) == [
        {"tool_calls": [{"index": 0, "id": "a", "type": "custom", "custom": {"name": "c", "input": ""}}]},
        {"tool_calls": [{"index": 0, "custom": {"input": "x"}}]},
    ]


def test_who_asked_in_the_older_form_is_answered_in_it(deltas, write) -> None:
    functions = [{"name": "f"}]
    more = (ToolCallStart(index=1, id="b", name="g"), ToolCallDelta(index=1, arguments="{}"))
    assert deltas(*CALL[:2], *more, *CALL[2:], functions=functions) == [
        {"function_call": {"name": "f", "arguments": ""}},
        {"function_call": {"arguments": "{}"}},
        {},
    ]
    assert write(*CALL, functions=functions)[-1]["choices"][0]["finish_reason"] == "function_call"
    assert deltas(CALL[0], CALL[2], functions=functions)[1] == {"function_call": {"arguments": "{}"}}


def test_what_a_vendor_must_get_back_travels_in_the_first_calls_id(deltas) -> None:
    found = deltas(
        ThinkingDelta(text="h"),
        ThinkingDelta(text="m"),
        ThinkingEnd(signature="s", format="anthropic_messages"),
        ToolCallStart(index=0, id="t1", name="f"),
        ToolCallStart(index=1, id="t2", name="f"),
    )
    ids = [delta["tool_calls"][0]["id"] for delta in found if "tool_calls" in delta]
    thought = Thinking(text="hm", signature="s", format="anthropic_messages")
    assert unpack_id(ids[0]) == Carried("t1", "anthropic_messages", "", (thought,))
    assert ids[1] == "t2"
    (signed,) = deltas(ToolCallStart(index=0, id="g", name="f", signature="sig", format="gemini_content"))
    assert unpack_id(signed["tool_calls"][0]["id"]) == Carried("g", "gemini_content", "sig")


def test_sealed_thoughts_of_this_dialect_are_told_in_its_own_way(deltas) -> None:
    sealed = '{"type":"reasoning.text","text":"","signature":"s"}'
    assert deltas(ThinkingDelta(text="hm"), ThinkingEnd(sealed=sealed, format="openai_chat"))[1] == {
        "reasoning_details": [{"type": "reasoning.text", "text": "", "signature": "s"}]
    }


def test_what_is_written_reads_as_what_was_told(ask, head) -> None:
    parts = (
        Thinking(text="hm"),
        Text(text="a"),
        ToolCall(id="a", name="f", arguments='{"x":1}'),
        ToolCall(id="b", name="g", arguments="{}"),
    )
    response = ChatResponse(
        id="chatcmpl-abc123",
        model="caller-model",
        choices=(Choice(index=0, parts=parts, finish="tool_calls"), Choice(index=1, parts=(Text(text="b"),), finish="length")),
        usage=Usage(input_tokens=3, output_tokens=2),
    )
    encoder = make_encoder(peek_request(ask(stream=True, stream_options={"include_usage": True})), head)
    data = b"".join(encoder.encode(event) for event in events_of(response))
    decoder, collector = ChatDecoder(), Collector()
    for at in range(len(data)):
        for event in decoder.feed(data[at : at + 1]):
            collector.add(event)
    assert collector.is_done
    assert collector.response() == response
