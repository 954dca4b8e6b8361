import json

from modelgate.core.errors import UpstreamTimeout
from modelgate.formats.openai_responses.errors import LAST_NUMBER, encode_stream_error, stream_error_of
from modelgate.formats.openai_responses.schema import Event


def test_an_error_in_a_stream_is_one_event_with_all_keys() -> None:
    name, _, data = encode_stream_error(UpstreamTimeout(), "req_1").decode().partition("\n")
    assert name == "event: error"
    assert data.endswith("\n\n")
    assert json.loads(data.removeprefix("data: ")) == {
        "type": "error",
        "sequence_number": LAST_NUMBER,
        "code": "upstream_timeout",
        "message": "The upstream did not answer in time. (request id: req_1)",
        "param": None,
    }


def test_keys_are_taken_out_of_an_upstreams_words() -> None:
    found = stream_error_of(Event(type="error", message="Bad key sk-abcdefgh12345", code="invalid_api_key"))
    assert (found.code, "sk-abc" in found.message) == ("invalid_api_key", False)
