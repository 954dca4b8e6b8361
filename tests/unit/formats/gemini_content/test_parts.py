import pytest

from modelgate.core.errors import InvalidRequest
from modelgate.formats.chat.request import Audio, File, Image
from modelgate.formats.gemini_content.parts import audio_format, audio_media_type, decode_blob, decode_file, inline_data, keeps_address
from modelgate.formats.gemini_content.schema import Blob, FileData


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://www.youtube.com/watch?v=1", True),
        ("https://youtu.be/1", True),
        ("gs://bucket/x.png", True),
        ("https://generativelanguage.googleapis.com/v1beta/files/a", True),
        ("https://pictures.example/youtube.com/a.png", False),
        ("https://notyoutube.com/a", False),
        ("http://youtube.com.evil.example/", False),
    ],
)
def test_only_the_vendors_own_places_are_fetched_by_it(url: str, kept: bool) -> None:
    assert keeps_address(url) is kept


def test_bytes_decide_what_they_are() -> None:
    assert decode_blob(Blob(mime_type="image/jpeg", data="iVBORw0KGgo="), param="p") == Image(data="iVBORw0KGgo=", media_type="image/png")
    assert decode_blob(Blob(mime_type="audio/x-wav", data="AAAA"), param="p") == Audio(data="AAAA", format="wav")
    assert decode_blob(Blob(mime_type="text/csv", data="YSxi", display_name="a.csv"), param="p") == File(
        name="a.csv", media_type="text/csv", data="YSxi"
    )


@pytest.mark.parametrize("data", ["", "****"])
def test_no_data_is_refused_by_its_field(data: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        decode_blob(Blob(mime_type="image/png", data=data), param="contents[0]")
    assert caught.value.param == "contents[0].data"


def test_addresses() -> None:
    assert decode_file(FileData(file_uri="gs://b/a.mp4", mime_type="video/mp4")) == File(media_type="video/mp4", vendor_id="gs://b/a.mp4")
    assert decode_file(FileData(file_uri="https://p.example/a", mime_type="image/png")) == Image(url="https://p.example/a")
    assert decode_file(FileData(file_uri="https://p.example/a")) == File(url="https://p.example/a")


def test_gif_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="GIF"):
        inline_data("x", "image/gif")


@pytest.mark.parametrize("format", ["wav", "mp3", "flac", "opus"])
def test_sounds_types_come_back(format: str) -> None:
    assert audio_format(audio_media_type(format)) == format
