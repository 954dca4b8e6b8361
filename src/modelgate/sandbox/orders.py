"""What a make-believe vendor was asked to make, once it is checked, and how that is made and handed out."""

import asyncio

import msgspec
from starlette.responses import Response

from modelgate.sandbox.magic import read_magic
from modelgate.sandbox.pictures import encode_picture, paint
from modelgate.sandbox.videos import make_video

JPEG_QUALITY = 90
MEDIA_TYPES = {"mp4": "video/mp4", "png": "image/png", "jpg": "image/jpeg"}


class MediaOrder(msgspec.Struct, frozen=True, kw_only=True):
    """A video, or with `seconds` 0 a picture, both sides in pixels; `format` is the ending of its file."""

    model: str
    words: str
    width: int
    height: int
    seconds: int
    format: str = "mp4"
    with_sound: bool = False


def size_with_short_side(ratio: tuple[int, int], short_px: int) -> tuple[int, int]:
    """Return width and height in pixels, both even, of a ratio as wide as its short side."""
    width, height = (round(short_px * side / min(ratio) / 2) * 2 for side in ratio)
    return width, height


def size_with_long_side(ratio: tuple[int, int], long_px: int) -> tuple[int, int]:
    """Return width and height in pixels of exactly a ratio; both are multiples of 8, up to the long side."""
    unit = long_px // max(ratio) // 8 * 8
    return ratio[0] * unit, ratio[1] * unit


def make_file(order: MediaOrder) -> bytes:
    """Return the video or picture of an order. Blocks: call it in a thread."""
    words = read_magic("", order.words).text or order.words
    if order.seconds:
        return make_video(words, width=order.width, height=order.height, seconds=order.seconds, with_sound=order.with_sound)
    return encode_picture(paint(words, (order.width, order.height)), "png" if order.format == "png" else "jpeg", quality=JPEG_QUALITY)


async def file_answer(order: MediaOrder) -> Response:
    """Return the file of an order."""
    return Response(await asyncio.to_thread(make_file, order), media_type=MEDIA_TYPES[order.format])
