from typing import Any

import pytest

from modelgate.sandbox.openai.errors import Refused
from modelgate.sandbox.openai.picture_checks import check_generation


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"model": "dall-e-2", "n": 10, "size": "256x256", "response_format": "b64_json", "user": "u"},
        {"model": "dall-e-3", "quality": "hd", "style": "natural", "size": "1792x1024"},
        {"model": "gpt-image-1", "background": "transparent", "output_format": "webp", "output_compression": 50, "quality": "auto"},
        {"model": "gpt-image-1", "stream": True, "partial_images": 3, "prompt": "x" * 32_000},
        {"model": "gpt-image-2", "size": "1600x640"},
        {"model": "flux-kontext-pro", "aspect_ratio": "21:9", "n": 2},
        {"model": "flux-dev", "size": "1000x333", "response_format": "url"},
    ],
)
def test_what_passes(fields: dict[str, Any]) -> None:
    check_generation({"prompt": "a fox", **fields})


@pytest.mark.parametrize(
    ("fields", "param", "code"),
    [
        ({"prompt": None}, "prompt", "missing_required_parameter"),
        ({"prompt": ""}, "prompt", "missing_required_parameter"),
        ({"prompt": ["a"]}, "prompt", "invalid_type"),
        ({"prompt": "x" * 1_001}, "prompt", "string_above_max_length"),
        ({"model": "dall-e-3", "prompt": "x" * 4_001}, "prompt", "string_above_max_length"),
        ({"model": "dall-e-3", "n": 2}, "n", "integer_above_max_value"),
        ({"n": 11}, "n", "integer_above_max_value"),
        ({"size": "512x513"}, "size", "invalid_value"),
        ({"quality": "hd"}, "quality", "invalid_value"),
        ({"style": "vivid"}, "style", "unknown_parameter"),
        ({"stream": True}, "stream", "unknown_parameter"),
        ({"model": "gpt-image-1", "response_format": "url"}, "response_format", "unknown_parameter"),
        ({"model": "gpt-image-1", "style": "vivid"}, "style", "unknown_parameter"),
        ({"model": "gpt-image-1", "quality": "hd"}, "quality", "invalid_value"),
        ({"model": "gpt-image-1", "background": "transparent", "output_format": "jpeg"}, "background", "invalid_value"),
        ({"model": "gpt-image-1", "output_compression": 50}, "output_compression", "invalid_value"),
        ({"model": "gpt-image-1", "output_format": "webp", "output_compression": 101}, "output_compression", "integer_above_max_value"),
        ({"model": "gpt-image-1", "partial_images": 4, "stream": True}, "partial_images", "integer_above_max_value"),
        ({"model": "gpt-image-1", "partial_images": 1}, "partial_images", None),
        ({"model": "gpt-image-1", "stream": True, "n": 2}, "n", "invalid_value"),
        ({"model": "gpt-image-2", "size": "1000x1000"}, "size", "invalid_value"),
        ({"model": "gpt-image-2", "size": "3840x640"}, "size", "invalid_value"),
        ({"model": "flux-dev", "size": "big"}, "size", "invalid_value"),
        ({"model": "flux-dev", "size": "3840x3840"}, "size", "invalid_value"),
        ({"model": "flux-dev", "aspect_ratio": "5:1"}, "aspect_ratio", "invalid_value"),
        ({"response_format": "jpeg"}, "response_format", "invalid_value"),
        ({"unheard": 1}, "unheard", "unknown_parameter"),
        ({"prompt": "porn"}, None, "content_policy_violation"),
        ({"model": "gpt-image-1", "prompt": "blood everywhere"}, None, "moderation_blocked"),
    ],
)
def test_what_is_refused(fields: dict[str, Any], param: str | None, code: str | None) -> None:
    with pytest.raises(Refused) as caught:
        check_generation({"prompt": "a fox", **fields})
    assert (caught.value.status, caught.value.param, caught.value.code) == (400, param, code)


def test_other_models() -> None:
    with pytest.raises(Refused) as caught:
        check_generation({"model": "gpt-4o", "prompt": "a fox"})
    assert caught.value.status == 404
    with pytest.raises(Refused):
        check_generation("a fox")
