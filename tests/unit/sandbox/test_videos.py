import io
from typing import Any

import av
import pytest
from PIL import Image

from modelgate.sandbox.videos import FRAMES_PER_S, MAX_SECONDS, frame_of, make_video

WORDS = "A red fox in the snow"


def _facts(video: bytes) -> tuple[int, float, tuple[int, int], int]:
    opened: Any = av.open(io.BytesIO(video), format="mov")
    with opened as container:
        frames = sum(1 for _ in container.decode(video=0))
        stream = container.streams.video[0]
        return frames, container.duration / 1_000_000, (stream.width, stream.height), len(container.streams.audio)


@pytest.mark.parametrize("seconds", [1.0, 5.1])
@pytest.mark.parametrize("with_sound", [False, True])
def test_a_video_has_the_asked_size_and_length_and_every_frame(seconds: float, with_sound: bool) -> None:
    video = make_video(WORDS, width=320, height=180, seconds=seconds, with_sound=with_sound)
    frames, lasts_s, size, sounds = _facts(video)
    assert frames == round(seconds * FRAMES_PER_S)
    assert lasts_s == pytest.approx(seconds, abs=0.1)
    assert size == (320, 180)
    assert sounds == int(with_sound)


def test_the_sound_can_be_played_to_the_end() -> None:
    opened: Any = av.open(io.BytesIO(make_video(WORDS, width=64, height=64, seconds=3, with_sound=True)))
    with opened as container:
        assert sum(frame.samples / frame.sample_rate for frame in container.decode(audio=0)) == pytest.approx(3, abs=0.1)


def test_the_index_is_at_the_start() -> None:
    video = make_video(WORDS, width=64, height=64, seconds=10, with_sound=True)
    assert video[4:8] == b"ftyp"
    assert 0 < video.find(b"moov") < video.find(b"mdat")


def test_the_same_words_make_the_same_bytes() -> None:
    first = make_video(WORDS, width=64, height=36, seconds=1)
    make_video.cache_clear()
    assert make_video(WORDS, width=64, height=36, seconds=1) == first
    assert make_video("Another fox", width=64, height=36, seconds=1) != first


def test_odd_sizes_become_even_and_no_time_is_one_frame() -> None:
    frames, lasts_s, size, _ = _facts(make_video("", width=33, height=35, seconds=0, with_sound=True))
    assert (frames, size) == (1, (34, 36))
    assert lasts_s < 0.2


def test_a_long_video_ends_at_the_bound() -> None:
    frames, _, _, _ = _facts(make_video(WORDS, width=16, height=16, seconds=MAX_SECONDS * 9))
    assert frames == MAX_SECONDS * FRAMES_PER_S


def test_the_first_frame_is_a_picture_of_the_size() -> None:
    with Image.open(io.BytesIO(frame_of(make_video(WORDS, width=160, height=90, seconds=1)))) as frame:
        assert (frame.format, frame.size) == ("PNG", (160, 90))


def test_what_is_no_video_has_no_frame() -> None:
    with pytest.raises(ValueError, match="not a video"):
        frame_of(b"no video at all")
