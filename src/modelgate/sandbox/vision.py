"""What a picture that was shown to a chat really is: format, size and dominant colours."""

import binascii
import io
import warnings
from base64 import b64decode

import msgspec
from PIL import Image, UnidentifiedImageError

MAX_PIXELS = 64_000_000
SAMPLE_PX = 64
COLOURS_NAMED = 3
THUMBNAIL_PX = 320
THUMBNAIL_QUALITY = 85
MIN_SHARE = 0.08
"""A colour of less than this share of the picture is not named."""

_BROKEN = (OSError, ValueError, SyntaxError)
"""Pillow's three ways to say that the data breaks off or is not valid."""
_NAMED = {
    "black": (0, 0, 0),
    "white": (255, 255, 255),
    "grey": (128, 128, 128),
    "red": (220, 30, 30),
    "orange": (255, 140, 0),
    "yellow": (250, 225, 40),
    "green": (40, 160, 60),
    "cyan": (60, 200, 215),
    "blue": (40, 80, 210),
    "purple": (130, 50, 170),
    "pink": (245, 140, 180),
    "brown": (125, 75, 40),
    "beige": (225, 205, 170),
}


class NotAPicture(Exception):
    """The bytes are not a picture that can be read."""


class Picture(msgspec.Struct, frozen=True):
    """Facts about a picture; `colours` are names, the most common first."""

    format: str
    width: int
    height: int
    colours: tuple[str, ...]


def decode_data_url(url: str) -> bytes:
    """Return the payload of a `data:…;base64,…` URL, forgiving blanks in it. Raises NotAPicture."""
    head, comma, payload = url.partition(",")
    if not comma or not head.lower().endswith(";base64"):
        raise NotAPicture
    return decode_base64(payload)


def decode_base64(payload: str) -> bytes:
    """Return the bytes of base64 text, forgiving blanks in it. Raises NotAPicture."""
    try:
        return b64decode("".join(payload.split()), validate=True)
    except (binascii.Error, ValueError):
        raise NotAPicture from None


def open_picture(data: bytes) -> Image.Image:
    """Return the picture in some bytes, not decoded yet. Raises NotAPicture, also for one of more than `MAX_PIXELS`."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # the bound here is our own
            picture = Image.open(io.BytesIO(data))
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, ValueError):
        raise NotAPicture from None
    if picture.width * picture.height > MAX_PIXELS:
        raise NotAPicture
    return picture


def open_whole(data: bytes) -> Image.Image:
    """Return the picture in some bytes, not kept decoded. Raises NotAPicture, also where the data breaks off or is damaged."""
    tried = open_picture(data)
    try:
        tried.draft("RGB", (SAMPLE_PX, SAMPLE_PX))  # a JPEG is decoded smaller, which takes an eighth of the time
        tried.load()
    except _BROKEN:
        raise NotAPicture from None
    return open_picture(data)


def shrink(picture: Image.Image) -> bytes:
    """Return a JPEG of at most `THUMBNAIL_PX` a side, for keeping. Raises NotAPicture when the data breaks off."""
    buffer = io.BytesIO()
    try:
        small = picture.convert("RGB")
        small.thumbnail((THUMBNAIL_PX, THUMBNAIL_PX))
    except _BROKEN:
        raise NotAPicture from None
    small.save(buffer, "JPEG", quality=THUMBNAIL_QUALITY)
    return buffer.getvalue()


def look_at(data: bytes) -> Picture:
    """Return the facts about a picture. Raises NotAPicture."""
    picture = open_picture(data)
    kind, (width, height) = picture.format or "unknown", picture.size
    try:
        picture.draft("RGB", (SAMPLE_PX, SAMPLE_PX))
        sample = picture.convert("RGBA").resize((SAMPLE_PX, SAMPLE_PX), Image.Resampling.BOX)
    except _BROKEN:
        raise NotAPicture from None
    canvas = Image.new("RGBA", sample.size, (255, 255, 255, 255))
    canvas.alpha_composite(sample)
    return Picture(kind, width, height, _dominant(canvas.convert("RGB")))


def _dominant(sample: Image.Image) -> tuple[str, ...]:
    shares: dict[str, int] = {}
    for count, colour in sample.getcolors(SAMPLE_PX * SAMPLE_PX) or []:
        assert isinstance(colour, tuple)  # an RGB picture has no palette
        name = _nearest((colour[0], colour[1], colour[2]))
        shares[name] = shares.get(name, 0) + count
    ranked = sorted(shares, key=lambda name: (-shares[name], name))
    kept = [name for name in ranked if shares[name] >= MIN_SHARE * SAMPLE_PX * SAMPLE_PX]
    return tuple((kept or ranked)[:COLOURS_NAMED])


def _nearest(colour: tuple[int, int, int]) -> str:
    return min(_NAMED, key=lambda name: sum((one - other) ** 2 for one, other in zip(colour, _NAMED[name], strict=True)))
