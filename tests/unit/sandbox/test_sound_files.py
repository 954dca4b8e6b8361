import io
import struct
import wave
from typing import Any

import av
import pytest

from modelgate.sandbox.sound_files import NotASound, read_sound, write_sound
from modelgate.sandbox.sounds import duration_s, play

TEXT = "Größe “matters”, said the fox.\nIndeed."


@pytest.mark.parametrize(
    ("kind", "extension", "start"),
    [("mp3", "mp3", b"ID3"), ("opus", "ogg", b"OggS"), ("aac", "aac", b"ID3"), ("flac", "flac", b"fLaC"), ("wav", "wav", b"RIFF")],
)
def test_files_are_real_and_heard_again(kind: str, extension: str, start: bytes) -> None:
    pcm = play(TEXT)
    data = write_sound(pcm, kind, text=TEXT)
    assert data.startswith(start)
    sound = read_sound(data, extension)
    assert sound.text == TEXT
    assert sound.duration_s == pytest.approx(duration_s(pcm), rel=0.1)


def test_pcm_is_no_file() -> None:
    assert write_sound(b"\0\1", "pcm", text="") == write_sound(b"\0\1", "pcm16", text="") == b"\0\1"


def test_a_wav_says_like_the_vendors_that_its_size_is_unknown() -> None:
    data = write_sound(bytes(4_800), "wav", text="")
    at = data.index(b"data")
    assert data[4:8] == data[at + 4 : at + 8] == b"\xff\xff\xff\xff"
    assert len(data) == at + 8 + 4_800
    assert struct.unpack_from("<HHIIHH", data, 20) == (1, 1, 24_000, 48_000, 2, 16)


@pytest.mark.parametrize("text", ["odd", "even"])
def test_the_text_stands_openly_in_the_file(text: str) -> None:
    """As the comment that every player shows; a wav's is in its INFO chunk, two bytes aligned."""
    data = write_sound(play("Hello"), "wav", text=text)
    assert f"ICMT{struct.pack('<I', 19 + len(text)).decode()}The sandbox says: {text}\0".encode() in data
    for kind, reader in (("wav", "wav"), ("mp3", "mp3"), ("opus", "ogg"), ("aac", "aac"), ("flac", "flac")):
        with av.open(io.BytesIO(write_sound(play("Hello"), kind, text=text)), format=reader) as container:
            tags: dict[str, Any] = {**container.streams.audio[0].metadata, **container.metadata}
            assert {name.lower(): value for name, value in tags.items()}["comment"] == f"The sandbox says: {text}"


def test_speech_without_the_comment_is_a_recording_like_any_other() -> None:
    """Speech that went through PCM: what the sandbox said is known by its metadata alone."""
    pcm = play(TEXT)
    sound = read_sound(_wav(pcm, rate=24_000), "wav")
    assert (sound.text, sound.kind) == (None, "WAV")
    assert sound.duration_s == pytest.approx(duration_s(pcm))


@pytest.mark.parametrize("comment", [b"A fine song\0", b"", b"The sandbox sings: la\0"])
def test_other_peoples_comments_are_not_heard(comment: bytes) -> None:
    info = b"INFOIART\2\0\0\0me" + b"ICMT" + struct.pack("<I", len(comment)) + comment + b"\0" * (len(comment) % 2)
    data = _wav(bytes(48_000), rate=24_000) + b"LIST" + struct.pack("<I", len(info)) + info
    assert read_sound(data, "wav").text is None
    assert read_sound(data.replace(b"A fine song", b"The sandbox says: "[:11]), "wav").text is None


def test_a_comment_behind_the_sound_is_read_too() -> None:
    comment = b"The sandbox says: hello\0"
    info = b"INFOICMT" + struct.pack("<I", len(comment)) + comment
    data = _wav(bytes(48_000), rate=24_000) + b"LIST" + struct.pack("<I", len(info)) + info
    sound = read_sound(data, "wav")
    assert (sound.text, sound.duration_s) == ("hello", 1.0)


def _wav(pcm: bytes, *, rate: int, channels: int = 1) -> bytes:
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setparams((channels, 2, rate, 0, "NONE", ""))
        file.writeframes(pcm)
    return buffer.getvalue()


def test_other_peoples_files_are_described() -> None:
    sound = read_sound(_wav(bytes(44_100 * 4), rate=44_100, channels=2), "wav")
    assert (sound.text, sound.duration_s) == (None, 1.0)
    assert sound.describe() == "This is a recording in WAV format of 1.0 seconds."


@pytest.mark.parametrize(("size", "duration_s"), [(0, 1.0), (0xFFFFFFFF, 1.0), (1_000_000, 1.0), (24_000, 0.5)])
def test_a_wav_lasts_as_long_as_there_is_sound(size: int, duration_s: float) -> None:
    """Streaming encoders write a size of nothing or of everything; a file that was cut off is shorter than it says."""
    data = _wav(bytes(48_000), rate=24_000)
    data = data[:40] + struct.pack("<I", size) + data[44:]
    assert read_sound(data, "wav").duration_s == duration_s


def encoded(pcm: bytes, container_name: str, codec: str, **options: str) -> bytes:
    """A file as others write it."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format=container_name, options=options) as container:
        stream: Any = container.add_stream(codec, rate=24_000)
        stream.layout = "mono"
        frame = av.AudioFrame(format="s16", layout="mono", samples=len(pcm) // 2)
        frame.planes[0].update(pcm)
        frame.sample_rate, frame.pts = 24_000, 0
        context = stream.codec_context
        resampler = av.AudioResampler(format=context.format, layout="mono", rate=24_000, frame_size=context.frame_size or None)
        for part in [*resampler.resample(frame), *resampler.resample(None), None]:
            container.mux(stream.encode(part))
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("container", "codec", "options", "extension", "name"),
    [
        ("mp3", "libmp3lame", {}, "mp3", "MP3"),
        ("mp3", "libmp3lame", {}, "mpga", "MP3"),
        ("mp3", "libmp3lame", {"write_xing": "0"}, "mpeg", "MP3"),
        ("mp4", "aac", {}, "mp4", "MP4"),
        ("ipod", "aac", {}, "m4a", "MP4"),
        ("ogg", "libopus", {}, "oga", "OGG"),
        ("flac", "flac", {}, "flac", "FLAC"),
        ("webm", "libopus", {}, "webm", "WEBM"),
        ("webm", "libopus", {"live": "1"}, "webm", "WEBM"),
    ],
)
def test_each_format_is_told_truly(container: str, codec: str, options: dict[str, str], extension: str, name: str) -> None:
    """Whatever the extension is called; also where the head does not say how long the file is, as of a browser's webm."""
    sound = read_sound(encoded(bytes(48_000 * 5), container, codec, **options), extension)
    assert sound.describe() in (f"This is a recording in {name} format of {seconds} seconds." for seconds in ("5.0", "5.1"))


@pytest.mark.parametrize(
    ("container", "codec", "extension"),
    [("mp3", "libmp3lame", "mp3"), ("ogg", "libopus", "ogg"), ("flac", "flac", "flac"), ("webm", "libopus", "webm")],
)
def test_a_file_that_was_cut_off_is_shorter_than_its_head_says(container: str, codec: str, extension: str) -> None:
    data = encoded(play("Hello there, how are you? " * 5), container, codec)
    whole, half = read_sound(data, extension), read_sound(data[: len(data) // 2], extension)
    assert 0.3 < half.duration_s / whole.duration_s < 0.6


@pytest.mark.parametrize("extension", ["mp3", "mp4", "ogg", "flac", "webm"])
def test_a_file_of_another_format_than_its_name_says_is_refused(extension: str) -> None:
    with pytest.raises(NotASound):
        read_sound(write_sound(play("Hello"), "wav", text="Hello"), extension)


@pytest.mark.parametrize("extension", ["mp3", "wav", "ogg", "flac", "webm", "m4a"])
@pytest.mark.parametrize("data", [b"", b"no sound at all", b"RIFF\0\0\0\0WAVE", b"RIFF\0\0\0\0WAVEdata\0\0\0\0", b"\0" * 5_000])
def test_what_is_no_sound(extension: str, data: bytes) -> None:
    with pytest.raises(NotASound):
        read_sound(data, extension)


def test_a_list_of_other_files_is_not_followed() -> None:
    """FFmpeg takes playlists for sounds, and opens what they name; here a file is only what its extension says."""
    playlist = b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile:///etc/hostname\n#EXT-X-ENDLIST\n"
    for extension in ("mp3", "mp4", "ogg", "wav", "webm"):
        with pytest.raises(NotASound):
            read_sound(playlist, extension)
