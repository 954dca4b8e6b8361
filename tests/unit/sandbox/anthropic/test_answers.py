from typing import Any

import pytest

from modelgate.sandbox.anthropic.answers import Redacted, Replier, Reply, Text, Thinking
from modelgate.sandbox.anthropic.prompt import PromptUsage
from modelgate.sandbox.anthropic.request import read_message
from modelgate.sandbox.anthropic.thinking import is_redacted, is_signed
from modelgate.sandbox.calls import Call
from modelgate.sandbox.tokens import Tokenizer

TOOL = {"name": "f", "input_schema": {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}}
THINKING = {"type": "enabled", "budget_tokens": 1_024}


@pytest.fixture
def replier(tokenizer: Tokenizer) -> Replier:
    return Replier(tokenizer)


def _reply(replier: Replier, text: str = "Say: hello there", *more: Any, **fields: Any) -> Reply:
    body = {"model": "m", "max_tokens": 500, "messages": [{"role": "user", "content": text}, *more], **fields}
    return replier.reply(read_message(body), prompt=PromptUsage(fresh=7))


def test_text(replier: Replier) -> None:
    reply = _reply(replier)
    assert (reply.blocks, reply.stop_reason, reply.output_tokens, reply.prompt.total) == ((Text("hello there"),), "end_turn", 2, 7)


def test_calls(replier: Replier) -> None:
    reply = _reply(replier, "go", tools=[TOOL], thinking=THINKING)
    assert [type(block) for block in reply.blocks] == [Thinking, Text, Call]
    assert reply.stop_reason == "tool_use"
    call = reply.blocks[-1]
    assert isinstance(call, Call)
    assert (len(call.id), call.id[:8]) == (30, "toolu_01")
    assert _reply(replier, "go", tools=[TOOL], tool_choice={"type": "tool", "name": "f"}).stop_reason == "tool_use"


def test_a_call_is_cut(replier: Replier) -> None:
    whole = _reply(replier, "go", tools=[TOOL], tool_choice={"type": "any"})
    cut = _reply(replier, "go", tools=[TOOL], tool_choice={"type": "any"}, max_tokens=whole.output_tokens - 1)
    assert (cut.stop_reason, cut.cut, cut.output_tokens) == ("max_tokens", True, whole.output_tokens - 1)
    assert not whole.cut


def test_a_stop_is_named(replier: Replier) -> None:
    reply = _reply(replier, stop_sequences=["lo"])
    assert (reply.blocks, reply.stop_reason, reply.stop_sequence) == ((Text("hel"),), "stop_sequence", "lo")


def test_thoughts(replier: Replier) -> None:
    shown = _reply(replier, thinking=THINKING)
    thought = shown.blocks[0]
    assert isinstance(thought, Thinking)
    assert thought.shown
    assert is_signed(thought.shown, thought.signature)
    assert (shown.thinking_tokens, shown.output_tokens) == (shown.output_tokens - 2, shown.thinking_tokens + 2)

    omitted = _reply(replier, thinking={**THINKING, "display": "omitted"})
    assert isinstance(omitted.blocks[0], Thinking)
    assert omitted.blocks[0].shown == ""
    assert is_signed("", omitted.blocks[0].signature)
    assert omitted.output_tokens == shown.output_tokens

    hidden = _reply(replier, "Say: hello there\nmagic: redacted-thinking", thinking=THINKING)
    assert isinstance(hidden.blocks[0], Redacted)
    assert is_redacted(hidden.blocks[0].data)
    assert _reply(replier, "Say: hi\nmagic: redacted-thinking").blocks == (Text("hi"),)


def test_refusals_and_silence(replier: Replier) -> None:
    refused = _reply(replier, "magic: refusal")
    assert (refused.blocks, refused.stop_reason, refused.output_tokens) == ((Text(""),), "refusal", 0)
    assert refused.stop_details["type"] == "refusal"
    silent = _reply(replier, "magic: empty-answer")
    assert (silent.blocks, silent.stop_reason, silent.output_tokens) == ((), "end_turn", 1)


def test_a_pause_is_half_an_answer(replier: Replier) -> None:
    question = "Count to 10\nmagic: pause-turn"
    paused = _reply(replier, question, stop_sequences=["9"])
    assert (paused.stop_reason, paused.stop_sequence) == ("pause_turn", None)
    (half,) = paused.blocks
    assert isinstance(half, Text)
    assert half.text == half.text.rstrip()
    rest = _reply(replier, question, {"role": "assistant", "content": half.text})
    assert rest.stop_reason == "end_turn"
    assert isinstance(rest.blocks[0], Text)
    assert half.text + rest.blocks[0].text == "1, 2, 3, 4, 5, 6, 7, 8, 9, 10"


def test_only_warming_the_cache(replier: Replier) -> None:
    reply = _reply(replier, max_tokens=0)
    assert (reply.blocks, reply.stop_reason, reply.output_tokens) == ((), "max_tokens", 0)


def test_pinned_output(replier: Replier) -> None:
    reply = _reply(replier, "magic: tokens 9 7000", max_tokens=5)
    assert (reply.output_tokens, reply.stop_reason) == (7_000, "end_turn")
