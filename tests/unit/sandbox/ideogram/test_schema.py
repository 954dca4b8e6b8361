import io
from typing import Any

import pytest
from PIL import Image

from modelgate.sandbox.ideogram import KEY as IDEOGRAM_SECRET
from modelgate.sandbox.ideogram import IdeogramRefused, check_key, check_order
from modelgate.sandbox.ideogram.schema import MAX_FILE_BYTES, RATIOS, RESOLUTIONS, PictureOrder


def picture(width: int = 64, height: int = 64, kind: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), (30, 60, 200)).save(buffer, kind)
    return buffer.getvalue()


def form(**fields: Any) -> bytes:
    """Return a form: a text, bytes for a file, or a list of these for a repeated part."""
    pieces = []
    for name, value in fields.items():
        for one in value if isinstance(value, list) else [value]:
            head = f'--B\r\ncontent-disposition: form-data; name="{name}"'
            head += '; filename="a.png"\r\ncontent-type: image/png' if isinstance(one, bytes) else ""
            pieces.append(head.encode() + b"\r\n\r\n" + (one if isinstance(one, bytes) else str(one).encode()) + b"\r\n")
    return b"".join(pieces) + b"--B--\r\n"


def checked(operation: str = "generate", **fields: Any) -> PictureOrder:
    return check_order(operation, content_type="multipart/form-data; boundary=B", body=form(**fields))


@pytest.mark.parametrize("given", [None, "", "other", f"Bearer {IDEOGRAM_SECRET}"])
def test_only_its_own_key_opens(given: str | None) -> None:
    with pytest.raises(IdeogramRefused) as refused:
        check_key(given)
    assert refused.value.status == 401
    check_key(IDEOGRAM_SECRET)


@pytest.mark.parametrize(
    ("operation", "fields", "field"),
    [
        ("generate", {}, "prompt"),
        ("generate", {"prompt": " "}, "prompt"),
        ("generate", {"prompt": ["a", "b"]}, "prompt"),
        ("generate", {"prompt": "a fox", "n": 1}, "n"),
        ("generate", {"prompt": "a fox", "num_images": 9}, "num_images"),
        ("generate", {"prompt": "a fox", "num_images": "one"}, "num_images"),
        ("generate", {"prompt": "a fox", "seed": 2**31}, "seed"),
        ("generate", {"prompt": "a fox", "resolution": "1000x1000"}, "resolution"),
        ("generate", {"prompt": "a fox", "aspect_ratio": "16:9"}, "aspect_ratio"),
        ("generate", {"prompt": "a fox", "aspect_ratio": "1x1", "resolution": "1024x1024"}, "resolution"),
        ("generate", {"prompt": "a fox", "rendering_speed": "turbo"}, "rendering_speed"),
        ("generate", {"prompt": "a fox", "magic_prompt": "YES"}, "magic_prompt"),
        ("generate", {"prompt": "a fox", "style_codes": ["00000000", "0000"]}, "style_codes"),
        ("generate", {"prompt": "a fox", "style_codes": "00000000", "style_type": "AUTO"}, "style_codes"),
        ("generate", {"prompt": "a fox", "style_preset": "NICE"}, "style_preset"),
        ("generate", {"prompt": "a fox", "style_preset": "BAUHAUS", "style_type": "DESIGN"}, "style_type"),
        ("generate", {"prompt": "a fox", "style_preset": "BAUHAUS", "style_reference_images": picture()}, "style_preset"),
        ("generate", {"prompt": "a fox", "style_reference_images": "https://pictures.example/a.png"}, "style_reference_images"),
        ("generate", {"prompt": "a fox", "style_reference_images": picture(kind="GIF")}, "style_reference_images"),
        ("generate", {"prompt": "a fox", "color_palette": "EMBER"}, "color_palette"),
        ("generate", {"prompt": "a fox", "color_palette": "[" * 100_000}, "color_palette"),
        ("generate", {"prompt": "a fox", "color_palette": '{"name":"GREY"}'}, "color_palette"),
        ("generate", {"prompt": "a fox", "color_palette": '{"name":"EMBER","members":[]}'}, "color_palette"),
        ("generate", {"prompt": "a fox", "color_palette": '{"members":[{"color_hex":"#FFF"}]}'}, "color_palette"),
        ("generate", {"prompt": "a fox", "color_palette": '{"members":[{"color_hex":"#FFFFFF","color_weight":0.01}]}'}, "color_palette"),
        ("generate", {"prompt": "a fox", "character_reference_images": picture(), "rendering_speed": "FLASH"}, "rendering_speed"),
        ("generate", {"prompt": "a fox", "character_reference_images": picture(), "style_type": "DESIGN"}, "style_type"),
        ("generate", {"prompt": "a fox", "character_reference_images": [picture(), picture()]}, "character_reference_images"),
        ("generate", {"prompt": "a fox", "character_reference_images_mask": picture()}, "character_reference_images_mask"),
        ("inpaint", {"prompt": "a fox", "image": picture()}, "mask"),
        ("inpaint", {"prompt": "a fox", "image": picture(), "mask": picture(64, 32)}, "mask"),
        ("inpaint", {"prompt": "a fox", "image": picture(), "mask": picture(), "aspect_ratio": "1x1"}, "aspect_ratio"),
        ("inpaint", {"prompt": "a fox", "image": b"no picture", "mask": picture()}, "image"),
        ("remix", {"prompt": "a fox"}, "image"),
        ("remix", {"prompt": "a fox", "image": picture(), "image_weight": 0}, "image_weight"),
        ("reframe", {"image": picture()}, "resolution"),
        ("reframe", {"image": picture(), "resolution": "512x1536", "prompt": "a fox"}, "prompt"),
        ("replace-background", {"image": picture()}, "prompt"),
        ("replace-background", {"image": picture(), "prompt": "a beach", "style_type": "AUTO"}, "style_type"),
    ],
)
def test_a_refusal_names_the_part(operation: str, fields: dict[str, Any], field: str) -> None:
    with pytest.raises(IdeogramRefused) as refused:
        checked(operation, **fields)
    assert refused.value.status == 400
    assert field in refused.value.message


def test_what_is_no_form_a_file_too_large_and_a_model_of_somebody_else() -> None:
    with pytest.raises(IdeogramRefused, match="multipart"):
        check_order("generate", content_type="application/json", body=b'{"prompt":"a fox"}')
    with pytest.raises(IdeogramRefused) as refused:
        checked("remix", prompt="a fox", image=bytes(MAX_FILE_BYTES + 1))
    assert refused.value.status == 413
    with pytest.raises(IdeogramRefused) as refused:
        checked(prompt="a fox", custom_model_uri="model/mine/version/1")
    assert refused.value.status == 403


def test_an_order_with_everything() -> None:
    order = checked(
        prompt="a fox",
        num_images=8,
        seed=7,
        aspect_ratio="3x1",
        rendering_speed="QUALITY",
        magic_prompt="OFF",
        negative_prompt="dogs",
        color_palette='{"members":[{"color_hex":"#FFAA00","color_weight":0.5},{"color_hex":"#00aaFF"}]}',
        style_type="FICTION",
        character_reference_images=picture(50, 40, "JPEG"),
        character_reference_images_mask=picture(50, 40),
    )
    assert (order.n, order.seed, order.width, order.height, order.rewrites) == (8, 7, 1536, 512, False)
    assert order.reference
    assert checked(prompt="a fox", style_codes=["00AAbb11", "12345678"]).reference is None


def test_sizes() -> None:
    assert len(RESOLUTIONS) == 69
    assert all(
        width / height == pytest.approx(int(ratio.split("x")[0]) / int(ratio.split("x")[1])) for ratio, (width, height) in RATIOS.items()
    )
    edited = checked("inpaint", prompt="a hat", image=picture(300, 200), mask=picture(300, 200))
    remixed = checked("remix", prompt="a hat", image=picture(300, 200), aspect_ratio="2x1", image_weight=80)
    framed = checked("reframe", image=picture(), resolution="1536x640")
    moved = checked("replace-background", prompt="a beach", image=picture(3072, 100))
    assert [(one.width, one.height) for one in (edited, remixed, framed, moved)] == [(300, 200), (1408, 704), (1536, 640), (1536, 50)]
    assert (checked(prompt="a fox").width, checked("remix", prompt="a hat", image=picture(30, 20)).width) == (1024, 1024)
