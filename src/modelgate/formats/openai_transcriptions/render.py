"""Texts and subtitles out of answers in JSON: SubRip (srt) and WebVTT (vtt), as the vendor writes them."""

from collections.abc import Iterable

from modelgate.formats.openai_transcriptions.schema import Segment

PLAIN_TYPE = b"text/plain; charset=utf-8"


def render_text(text: str) -> bytes:
    """Return what was said as plain text."""
    return text.encode() + b"\n"


def render_srt(segments: Iterable[Segment]) -> bytes:
    """Return subtitles in SubRip."""
    cues = [f"{number}\n{_span(segment, ',')}\n{_line(segment)}\n\n" for number, segment in enumerate(segments, 1)]
    return "".join(cues).encode()


def render_vtt(segments: Iterable[Segment]) -> bytes:
    """Return subtitles in WebVTT."""
    return ("WEBVTT\n\n" + "".join([f"{_span(segment, '.')}\n{_line(segment)}\n\n" for segment in segments])).encode()


def _line(segment: Segment) -> str:
    """Return the words of a cue; a blank line would end it, and an arrow begin another."""
    lines = [line.strip() for line in segment.text.splitlines()]
    return "\n".join(line for line in lines if line).replace("-->", "->")


def _span(segment: Segment, point: str) -> str:
    return f"{_clock(segment.start, point)} --> {_clock(segment.end, point)}"


def _clock(seconds: float, point: str) -> str:
    whole_s, ms = divmod(max(0, round(seconds * 1000)), 1000)
    minutes, second = divmod(whole_s, 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours:02}:{minute:02}:{second:02}{point}{ms:03}"
