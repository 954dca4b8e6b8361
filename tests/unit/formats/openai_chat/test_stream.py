from modelgate.core.errors import UpstreamError
from modelgate.formats.openai_chat.stream import encode_stream_error


def test_an_error_event_is_what_the_official_client_raises_on() -> None:
    assert encode_stream_error(UpstreamError("cut"), "req_1").startswith(b'data: {"error":{"message":"cut (request id: req_1)"')
