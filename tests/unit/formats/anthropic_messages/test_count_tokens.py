import pytest

from modelgate.core.errors import InvalidRequest
from modelgate.core.providers import NO_QUIRKS, Quirks
from modelgate.formats.anthropic_messages.count_tokens import decode_count, decode_count_request, encode_count, pass_count_request
from modelgate.formats.anthropic_messages.request import peek_count
from modelgate.formats.chat.request import Text
from modelgate.formats.chat.wire_format import UnreadableAnswer

from .conftest import asked

BODY = {"model": "m", "messages": [{"role": "user", "content": "Hi"}], "system": "Be brief."}


def test_a_count_needs_no_bound() -> None:
    request = asked(BODY)
    peek = peek_count(request)
    counted = decode_count_request(request, peek)
    assert (counted.model, counted.max_output_tokens, counted.system) == ("m", None, (Text(text="Be brief."),))


def test_a_count_needs_a_model() -> None:
    with pytest.raises(InvalidRequest, match="model: Field required"):
        peek_count(asked({"messages": [1]}))


def test_an_upstream_that_counts_gets_the_bytes() -> None:
    request = asked(BODY, ("anthropic-beta", "x"))
    ask = pass_count_request(request, peek_count(request), "claude-x", NO_QUIRKS)
    assert ask.path == "/v1/messages/count_tokens"
    assert ask.body == bytes(request.body).replace(b'"m"', b'"claude-x"')
    assert b"anthropic-beta: x\r\n" in ask.lines
    elsewhere = Quirks(paths={"anthropic_messages": "/anthropic/v1/messages"})
    assert pass_count_request(request, peek_count(request), "m", elsewhere).path == "/anthropic/v1/messages/count_tokens"


def test_the_answer_there_and_back() -> None:
    assert encode_count(14) == b'{"input_tokens":14}'
    assert decode_count(b'{"input_tokens": 14}') == 14
    for body in (b"", b"{}", b'{"input_tokens":-1}', b"\xff"):
        with pytest.raises(UnreadableAnswer):
            decode_count(body)
