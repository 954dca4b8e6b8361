"""Streams, both ways: every file of testdata/gemini_content/decode_stream and encode_stream, split at every byte."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelgate.formats.chat.events import ChoiceEnd, ResponseStart
from modelgate.formats.chat.wire_format import AnswerHead
from modelgate.formats.gemini_content import stream as stream_module
from modelgate.formats.gemini_content.stream import ArraySplitter, EventDecoder, EventEncoder
from modelgate.formats.sse import EventTooLong, parse_frames

TESTDATA = Path(__file__).parents[3] / "testdata" / "gemini_content"
DECODED = sorted((TESTDATA / "decode_stream").glob("*.input.json"))
ENCODED = sorted((TESTDATA / "encode_stream").glob("*.input.json"))
HEAD = AnswerHead(model="mine", created=1, request_id="req_1")


def expected_of(path: Path) -> Any:
    return msgspec.json.decode(path.with_name(path.name.replace(".input.", ".output.")).read_bytes())


def decoded(chunks: list[bytes]) -> list[Any]:
    decoder = EventDecoder()
    events = [event for chunk in chunks for event in decoder.feed(chunk)]
    return events + decoder.finish()


def outcome_of_decoding(given: dict[str, Any], tell: Callable[[Any], Any]) -> Any:
    return tell(decoded([chunk.encode() for chunk in given["chunks"]]))


def outcome_of_encoding(given: dict[str, Any], read: Callable[[str, Any], Any]) -> Any:
    """What both shapes say, which must be the same; and that the array's end is among the last words."""
    events = read("events", given["events"])
    writers = [EventEncoder(HEAD, is_sse=is_sse) for is_sse in (True, False)]
    as_events, as_array = ([writer.encode(event) for event in events] for writer in writers)
    chunks = [msgspec.json.decode(frame.data) for frame in parse_frames(b"".join(as_events))]
    assert msgspec.json.decode(b"".join(as_array)) == chunks
    assert as_array[-1].endswith(b"]")
    assert as_events[0:-1] != []
    return chunks


def test_the_folders_of_cases_are_found() -> None:
    assert len(DECODED) > 12
    assert len(ENCODED) >= 4


@pytest.mark.parametrize("path", DECODED, ids=lambda path: path.name.removesuffix(".input.json"))
def test_stream_beside_events(path: Path, tell: Callable[[Any], Any]) -> None:
    given = msgspec.json.decode(path.read_bytes())

    assert outcome_of_decoding(given, tell) == expected_of(path)

    whole = "".join(given["chunks"]).encode()
    for size in (1, 2, 3, 7, len(whole)):
        assert tell(decoded([whole[at : at + size] for at in range(0, len(whole), size)])) == expected_of(path)


@pytest.mark.parametrize("path", ENCODED, ids=lambda path: path.name.removesuffix(".input.json"))
def test_events_beside_stream(path: Path, read: Callable[[str, Any], Any]) -> None:
    assert outcome_of_encoding(msgspec.json.decode(path.read_bytes()), read) == expected_of(path)


def test_an_answer_without_words_has_begun_before_its_last_words() -> None:
    """The gateway takes a stream of which nothing passes for an empty answer, and asks somebody else."""
    encoder = EventEncoder(HEAD, is_sse=True)

    assert encoder.encode(ResponseStart()) == b""
    assert encoder.encode(ChoiceEnd(finish="content_filter")) != b""


OBJECTS = st.lists(
    st.dictionaries(st.text(max_size=3), st.text(max_size=6) | st.lists(st.text(max_size=3), max_size=2), max_size=3), max_size=4
)


@given(OBJECTS, st.integers(1, 9), st.sampled_from([",", "\n,\r\n", " , "]))
def test_an_array_is_cut_wherever_its_bytes_are(objects: list[dict[str, Any]], size: int, between: str) -> None:
    data = ("[" + between.join(msgspec.json.encode(one).decode() for one in objects) + "\n]").encode()
    splitter = ArraySplitter()
    found = [one for at in range(0, len(data), size) for one in splitter.feed(data[at : at + size])]

    assert [msgspec.json.decode(one) for one in found] == objects
    assert splitter.is_closed


def test_a_large_object_in_many_reads_costs_no_copy_of_the_whole_each_time() -> None:
    splitter = ArraySplitter()
    assert splitter.feed(b'[{"a":"') == []
    for _ in range(20_000):
        assert splitter.feed(b"x" * 1000) == []
    assert len(splitter.feed(b'"}')[0]) == 20_000_008


def test_an_endless_object_ends_the_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream_module, "MAX_EVENT_BYTES", 1000)
    splitter = ArraySplitter()
    with pytest.raises(EventTooLong):
        for _ in range(30):
            splitter.feed(b'[{"' + b"x" * 100)


@given(st.lists(st.binary(max_size=30) | st.sampled_from([b"data: ", b"\n\n", b"[", b"{}", b'{"candidates":', b'"', b"}]"]), max_size=12))
def test_no_bytes_break_the_decoder(chunks: list[bytes]) -> None:
    decoded(chunks)
