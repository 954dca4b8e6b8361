import io
from base64 import b64encode
from typing import Any

import pytest
from PIL import Image

from modelgate.sandbox.body_shape import WrongField
from modelgate.sandbox.given_files import GivenPicture, GivenUri
from modelgate.sandbox.pictures import draw_picture

PICTURE = "data:image/png;base64," + b64encode(draw_picture("a fox", ratio="1:1")).decode()


class Public(GivenUri):
    schemes = ("https", "http", "vendor")
    plain_hosts = ("localhost",)
    takes_numbers = False
    most_characters = 100


class Picture(GivenUri):
    media_types = ("image/png",)
    most_bytes = 1024 * 1024


class Film(GivenUri):
    media_types = ("video/mp4",)
    most_bytes = 1024
    is_picture = False


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        (GivenUri, "http://203.0.113.1/a.png"),
        (Public, "https://example.com/a.png"),
        (Public, "http://localhost:8080/a.png"),
        (Public, "vendor://upload/1"),
        (Picture, "https://example.com/a.png"),
        (Picture, PICTURE),
        (Film, "data:video/mp4;base64,AAAA"),
    ],
)
def test_what_is_taken(kind: type[GivenUri], given: str) -> None:
    assert kind.read(given) == given


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        (GivenUri, None),
        (GivenUri, {"url": "https://example.com"}),
        (GivenUri, ""),
        (GivenUri, "https://"),
        (GivenUri, "https://[x/a"),
        (GivenUri, "ftp://example.com/a.png"),
        (GivenUri, PICTURE),
        (Public, "http://example.com/a.png"),
        (Public, "https://203.0.113.1/a.png"),
        (Public, "https://[2001:db8::1]/a.png"),
        (Public, "https://example.com/" + "x" * 100),
        (Picture, "data:image/gif;base64,AAAA"),
        (Picture, "data:image/png;base64,AAAA"),
        (Picture, "data:image/png;base64," + "A" * 1_500_000),
        (Film, "data:video/mp4;base64,*"),
        (Film, "data:video/mp4,AAAA"),
    ],
)
def test_what_is_refused(kind: type[GivenUri], given: Any) -> None:
    with pytest.raises(WrongField):
        kind.read(given)


class Png(GivenPicture):
    formats = ("PNG",)
    most_bytes = 20_000


def drawn(kind: str) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (640, 320), (30, 60, 200)).save(buffer, kind)
    return buffer.getvalue()


def test_a_picture_is_seen() -> None:
    seen = Png.seen(drawn("PNG"))
    assert (seen.size, Image.open(io.BytesIO(seen.thumbnail)).size) == ((640, 320), (320, 160))


@pytest.mark.parametrize(
    ("data", "kind"),
    [(bytes(20_001), "file_too_large"), (drawn("GIF"), "image_format"), (b"no picture", "image_load_error"), (b"", "image_load_error")],
)
def test_a_picture_that_is_none_for_this_vendor(data: bytes, kind: str) -> None:
    with pytest.raises(WrongField) as caught:
        Png.seen(data)
    assert caught.value.kind == kind
