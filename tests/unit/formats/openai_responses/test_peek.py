import json
from typing import Any

import pytest

from modelgate.core.errors import InvalidRequest
from modelgate.core.http import HeaderBlock, HttpRequest
from modelgate.formats.chat.carried import Carried, pack_id
from modelgate.formats.openai_responses.peek import RequestPeek, peek, settings_of


def peeked(body: Any) -> RequestPeek:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return peek(HttpRequest(method="POST", path="/v1/responses", headers=HeaderBlock(), body=data))


def test_what_routing_needs_is_read() -> None:
    found = peeked({"model": "m", "input": "Hi", "stream": True, "max_output_tokens": 20})
    assert (found.model, found.stream, found.output_limit, found.n, found.images, found.needs_hub, found.state) == (
        "m",
        True,
        20,
        None,
        0,
        False,
        "",
    )


def test_pictures_asked_and_drawn_are_counted() -> None:
    image = {"type": "input_image", "image_url": "https://example.com/a.png"}
    drawn = {"type": "image_generation_call", "id": "ig_1", "result": "iVBORw0KGgo="}
    assert peeked({"model": "m", "input": [{"role": "user", "content": [image, image]}, drawn]}).images == 3


@pytest.mark.parametrize("field", ["call_id", "encrypted_content"])
def test_state_of_another_vendor_needs_the_hub(field: str) -> None:
    packed = pack_id(Carried("c", "gemini_content", "sig"))
    assert peeked({"model": "m", "input": [{"type": "x", field: packed}]}).needs_hub
    assert not peeked({"model": "m", "input": [{"type": "x", field: "call_1"}]}).needs_hub


@pytest.mark.parametrize(
    ("more", "state"),
    [
        ({"previous_response_id": "resp_1"}, "resp_1"),
        ({"conversation": "conv_1"}, "conv_1"),
        ({"conversation": {"id": "conv_1"}}, "conv_1"),
    ],
)
def test_what_a_request_goes_on_from_binds_it(more: Any, state: str) -> None:
    assert peeked({"model": "m", "input": "Hi", **more}).state == state


@pytest.mark.parametrize(
    ("body", "param", "code"),
    [
        (b"", None, "invalid_json"),
        (b"[]", None, "invalid_type"),
        (b'{"model":"m","input":"\xff"}', None, "invalid_json"),
        (b'{"model":"m","input":' + b"[" * 5000 + b"]" * 5000 + b"}", None, "invalid_json"),
        ({"input": "Hi"}, "model", "missing_required_parameter"),
        ({"model": "", "input": "Hi"}, "model", "invalid_value"),
        ({"model": "m", "max_output_tokens": 0}, "max_output_tokens", "invalid_value"),
        ({"model": "m", "stream": "yes"}, "stream", "invalid_type"),
        ({"model": "m", "background": True}, "background", "unsupported_parameter"),
        ({"model": "m", "previous_response_id": "resp_1", "conversation": "conv_1"}, "conversation", "invalid_value"),
        (b'{"model":"m","model":"n","input":"Hi"}', "model", "invalid_value"),
        (b'{"model":"m","max_output_tokens":20,"input":"Hi","max_output_tokens":9000}', "max_output_tokens", "invalid_value"),
    ],
)
def test_a_bad_request_names_the_field_and_the_rule(body: Any, param: str | None, code: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        peeked(body)
    assert (caught.value.param, caught.value.code) == (param, code)
    assert "`" not in caught.value.message


def test_settings_are_told_again_and_where_unsaid_with_their_defaults() -> None:
    said = peeked({"model": "m", "temperature": 0.5, "metadata": None, "text": {"verbosity": "low"}, "max_output_tokens": 9}).said
    settings = settings_of(said)
    assert (settings["temperature"], settings["metadata"], settings["text"], settings["max_output_tokens"]) == (
        0.5,
        {},
        {"verbosity": "low"},
        9,
    )
    assert (settings["tool_choice"], settings["tools"], settings["parallel_tool_calls"], settings["store"]) == ("auto", [], True, False)


def test_line_ends_in_settings_break_no_event() -> None:
    said = peeked(b'{"model":"m","tools":[\n{"type":"function",\n"name":"f"}]}').said
    assert settings_of(said)["tools"] == [{"type": "function", "name": "f"}]
