import contextlib
import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelgate.core.usage import MAX_UNITS, Usage
from modelgate.formats.anthropic_messages.request import peek
from modelgate.formats.anthropic_messages.response import Counted, decode_response, encode_response, pass_response
from modelgate.formats.chat.carried import unpack_id
from modelgate.formats.chat.request import Text, Thinking, ToolCall
from modelgate.formats.chat.response import ChatResponse, Choice
from modelgate.formats.chat.wire_format import UnreadableAnswer

from .conftest import HEAD, asked, cases
from .test_request import Ids
from .test_request_decoder import ids, mutated, words

PEEK = peek(asked({"model": "mine", "max_tokens": 1, "messages": [1]}))
ANSWER = b'{"id":"msg_1", "model" : "claude-x","content":[{"type":"text","text":"model"}],"usage":{"input_tokens":3,"output_tokens":2.0e0},"x":1.50}'


def test_an_answer_passes_with_every_byte_but_the_models_name() -> None:
    body = ANSWER.replace(b"2.0e0", b"2")
    passed = pass_response(body, PEEK, True, Ids())
    assert passed.body == body.replace(b'"claude-x"', b'"mine"')
    assert passed.usage == Usage(input_tokens=3, output_tokens=2)
    assert pass_response(body, PEEK, False, Ids()).body == body


def test_figures_that_cannot_be_are_refused_and_the_answer_is_not() -> None:
    passed = pass_response(ANSWER.replace(b"2.0e0", b"-2"), PEEK, False, Ids())
    assert (passed.usage, passed.usage_refused) == (None, True)
    passed = pass_response(b'{"content":[]}', PEEK, False, Ids())
    assert (passed.usage, passed.usage_refused) == (None, False)


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b'{"content":7}', b'{"type":"error","error":{}}', b'{"content":[],"id":"\xff"}'[:-2]])
def test_what_is_no_answer(body: bytes) -> None:
    with pytest.raises(UnreadableAnswer):
        pass_response(body, PEEK, True, Ids())
    with pytest.raises(UnreadableAnswer):
        decode_response(body)


def counted(*bodies: dict[str, Any]) -> Counted:
    found = Counted()
    for body in bodies:
        found.add(msgspec.Raw(json.dumps(body).encode()))
    return found


def test_counts_replace_one_another_and_are_never_added() -> None:
    start = {"input_tokens": 10, "cache_read_input_tokens": 5, "output_tokens": 1}
    found = counted(start, {"output_tokens": 7, "cache_read_input_tokens": None})
    assert found.usage == Usage(input_tokens=15, cached_tokens=5, output_tokens=7)


@pytest.mark.parametrize(
    "body",
    [
        {"input_tokens": -1},
        {"output_tokens": -1},
        {"input_tokens": MAX_UNITS, "cache_read_input_tokens": 1},
        {"output_tokens": MAX_UNITS + 1},
        {"cache_read_input_tokens": -1, "input_tokens": 5},
        {"cache_creation_input_tokens": 5, "cache_creation": {"ephemeral_1h_input_tokens": 6}},
        {"output_tokens": 1, "output_tokens_details": {"thinking_tokens": 2}},
        {"input_tokens": "1"},
    ],
)
def test_usage_that_cannot_be_is_refused(body: dict[str, Any]) -> None:
    found = counted(body)
    assert (found.usage, found.is_refused) == (None, True)


def test_written_tokens_are_told_by_how_long_they_are_kept() -> None:
    found = counted({"input_tokens": 1, "cache_creation": {"ephemeral_5m_input_tokens": 2, "ephemeral_1h_input_tokens": 3}})
    assert found.usage == Usage(input_tokens=6, cache_write_tokens=5, cache_write_1h_tokens=3)


def test_an_id_of_other_letters_is_carried_inside_one_of_ours() -> None:
    call = ToolCall(id="functions.f:0", name="f", arguments="{}")
    answer = json.loads(
        encode_response(ChatResponse(id="", model="", choices=(Choice(index=0, parts=(call,), finish="tool_calls"),)), PEEK, HEAD)
    )
    assert unpack_id(answer["content"][0]["id"]).id == "functions.f:0"


usages = st.builds(
    lambda fresh, read, short, long, output, thought: Usage(
        input_tokens=fresh + read + short + long,
        cached_tokens=read,
        cache_write_tokens=short + long,
        cache_write_1h_tokens=long,
        output_tokens=output + thought,
        reasoning_tokens=thought,
    ),
    *[st.integers(0, 1000)] * 6,
)
thoughts = st.builds(Thinking, text=words, signature=words.map(lambda text: "s" + text), format=st.just("anthropic_messages")) | st.builds(
    Thinking, sealed=words, format=st.just("anthropic_messages")
)
calls = st.builds(ToolCall, id=ids, name=words, arguments=st.dictionaries(words, words, max_size=2).map(json.dumps))
choices = st.builds(
    lambda first, text, last, finish: Choice(index=0, parts=(*first, *text, *last), finish="tool_calls" if last else finish),
    st.lists(thoughts, max_size=2),
    st.lists(st.builds(Text, text=words), max_size=1),
    st.lists(calls, max_size=2),
    st.sampled_from(["stop", "stop_sequence", "length", "content_filter", "pause"]),
)


@given(choices, usages)
def test_what_the_dialect_can_say_comes_back_as_it_was(choice: Choice, usage: Usage) -> None:
    response = ChatResponse(id="msg_1", model="my-claude", choices=(choice,), usage=usage, service_tier="default")
    assert decode_response(encode_response(response, PEEK, HEAD)) == response


@given(st.data())
def test_a_mutated_answer_is_read_or_refused(data: st.DataObject) -> None:
    whole = data.draw(st.sampled_from([case.values[0]["given"] for case in cases("decode_response")]))
    body = json.dumps(mutated(whole, data.draw)).encode()
    for read in (decode_response, lambda body: pass_response(body, PEEK, True, Ids())):
        with contextlib.suppress(UnreadableAnswer):
            read(body)
