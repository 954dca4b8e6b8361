import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelgate.core.errors import InvalidRequest
from modelgate.core.providers import NO_QUIRKS, Quirks
from modelgate.formats.anthropic_messages.blocks import pack_thinking
from modelgate.formats.anthropic_messages.request import pass_request, peek
from modelgate.formats.chat.carried import Carried, pack_id
from modelgate.formats.chat.request import Thinking

from .conftest import asked

BODY = b'{ "max_tokens" : 5,"messages": [{"role":"user","content":"say \\"model\\": 1.0"}],\n "model":"claude", "metadata":{"model":"x"}, "later":[1, 2.50]}'


class Ids:
    def seal(self, vendor_id: str) -> str:
        raise AssertionError(vendor_id)

    def open(self, our_id: str) -> str:
        raise AssertionError(our_id)


@pytest.mark.parametrize(
    ("body", "message", "code"),
    [
        (b"", "JSON", "invalid_json"),
        (b"[]", "Expected object", "invalid_type"),
        (b'{"max_tokens":1,"messages":[1]}', "model: Field required", "missing_required_parameter"),
        (b'{"model":"m","messages":[1]}', "max_tokens: Field required", "missing_required_parameter"),
        (b'{"model":"m","max_tokens":1}', "messages: Field required", "missing_required_parameter"),
        (b'{"model":"m","max_tokens":-1,"messages":[1]}', "max_tokens: ", "invalid_value"),
        (b'{"model":"m","max_tokens":"9","messages":[1]}', "max_tokens: ", "invalid_type"),
        (b'{"model":"","max_tokens":1,"messages":[1]}', "model: ", "invalid_value"),
        (b'{"model":"m","max_tokens":1,"messages":[]}', "messages: ", "invalid_value"),
        (b'{"model":"m","max_tokens":1,"messages":[1],"stream":1}', "stream: ", "invalid_type"),
        (b'{"model":"a","max_tokens":1,"messages":[1],"model":"b"}', "model: given twice", "invalid_value"),
        (b'{"model":"a","max_tokens":1,"messages":[1],"max_tokens":9}', "max_tokens: given twice", "invalid_value"),
    ],
)
def test_a_bad_request_is_told_in_the_vendors_manner(body: bytes, message: str, code: str) -> None:
    with pytest.raises(InvalidRequest, match=message) as refused:
        peek(asked(body))
    assert refused.value.code == code


def test_peek_reads_what_routing_needs() -> None:
    found = peek(asked({"model": "m", "max_tokens": 0, "stream": True, "messages": [{"type": "image"}, {"type": "document"}]}))
    assert (found.model, found.stream, found.output_limit, found.images, found.n, found.state) == ("m", True, 0, 2, None, "")
    assert not found.needs_hub
    assert peek(asked(BODY)).model == "claude"


@pytest.mark.parametrize(
    "block",
    [
        {"type": "thinking", "thinking": "x", "signature": pack_thinking(Thinking(signature="s", format="gemini_content"))},
        {"type": "thinking", "thinking": "x", "signature": pack_thinking(Thinking())},
        {"type": "tool_use", "id": pack_id(Carried("c", "f", "s"))},
        {"type": "tool_result", "tool_use_id": pack_id(Carried("c", "f", "s"))},
    ],
)
@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": ")])
def test_what_another_vendor_made_may_not_pass(block: Any, separators: tuple[str, str]) -> None:
    body = {"model": "m", "max_tokens": 1, "messages": [{"role": "assistant", "content": [block]}]}
    assert peek(asked(json.dumps(body, separators=separators).encode())).needs_hub


def test_speaking_of_our_ids_is_no_state() -> None:
    assert not peek(asked({"model": "m", "max_tokens": 1, "messages": [{"role": "user", "content": "call_mg1abc"}]})).needs_hub


def test_bytes_pass_with_the_clients_wishes_and_without_its_key() -> None:
    request = asked(
        BODY,
        ("x-api-key", "secret"),
        ("authorization", "Bearer secret"),
        ("Anthropic-Version", "2023-01-01"),
        ("anthropic-beta", "a,b"),
        ("anthropic-beta", "c"),
    )
    ask = pass_request(request, peek(request), "claude", NO_QUIRKS, Ids())
    assert ask.body == BODY
    assert ask.path == "/v1/messages"
    assert ask.lines == b"anthropic-version: 2023-01-01\r\nanthropic-beta: a,b,c\r\n"


def test_only_the_models_name_changes() -> None:
    request = asked(BODY)
    quirks = Quirks(paths={"anthropic_messages": "/m/{model}/messages"}, query="?v=1")
    ask = pass_request(request, peek(request), "claude/x", quirks, Ids())
    assert ask.body == BODY.replace(b'"model":"claude"', b'"model":"claude/x"')
    assert (ask.path, ask.lines) == ("/m/claude%2Fx/messages?v=1", b"anthropic-version: 2023-06-01\r\n")


@given(st.binary(max_size=80))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    with pytest.raises(InvalidRequest):
        peek(asked(body))
