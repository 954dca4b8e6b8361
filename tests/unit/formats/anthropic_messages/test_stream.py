import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelgate.core.usage import Usage
from modelgate.formats.anthropic_messages.request import peek
from modelgate.formats.anthropic_messages.stream import StreamTap, make_tap

from .conftest import asked, cases
from .test_request import Ids

PEEK = peek(asked({"model": "mine", "max_tokens": 1, "messages": [1]}))
START = b'event: message_start\ndata: {"type":"message_start","message":{"id":"msg_1","model":"claude-x","content":[],"usage":{"input_tokens":10,"output_tokens":1}}   }\n\n'
DELTA = b'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"\\"message_stop\\" \\"model\\":\\"x\\""}}\n\n'
PING = b'event: ping\ndata: {"type": "ping"}\n\n'
END = b'event: message_delta\ndata: {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":7}}\n\n'
STOP = b'event: message_stop\ndata: {"type":"message_stop"}\n\n'
WHOLE = START + PING + DELTA + DELTA + END + PING + STOP


def tapped(stream: bytes, size: int, *, renamed: bool = False) -> tuple[StreamTap, bytes]:
    tap = make_tap(PEEK, renamed, Ids())
    passed = b"".join(tap.feed(stream[at : at + size]) for at in range(0, len(stream), size))
    return tap, passed + tap.finish()


@pytest.mark.parametrize("size", [1, 3, 50, 10_000])
def test_bytes_pass_and_the_last_words_are_held(size: int) -> None:
    tap, passed = tapped(WHOLE + b"late", size)
    assert passed == START + PING + DELTA + DELTA
    assert tap.final == END + PING + STOP
    assert (tap.is_done, tap.is_complete(), tap.events, tap.error) == (True, True, 2, None)
    assert tap.usage == Usage(input_tokens=10, output_tokens=7)
    assert tap.text == '"message_stop" "model":"x"' * 2


def test_split_at_every_byte() -> None:
    for at in range(len(WHOLE)):
        tap = make_tap(PEEK, True, Ids())
        assert tap.feed(WHOLE[:at]) + tap.feed(WHOLE[at:]) == START.replace(b"claude-x", b"mine") + PING + DELTA + DELTA
        assert tap.final == END + PING + STOP


def test_what_broke_off_is_not_counted_by_a_placeholder() -> None:
    """Symptom: a stream cut off after a thousand words was charged as one token, the figure of message_start."""
    tap, passed = tapped(START + DELTA, 10_000)
    assert passed == START + DELTA
    assert (tap.usage, tap.is_complete(), tap.final) == (None, False, b"")


def test_an_end_that_was_announced_and_did_not_come() -> None:
    tap, passed = tapped(START + DELTA + END, 10_000)
    assert passed == START + DELTA
    assert (tap.is_done, tap.is_complete(), tap.final) == (False, True, END)


@pytest.mark.parametrize("size", [1, 10_000])
def test_an_error_of_the_callers_goes_on_cleaned_and_nothing_after_it(size: int) -> None:
    error = b'event: error\ndata: {"type":"error","error":{"type":"invalid_request_error","message":"Bad, sk-ant-12345678"}}\n\n'
    tap, passed = tapped(START + DELTA + error + DELTA + STOP, size)
    assert passed == START + DELTA + error.replace(b"sk-ant-12345678", b"[removed]")
    assert tap.error is not None
    assert (tap.error.status, tap.is_complete()) == (400, False)


@pytest.mark.parametrize("size", [1, 10_000])
def test_an_error_of_the_vendors_goes_on_in_our_words(size: int) -> None:
    error = b'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"Org a1b2 is over its share"}}\n\n'
    tap, passed = tapped(START + DELTA + error + DELTA + STOP, size)
    told = b"The upstream is overloaded or down for now. Try again shortly."
    assert passed == START + DELTA + error.replace(b"Org a1b2 is over its share", told)
    assert tap.error is not None
    assert (tap.error.status, tap.error.message, tap.is_complete()) == (529, "Org a1b2 is over its share", False)


def test_figures_that_cannot_be_are_refused() -> None:
    tap, _ = tapped(START + END.replace(b"7", b"-7") + STOP, 10_000)
    assert (tap.usage, tap.usage_refused, tap.is_done) == (None, True, True)


@pytest.mark.parametrize("case", cases("decode_stream"))
def test_streams_of_the_files_pass(case: Any) -> None:
    stream = case["given"].encode()
    tap, passed = tapped(stream, 5)
    if tap.error is None:
        assert passed + tap.final in (stream, stream.rstrip() + b"\n\n")


@given(
    st.lists(
        st.binary(max_size=30)
        | st.sampled_from([START, DELTA, END, STOP, PING, b"data: {}\n\n", b'data: {"error":1}\n\n', b'data: {"type":"message_delta"}\n\n'])
    )
)
def test_any_bytes_pass(chunks: list[bytes]) -> None:
    tap = make_tap(PEEK, True, Ids())
    for chunk in chunks:
        tap.feed(chunk)
    tap.finish()
    assert isinstance(tap.text, str)
    assert json.dumps(tap.events)
