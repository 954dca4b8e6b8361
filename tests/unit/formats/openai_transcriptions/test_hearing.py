import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelgate.core.usage import Usage
from modelgate.formats.chat.wire_format import UnreadableAnswer
from modelgate.formats.multipart import Form, Part
from modelgate.formats.openai_transcriptions.families import family_of
from modelgate.formats.openai_transcriptions.hearing import Hearing, tell_heard
from modelgate.formats.openai_transcriptions.schema import TranscriptionFields

GOLDEN = Path(__file__).parents[3] / "testdata" / "openai_transcriptions"
JSON, PLAIN = b"application/json", b"text/plain; charset=utf-8"


def hearing(model: str = "whisper-1", wanted: Any = "json") -> Hearing:
    sound = Part(name="file", filename="a.mp3", content_type="", start=0, end=16_000)
    fields = TranscriptionFields(model=model, response_format=wanted)
    return Hearing(fields=fields, family=family_of(model), form=Form(body=b"", parts=(sound,)), sound=sound)


@pytest.mark.parametrize("wanted", ["text", "srt", "vtt", "json"])
@pytest.mark.parametrize(("name", "milliseconds"), [("kite", 3_672_000), ("odd", 2_500), ("silence", 1_000)])
def test_an_answer_is_told_in_the_format_that_is_wanted(name: str, milliseconds: int, wanted: str) -> None:
    answer = tell_heard(JSON, (GOLDEN / f"{name}.input.json").read_bytes(), hearing(wanted=wanted))
    assert answer.body.decode() == (GOLDEN / f"{name}.{wanted}").read_text()
    assert answer.content_type == (JSON if wanted == "json" else PLAIN)
    assert answer.usage == Usage(milliseconds=milliseconds)


@pytest.mark.parametrize("wanted", ["verbose_json", "diarized_json", "json"])
def test_what_needs_no_rendering_passes(wanted: str) -> None:
    used = {"type": "tokens", "input_tokens": 5, "output_tokens": 7, "total_tokens": 12}
    body = json.dumps(
        {"text": "a", "logprobs": [], "usage": used} | ({"segments": [{"speaker": "A"}]} if wanted != "json" else {})
    ).encode()
    answer = tell_heard(b"application/json; charset=utf-8", body, hearing(wanted=wanted))
    assert (answer.body, answer.usage) == (body, Usage(input_tokens=5, output_tokens=7))


@pytest.mark.parametrize("usage", [None, {"type": "tokens", "input_tokens": -1}])
def test_without_usage_it_is_estimated(usage: Any) -> None:
    body = json.dumps({"text": "one two", "usage": usage}).encode()
    answer = tell_heard(JSON, body, hearing("gpt-4o-transcribe"))
    assert answer.usage == Usage(input_tokens=20, input_audio_tokens=20, output_tokens=2, estimated=True)
    assert answer.usage_refused == (usage is not None)


def test_plain_text_of_an_upstream_passes() -> None:
    answer = tell_heard(b"text/plain", b"WEBVTT\n\n", hearing("mine", wanted="vtt"))
    assert (answer.body, answer.content_type) == (b"WEBVTT\n\n", PLAIN)
    assert answer.usage is not None
    assert answer.usage.estimated


@pytest.mark.parametrize("wanted", ["srt", "vtt"])
@pytest.mark.parametrize("segments", [None, [], [{"start": 1}], "x"])
def test_words_without_times_are_no_subtitles(wanted: str, segments: Any) -> None:
    with pytest.raises(UnreadableAnswer):
        tell_heard(JSON, json.dumps({"text": "a", "segments": segments}).encode(), hearing(wanted=wanted))


@given(
    st.binary(max_size=60)
    | st.dictionaries(
        st.sampled_from(["text", "segments", "duration", "usage"]), st.none() | st.text() | st.floats() | st.lists(st.integers())
    ).map(lambda value: json.dumps(value).encode()),
    st.sampled_from(["json", "text", "srt", "vtt", "verbose_json"]),
    st.sampled_from([JSON, PLAIN]),
)
def test_no_answer_breaks_it(body: bytes, wanted: str, content_type: bytes) -> None:
    try:
        answer = tell_heard(content_type, body, hearing(wanted=wanted))
    except UnreadableAnswer:
        return
    assert answer.usage is not None
