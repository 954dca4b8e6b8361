from typing import Any

import pytest

from modelgate.core.errors import InvalidRequest
from modelgate.formats.openai_images.families import ANY, check_ask, family_of, size_px
from modelgate.formats.openai_images.schema import Ask, ImageRequest


def refused(model: str, **fields: Any) -> InvalidRequest | None:
    try:
        check_ask(ImageRequest(**{"prompt": "a kite", **fields}), family_of(model))
    except InvalidRequest as error:
        return error
    return None


@pytest.mark.parametrize(
    ("model", "fields"),
    [
        ("dall-e-2", {"n": 10, "size": "256x256", "quality": "standard", "response_format": "url", "user": "u", "prompt": "x" * 1_000}),
        ("dall-e-3", {"n": 1, "size": "1024x1792", "quality": "hd", "style": "vivid", "prompt": "x" * 4_000}),
        ("gpt-image-1", {"n": 10, "size": "auto", "quality": "high", "background": "transparent", "stream": True, "partial_images": 3}),
        ("gpt-image-1-mini", {"output_format": "webp", "output_compression": 50, "moderation": "low", "prompt": "x" * 32_000}),
        ("gpt-image-2", {"size": "3840x2160"}),
        ("gpt-image-2", {"size": "auto"}),
        ("flux-pro", {"size": "21:9", "quality": "whatever", "style": "natural", "stream": True}),
    ],
)
def test_what_a_family_takes(model: str, fields: dict[str, Any]) -> None:
    assert refused(model, **fields) is None


@pytest.mark.parametrize(
    ("model", "fields", "param", "code"),
    [
        ("dall-e-2", {"size": "1792x1024"}, "size", "invalid_value"),
        ("dall-e-2", {"quality": "hd"}, "quality", "invalid_value"),
        ("dall-e-2", {"style": "vivid"}, "style", "unsupported_parameter"),
        ("dall-e-2", {"prompt": "x" * 1_001}, "prompt", "string_above_max_length"),
        ("dall-e-3", {"n": 2}, "n", "invalid_value"),
        ("dall-e-3", {"size": "512x512"}, "size", "invalid_value"),
        ("dall-e-3", {"stream": True}, "stream", "unsupported_parameter"),
        ("dall-e-3", {"output_format": "png"}, "output_format", "unsupported_parameter"),
        ("gpt-image-1", {"response_format": "b64_json"}, "response_format", "unsupported_parameter"),
        ("gpt-image-1", {"style": "vivid"}, "style", "unsupported_parameter"),
        ("gpt-image-1", {"quality": "hd"}, "quality", "invalid_value"),
        ("gpt-image-1", {"size": "256x256"}, "size", "invalid_value"),
        ("gpt-image-1.5", {"prompt": "x" * 32_001}, "prompt", "string_above_max_length"),
        ("gpt-image-2", {"size": "1000x1000"}, "size", "invalid_value"),
        ("gpt-image-2", {"size": "2048x512"}, "size", "invalid_value"),
        ("gpt-image-2", {"size": "3840x3840"}, "size", "invalid_value"),
        ("gpt-image-2", {"size": "4096x2048"}, "size", "invalid_value"),
        ("gpt-image-2", {"size": "large"}, "size", "invalid_value"),
    ],
)
def test_what_a_family_does_not_take_is_refused_by_name(model: str, fields: dict[str, Any], param: str, code: str) -> None:
    error = refused(model, **fields)
    assert error is not None
    assert (error.param, error.code) == (param, code)


def test_orders_without_words_are_checked_too() -> None:
    with pytest.raises(InvalidRequest):
        check_ask(Ask(size="1x1"), family_of("dall-e-2"))


def test_a_model_of_no_family_is_any() -> None:
    assert family_of("my-model") is ANY
    assert [size_px(size) for size in ("16x32", "0x5", "16x", "x", "16x32x", "123456x1")] == [(16, 32), None, None, None, None, None]
