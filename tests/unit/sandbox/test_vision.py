import base64
import io

import pytest
from PIL import Image

from modelgate.sandbox.vision import NotAPicture, Picture, decode_base64, decode_data_url, look_at, open_picture, open_whole


def _picture(kind: str, *, size: tuple[int, int] = (40, 30), mode: str = "RGB", colour: object = (220, 20, 20)) -> bytes:
    buffer = io.BytesIO()
    Image.new(mode, size, colour).save(buffer, kind)  # type: ignore[arg-type]
    return buffer.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP"])
def test_format_and_size_are_the_real_ones(kind: str) -> None:
    assert look_at(_picture(kind)) == Picture(kind, 40, 30, ("red",))


def test_dominant_colours_come_in_order() -> None:
    picture = Image.new("RGB", (100, 100), (250, 250, 250))
    picture.paste((30, 60, 220), (0, 0, 100, 30))
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    assert look_at(buffer.getvalue()).colours == ("white", "blue")


def test_transparent_pictures_are_seen_on_white() -> None:
    assert look_at(_picture("PNG", mode="RGBA", colour=(0, 0, 0, 0))).colours == ("white",)


def test_data_urls_are_read_leniently() -> None:
    data = base64.b64encode(_picture("PNG")).decode()
    for url in (f"data:image/png;base64,{data}", f"data:image/jpeg;charset=utf-8;BASE64,{data[:20]}\n {data[20:]}"):
        assert look_at(decode_data_url(url)).format == "PNG"


@pytest.mark.parametrize("url", ["data:image/png,plain", "data:image/png;base64", "data:image/png;base64,***"])
def test_other_data_urls_are_refused(url: str) -> None:
    with pytest.raises(NotAPicture):
        decode_data_url(url)


def test_what_is_no_picture_is_refused() -> None:
    whole = _picture("PNG", size=(300, 300))
    for data in (b"", b"GIF89a", b"hello", whole[: len(whole) // 2]):
        with pytest.raises(NotAPicture):
            look_at(data)
        with pytest.raises(NotAPicture):
            open_whole(data)
    assert open_whole(whole).size == (300, 300)
    with pytest.raises(NotAPicture):
        open_picture(_picture("PNG", mode="1", size=(9_000, 9_000), colour=0))  # a small file, many pixels
    with pytest.raises(NotAPicture):
        decode_base64("ä")
