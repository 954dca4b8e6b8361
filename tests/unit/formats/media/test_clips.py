import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelgate.formats.media.clips import seconds_of_mp4
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
