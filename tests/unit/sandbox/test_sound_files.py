import io
import struct
import wave

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
    head = write_sound(bytes(4_800), "wav", text="")[:44]
    assert head[4:8] == head[40:44] == b"\xff\xff\xff\xff"
    assert struct.unpack_from("<HHIIHH", head, 20) == (1, 1, 24_000, 48_000, 2, 16)


def test_other_peoples_files_are_described() -> None:
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setparams((2, 2, 44_100, 0, "NONE", ""))
        file.writeframes(bytes(44_100 * 4))
    sound = read_sound(buffer.getvalue(), "wav")
    assert (sound.text, sound.duration_s) == (None, 1.0)
    assert sound.describe() == "This is a recording in WAV format of 1.0 seconds."


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
