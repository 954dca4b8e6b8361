import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelgate.formats.anthropic_messages.request import peek
from modelgate.formats.anthropic_messages.stream_encoder import MAX_WAITING_CHARACTERS, make_encoder
from modelgate.formats.chat.events import (
    ChoiceEnd,
    CitationAdded,
    RefusalDelta,
    ResponseEnd,
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
from modelgate.formats.sse import EventTooLong, parse_frames

from .conftest import HEAD, asked

PEEK = peek(asked({"model": "mine", "max_tokens": 1, "messages": [1]}))


def written(events: list[StreamEvent]) -> list[Any]:
    encoder = make_encoder(PEEK, HEAD)
    frames = parse_frames(b"".join(encoder.encode(event) for event in events))
    told = [json.loads(frame.data) for frame in frames]
    assert [frame.event.decode() for frame in frames] == [one["type"] for one in told]
    return told


def test_a_call_that_never_ends_does_not_fill_the_memory() -> None:
    encoder = make_encoder(PEEK, HEAD)
    encoder.encode(ToolCallStart(index=0, id="a", name="f"))
    encoder.encode(ToolCallStart(index=1, id="b", name="f"))
    with pytest.raises(EventTooLong):
        for _ in range(MAX_WAITING_CHARACTERS // 1_000_000 + 1):
            encoder.encode(ToolCallDelta(index=1, arguments="x" * 1_000_000))


@st.composite
def streams(draw: st.DrawFn) -> list[StreamEvent]:
    """Events in an order that the hub allows: calls interleave with one another and with words."""
    lanes: list[list[StreamEvent]] = []
    for index in range(draw(st.integers(0, 4))):
        deltas = [ToolCallDelta(index=index, arguments=text) for text in draw(st.lists(st.sampled_from(["{", "}", '"a"']), max_size=3))]
        lanes.append([ToolCallStart(index=index, id=f"c{index}", name="f"), *deltas, ToolCallEnd(index=index)])
    other = st.sampled_from(
        [
            TextDelta(text="t"),
            ThinkingDelta(text="h"),
            ThinkingEnd(signature="s", format="anthropic_messages"),
            ThinkingEnd(sealed="x", format="anthropic_messages"),
            RefusalDelta(text="r"),
            CitationAdded(citation={"type": "url_citation", "url_citation": {"url": "u"}}),
            UsageReport(usage=None),
        ]
    )
    lanes.append(draw(st.lists(other, max_size=5)))
    events: list[StreamEvent] = [ResponseStart()]
    while any(lanes):
        lane = draw(st.sampled_from([lane for lane in lanes if lane]))
        events.append(lane.pop(0))
    return [*events, ChoiceEnd(finish="stop"), ResponseEnd()]


@settings(max_examples=300)
@given(streams())
def test_blocks_never_interleave_and_nothing_is_lost(events: list[StreamEvent]) -> None:
    told = written(events)
    assert [told[0]["type"], told[-2]["type"], told[-1]["type"]] == ["message_start", "message_delta", "message_stop"]
    open_block, count, arguments = -1, 0, dict[str, str]()
    words = {"text_delta": "", "thinking_delta": ""}
    call = ""
    for event in told[1:-2]:
        match event["type"]:
            case "content_block_start":
                assert (open_block, event["index"]) == (-1, count)
                open_block, count = count, count + 1
                call = event["content_block"].get("id", "")
                if call:
                    arguments[call] = ""
            case "content_block_delta":
                assert event["index"] == open_block
                delta = event["delta"]
                if delta["type"] == "input_json_delta":
                    arguments[call] += delta["partial_json"]
                elif delta["type"] in words:
                    words[delta["type"]] += delta[delta["type"].removesuffix("_delta")]
            case "content_block_stop":
                assert event["index"] == open_block
                open_block = -1
            case other:
                raise AssertionError(other)
    assert open_block == -1
    wanted: dict[str, str] = {event.id: "" for event in events if isinstance(event, ToolCallStart)}
    for event in events:
        if isinstance(event, ToolCallDelta):
            wanted[f"c{event.index}"] += event.arguments
    assert arguments == wanted
    assert words["thinking_delta"] == "".join(event.text for event in events if isinstance(event, ThinkingDelta))
    assert words["text_delta"] == "".join(event.text for event in events if isinstance(event, TextDelta | RefusalDelta))
