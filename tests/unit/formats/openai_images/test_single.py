import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelgate.core.errors import InvalidRequest
from modelgate.core.http import HeaderBlock, HttpRequest
from modelgate.core.providers import NO_QUIRKS, Quirks
from modelgate.core.usage import Usage
from modelgate.formats.openai_images.single import DEFAULT_MODEL, FORMAT


def asked(body: Any) -> HttpRequest:
    return HttpRequest(method="POST", path="/v1/images/generations", headers=HeaderBlock(), body=json.dumps(body).encode())


def test_bytes_pass_but_for_the_models_name() -> None:
    request = asked({"model": "mine", "prompt": "a kite", "aspect_ratio": "21:9", "n": 2})
    peek = FORMAT.peek(request)
    assert (peek.model, peek.stream, peek.most.images) == ("mine", None, 2)
    assert FORMAT.pass_request(request, peek, "mine", NO_QUIRKS).body is request.body
    renamed = FORMAT.pass_request(request, peek, "real", Quirks(paths={"openai_images": "/d/{model}/draw"}))
    assert (renamed.path, renamed.body) == ("/d/real/draw", bytes(request.body).replace(b'"mine"', b'"real"'))


def test_without_a_model_the_vendors_default_is_meant_and_said() -> None:
    request = asked({"prompt": "a kite"})
    peek = FORMAT.peek(request)
    assert (peek.model, peek.most) == (DEFAULT_MODEL, Usage(images=1, variant="1024x1024"))
    assert json.loads(FORMAT.pass_request(request, peek, DEFAULT_MODEL, NO_QUIRKS).body) == {"prompt": "a kite", "model": DEFAULT_MODEL}


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({}, "prompt"),
        ({"prompt": ""}, "prompt"),
        ({"prompt": 1}, "prompt"),
        ({"prompt": "x", "n": 0}, "n"),
        ({"prompt": "x", "n": 11, "model": "mine"}, "n"),
        ({"prompt": "x", "model": ""}, "model"),
        ({"prompt": "x", "model": "gpt-image-1", "partial_images": 4}, "partial_images"),
        ({"prompt": "x", "model": "gpt-image-1", "output_compression": 101}, "output_compression"),
        ({"prompt": "x", "model": "dall-e-3", "quality": "low"}, "quality"),
        ({"prompt": "x", "response_format": "png"}, "response_format"),
        ([], None),
    ],
)
def test_what_cannot_be_drawn_is_refused_by_name(body: Any, param: str | None) -> None:
    with pytest.raises(InvalidRequest) as refused:
        FORMAT.peek(asked(body))
    assert refused.value.param == param


def test_a_field_said_twice_is_refused() -> None:
    body = b'{"model":"dall-e-2","prompt":"x","n":1,"n":10}'
    with pytest.raises(InvalidRequest) as refused:
        FORMAT.peek(HttpRequest(method="POST", path="", headers=HeaderBlock(), body=body))
    assert refused.value.param == "n"


def test_answers_and_streams_pass() -> None:
    peek = FORMAT.peek(asked({"prompt": "x"}))
    body = b'{"created":1,"data":[{"url":"https://x"}]}'
    assert FORMAT.pass_response(b"application/json", body, peek, True).body is body
    assert FORMAT.make_tap is not None
    assert FORMAT.make_tap(b"text/event-stream", peek).content_type.startswith(b"text/event-stream")


@given(
    st.binary(max_size=100)
    | st.dictionaries(st.sampled_from(["prompt", "model", "n", "size", "stream"]), st.none() | st.booleans() | st.text() | st.floats()).map(
        lambda value: json.dumps(value).encode()
    )
)
def test_no_body_breaks_it(body: bytes) -> None:
    with contextlib.suppress(InvalidRequest):
        FORMAT.peek(HttpRequest(method="POST", path="", headers=HeaderBlock(), body=body))
