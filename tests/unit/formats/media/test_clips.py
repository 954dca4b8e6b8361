import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelgate.core.records import TaskOutput
from modelgate.formats.media.clips import ByClip, seconds_of_mp4
from modelgate.formats.media.requests import MediaInput, VideoRequest
from modelgate.sandbox.videos import make_video

CLIP = make_video("a fox", width=64, height=64, seconds=2.5)


def test_the_length_of_a_clip() -> None:
    assert seconds_of_mp4(CLIP) == pytest.approx(2.5, abs=0.05)


@pytest.mark.parametrize("data", [b"", b"no clip at all", CLIP[:40], b"\0\0\0\x08moov", b"\0\0\0\0moov\0\0\0\x0cmvhd\0\0\0\0"])
def test_what_tells_no_length(data: bytes) -> None:
    assert seconds_of_mp4(data) is None


@given(st.binary(max_size=100), st.integers(0, 300))
def test_no_bytes_are_a_fault_of_ours(noise: bytes, at: int) -> None:
    seconds_of_mp4(noise)
    seconds_of_mp4(CLIP[:at] + noise + CLIP[at + len(noise) :])


BY_CLIP = ByClip(shortest_s=2, longest_s=30)


def work_on(*clips: MediaInput, seconds: int = 0) -> VideoRequest:
    return VideoRequest(model="m", seconds=seconds, inputs=clips)


def test_work_on_a_clip_is_charged_by_its_length_or_the_longest() -> None:
    assert BY_CLIP.complete(work_on(MediaInput(data=CLIP, role="video")), "m").seconds == 3
    assert BY_CLIP.complete(work_on(MediaInput(url="https://clips.example/a.mp4", role="video")), "m").seconds == 30


@pytest.mark.parametrize(("seconds", "made_ms", "charged"), [(30, 4_020, 4), (30, 400, 2), (30, 90_000, 30), (30, 0, 30), (3, 4_020, 3)])
def test_what_was_not_seen_is_measured_when_it_is_made(seconds: int, made_ms: int, charged: int) -> None:
    outputs = (TaskOutput(kind="image", duration_ms=1), TaskOutput(kind="video", duration_ms=made_ms))
    assert BY_CLIP.measure(work_on(seconds=seconds), outputs).seconds == charged
