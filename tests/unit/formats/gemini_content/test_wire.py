from modelgate.core.errors import InvalidRequest
from modelgate.core.http import HeaderBlock, HttpRequest
from modelgate.core.rates import RateFacts
from modelgate.formats.chat.request import ChatRequest
from modelgate.formats.chat.wire_format import load_wire_formats
from modelgate.formats.gemini_content.wire import FIELD_NAMES, WIRE_FORMAT


def test_the_dialect_is_found_by_its_folder() -> None:
    assert load_wire_formats()["gemini_content"] is WIRE_FORMAT


def test_names_of_fields_are_names_of_neutral_fields() -> None:
    assert set(FIELD_NAMES) <= set(ChatRequest.__struct_fields__)


def test_streams_are_events_only_when_asked_for() -> None:
    request = HttpRequest(
        method="POST", path="/v1/models/m:streamGenerateContent", headers=HeaderBlock(), body=b'{"contents":[{"parts":[{"text":"x"}]}]}'
    )
    assert WIRE_FORMAT.stream_type(WIRE_FORMAT.peek(request)) == b"application/json"
    assert WIRE_FORMAT.stream_error_for is not None
    assert WIRE_FORMAT.stream_error_for(WIRE_FORMAT.peek(request))(InvalidRequest("x"), "").endswith(b"]")
    request.query = "alt=sse"
    assert WIRE_FORMAT.stream_error_for(WIRE_FORMAT.peek(request))(InvalidRequest("x"), "").startswith(b"data: ")
    assert WIRE_FORMAT.stream_type(WIRE_FORMAT.peek(request)) == b"text/event-stream"
    assert WIRE_FORMAT.keep_alive == b""  # an array has no place for it, and the official client takes a comment for JSON


def test_no_rates_are_told() -> None:
    assert WIRE_FORMAT.rate_lines is not None
    assert WIRE_FORMAT.rate_lines(RateFacts(), 0.0) == b""
