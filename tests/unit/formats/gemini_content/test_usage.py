import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelgate.core.usage import MAX_UNITS, Usage
from modelgate.formats.chat.request import Text
from modelgate.formats.gemini_content.decode_response import decode_response
from modelgate.formats.gemini_content.schema import UsageMetadata
from modelgate.formats.gemini_content.usage import decode_usage, encode_usage, says_something, usage_of


def counted(**counts: int) -> UsageMetadata:
    return UsageMetadata(**counts)


def test_thoughts_and_tools_are_added_where_the_vendor_leaves_them_out() -> None:
    """Symptom of others: thoughts billed twice, or not at all."""
    usage = usage_of(
        counted(
            prompt_token_count=4,
            candidates_token_count=611,
            thoughts_token_count=1807,
            tool_use_prompt_token_count=6,
            total_token_count=2428,
        )
    )
    assert usage == Usage(input_tokens=10, output_tokens=2418, reasoning_tokens=1807)


@pytest.mark.parametrize(
    "figures",
    [
        {"prompt_token_count": -1, "candidates_token_count": 1},
        {"prompt_token_count": 1, "candidates_token_count": -5, "thoughts_token_count": 9},
        {"prompt_token_count": 1, "cached_content_token_count": 2},
        {"prompt_token_count": MAX_UNITS + 1},
        {"prompt_token_count": 5, "total_token_count": 3},
        {"prompt_token_count": 5, "thoughts_token_count": 9, "total_token_count": 8},
    ],
)
def test_what_cannot_be_is_not_believed(figures: dict[str, int]) -> None:
    assert usage_of(counted(**figures)) is None


def test_pictures_without_counts_are_estimated() -> None:
    usage = usage_of(counted(prompt_token_count=4, candidates_token_count=0), images=2)
    assert usage == Usage(input_tokens=4, output_tokens=2580, output_image_tokens=2580, estimated=True)


def test_counts_may_be_text_and_empty() -> None:
    assert decode_usage(msgspec.Raw(b'{"promptTokenCount":"7","x":1}')) == counted(prompt_token_count=7)
    assert decode_usage(msgspec.Raw(b"")) is decode_usage(msgspec.Raw(b"null")) is None
    assert not says_something(UsageMetadata())
    assert says_something(counted(total_token_count=1))


@pytest.mark.parametrize("said", [b"[]", b'"much"', b'{"promptTokenCount":{}}'])
def test_symptom_an_answer_was_thrown_away_for_the_form_of_its_usage(said: bytes) -> None:
    """The upstream had been paid for it, and was asked, and paid, once more; a stream ended in the middle of it."""
    found = decode_usage(msgspec.Raw(said))
    assert found is not None
    assert says_something(found)
    assert usage_of(found) is None
    body = b'{"candidates":[{"content":{"parts":[{"text":"Hi"}]},"finishReason":"STOP"}],"usageMetadata":%b}' % said
    response = decode_response(body)
    assert (response.choices[0].parts, response.usage, response.usage_refused) == ((Text(text="Hi"),), None, True)


USAGES = st.builds(
    lambda text, audio, image, cached, said, thought, spoken, drawn: Usage(
        input_tokens=text + audio + image + cached,
        cached_tokens=cached,
        input_audio_tokens=audio,
        input_image_tokens=image,
        output_tokens=said + thought + spoken + drawn,
        reasoning_tokens=thought,
        output_audio_tokens=spoken,
        output_image_tokens=drawn,
    ),
    *[st.integers(0, 1000)] * 8,
)


@given(USAGES)
def test_what_is_told_is_read_back(usage: Usage) -> None:
    told = decode_usage(msgspec.json.encode(encode_usage(usage)))
    assert told is not None
    assert usage_of(told) == usage
