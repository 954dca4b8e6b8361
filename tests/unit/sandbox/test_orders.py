import asyncio
import io

import pytest
from PIL import Image

from modelgate.sandbox.orders import MediaOrder, file_answer, make_file, size_with_long_side, size_with_short_side


@pytest.mark.parametrize(("kind", "format", "media_type"), [("png", "PNG", "image/png"), ("jpg", "JPEG", "image/jpeg")])
def test_a_picture_is_as_large_as_ordered(kind: str, format: str, media_type: str) -> None:
    answer = asyncio.run(file_answer(MediaOrder(model="m", words="a fox", width=96, height=64, seconds=0, format=kind)))
    picture = Image.open(io.BytesIO(bytes(answer.body)))
    assert (picture.format, picture.size, answer.media_type) == (format, (96, 64), media_type)


def test_a_video_is_one_with_or_without_sound() -> None:
    silent = MediaOrder(model="m", words="a fox", width=96, height=64, seconds=1)
    loud = MediaOrder(model="m", words="a fox", width=96, height=64, seconds=1, with_sound=True)
    made = [make_file(order) for order in (silent, loud)]
    assert [(b"ftyp" in video[:12], b"mp4a" in video) for video in made] == [(True, False), (True, True)]


def test_sizes_have_the_ratio() -> None:
    assert [size_with_short_side(ratio, 720) for ratio in ((16, 9), (9, 21), (1, 1))] == [(1280, 720), (720, 1680), (720, 720)]
    assert [size_with_long_side(ratio, 1536) for ratio in ((16, 9), (2, 3))] == [(1536, 864), (1024, 1536)]


def test_magic_is_not_shown() -> None:
    plain = MediaOrder(model="m", words="a fox", width=96, height=64, seconds=0, format="png")
    magic = MediaOrder(model="m", words="a fox\nmagic: slow", width=96, height=64, seconds=0, format="png")
    assert make_file(magic) == make_file(plain)
