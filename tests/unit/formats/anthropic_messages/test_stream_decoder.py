import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from modelgate.core.usage import Usage
from modelgate.formats.anthropic_messages.request import peek
from modelgate.formats.anthropic_messages.stream_decoder import MessageDecoder
from modelgate.formats.anthropic_messages.stream_encoder import make_encoder
from modelgate.formats.chat.collect import Collector, events_of
from modelgate.formats.chat.events import ResponseEnd, ResponseFailed
from modelgate.formats.chat.response import ChatResponse, Choice

from .conftest import HEAD, asked, cases
from .test_request_decoder import mutated
from .test_response import choices, usages

PEEK = peek(asked({"model": "mine", "max_tokens": 1, "messages": [1]}))


@given(choices, usages)
def test_an_answer_written_as_a_stream_is_read_as_it_was(choice: Choice, usage: Usage) -> None:
    encoder, decoder, collector = make_encoder(PEEK, HEAD), MessageDecoder(), Collector()
    response = ChatResponse(id="msg_1", model="my-claude", choices=(choice,), usage=usage)
    stream = b"".join(encoder.encode(event) for event in events_of(response))
    for event in decoder.feed(stream):
        collector.add(event)
    assert collector.is_done
    if choice.parts:
        assert collector.response() == response


@settings(max_examples=200)
@given(st.data())
def test_mutated_events_are_read(data: st.DataObject) -> None:
    text = data.draw(st.sampled_from([case.values[0]["given"] for case in cases("decode_stream")]))
    frames = [frame.partition("data: ")[2] for frame in text.split("\n\n")]
    bodies: list[Any] = [
        json.loads(frame) for frame in frames if frame.startswith("{") and frame.rstrip().endswith("}") and "broken" not in frame
    ]
    stream = "".join(f"data: {json.dumps(mutated(body, data.draw) if data.draw(st.booleans()) else body)}\n\n" for body in bodies).encode()
    decoder = MessageDecoder()
    events = decoder.feed(stream) + decoder.finish()
    ends = [event for event in events if isinstance(event, ResponseEnd | ResponseFailed)]
    assert ends in ([], events[-1:])
    collector = Collector()
    for event in events:
        collector.add(event)
    collector.response()


@given(st.lists(st.binary(max_size=40) | st.sampled_from([b"data: ", b"\n\n", b"event: error\n", b'{"type":"content_block_start"}'])))
def test_any_bytes_are_read(chunks: list[bytes]) -> None:
    decoder = MessageDecoder()
    for chunk in chunks:
        decoder.feed(chunk)
    decoder.finish()
