"""Whether bytes are a picture a vendor will take: read from the picture itself, never from what is claimed."""

import io
import struct
import warnings

import msgspec

from modelgate.core.errors import InvalidRequest
from modelgate.formats.media.family import InputRules

_DECODERS = {"image/jpeg": "JPEG", "image/png": "PNG", "image/webp": "WEBP"}
MAX_SIDE_PIXELS = 20_000
"""No decoder anywhere needs to see a larger one."""


class Picture(msgspec.Struct, frozen=True, kw_only=True):
    """What a picture's head says."""

    content_type: str
    width: int
    height: int


def check_picture(data: bytes, rules: InputRules) -> Picture:
    """Return what the picture is; only its head is read, nothing is unpacked.

    Raises:
        InvalidRequest: names the field and the rule it breaks.
    """
    if len(data) > rules.max_bytes:
        raise _broken(rules, f"it must have at most {rules.max_bytes} bytes; it has {len(data)}")
    picture = _read_head(data, rules)
    short, long = sorted((picture.width, picture.height))
    size = f"it is {picture.width}x{picture.height}"
    if short < rules.min_side_pixels:
        raise _broken(rules, f"both sides must have at least {rules.min_side_pixels} pixels; {size}")
    if long > MAX_SIDE_PIXELS:
        raise _broken(rules, f"no side may have more than {MAX_SIDE_PIXELS} pixels; {size}")
    if rules.max_ratio and long > short * rules.max_ratio:
        raise _broken(rules, f"its sides must lie between 1:{rules.max_ratio:g} and {rules.max_ratio:g}:1; {size}")
    return picture


def _read_head(data: bytes, rules: InputRules) -> Picture:
    # Imported for the first picture: 3 MB of the desk.
    from PIL import Image, UnidentifiedImageError  # noqa: PLC0415

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # nothing is unpacked, and sides are bounded above
            with Image.open(io.BytesIO(data), formats=[_DECODERS[name] for name in rules.content_types]) as image:
                kind, width, height = image.format, image.width, image.height
    except Image.DecompressionBombError:
        raise _broken(rules, f"no side may have more than {MAX_SIDE_PIXELS} pixels") from None
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, struct.error):  # what its decoders raise for damage
        kinds = " or ".join(_DECODERS[name] for name in rules.content_types)
        raise _broken(rules, f"it must be a whole {kinds} file") from None
    content_type = next(name for name, decoder in _DECODERS.items() if decoder == kind)
    return Picture(content_type=content_type, width=width, height=height)


def _broken(rules: InputRules, rule: str) -> InvalidRequest:
    return InvalidRequest(f"The picture in {rules.field} cannot be used: {rule}.", param=rules.field, code="invalid_image")
