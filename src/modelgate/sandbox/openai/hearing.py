"""What is heard in a file that was sent for transcription, cut into sentences and words with their times."""

import re
from collections.abc import Iterator
from itertools import cycle

import msgspec

from modelgate.core.records import Json
from modelgate.sandbox.tokens import Tokenizer

FALLBACK_SPEAKERS = ("A", "B")
_SENTENCE = re.compile(r"[^.!?。]*[.!?。]+[\"”’)]*\s*|[^.!?。]+$")
_WORD = re.compile(r"\S+")
_FAINT_LOGPROB = -0.25


class Heard(msgspec.Struct, frozen=True, kw_only=True):
    """A text and how long it took to say."""

    text: str
    duration_s: float

    def sentences(self) -> list[tuple[str, float, float]]:
        """Return (sentence, start, end) in seconds, the time shared out by length."""
        return list(_timed(_SENTENCE.findall(self.text), self.duration_s))

    def words(self) -> list[dict[str, Json]]:
        """Return the words with their times."""
        timed = _timed(_WORD.findall(self.text), self.duration_s)
        return [{"word": word.strip(".,!?;:\"'“”()"), "start": start, "end": end} for word, start, end in timed]

    def segments(self, tokenizer: Tokenizer, *, temperature: float) -> list[dict[str, Json]]:
        """Return the sentences as whisper describes them."""
        return [
            {
                "id": index,
                "seek": 0,
                "start": start,
                "end": end,
                "text": " " + sentence,
                "tokens": tokenizer.encode(sentence),
                "temperature": temperature,
                "avg_logprob": _FAINT_LOGPROB,
                "compression_ratio": 1.2,
                "no_speech_prob": 0.01,
            }
            for index, (sentence, start, end) in enumerate(self.sentences())
        ]

    def turns(self, speakers: list[str]) -> list[dict[str, Json]]:
        """Return the sentences as said by speakers in turn."""
        return [
            {"type": "transcript.text.segment", "id": f"seg_{index:03}", "start": start, "end": end, "text": sentence, "speaker": speaker}
            for index, ((sentence, start, end), speaker) in enumerate(
                zip(self.sentences(), cycle(speakers or FALLBACK_SPEAKERS), strict=False)
            )
        ]

    def srt(self) -> str:
        """Return subtitles in SubRip."""
        cues = enumerate(self.sentences(), 1)
        return "".join(f"{number}\n{_clock(start, ',')} --> {_clock(end, ',')}\n{text}\n\n" for number, (text, start, end) in cues)

    def vtt(self) -> str:
        """Return subtitles in WebVTT."""
        cues = (f"{_clock(start, '.')} --> {_clock(end, '.')}\n{text}\n\n" for text, start, end in self.sentences())
        return "WEBVTT\n\n" + "".join(cues)


def _timed(parts: list[str], duration_s: float) -> Iterator[tuple[str, float, float]]:
    total = sum(len(part) for part in parts) or 1
    done = 0
    for part in parts:
        start, done = done, done + len(part)
        yield part.strip(), round(duration_s * start / total, 2), round(duration_s * done / total, 2)


def _clock(seconds: float, point: str) -> str:
    whole_ms = round(seconds * 1000)
    minutes, rest_ms = divmod(whole_ms, 60_000)
    return f"{minutes // 60:02}:{minutes % 60:02}:{rest_ms // 1000:02}{point}{rest_ms % 1000:03}"
