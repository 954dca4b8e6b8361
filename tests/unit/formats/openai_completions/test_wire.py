import json
from contextlib import suppress
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from modelgate.core.errors import InvalidRequest
from modelgate.core.http import HeaderBlock, HttpRequest
from modelgate.formats.chat.request import ChatRequest
from modelgate.formats.chat.wire_format import AnswerHead, UnreadableAnswer, load_wire_formats
from modelgate.formats.openai_completions.wire import WIRE_FORMAT

HEAD = AnswerHead(model="m", created=1, request_id="req_7")
FIELDS = [
    "model",
    "prompt",
    "stream",
    "n",
    "stop",
    "max_tokens",
    "choices",
    "text",
    "index",
    "finish_reason",
    "usage",
    "error",
    "logit_bias",
]

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=4),
    max_leaves=9,
)
bodies = st.binary(max_size=40) | json_values.map(lambda value: json.dumps(value).encode())
objects = st.dictionaries(st.sampled_from(FIELDS), json_values, max_size=6).map(
    lambda value: json.dumps({"model": "m", "prompt": "a", **value}).encode()
)


def asked(body: bytes) -> HttpRequest:
    return HttpRequest(method="POST", path="/v1/completions", headers=HeaderBlock(), body=body)


def test_it_is_found_by_its_name() -> None:
    assert load_wire_formats()["openai_completions"] is WIRE_FORMAT
    assert set(WIRE_FORMAT.field_names) <= set(ChatRequest.__struct_fields__)
    assert WIRE_FORMAT.stream_type(WIRE_FORMAT.peek(asked(b'{"model":"m"}'))).startswith(b"text/event-stream")


@given(bodies | objects)
def test_no_request_breaks_the_decoder(body: bytes) -> None:
    with suppress(InvalidRequest):
        found = WIRE_FORMAT.peek(asked(body))
        assert found.n
        WIRE_FORMAT.decode_request(asked(body), found)


@given(bodies | objects)
def test_no_answer_breaks_the_decoder(body: bytes) -> None:
    with suppress(UnreadableAnswer):
        WIRE_FORMAT.encode_response(WIRE_FORMAT.decode_response(body), WIRE_FORMAT.peek(asked(b'{"model":"m"}')), HEAD)


@given(st.lists(bodies | objects, max_size=3))
def test_no_stream_breaks_the_decoder(payloads: list[bytes]) -> None:
    decoder: Any = WIRE_FORMAT.make_decoder()
    encoder = WIRE_FORMAT.make_encoder(WIRE_FORMAT.peek(asked(b'{"model":"m","stream":true}')), HEAD)
    data = b"".join(b"data: %b\n\n" % payload for payload in payloads)
    for event in [*decoder.feed(data), *decoder.finish()]:
        encoder.encode(event)
