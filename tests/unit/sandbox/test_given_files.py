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
    most_pixels = 640 * 640
    least_px = 100
    most_ratio = 2.0


class DataUri(GivenPicture):
    forms = frozenset(("uri",))
    most_bytes = 1024 * 1024


class Bare(GivenPicture):
    forms = frozenset(("base64",))
    most_bytes = 1024 * 1024


def drawn(kind: str = "PNG", width: int = 640, height: int = 320) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), (30, 60, 200)).save(buffer, kind)
    return buffer.getvalue()


def test_a_picture_is_seen() -> None:
    seen = Png.seen(drawn())
    assert seen.thumbnail is not None
    assert (seen.size, Image.open(io.BytesIO(seen.thumbnail)).size) == ((640, 320), (320, 160))


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (bytes(20_001), "file_too_large"),
        (drawn("GIF"), "image_format_error"),
        (drawn(width=641, height=640), "file_too_large"),
        (drawn(width=90, height=90), "image_too_small"),
        (drawn(width=640, height=310), "image_aspect_ratio_error"),
    ],
)
def test_a_picture_that_is_none_for_this_vendor(data: bytes, kind: str) -> None:
    with pytest.raises(WrongField) as caught:
        Png.seen(data)
    assert caught.value.kind == kind


def test_a_picture_comes_by_address_or_in_base64() -> None:
    bare = PICTURE.partition(",")[2]
    assert [
        (kind.read("https://example.com/a.png").size, kind.read("https://example.com/a.png").thumbnail) for kind in (DataUri, Bare)
    ] == [((0, 0), None)] * 2
    assert (DataUri.read(PICTURE).size, Bare.read(bare).size) == ((1024, 1024), (1024, 1024))
    for kind, given, told in (
        (DataUri, bare, "file_download_error"),
        (Bare, PICTURE, "file_download_error"),
        (DataUri, "data:image/png;base64,AAAA", "image_load_error"),
        (Bare, "*", "image_load_error"),
        (Bare, 1, "string_type"),
    ):
        with pytest.raises(WrongField) as caught:
            kind.read(given)
        assert caught.value.kind == told
