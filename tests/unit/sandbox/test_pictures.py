import io

import pytest
from PIL import Image

from modelgate.sandbox.kling.schema import RATIOS
from modelgate.sandbox.pictures import draw_picture, encode_picture, paint, size_of


@pytest.mark.parametrize("ratio", RATIOS)
def test_pictures_have_the_asked_ratio(ratio: str) -> None:
    across, down = (int(part) for part in ratio.split(":"))
    width, height = size_of(ratio)
    assert 1000 < max(width, height) <= 1024
    assert width * down == height * across
    assert width % 8 == height % 8 == 0
    assert 2000 < max(size_of(ratio, large=True)) <= 2048


def test_a_picture_is_a_png_made_from_its_prompt() -> None:
    drawn = draw_picture("A red fox", ratio="16:9")
    picture = Image.open(io.BytesIO(drawn))
    assert (picture.format, picture.size) == ("PNG", (1024, 576))
    assert draw_picture("A red fox", ratio="16:9") == drawn
    assert draw_picture("A red fox", ratio="16:9", variant=1) != drawn
    assert draw_picture("A red fax", ratio="16:9") != drawn


def test_the_prompt_is_written_in_white() -> None:
    """Text shows as white pixels in the band across the middle, and in none without text."""
    assert _white(draw_picture("A red fox in the snow", ratio="1:1")) > 500
    assert _white(draw_picture("\n", ratio="1:1")) == 0


def _white(drawn: bytes) -> int:
    picture = Image.open(io.BytesIO(drawn)).convert("RGB")
    return sum(count for count, colour in picture.getcolors(1 << 24) or [] if colour == (255, 255, 255))


@pytest.mark.parametrize("prompt", ["x" * 2_500, "word " * 500, "湖" * 300, "👩‍🚀 العربية Ελληνικά — naïve", "\x00\u202e\ud7ff"])
def test_any_prompt_is_drawn(prompt: str) -> None:
    assert Image.open(io.BytesIO(draw_picture(prompt, ratio="9:16"))).size == (576, 1024)


def test_a_reference_picture_appears_in_the_corner() -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (400, 400), (255, 0, 0)).save(buffer, "PNG")
    picture = Image.open(io.BytesIO(draw_picture("fox", ratio="1:1", reference=buffer.getvalue())))
    assert picture.getpixel((1024 - 60, 60)) == (255, 0, 0)
    assert draw_picture("fox", ratio="1:1", reference=b"broken") == draw_picture("fox", ratio="1:1")


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp"])
def test_pictures_of_any_size_and_kind(kind: str) -> None:
    picture = Image.open(io.BytesIO(encode_picture(paint("A red fox", (200, 120)), kind, quality=60)))
    assert ((picture.format or "").lower(), picture.size) == (kind, (200, 120))
