"""Whether bytes are a picture a vendor will take."""

import io
import struct
import zlib

import pytest
from PIL import Image

from modelgate.core.errors import InvalidRequest
from modelgate.formats.media.family import InputRules
from modelgate.gateway.pictures import check_picture

RULES = InputRules(field="image", content_types=("image/jpeg", "image/png"), max_bytes=1_000_000, min_side_pixels=300, max_ratio=2.5)


def picture(width: int, height: int, kind: str = "PNG") -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (width, height), "teal").save(out, kind)
    return out.getvalue()


def png_head(width: int, height: int) -> bytes:
    chunk = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    head = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))
    return head + struct.pack(">I", 1000) + b"IDAT" + bytes(1004)


@pytest.mark.parametrize(("kind", "content_type"), [("PNG", "image/png"), ("JPEG", "image/jpeg")])
def test_the_type_comes_from_the_bytes(kind: str, content_type: str) -> None:
    found = check_picture(picture(300, 400, kind), RULES)
    assert (found.content_type, found.width, found.height) == (content_type, 300, 400)


@pytest.mark.parametrize(("width", "height"), [(300, 300), (300, 750), (750, 300)])
def test_the_bounds_themselves_are_fine(width: int, height: int) -> None:
    check_picture(picture(width, height), RULES)


@pytest.mark.parametrize(
    ("data", "rule"),
    [
        (picture(299, 400), "at least 300 pixels; it is 299x400"),
        (picture(400, 299), "at least 300 pixels; it is 400x299"),
        (picture(300, 751), "between 1:2.5 and 2.5:1; it is 300x751"),
        (picture(751, 300), "between 1:2.5 and 2.5:1; it is 751x300"),
        (picture(400, 400, "GIF"), "whole JPEG or PNG"),
        (picture(400, 400, "BMP"), "whole JPEG or PNG"),
        (picture(400, 400, "WEBP"), "whole JPEG or PNG"),
        (b"<svg/>", "whole JPEG or PNG"),
        (b"\x89PNG\r\n\x1a\n", "whole JPEG or PNG"),
        (picture(400, 400)[:20], "whole JPEG or PNG"),
        (b"\xff\xd8\xff\xe0", "whole JPEG or PNG"),
        (b"x" * 1_000_001, "at most 1000000 bytes; it has 1000001"),
        (png_head(20_001, 20_001), "pixels"),
        (png_head(60_000, 60_000), "pixels"),
    ],
)
def test_each_rule_is_named(data: bytes, rule: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        check_picture(data, RULES)
    assert rule in caught.value.message
    assert caught.value.param == "image"
