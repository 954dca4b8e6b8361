import pytest

from modelgate.formats import sse
from modelgate.formats.chat.events import ResponseStart, TextDelta
from modelgate.formats.openai_responses.stream_decoder import ResponsesDecoder
from modelgate.formats.sse import EventTooLong


def test_a_start_comes_first_even_where_none_was_told() -> None:
    events = ResponsesDecoder().feed(b'data: {"type":"response.output_text.delta","delta":"Hi"}\n\n')
    assert events == [ResponseStart(), TextDelta(text="Hi")]


def test_nothing_is_read_after_the_end() -> None:
    decoder = ResponsesDecoder()
    decoder.feed(b'data: {"type":"response.completed","response":{"status":"completed","output":[]}}\n\n')
    assert decoder.feed(b'data: {"type":"response.output_text.delta","delta":"Hi"}\n\n') == []


def test_an_event_beyond_all_bounds_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "MAX_EVENT_BYTES", 100)
    with pytest.raises(EventTooLong):
        ResponsesDecoder().feed(b"data: " + b"x" * 200)
