import base64
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelgate.core.errors import InvalidRequest
from modelgate.formats.media.requests import ImageRequest, MediaInput
from modelgate.formats.openai_image_tasks.request import ImageAsk, decode_ask
from modelgate.formats.openai_image_tasks.schema import ASPECT_RATIOS

LEAST = {"model": "flux-dev", "prompt": "a fox"}


def decode(**fields: Any) -> ImageAsk:
    return decode_ask(msgspec.json.encode({**LEAST, **fields}))


def test_the_least_that_is_needed() -> None:
    ask = decode()
    assert ask == ImageAsk(wanted=ImageRequest(model="flux-dev", prompt="a fox", aspect_ratio="1:1"), inline=False, ignored=())
    absent = dict.fromkeys(("n", "size", "aspect_ratio", "response_format", "image", "seed", "output_format", "safety_tolerance", "stream"))
    assert decode(**absent) == ask


def test_everything() -> None:
    ask = decode(
        n=10,
        aspect_ratio="21:9",
        size="512x512",
        response_format="b64_json",
        image="https://pictures.example/a.png",
        output_format="png",
        seed=0,
        safety_tolerance=0,
        prompt_upsampling=False,
        quality="hd",
        style="vivid",
        user="u",
        background="auto",
    )
    assert ask.wanted == ImageRequest(
        model="flux-dev",
        prompt="a fox",
        n=10,
        aspect_ratio="21:9",
        inputs=(MediaInput(url="https://pictures.example/a.png"),),
        output_format="png",
        seed=0,
        options={"bfl_safety_tolerance": 0, "bfl_prompt_upsampling": False},
    )
    assert ask.inline
    assert ask.ignored == ("quality", "style", "user", "background")


@pytest.mark.parametrize(
    ("size", "ratio"),
    [
        ("1024x1024", "1:1"),
        ("1792x1024", "16:9"),
        ("1024x1792", "9:16"),
        ("1536x1024", "3:2"),
        ("1024x1536", "2:3"),
        ("256x256", "1:1"),
        ("99999x1", "21:9"),
        ("1x99999", "9:21"),
        ("auto", "1:1"),
        ("", "1:1"),
    ],
)
def test_a_size_means_the_nearest_ratio(size: str, ratio: str) -> None:
    assert decode(size=size).wanted.aspect_ratio == ratio


@given(st.integers(1, 99_999), st.integers(1, 99_999))
def test_turning_a_size_turns_its_ratio(width: int, height: int) -> None:
    across, down = decode(size=f"{width}x{height}").wanted.aspect_ratio.split(":")
    turned = decode(size=f"{height}x{width}").wanted.aspect_ratio
    assert f"{across}:{down}" in ASPECT_RATIOS
    nearest = {turned, ":".join(reversed(turned.split(":")))}
    assert f"{across}:{down}" in nearest


@pytest.mark.parametrize("prefix", ["", "data:image/png;base64,"])
def test_a_picture_in_the_body(prefix: str) -> None:
    assert decode(image=prefix + base64.b64encode(b"bytes").decode()).wanted.inputs == (MediaInput(data=b"bytes"),)


@pytest.mark.parametrize(
    ("fields", "param", "code"),
    [
        ({"prompt": None}, "prompt", "invalid_type"),
        ({"prompt": ""}, "prompt", "invalid_value"),
        ({"prompt": " \n"}, "prompt", "missing_required_parameter"),
        ({"prompt": "é" * 1001}, "prompt", "string_above_max_length"),
        ({"n": 0}, "n", "invalid_value"),
        ({"n": 11}, "n", "invalid_value"),
        ({"n": "2"}, "n", "invalid_type"),
        ({"n": 1.5}, "n", "invalid_type"),
        ({"size": "big"}, "size", "invalid_value"),
        ({"size": "0x10"}, "size", "invalid_value"),
        ({"size": "1024x1024x"}, "size", "invalid_value"),
        ({"size": "1024x1024\n"}, "size", "invalid_value"),
        ({"size": "٣x٣"}, "size", "invalid_value"),
        ({"aspect_ratio": "5:4"}, "aspect_ratio", "invalid_value"),
        ({"response_format": "png"}, "response_format", "invalid_value"),
        ({"output_format": "webp"}, "output_format", "invalid_value"),
        ({"seed": -1}, "seed", "invalid_value"),
        ({"safety_tolerance": 7}, "safety_tolerance", "invalid_value"),
        ({"stream": True}, "stream", "unsupported_parameter"),
        ({"image": "no base64!"}, "image", "image_parse_error"),
        ({"image": "data:image/png;base64,"}, "image", "image_parse_error"),
        ({"image": "A" * (20 * 1024 * 1024 * 4 // 3 + 8)}, "image", "image_parse_error"),
        ({"image": "https://pictures.example/" + "a" * 8192}, "image", "invalid_image_url"),
        ({"image": ["https://pictures.example/a.png"]}, "image", "invalid_type"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_broken_rule_names_its_field(fields: dict[str, Any], param: str, code: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        decode(**fields)
    assert (refused.value.param, refused.value.code) == (param, code)
    assert param in refused.value.message
    assert len(refused.value.message) < 300


def test_what_just_passes() -> None:
    assert len(decode(prompt="é" * 1000, n=1, seed=2**31 - 1, safety_tolerance=6).wanted.prompt) == 1000


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"\xff", b'{"model": "m"}', b'{"prompt": "x"}', b"[" * 100_000])
def test_a_body_that_is_none(body: bytes) -> None:
    with pytest.raises(InvalidRequest):
        decode_ask(body)


WORDS = st.sampled_from(["", "x", "0x0", "7x9", "auto", "http://", "data:,", "data:;base64,eA==", "\u2028", "\U0001f98a"])
NAMES = st.sampled_from(["model", "prompt", "n", "size", "image", "seed", "aspect_ratio", "response_format", "x"])


@given(st.dictionaries(NAMES, st.none() | st.integers() | WORDS))
def test_nothing_but_a_refusal_comes_of_any_object(fields: dict[str, Any]) -> None:
    try:
        ask = decode_ask(msgspec.json.encode(fields))
    except InvalidRequest:
        return
    assert 1 <= ask.wanted.n <= 10


@given(st.binary(max_size=50))
def test_nothing_but_a_refusal_comes_of_any_bytes(body: bytes) -> None:
    with pytest.raises(InvalidRequest):
        decode_ask(body)
