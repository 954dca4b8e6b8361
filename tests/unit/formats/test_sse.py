import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelgate.formats import sse

STREAM = b': keep-alive\n\ndata: {"a":1}\n\nevent: ping\r\ndata: {}\r\n\r\ndata: first\ndata:second\n\nevent:last\rdata: \xc3\xa4\r\r'


def _read(pieces: list[bytes]) -> list[tuple[bytes, bytes]]:
    splitter = sse.Splitter()
    whole = b"".join([splitter.feed(piece) for piece in pieces]) + splitter.finish()
    return [(frame.event, frame.data) for frame in sse.parse_frames(whole) if frame.data]


EXPECTED = [(b"", b'{"a":1}'), (b"ping", b"{}"), (b"", b"first\nsecond"), (b"last", b"\xc3\xa4")]


def test_all_line_ends_and_comments_are_understood() -> None:
    assert _read([STREAM]) == EXPECTED


@pytest.mark.parametrize("at", range(len(STREAM)))
def test_split_anywhere_it_reads_the_same(at: int) -> None:
    assert _read([STREAM[:at], STREAM[at:]]) == EXPECTED


def test_byte_by_byte_it_reads_the_same_and_frames_keep_their_bytes() -> None:
    assert _read([STREAM[at : at + 1] for at in range(len(STREAM))]) == EXPECTED
    assert b"".join(frame.raw for frame in sse.parse_frames(STREAM)) == STREAM


def test_an_event_without_its_blank_line_is_made_whole_at_the_end() -> None:
    splitter = sse.Splitter()
    assert splitter.feed(b"data: x\n") == b""
    assert sse.parse_frames(splitter.finish())[0].data == b"x"
    assert splitter.finish() == b""


def test_an_endless_event_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "MAX_EVENT_BYTES", 100)
    splitter = sse.Splitter()
    with pytest.raises(sse.EventTooLong):
        for _ in range(20):
            splitter.feed(b"data: 0123456789")


def test_what_is_rendered_is_read_back() -> None:
    assert sse.render_event(b"{}", event=b"message_stop") == b"event: message_stop\ndata: {}\n\n"
    assert sse.render_event(b"{}") == b"data: {}\n\n"


PIECES = st.lists(st.sampled_from([b"\n", b"\r\n", b"\r", b"data:", b"data: ", b"x", b" ", b": c", b"event: e"]), max_size=12).map(b"".join)


@given(PIECES)
def test_the_short_ways_read_what_the_patterns_read(data: bytes) -> None:
    whole = data + b"\n\n"
    pieces: list[bytes] = []
    start = 0
    for blank in sse._BLANK_LINE.finditer(whole):
        pieces.append(whole[start : blank.end()])
        start = blank.end()
    assert sse.split_events(whole) == pieces + ([whole[start:]] if start < len(whole) else [])
    assert [sse.data_of(event) for event in pieces] == [b"\n".join(sse._FIELD_DATA.findall(event)) for event in pieces]


def test_other_data_goes_in_the_place_of_an_events_own() -> None:
    assert sse.replace_data(b'event: error\ndata: {"a":1}\n\n', b"{}") == b"event: error\ndata: {}\n\n"
    assert sse.replace_data(b"data: a\ndata: b\n\n", b"c\nd") == b"data: c\ndata: d\n\n"
