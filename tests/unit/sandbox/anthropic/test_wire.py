import json
from typing import Any

import pytest

from modelgate.sandbox.anthropic.answers import Block, Redacted, Reply, Text, Thinking
from modelgate.sandbox.anthropic.prompt import PromptUsage
from modelgate.sandbox.anthropic.wire import ERROR_EVENT, MAX_FRAGMENTS, Head, render_events, render_message
from modelgate.sandbox.calls import Call
from modelgate.sandbox.magic import read_magic
from modelgate.sandbox.tokens import Tokenizer

CALL = Call(id="toolu_1", name="f", arguments='{"a":"some words"}')
PROMPT = PromptUsage(fresh=5, read=20, written_5m=3, written_1h=4)


def _head(text: str = "") -> Head:
    return Head(id="msg_1", model="claude-any", magic=read_magic("claude-any", text))


def _reply(*blocks: Block, **fields: Any) -> Reply:
    return Reply(**{"blocks": blocks, "stop_reason": "end_turn", "prompt": PROMPT, "output_tokens": 9, "thinking_tokens": 2, **fields})


def _events(tokenizer: Tokenizer, *blocks: Block, head: Head | None = None, **fields: Any) -> list[dict[str, Any]]:
    events = []
    for raw in render_events(_reply(*blocks, **fields), head=head or _head(), tokenizer=tokenizer):
        name, data, end = raw.decode().split("\n", 2)
        assert end == "\n"
        events.append(json.loads(data.removeprefix("data: ")))
        assert name == f"event: {events[-1]['type']}"
    return events


def test_a_whole_message() -> None:
    message = json.loads(
        render_message(_reply(Thinking("Hm.", "s"), Redacted("d"), Text("Hi"), CALL, stop_reason="tool_use"), head=_head())
    )
    assert message == {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-any",
        "content": [
            {"type": "thinking", "thinking": "Hm.", "signature": "s"},
            {"type": "redacted_thinking", "data": "d"},
            {"type": "text", "text": "Hi", "citations": None},
            {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"a": "some words"}},
        ],
        "stop_reason": "tool_use",
        "stop_sequence": None,
        "stop_details": None,
        "usage": {
            "input_tokens": 5,
            "cache_creation_input_tokens": 7,
            "cache_read_input_tokens": 20,
            "cache_creation": {"ephemeral_5m_input_tokens": 3, "ephemeral_1h_input_tokens": 4},
            "output_tokens": 9,
            "output_tokens_details": {"thinking_tokens": 2},
            "server_tool_use": None,
            "service_tier": "standard",
        },
    }


def test_the_events_of_a_stream(tokenizer: Tokenizer) -> None:
    events = _events(tokenizer, Thinking("Hm.", "s"), Text("Hi there"), CALL, stop_reason="tool_use")
    kinds = [event["type"] for event in events]
    assert (kinds[0], kinds[-2:]) == ("message_start", ["message_delta", "message_stop"])
    assert kinds.count("ping") == 3
    starts = [event for event in events if event["type"] == "content_block_start"]
    assert [(event["index"], event["content_block"]) for event in starts] == [
        (0, {"type": "thinking", "thinking": "", "signature": ""}),
        (1, {"type": "text", "text": ""}),
        (2, {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}}),
    ]
    deltas = [event["delta"] for event in events if event["type"] == "content_block_delta"]
    assert "".join(delta.get("thinking", "") for delta in deltas) == "Hm."
    assert "".join(delta.get("text", "") for delta in deltas) == "Hi there"
    assert [delta["type"] for delta in deltas].count("signature_delta") == 1
    partial = [delta["partial_json"] for delta in deltas if delta["type"] == "input_json_delta"]
    assert partial[0] == ""
    assert "".join(partial) == CALL.arguments
    opened: list[int] = []
    for event in events:  # one block at a time
        if event["type"] == "content_block_start":
            assert not opened
            opened.append(event["index"])
        elif event["type"] == "content_block_stop":
            assert opened == [event["index"]]
            opened.clear()


def test_usage_is_cumulative(tokenizer: Tokenizer) -> None:
    events = _events(tokenizer, Text("Hi"))
    start, end = events[0]["message"], events[-2]
    assert (start["content"], start["stop_reason"]) == ([], None)
    assert (start["usage"]["output_tokens"], start["usage"]["cache_creation"]["ephemeral_1h_input_tokens"]) == (1, 4)
    assert end["usage"] == {
        "input_tokens": 5,
        "cache_creation_input_tokens": 7,
        "cache_read_input_tokens": 20,
        "output_tokens": 9,
        "output_tokens_details": {"thinking_tokens": 2},
        "server_tool_use": None,
    }
    assert end["delta"] == {"stop_reason": "end_turn", "stop_sequence": None, "stop_details": None}


def test_a_cut_call_is_not_closed(tokenizer: Tokenizer) -> None:
    broken = Call(id="toolu_2", name="f", arguments='{"a":"so')
    events = _events(tokenizer, CALL, broken, cut=True, stop_reason="max_tokens")
    assert [event["index"] for event in events if event["type"] == "content_block_stop"] == [0]
    message = json.loads(render_message(_reply(CALL, broken, cut=True), head=_head()))
    assert [block["input"] for block in message["content"]] == [{"a": "some words"}, {}]


def test_a_call_without_input(tokenizer: Tokenizer) -> None:
    events = _events(tokenizer, Call(id="toolu_3", name="f", arguments="{}"))
    assert [event["delta"]["partial_json"] for event in events if event["type"] == "content_block_delta"] == [""]


def test_a_refusal(tokenizer: Tokenizer) -> None:
    fields = {"stop_reason": "refusal", "stop_details": {"type": "refusal"}, "output_tokens": 0, "thinking_tokens": 0}
    kinds = [event["type"] for event in _events(tokenizer, Text(""), **fields)]
    assert kinds == ["message_start", "content_block_start", "ping", "content_block_stop", "message_delta", "message_stop"]
    message = json.loads(render_message(_reply(Text(""), **fields), head=_head()))
    assert (message["content"], message["stop_details"]) == ([], {"type": "refusal"})


@pytest.mark.parametrize("text", ["word " * 1_000, "日本語の文 " * 100])
def test_long_texts_go_out_in_few_fragments(tokenizer: Tokenizer, text: str) -> None:
    deltas = [event["delta"]["text"] for event in _events(tokenizer, Text(text)) if event["type"] == "content_block_delta"]
    assert 10 < len(deltas) <= MAX_FRAGMENTS
    assert "".join(deltas) == text


def test_usage_that_magic_spoils(tokenizer: Tokenizer) -> None:
    silent = _events(tokenizer, Text("Hi"), head=_head("magic: no-usage"))
    assert "usage" not in silent[0]["message"]
    assert "usage" not in silent[-2]
    bad = _events(tokenizer, Text("Hi"), head=_head("magic: bad-usage"))
    assert bad[-2]["usage"]["output_tokens"] < 0
    assert "usage" not in json.loads(render_message(_reply(Text("Hi")), head=_head("magic: no-usage")))


def test_the_error_in_a_stream() -> None:
    assert ERROR_EVENT == b'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}\n\n'
