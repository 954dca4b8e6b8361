import msgspec
import pytest

from modelgate.core.usage import Usage
from modelgate.formats.openai_responses.usage import decode_usage, encode_usage


def test_there_and_back() -> None:
    usage = Usage(input_tokens=9, cached_tokens=4, cache_write_tokens=5, output_tokens=5, reasoning_tokens=2)
    assert decode_usage(msgspec.Raw(msgspec.json.encode(encode_usage(usage)))) == (usage, False)


def test_a_token_read_and_written_is_charged_as_read() -> None:
    body = b'{"input_tokens":9,"output_tokens":1,"input_tokens_details":{"cached_tokens":6,"cache_write_tokens":9}}'
    assert decode_usage(msgspec.Raw(body)) == (Usage(input_tokens=9, output_tokens=1, cached_tokens=6, cache_write_tokens=3), False)


@pytest.mark.parametrize("body", [b"", b"null", b"{}"])
def test_nothing_said_is_nothing_refused(body: bytes) -> None:
    assert decode_usage(msgspec.Raw(body)) == (None, False)


@pytest.mark.parametrize(
    "body",
    [
        b'{"input_tokens":-1}',
        b'{"output_tokens":1000000001}',
        b'{"input_tokens":1.5}',
        b'{"input_tokens":5,"input_tokens_details":{"cached_tokens":6}}',
        b'{"input_tokens":5,"input_tokens_details":{"cache_write_tokens":6}}',
        b'{"output_tokens":5,"output_tokens_details":{"reasoning_tokens":-1}}',
        b"[]",
    ],
)
def test_what_cannot_be_is_refused(body: bytes) -> None:
    assert decode_usage(msgspec.Raw(body)) == (None, True)
