"""The rules in neutral words, as plain calls meet them; in the dialect's words testdata/ideogram/decode shows them."""

from typing import Any

import pytest

from modelgate.core.errors import InvalidRequest
from modelgate.formats.ideogram import rules
from modelgate.formats.media.requests import ImageRequest, MediaInput


def request(*roles: str, **fields: Any) -> ImageRequest:
    inputs = tuple(MediaInput(url="https://pictures.example/a.png", role=role) for role in roles)
    return ImageRequest(model="m", **{"prompt": "a fox", **fields}, inputs=inputs)


@pytest.mark.parametrize(
    ("operation", "wanted", "param"),
    [
        (rules.GENERATE, request(prompt=""), "prompt"),
        (rules.GENERATE, request(n=9), "n"),
        (rules.GENERATE, request(seed=-1), "seed"),
        (rules.GENERATE, request(size="1x1"), "size"),
        (rules.GENERATE, request(aspect_ratio="21:9"), "aspect_ratio"),
        (rules.GENERATE, request(quality="TURBO"), "quality"),
        (rules.GENERATE, request(size="1024x1024", aspect_ratio="1:1"), "size"),
        (rules.GENERATE, request("character", "character"), "character"),
        (rules.GENERATE, request("character", quality="flash"), "quality"),
        (rules.GENERATE, request("character_mask"), "character_mask"),
        (rules.GENERATE, request(prompt="x" * 10_001), "prompt"),
        (rules.GENERATE, request(options={"ideogram_style_type": 7}), "ideogram_style_type"),
        (rules.GENERATE, request(options={"ideogram_style_codes": "12345678"}), "ideogram_style_codes"),
        (rules.GENERATE, request(options={"ideogram_style_codes": ["00000000"] * 17}), "ideogram_style_codes"),
        (rules.GENERATE, request(options={"ideogram_color_palette": []}), "ideogram_color_palette"),
        (rules.GENERATE, request(options={"ideogram_color_palette": {"members": [7]}}), "ideogram_color_palette"),
        (rules.GENERATE, request("style", options={"ideogram_style_preset": "AURA"}), "ideogram_style_preset"),
        (rules.REMIX, request("image", options={"ideogram_image_weight": "50"}), "ideogram_image_weight"),
        (rules.EDIT, request("image"), "mask"),
        (rules.REFRAME, request("image"), "size"),
        (rules.REPLACE_BACKGROUND, request(), "image"),
    ],
)
def test_a_broken_rule_names_the_neutral_field(operation: str, wanted: ImageRequest, param: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        rules.check_request(wanted, operation, {})
    assert refused.value.param == param
    assert param in refused.value.message
    with pytest.raises(InvalidRequest) as refused:
        rules.check_request(wanted, operation, rules.FIELD_NAMES)
    assert refused.value.param == rules.FIELD_NAMES.get(param, param)


@pytest.mark.parametrize(
    ("operation", "wanted"),
    [
        (rules.GENERATE, request("character", "character_mask", "style", quality="quality", options={"ideogram_style_type": "AUTO"})),
        (rules.EDIT, request("mask", "image")),
        (rules.REMIX, request("image", options={"ideogram_image_weight": 1})),
        (rules.REFRAME, request("image", prompt="", size="512x1536")),
        (rules.REPLACE_BACKGROUND, request("image", options={"ideogram_style_codes": ["00AAff11"]})),
    ],
)
def test_what_keeps_the_rules(operation: str, wanted: ImageRequest) -> None:
    rules.check_request(wanted, operation, {})
