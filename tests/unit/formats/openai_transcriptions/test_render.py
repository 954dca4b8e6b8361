import pytest

from modelgate.formats.openai_transcriptions.render import render_srt, render_text, render_vtt
from modelgate.formats.openai_transcriptions.schema import Segment


def test_a_text_ends_its_line() -> None:
    assert render_text("Grüße") == "Grüße\n".encode()


@pytest.mark.parametrize(
    ("seconds", "clock"),
    [(0, "00:00:00,000"), (0.9996, "00:00:01,000"), (59.9999, "00:01:00,000"), (360_000, "100:00:00,000"), (-1, "00:00:00,000")],
)
def test_times_are_rounded_as_a_whole(seconds: float, clock: str) -> None:
    assert render_srt([Segment(start=seconds, end=seconds, text=" a ")]) == f"1\n{clock} --> {clock}\na\n\n".encode()
    assert clock.replace(",", ".").encode() in render_vtt([Segment(start=seconds, end=seconds, text="a")])
