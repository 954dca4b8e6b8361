import base64
import io
from typing import Any

import pytest
from PIL import Image

from modelgate.sandbox.bfl.checks import KEY as BFL_SECRET
from modelgate.sandbox.bfl.checks import MODELS, BflRefused, check_key, check_order


def picture(width: int = 64, height: int = 64) -> str:
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), (30, 60, 200)).save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()


@pytest.mark.parametrize("given", [None, "", "other", f"Bearer {BFL_SECRET}"])
def test_only_its_own_key_opens(given: str | None) -> None:
    with pytest.raises(BflRefused) as refused:
        check_key(given)
    assert refused.value.status == 403
    check_key(BFL_SECRET)


@pytest.mark.parametrize(
    ("model", "fields", "field"),
    [
        ("flux-pro-1.1", {"width": 1000}, "width"),
        ("flux-pro-1.1", {"height": 255}, "height"),
        ("flux-pro-1.1", {"width": 1472}, "width"),
        ("flux-pro-1.1", {"width": "1024"}, "width"),
        ("flux-dev", {"safety_tolerance": 7}, "safety_tolerance"),
        ("flux-dev", {"seed": True}, "seed"),
        ("flux-dev", {"seed": -1}, "seed"),
        ("flux-dev", {"output_format": "webp"}, "output_format"),
        ("flux-dev", {"prompt": 7}, "prompt"),
        ("flux-dev", {"prompt": " "}, "prompt"),
        ("flux-dev", {"prompt_upsampling": "yes"}, "prompt_upsampling"),
        ("flux-dev", {"image_prompt": "no picture"}, "image_prompt"),
        ("flux-pro-1.1-ultra", {"aspect_ratio": "3:1"}, "aspect_ratio"),
        ("flux-pro-1.1-ultra", {"aspect_ratio": "wide"}, "aspect_ratio"),
        ("flux-kontext-pro", {"aspect_ratio": "0:1"}, "aspect_ratio"),
        ("flux-kontext-pro", {"input_image_4": "?"}, "input_image_4"),
        ("flux-2-pro", {"width": 1000}, "width"),
        ("flux-2-pro", {"width": 4096, "height": 4096}, "width"),
        ("flux-2-pro", {"safety_tolerance": 6}, "safety_tolerance"),
    ],
)
def test_a_refusal_names_the_field(model: str, fields: dict[str, Any], field: str) -> None:
    with pytest.raises(BflRefused) as refused:
        check_order(model, {"prompt": "a fox", **fields})
    assert (refused.value.status, refused.value.detail[0]["loc"]) == (422, ["body", field])


def test_a_model_that_is_not_there_and_a_body_that_is_none() -> None:
    with pytest.raises(BflRefused, match="Not Found"):
        check_order("flux-schnell", {"prompt": "a fox"})
    with pytest.raises(BflRefused) as refused:
        check_order("flux-dev", [])
    assert refused.value.status == 422
    with pytest.raises(BflRefused, match="Field required"):
        check_order("flux-2-pro", {})


@pytest.mark.parametrize("model", MODELS)
def test_the_least_is_a_prompt(model: str) -> None:
    order = check_order(model, {"prompt": "a fox", "negative_prompt": "unknown fields are ignored"})
    assert order.width % 8 == order.height % 8 == 0
    assert order.reference is None


def test_sizes_and_pictures() -> None:
    wide = check_order("flux-pro-1.1-ultra", {"prompt": "a fox", "aspect_ratio": "42:18", "output_format": "png"})
    assert wide.width / wide.height == pytest.approx(21 / 9, rel=0.01)
    assert (wide.width, wide.format) == (2048, "png")
    asked = check_order("flux-pro-1.1", {"prompt": "", "image_prompt": "data:image/png;base64," + picture(), "width": 1440, "height": 256})
    assert (asked.width, asked.height, asked.format) == (1440, 256, "jpeg")
    assert asked.reference
    assert check_order("flux-kontext-pro", {"prompt": "", "input_image": "https://pictures.example/a.png"}).reference is None
