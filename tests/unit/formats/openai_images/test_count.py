import json
from typing import Any

import msgspec
import pytest

from modelgate.core.usage import Usage
from modelgate.formats.openai_images.count import MAX_SHOWN_TOKENS, estimate, is_said, most, read_usage, spoiled, variant_of
from modelgate.formats.openai_images.families import family_of
from modelgate.formats.openai_images.schema import Ask, ImageRequest


def ask(**fields: Any) -> ImageRequest:
    return ImageRequest(prompt="a red kite", **fields)


@pytest.mark.parametrize(
    ("model", "fields", "variant"),
    [
        ("dall-e-2", {}, "1024x1024"),
        ("dall-e-3", {"quality": "standard"}, "1024x1024"),
        ("dall-e-3", {"quality": "hd", "size": "1792x1024"}, "1792x1024-hd"),
        ("gpt-image-1", {}, ""),
        ("gpt-image-1", {"size": "auto", "quality": "high"}, ""),
        ("gpt-image-1", {"size": "1024x1536", "quality": "low"}, "1024x1536-low"),
        ("other", {"size": "1024x1024", "quality": "HD!"}, "1024x1024"),
    ],
)
def test_the_kind_of_picture(model: str, fields: dict[str, Any], variant: str) -> None:
    assert variant_of(ask(**fields), family_of(model)) == variant


@pytest.mark.parametrize(
    ("model", "fields", "usage"),
    [
        ("dall-e-3", {}, Usage(images=1, variant="1024x1024")),
        ("gpt-image-1", {}, Usage(images=1, input_tokens=10, output_tokens=6_240, output_image_tokens=6_240)),
        (
            "gpt-image-1",
            {"n": 2, "quality": "low", "size": "1024x1024", "partial_images": 3},
            Usage(images=2, variant="1024x1024-low", input_tokens=10, output_tokens=1_144, output_image_tokens=1_144),
        ),
        (
            "gpt-image-2",
            {"quality": "medium", "size": "3840x2160"},
            Usage(images=1, variant="3840x2160-medium", input_tokens=10, output_tokens=8_354, output_image_tokens=8_354),
        ),
        ("other", {}, Usage(images=1, input_tokens=10, output_tokens=6_240, output_image_tokens=6_240)),
    ],
)
def test_the_upper_bound(model: str, fields: dict[str, Any], usage: Usage) -> None:
    assert most(ask(**fields), family_of(model)) == usage


def test_pictures_that_are_shown_count() -> None:
    family = family_of("gpt-image-1")
    bound = most(ask(), family, shown=2)
    assert (bound.input_tokens, bound.input_image_tokens) == (10 + 2 * MAX_SHOWN_TOKENS, 2 * MAX_SHOWN_TOKENS)
    assert most(Ask(n=3), family_of("dall-e-2"), shown=1) == Usage(images=3, variant="1024x1024")


def test_estimates_say_so_and_stay_below_the_bound() -> None:
    family = family_of("gpt-image-1")
    guessed = estimate(ask(), family, shown=1)
    assert guessed.estimated
    assert guessed.output_tokens == 1_056 < most(ask(), family, shown=1).output_tokens
    assert spoiled(ask(), family) == Usage(input_tokens=3, estimated=True)


def raw(value: Any) -> msgspec.Raw:
    return msgspec.Raw(json.dumps(value).encode())


USED = {"input_tokens": 50, "output_tokens": 40, "total_tokens": 90}


@pytest.mark.parametrize(
    ("details", "shown", "drawn"),
    [
        ({}, 0, 40),
        ({"input_tokens_details": {"text_tokens": 10, "image_tokens": 40}}, 40, 40),
        ({"output_tokens_details": {"text_tokens": 5, "image_tokens": 35}}, 0, 35),
        ({"input_tokens_details": None, "output_tokens_details": {"image_tokens": None}}, 0, 40),
    ],
)
def test_usage_is_read(details: dict[str, Any], shown: int, drawn: int) -> None:
    assert read_usage(raw({**USED, **details}), images=2, variant="v") == Usage(
        input_tokens=50, input_image_tokens=shown, output_tokens=40, output_image_tokens=drawn, images=2, variant="v"
    )


@pytest.mark.parametrize(
    "given",
    [
        {**USED, "input_tokens": -1},
        {**USED, "output_tokens": 10**12},
        {**USED, "input_tokens_details": {"image_tokens": 51}},
        {**USED, "output_tokens_details": {"image_tokens": -1}},
        [],
        "x",
    ],
)
def test_usage_that_cannot_be_is_none(given: Any) -> None:
    assert read_usage(raw(given), images=1, variant="") is None
    assert is_said(raw(given))


def test_usage_that_is_not_there() -> None:
    assert read_usage(msgspec.Raw(), images=1, variant="") is None
    assert (is_said(msgspec.Raw()), is_said(raw(None))) == (False, False)
