import io
import wave
from typing import Any

import pytest
from PIL import Image

from modelgate.sandbox.gemini.errors import GeminiRefused
from modelgate.sandbox.gemini.media import Media, check_blob, check_file, media_of
from modelgate.sandbox.sound_files import write_sound
from modelgate.sandbox.sounds import play


def picture(kind: str, size: tuple[int, int] = (8, 8)) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size).save(buffer, kind)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("image/png", picture("PNG")),
        ("IMAGE/JPEG", picture("JPEG")),
        ("image/webp", picture("WEBP")),
        ("image/heic", b"\0\0\0\x18ftypheic"),
        ("audio/wav", b"RIFF\1\2\3\nWAVEfmt "),
        ("audio/mp3", b"ID3\4"),
        ("audio/mp3", b"\xff\xfb\x90"),
        ("application/pdf", b"%PDF-1.7"),
        ("video/mp4", b"anything"),
        ("text/csv", b"a,b"),
    ],
)
def test_what_is_taken(kind: str, data: bytes) -> None:
    check_blob({"mimeType": kind, "data": data}, place="here")


@pytest.mark.parametrize(
    ("blob", "complaint"),
    [
        ({"mimeType": "image/gif", "data": picture("GIF")}, "Unsupported MIME type: image/gif"),
        ({"mimeType": "image/jpg", "data": picture("JPEG")}, "Unsupported MIME type: image/jpg"),
        ({"mimeType": "image/png", "data": picture("JPEG")}, "Unable to process input image"),
        ({"mimeType": "image/png", "data": b"no"}, "Unable to process input image"),
        ({"mimeType": "audio/wav", "data": b"ID3"}, "is not audio/wav"),
        ({"mimeType": "application/zip", "data": b"PK"}, "Unsupported MIME type"),
        ({"data": b"x"}, "here.mime_type"),
        ({"mimeType": "image/png"}, "here.data"),
    ],
)
def test_what_is_refused(blob: dict[str, Any], complaint: str) -> None:
    with pytest.raises(GeminiRefused, match=complaint):
        check_blob(blob, place="here")


@pytest.mark.parametrize(
    ("uri", "taken"),
    [
        ("https://www.youtube.com/watch?v=x", True),
        ("https://youtu.be/x", True),
        ("gs://bucket/x", True),
        ("https://generativelanguage.googleapis.com/v1beta/files/x", True),
        ("https://example.com/cat.png", False),
        ("http://youtube.com.example/x", False),
        ("http://[", False),
        ("data:image/png;base64,AAAA", False),
        ("", False),
    ],
)
def test_files(uri: str, taken: bool) -> None:
    if taken:
        check_file({"fileUri": uri}, place="here")
        return
    with pytest.raises(GeminiRefused):
        check_file({"fileUri": uri}, place="here")


@pytest.mark.parametrize(
    ("kind", "data", "modality", "tokens"),
    [
        ("image/png", picture("PNG", (384, 384)), "IMAGE", 258),
        ("image/png", picture("PNG", (800, 700)), "IMAGE", 2 * 258),
        ("image/heic", b"\0\0\0\x18ftypheic", "IMAGE", 258),
        ("audio/wav", bytes(16_000), "AUDIO", 32),
        ("video/mp4", bytes(250_000), "VIDEO", 263),
        ("application/pdf", b"/Type /Page /Type /Pages /Type/Page ", "DOCUMENT", 2 * 258),
        ("text/plain", b"counted elsewhere", "TEXT", 0),
    ],
)
def test_what_it_counts(kind: str, data: bytes, modality: str, tokens: int) -> None:
    media = Media(kind=kind, data=data)
    assert (media.modality, media.tokens) == (modality, tokens)


def test_what_a_part_shows() -> None:
    assert media_of({"text": "x"}) is None
    far = media_of({"fileData": {"fileUri": "gs://a/b", "mimeType": "video/mp4"}})
    assert far is not None
    assert (far.modality, far.tokens) == ("VIDEO", 1_000)
    assert far.describe(2) == "Attachment 2 is at gs://a/b, which the sandbox does not fetch."
    near = media_of({"inlineData": {"mimeType": "audio/wav", "data": b"1234"}})
    assert near is not None
    assert near.describe(1) == "Attachment 1 is audio/wav of 4 bytes."


def test_a_sound_is_described_by_what_the_sandbox_said_in_it_or_by_format_and_length() -> None:
    pcm = play("Hello there")
    for kind, format_ in (("wav", "wav"), ("mp3", "mp3"), ("mpeg", "mp3"), ("aac", "aac"), ("ogg", "opus"), ("flac", "flac")):
        blob = {"mimeType": f"audio/{kind}", "data": write_sound(pcm, format_, text="Hello there")}
        check_blob(blob, place="here")
        own = media_of({"inlineData": blob})
        assert own is not None
        assert own.describe(1) == "Attachment 1 says: “Hello there”"
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setparams((1, 2, 24_000, 0, "NONE", ""))
        file.writeframes(bytes(72_000))
    other = Media(kind="audio/wav; rate=24000", data=buffer.getvalue())
    assert other.describe(2) == "Attachment 2: This is a recording in WAV format of 1.5 seconds."
    assert Media(kind="audio/aiff", data=b"FORM....AIFF").describe(1) == "Attachment 1 is audio/aiff of 12 bytes."
