from modelgate.core.errors import UpstreamFailed
from modelgate.formats.chat.wire_format import load_wire_formats
from modelgate.formats.openai_chat.peek import peek_request
from modelgate.formats.openai_chat.wire import WIRE_FORMAT


def test_the_dialect_is_found_by_its_name() -> None:
    assert load_wire_formats()["openai_chat"] is WIRE_FORMAT


def test_streams_are_server_sent_events(ask) -> None:
    assert WIRE_FORMAT.stream_type(peek_request(ask())) == b"text/event-stream; charset=utf-8"
    assert WIRE_FORMAT.keep_alive.startswith(b":")


def test_an_overloaded_vendor_of_another_dialect_is_told_as_503() -> None:
    answer = WIRE_FORMAT.encode_error(UpstreamFailed("full", status=529), "req_1")
    assert answer.status == 503
    assert b'"code":"overloaded_error"' in bytes(answer.body)  # type: ignore[arg-type]
