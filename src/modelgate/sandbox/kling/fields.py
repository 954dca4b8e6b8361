"""The make-believe Kling's refusals, and how it reads a field: wrong shapes are 1200, wrong values 1201."""

from typing import NamedTuple

from modelgate.core.ids import random_text
from modelgate.core.records import Json
from modelgate.core.sandbox import MAGIC_WORDS
from modelgate.sandbox.front import VendorRefused
from modelgate.sandbox.magic import MODEL_PREFIX
from modelgate.sandbox.vision import NotAPicture, decode_base64, open_picture, shrink

MAX_PROMPT = 2_500
MAX_IMAGE_BYTES = 10 * 1024 * 1024
MIN_IMAGE_PX = 300
MAX_IMAGE_RATIO = 2.5
MAX_EXTERNAL_ID = 256
MAX_URL = 2_048
MAX_NAME = 200
MAGIC_MODELS = tuple(MODEL_PREFIX + word for word in MAGIC_WORDS)
"""Taken wherever a model is named."""

_STATUS = {
    1000: 401,
    1001: 401,
    1002: 401,
    1003: 401,
    1004: 401,
    1103: 403,
    1202: 404,
    1203: 404,
    1302: 429,
    1303: 429,
    5000: 500,
    5001: 503,
}


class KlingRefused(VendorRefused):
    """The make-believe Kling refuses with a code of its own."""

    def __init__(self, code: int, message: str, *, status: int | None = None) -> None:
        said = {"code": code, "message": message, "request_id": random_text(22)}
        super().__init__(status or _STATUS.get(code, 400), said, message)
        self.code = code


class GivenImage(NamedTuple):
    """A checked picture: its thumbnail and size, both None for one at an address, which the make-believe vendor does not fetch."""

    thumbnail: bytes | None
    size: tuple[int, int] | None


def read_text(body: dict[str, Json], name: str, *, most: int, required: bool = False) -> str:
    """Return a string field, empty when it is absent. Raises KlingRefused."""
    value = body.get(name)
    if value is None:
        value = ""
    if not isinstance(value, str):
        raise KlingRefused(1200, f"{name} must be a string")
    if len(value) > most:
        raise KlingRefused(1201, f"{name} must be at most {most} characters")
    if required and not value.strip():
        raise KlingRefused(1201, f"{name} can not be empty")
    return value


def read_one_of(body: dict[str, Json], name: str, allowed: tuple[str, ...], *, default: str) -> str:
    """Return a string field that has one of some values. Raises KlingRefused."""
    value = read_text(body, name, most=MAX_NAME)
    if value and value not in allowed:
        raise KlingRefused(1201, f"{name} value '{value}' is invalid")
    return value or default


def read_number(body: dict[str, Json], name: str, *, low: float, high: float) -> float | None:
    """Return a number within bounds, None when it is absent. Raises KlingRefused."""
    value = body.get(name)
    if value is None:
        return None
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise KlingRefused(1200, f"{name} must be a number")
    if not low <= value <= high:
        raise KlingRefused(1201, f"{name} value must be in [{low}, {high}]")
    return float(value)


def read_flag(body: dict[str, Json], name: str) -> bool:
    """Return a boolean field, False when it is absent. Raises KlingRefused."""
    value = body.get(name)
    if value is not None and not isinstance(value, bool):
        raise KlingRefused(1200, f"{name} must be a boolean")
    return bool(value)


def read_object(body: dict[str, Json], name: str, *, required: bool = False) -> dict[str, Json] | None:
    """Return an object, None when it is absent. Raises KlingRefused."""
    value = body.get(name)
    if value is None and not required:
        return None
    if not isinstance(value, dict):
        raise KlingRefused(1200, f"{name} must be an object")
    return value


def read_objects(body: dict[str, Json], name: str, *, most: int) -> list[dict[str, Json]]:
    """Return a list of objects, empty when it is absent. Raises KlingRefused."""
    value = body.get(name)
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise KlingRefused(1200, f"{name} must be an array of objects")
    if len(value) > most:
        raise KlingRefused(1201, f"{name} must have at most {most} items")
    return value


def read_address(body: dict[str, Json], name: str) -> str:
    """Return a web address, empty when it is absent. Raises KlingRefused."""
    value = read_text(body, name, most=MAX_URL)
    if value and not value.startswith(("http://", "https://")):
        raise KlingRefused(1201, f"{name} value is invalid")
    return value


def read_image(body: dict[str, Json], name: str, *, required: bool = False) -> GivenImage | None:
    """Return a picture that is given by address or as bare base64, None when it is absent. Raises KlingRefused."""
    value = read_text(body, name, most=2 * MAX_IMAGE_BYTES, required=required)
    return check_image(value, name) if value else None


def check_image(image: str, name: str) -> GivenImage:
    """Check a picture's format, weight, size and ratio. Raises KlingRefused."""
    if image.startswith(("http://", "https://")):
        return GivenImage(None, None)
    if image.startswith("data:"):
        raise KlingRefused(1201, f"{name} must be a URL or base64 without the data: prefix")
    try:
        data = decode_base64(image)
        picture = open_picture(data)
    except NotAPicture:
        raise KlingRefused(1201, f"{name} is neither a URL nor the base64 of a picture") from None
    if picture.format not in ("JPEG", "PNG"):
        raise KlingRefused(1201, f"{name} format must be jpg, jpeg or png")
    if len(data) > MAX_IMAGE_BYTES:
        raise KlingRefused(1201, f"{name} size must be at most 10MB")
    short, long = sorted(picture.size)
    if short < MIN_IMAGE_PX:
        raise KlingRefused(1201, f"{name} width and height must be at least {MIN_IMAGE_PX}px")
    if long > short * MAX_IMAGE_RATIO:
        raise KlingRefused(1201, f"{name} aspect ratio must be between 1:2.5 and 2.5:1")
    try:
        return GivenImage(shrink(picture), picture.size)
    except NotAPicture:
        raise KlingRefused(1201, f"{name} breaks off") from None
