import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.formats.openai_chat.conftest import PNG

from modelgate.core.usage import Usage
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
from modelgate.formats.chat.request import Image
from modelgate.formats.openai_chat.hub_stream import ChatDecoder

DONE = b"data: [DONE]\n\n"
START = ResponseStart(id="x", model="real")


def event(**fields: Any) -> bytes:
    return b"data: " + json.dumps({"id": "x", "object": "chat.completion.chunk", "model": "real", **fields}).encode() + b"\n\n"


def piece(delta: dict[str, Any] | None = None, *, finish: Any = None, index: int | None = 0, **fields: Any) -> bytes:
    choice = {"delta": delta or {}, "finish_reason": finish, **fields}
    return event(choices=[choice if index is None else {"index": index, **choice}])


def call_piece(*, finish: Any = None, **call: Any) -> bytes:
    return piece({"tool_calls": [call]}, finish=finish)


def read(data: bytes, *, size: int = 1_000_000) -> list[StreamEvent]:
    decoder = ChatDecoder()
    events = [found for at in range(0, len(data), size) for found in decoder.feed(data[at : at + size])]
    return events + decoder.finish()


def told(*data: bytes) -> list[StreamEvent]:
    """Return the events after the start of a stream."""
    events = read(b"".join(data))
    assert events[0] == START
    return events[1:]


TEXT = piece({"role": "assistant", "content": ""}) + piece({"content": "Grüße "}) + piece({"content": "\u4f60"})
CALLS = (
    call_piece(index=0, id="a", type="function", function={"name": "f", "arguments": ""})
    + call_piece(index=0, function={"arguments": '{"x":'})
    + call_piece(index=1, id="b", type="function", function={"name": "g", "arguments": ""})
    + call_piece(index=0, function={"arguments": "1}"})
)
WHOLE = (
    TEXT
    + CALLS
    + piece(finish="tool_calls")
    + event(choices=[], usage={"prompt_tokens": 7, "completion_tokens": 3})
    + b": keep-alive\n\n"
    + DONE
)
WHOLE_EVENTS = [
    START,
    TextDelta(text="Grüße "),
    TextDelta(text="\u4f60"),
    ToolCallStart(index=0, id="a", name="f"),
    ToolCallDelta(index=0, arguments='{"x":'),
    ToolCallStart(index=1, id="b", name="g"),
    ToolCallDelta(index=0, arguments="1}"),
    ToolCallEnd(index=0),
    ToolCallEnd(index=1),
    ChoiceEnd(finish="tool_calls"),
    UsageReport(usage=Usage(input_tokens=7, output_tokens=3)),
    ResponseEnd(),
]


@pytest.mark.parametrize("newline", [b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize("size", [1, 2, 3, 7, 50, 1_000_000])
def test_a_stream_reads_the_same_however_it_is_cut(size: int, newline: bytes) -> None:
    assert read(WHOLE.replace(b"\n", newline), size=size) == WHOLE_EVENTS


def test_a_stream_that_ends_without_its_last_words_says_no_end() -> None:
    assert told(piece({"content": "a"}), piece(finish="stop"))[-1] == ChoiceEnd(finish="stop")
    assert read(piece({"content": "a"})[:-2]) == [START, TextDelta(text="a")]


def test_thoughts_refusals_sounds_pictures_and_sources() -> None:
    picture = f"data:image/png;base64,{PNG}"
    note = {"type": "url_citation", "url_citation": {"url": "https://x"}}
    assert told(
        piece({"reasoning_content": "h"}),
        piece({"content": [{"type": "thinking", "thinking": "m"}]}),
        piece({"refusal": "no"}),
        piece({"audio": {"id": "audio_1", "transcript": "Hi"}}),
        piece({"audio": {"data": "AAAA", "expires_at": 7}}),
        piece({"content": f"\n![image]({picture})"}),
        piece({"images": [{"image_url": {"url": picture}}]}),
        piece({"annotations": [note]}),
    ) == [
        ThinkingDelta(text="h"),
        ThinkingDelta(text="m"),
        RefusalDelta(text="no"),
        AudioDelta(id="audio_1", transcript="Hi"),
        AudioDelta(data="AAAA", expires_at=7),
        ImageAdded(image=Image(data=PNG, media_type="image/png")),
        ImageAdded(image=Image(data=PNG, media_type="image/png")),
        CitationAdded(citation=note),
    ]


def test_thoughts_of_openrouter_are_sealed_when_something_else_follows() -> None:
    events = told(
        piece({"reasoning": "h", "reasoning_details": [{"type": "reasoning.text", "text": "h", "index": 0}]}),
        piece({"reasoning": "m", "reasoning_details": [{"type": "reasoning.text", "text": "m", "index": 0}]}),
        piece({"reasoning_details": [{"type": "reasoning.text", "text": "", "signature": "s", "index": 0}]}),
        piece({"reasoning_details": [{"type": "reasoning.encrypted", "data": "x", "index": 1}]}),
        piece({"content": "a"}),
    )
    assert events == [
        ThinkingDelta(text="h"),
        ThinkingDelta(text="m"),
        ThinkingEnd(sealed='{"index":0,"signature":"s","text":"","type":"reasoning.text"}', format="openai_chat"),
        ThinkingEnd(sealed='{"data":"x","index":1,"type":"reasoning.encrypted"}', format="openai_chat"),
        TextDelta(text="a"),
    ]


def test_probabilities_belong_to_their_text() -> None:
    tokens = [{"token": "a", "logprob": -1.0}]
    assert told(piece({"content": "a"}, logprobs={"content": tokens})) == [TextDelta(text="a", logprobs=tokens)]


def test_several_answers_interleave() -> None:
    both = event(choices=[{"index": 1, "delta": {"content": "b"}}, {"index": 0, "delta": {"content": "a"}, "finish_reason": "stop"}])
    assert told(both, piece(finish="length", index=1)) == [
        TextDelta(text="b", choice=1),
        TextDelta(text="a"),
        ChoiceEnd(finish="stop"),
        ChoiceEnd(finish="length", choice=1),
    ]


# Broken imitators.


def names_and_arguments(events: list[StreamEvent]) -> list[tuple[str, str, str]]:
    calls: dict[int, list[str]] = {}
    for found in events:
        match found:
            case ToolCallStart(index=index, id=id, name=name):
                calls[index] = [id, name, ""]
            case ToolCallDelta(index=index, arguments=arguments):
                calls[index][2] += arguments
            case _:
                pass
    return [(id, name, arguments) for id, name, arguments in calls.values()]


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        # The whole call at once, without an index.
        ([{"id": "a", "function": {"name": "f", "arguments": "{}"}}], [("a", "f", "{}")]),
        # The index is always 0, the id tells.
        (
            [
                {"index": 0, "id": "a", "function": {"name": "f", "arguments": "1"}},
                {"index": 0, "id": "b", "function": {"name": "g", "arguments": "2"}},
            ],
            [("a", "f", "1"), ("b", "g", "2")],
        ),
        # No index at all; what has no id belongs to the last.
        (
            [
                {"id": "a", "function": {"name": "f", "arguments": "1"}},
                {"function": {"arguments": "2"}},
                {"id": "b", "function": {"name": "g", "arguments": "3"}},
            ],
            [("a", "f", "12"), ("b", "g", "3")],
        ),
        # Id and name repeated on each piece.
        ([{"index": 0, "id": "a", "function": {"name": "f", "arguments": "1"}}] * 2, [("a", "f", "11")]),
        # Arguments as an object, or null.
        ([{"index": 0, "id": "a", "function": {"name": "f", "arguments": {"x": 1}}}], [("a", "f", '{"x":1}')]),
        ([{"index": 0, "id": "a", "function": {"name": "f", "arguments": None}}], [("a", "f", "")]),
        # The name comes after the first arguments.
        (
            [{"index": 0, "id": "a", "function": {"arguments": "1"}}, {"index": 0, "function": {"name": "f", "arguments": "2"}}],
            [("a", "f", "12")],
        ),
        # No id.
        ([{"index": 0, "function": {"name": "f", "arguments": "1"}}], [("call_x_0", "f", "1")]),
        # An empty id on later pieces.
        ([{"index": 0, "id": "a", "function": {"name": "f"}}, {"index": 0, "id": "", "function": {"arguments": "1"}}], [("a", "f", "1")]),
        # Never a name.
        ([{"index": 0, "id": "a", "function": {"arguments": "1"}}], []),
    ],
)
def test_calls_as_imitators_tell_them(pieces: list[dict[str, Any]], expected: list[tuple[str, str, str]]) -> None:
    events = told(*(piece({"tool_calls": [one]}) for one in pieces), piece(finish="stop"))
    assert names_and_arguments(events) == expected
    assert [found.index for found in events if isinstance(found, ToolCallEnd)] == list(range(len(expected)))


def test_the_older_form_and_custom_tools() -> None:
    legacy = told(
        piece({"function_call": {"name": "f", "arguments": ""}}),
        piece({"function_call": {"arguments": "{}"}}),
        piece(finish="function_call"),
    )
    assert names_and_arguments(legacy) == [("call_x_0", "f", "{}")]
    assert legacy[-1] == ChoiceEnd(finish="tool_calls")
    custom = told(call_piece(index=0, id="a", type="custom", custom={"name": "c", "input": ""}), call_piece(index=0, custom={"input": "x"}))
    assert custom == [ToolCallStart(index=0, id="a", name="c", custom=True), ToolCallDelta(index=0, arguments="x")]


def test_calls_decide_why_it_ended() -> None:
    assert told(call_piece(index=0, id="a", function={"name": "f"}), piece(finish="stop"))[-1] == ChoiceEnd(finish="tool_calls")


def test_a_choice_ends_once() -> None:
    assert told(piece({"content": "a"}, finish=""), piece(finish="stop"), piece(finish="stop"), piece({"content": "late"})) == [
        TextDelta(text="a"),
        ChoiceEnd(finish="stop"),
    ]


def test_azures_first_chunk_names_nothing() -> None:
    first = b'data: {"id":"","model":"","choices":[],"prompt_filter_results":[]}\n\n'
    assert read(first + piece({"content": "a"})) == [START, TextDelta(text="a")]


def test_usage_may_come_with_any_chunk() -> None:
    counted = {"prompt_tokens": 5, "completion_tokens": 1}
    reports = [
        found
        for found in told(piece({"content": "a"}), event(choices=[], usage=counted), event(choices=[], usage={"prompt_tokens": -1}))
        if isinstance(found, UsageReport)
    ]
    assert reports == [UsageReport(usage=Usage(input_tokens=5, output_tokens=1)), UsageReport(usage=None)]


def test_an_error_in_the_middle_ends_it() -> None:
    error = b'data: {"error":{"message":"full","type":"overloaded_error"}}\n\n'
    (failed,) = read(error + piece({"content": "late"}) + DONE)
    assert isinstance(failed, ResponseFailed)
    assert (failed.error.status, failed.error.message) == (503, "full")


def test_addresses_of_perplexity_become_sources() -> None:
    chunk = event(choices=[{"index": 0, "delta": {"content": "a"}}], citations=["https://x"])
    assert [type(found) for found in told(chunk, chunk)] == [CitationAdded, TextDelta, TextDelta]


@pytest.mark.parametrize(
    "junk",
    [
        b"data: {bad\n\n",
        b"data: 5\n\n",
        b"event: ping\ndata: {}\n\n",
        b"data:\n\n",
        b'data: {"choices":[{"index":-1,"delta":{"content":"x"}}]}\n\n',
    ],
)
def test_what_is_no_chunk_is_skipped(junk: bytes) -> None:
    assert read(piece({"content": "a"}) + junk + piece({"content": "b"})) == [START, TextDelta(text="a"), TextDelta(text="b")]


@given(
    st.lists(
        st.binary(max_size=60)
        | st.sampled_from([TEXT, CALLS, DONE, b"data: ", b"\n\n", b'data: {"choices":[{"delta":{"tool_calls":[{}]}}]}\n\n']),
        max_size=8,
    )
)
def test_no_bytes_are_beyond_it(chunks: list[bytes]) -> None:
    decoder = ChatDecoder()
    for chunk in chunks:
        decoder.feed(chunk)
    decoder.finish()


LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-5, 300)
    | st.sampled_from(["", "a", "stop", "tool_calls", f"![image](data:image/png;base64,{PNG})"])
)
KEYS = st.sampled_from(
    [
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
        "custom",
        "input",
        "function_call",
        "reasoning_details",
        "text",
        "annotations",
        "reasoning_content",
    ]
)
JSON = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=20)


@given(st.lists(JSON, max_size=4))
def test_no_delta_is_beyond_it_and_the_order_holds(deltas: list[Any]) -> None:
    events = read(b"".join(piece(delta) for delta in deltas if isinstance(delta, dict)) + piece(finish="stop") + DONE)
    started = {found.index for found in events if isinstance(found, ToolCallStart)}
    assert {found.index for found in events if isinstance(found, ToolCallEnd)} == started
    assert events[-2:] == [events[-2], ResponseEnd()]
    assert isinstance(events[-2], ChoiceEnd)
