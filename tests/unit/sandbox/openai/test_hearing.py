from itertools import pairwise

from modelgate.sandbox.openai.hearing import Heard
from modelgate.sandbox.tokens import Tokenizer

HEARD = Heard(text="Good morning. How are you?", duration_s=5.2)


def test_sentences_and_words_share_the_time_by_length() -> None:
    assert HEARD.sentences() == [("Good morning.", 0.0, 2.8), ("How are you?", 2.8, 5.2)]
    words = HEARD.words()
    assert [word["word"] for word in words] == ["Good", "morning", "How", "are", "you"]
    assert (words[0]["start"], words[-1]["end"]) == (0.0, 5.2)
    assert all(one["end"] == other["start"] for one, other in pairwise(words))


def test_subtitles() -> None:
    assert HEARD.srt() == "1\n00:00:00,000 --> 00:00:02,800\nGood morning.\n\n2\n00:00:02,800 --> 00:00:05,200\nHow are you?\n\n"
    assert HEARD.vtt().startswith("WEBVTT\n\n00:00:00.000 --> 00:00:02.800\nGood morning.\n\n")
    assert "01:01:01,500" in Heard(text="a", duration_s=3661.5).srt()


def test_segments(tokenizer: Tokenizer) -> None:
    first, second = HEARD.segments(tokenizer, temperature=0.5)
    assert (first["id"], second["id"], second["start"], second["end"]) == (0, 1, 2.8, 5.2)
    assert tokenizer.decode(second["tokens"]) == "How are you?"
    assert first["temperature"] == 0.5


def test_speakers_take_turns() -> None:
    assert [turn["speaker"] for turn in HEARD.turns([])] == ["A", "B"]
    assert [turn["speaker"] for turn in HEARD.turns(["Ann"])] == ["Ann", "Ann"]
    assert HEARD.turns([])[1]["type"] == "transcript.text.segment"


def test_nothing_said() -> None:
    silent = Heard(text="", duration_s=1)
    assert (silent.sentences(), silent.words(), silent.srt(), silent.vtt()) == ([], [], "", "WEBVTT\n\n")
