import msgspec
import pytest

from modelgate.core.usage import Usage
from modelgate.formats.openai_chat.usage import decode_usage, encode_usage


def test_what_is_written_is_read_again() -> None:
    usage = Usage(
        input_tokens=100,
        cached_tokens=20,
        cache_write_tokens=30,
        input_audio_tokens=4,
        input_image_tokens=5,
        output_tokens=50,
        reasoning_tokens=6,
        output_audio_tokens=7,
        output_image_tokens=8,
    )
    raw = msgspec.Raw(msgspec.json.encode(encode_usage(usage)))
    assert decode_usage(raw) == (usage, False)


@pytest.mark.parametrize("text", [b"", b"null", b"{}"])
def test_nothing_said_is_nothing_refused(text: bytes) -> None:
    assert decode_usage(msgspec.Raw(text)) == (None, False)


@pytest.mark.parametrize(
    "text", [b"5", b'{"prompt_tokens":"7"}', b'{"prompt_tokens":-1}', b'{"prompt_tokens":1,"prompt_cache_hit_tokens":2}']
)
def test_what_cannot_be_is_refused(text: bytes) -> None:
    assert decode_usage(msgspec.Raw(text)) == (None, True)


@pytest.mark.parametrize("field", ["prompt_cache_hit_tokens", "cached_tokens"])
def test_cached_tokens_in_places_of_their_own(field: str) -> None:
    raw = msgspec.Raw(b'{"prompt_tokens":10,"completion_tokens":1,"%b":4}' % field.encode())
    assert decode_usage(raw) == (Usage(input_tokens=10, cached_tokens=4, output_tokens=1), False)
