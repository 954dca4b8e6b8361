import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelgate.core.records import TaskOutput
from modelgate.formats.media.clips import MAX_TIMES, ByClip, seconds_of_mp4
from modelgate.formats.media.requests import MediaInput, VideoRequest
from modelgate.sandbox.videos import make_video

CLIP = make_video("a fox", width=64, height=64, seconds=2.5)


def test_the_length_of_a_clip() -> None:
    assert seconds_of_mp4(CLIP) == pytest.approx(2.5, abs=0.05)


@pytest.mark.parametrize("data", [b"", b"no clip at all", CLIP[:40], b"\0\0\0\x08moov", b"\0\0\0\0moov\0\0\0\x0cmvhd\0\0\0\0"])
def test_what_tells_no_length(data: bytes) -> None:
    assert seconds_of_mp4(data) is None


def patched(name: bytes, at: int, new: bytes) -> bytes:
    """Return the clip with other bytes at a place within the first box of a name."""
    start = CLIP.index(name) + 4 + at
    return CLIP[:start] + new + CLIP[start + len(new) :]


def test_the_length_is_that_of_the_tracks() -> None:
    """A clip whose head said two seconds in place of ten was charged as two, and the vendor changed all ten."""
    scale = int.from_bytes(CLIP[CLIP.index(b"mvhd") + 16 :][:4])
    assert seconds_of_mp4(patched(b"mvhd", 16, scale.to_bytes(4))) == pytest.approx(2.5, abs=0.05)
    assert seconds_of_mp4(patched(b"mvhd", 16, (4 * scale).to_bytes(4))) == pytest.approx(4)
    assert seconds_of_mp4(patched(b"elst", 8, (3 * scale).to_bytes(4))) == pytest.approx(3)
    unedited = patched(b"edts", -4, b"free")
    assert seconds_of_mp4(unedited) == pytest.approx(2.5, abs=0.05)


def test_heads_with_long_numbers() -> None:
    def box(name: bytes, content: bytes) -> bytes:
        return (8 + len(content)).to_bytes(4) + name + content

    head = box(b"mvhd", b"\x01" + bytes(19) + (1000).to_bytes(4) + (2000).to_bytes(8))
    edits = box(b"elst", b"\x01\0\0\0" + (2).to_bytes(4) + ((3000).to_bytes(8) + bytes(12)) * 2)
    assert seconds_of_mp4(box(b"moov", head)) == 2
    assert seconds_of_mp4(box(b"moov", head + box(b"trak", box(b"edts", edits)))) == 6
    assert seconds_of_mp4(box(b"moov", head + box(b"mvex", b""))) is None


def test_tracks_that_do_not_tell() -> None:
    unedited = patched(b"edts", -4, b"free")
    assert seconds_of_mp4(unedited.replace(b"stts", b"free")) is None
    rows = unedited.index(b"stts") + 8
    assert seconds_of_mp4(unedited[:rows] + MAX_TIMES.to_bytes(4) + unedited[rows + 4 :]) is None
    assert seconds_of_mp4(unedited[:rows] + (MAX_TIMES + 1).to_bytes(4) + unedited[rows + 4 :]) is None
    assert seconds_of_mp4(CLIP.replace(b"udta", b"mvex")) is None


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
