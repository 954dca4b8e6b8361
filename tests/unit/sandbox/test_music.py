import importlib
import io
import re
from array import array

import pytest

from modelgate.sandbox.music import make_lyrics, make_song, make_tune
from modelgate.sandbox.sound_files import read_sound
from modelgate.sandbox.sounds import duration_s


@pytest.mark.parametrize("seconds", [0.5, 8.0, 31.25])
def test_a_song_decodes_and_lasts_as_long_as_asked(seconds: float) -> None:
    data = make_song("bright pop", seconds=seconds)
    assert data.startswith(b"ID3")
    assert read_sound(data, "mp3").text == "bright pop"
    with importlib.import_module("av").open(io.BytesIO(data), format="mp3") as container:
        played_s = sum(frame.samples / frame.sample_rate for frame in container.decode(audio=0))
    assert played_s == pytest.approx(seconds, abs=0.1)


def test_a_song_is_heard_and_follows_from_its_words() -> None:
    first = make_song("bright pop", seconds=2)
    with importlib.import_module("av").open(io.BytesIO(first), format="mp3") as container:
        loudest = max(max(memoryview(bytes(frame.planes[0])).cast("f")) for frame in container.decode(audio=0))
    assert 0.1 < loudest < 1
    assert make_song("bright pop", seconds=2) == first
    assert make_song("slow blues", seconds=2) != first


def test_a_tune_follows_from_its_words() -> None:
    tune = make_tune("bright pop")
    assert 5 < duration_s(tune) < 10
    assert max(array("h", tune)) > 3_000
    assert make_tune("bright pop") == tune != make_tune("slow blues")


@pytest.mark.parametrize(
    "prompt", ["a song about rain in Lisbon", "una canción", "夏天的海", "Weekend", "", "!!!", "the and of", "{a} {b}"]
)
def test_lyrics_read_as_lyrics(prompt: str) -> None:
    title, text = make_lyrics(prompt)
    assert title
    assert [part.partition("\n")[0] for part in text.split("\n\n")] == [
        "[Verse 1]",
        "[Chorus]",
        "[Verse 2]",
        "[Chorus]",
        "[Bridge]",
        "[Chorus]",
    ]
    lines = [line for line in text.splitlines() if line and not line.startswith("[")]
    assert len(lines) == 4 * 5 + 2
    assert all(len(re.findall(r"\w+", line)) >= 4 for line in lines)
    assert make_lyrics(prompt) == (title, text)


def test_lyrics_speak_of_what_was_asked() -> None:
    title, text = make_lyrics("Please write a song about rain in Lisbon")
    assert "rain" in text
    assert "Lisbon" in text
    assert "Rain" in title or "Lisbon" in title
    assert "Please" not in text
