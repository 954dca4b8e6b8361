import base64

import pytest

from modelgate.core.errors import InvalidRequest
from modelgate.formats.chat.media_type import normal_media_type, read_base64, read_data_url, sniff

PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)
CODED = base64.b64encode(PNG).decode()


@pytest.mark.parametrize(
    ("head", "media_type"),
    [
        (PNG, "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"GIF89a..", "image/gif"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "image/webp"),
        (b"RIFF\0\0\0\0WAVEfmt ", "audio/wav"),
        (b"\0\0\0\x18ftypheic", "image/heic"),
        (b"\0\0\0\x18ftypisom", "video/mp4"),
        (b"%PDF-1.7", "application/pdf"),
        (b"ID3\x04", "audio/mp3"),
        (b"\xff\xfb\x90", "audio/mp3"),
        (b"hello", ""),
        (b"", ""),
    ],
)
def test_bytes_tell_what_they_are(head: bytes, media_type: str) -> None:
    assert sniff(head) == media_type


@pytest.mark.parametrize(
    "url",
    [
        f"data:image/png;base64,{CODED}",
        f"data:image/jpeg;charset=utf-8;base64,{CODED}",
        f"DATA:image/jpg;BASE64,{CODED}",
        f"data:image/png;base64, {CODED[:20]}\n{CODED[20:]}",
        f"data:;base64,{CODED.replace('+', '-').replace('/', '_').rstrip('=')}-_"[:-2],
    ],
)
def test_a_careless_data_url_is_read_and_its_bytes_decide(url: str) -> None:
    media_type, data = read_data_url(url, param="image_url")
    assert media_type == "image/png"
    assert base64.b64decode(data, validate=True) == PNG


@pytest.mark.parametrize(
    "url",
    ["data:image/png,abc", "ftp://x/y.png", "data:image/png;base64,", "data:image/png;base64,%%%%", "data:" + "x" * 500 + ";base64,AAAA"],
)
def test_what_is_no_base64_data_url_is_refused_by_name(url: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        read_data_url(url, param="messages.0.image_url")
    assert refused.value.param == "messages.0.image_url"


def test_the_declaration_counts_only_where_bytes_say_nothing() -> None:
    assert read_base64("aGVsbG8=", declared="text/plain; charset=utf-8", param="data") == ("text/plain", "aGVsbG8=")
    assert normal_media_type("image/JPG") == "image/jpeg"
