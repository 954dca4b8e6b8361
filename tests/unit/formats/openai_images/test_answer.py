import json

import pytest

from modelgate.core.usage import Usage
from modelgate.formats.chat.wire_format import UnreadableAnswer
from modelgate.formats.openai_images.answer import Order, decode_error, pass_pictures, stream_pictures
from modelgate.formats.openai_images.families import family_of
from modelgate.formats.openai_images.schema import ImageRequest


def order(model: str, n: int = 1) -> Order:
    return Order(ask=ImageRequest(prompt="a kite", n=n, size="1024x1024"), family=family_of(model))


def answer(pictures: int, **more: object) -> bytes:
    return json.dumps({"created": 1, "data": [{"url": "https://x"}] * pictures, **more}).encode()


@pytest.mark.parametrize(("sent", "paid"), [(1, 1), (2, 2), (5, 2)])
def test_so_many_are_paid_as_came_and_were_asked_for(sent: int, paid: int) -> None:
    passed = pass_pictures(answer(sent), order("dall-e-2", n=2))
    assert (passed.body, passed.usage, passed.usage_refused) == (answer(sent), Usage(images=paid, variant="1024x1024"), False)


def test_tokens_are_read_and_estimated_where_none_are_said() -> None:
    used = {"input_tokens": 5, "output_tokens": 7, "total_tokens": 12}
    assert pass_pictures(answer(1, usage=used), order("gpt-image-1")).usage == Usage(
        input_tokens=5, output_tokens=7, output_image_tokens=7, images=1, variant="1024x1024"
    )
    for usage, refused in ((None, False), ({"input_tokens": -1}, True)):
        passed = pass_pictures(answer(1, usage=usage), order("gpt-image-1"))
        assert passed.usage is not None
        assert (passed.usage.estimated, passed.usage.output_tokens, passed.usage_refused) == (True, 1_056, refused)


@pytest.mark.parametrize("body", [b"", b"[]", b'{"data":[]}', b'{"data":{}}', b'{"created":1}', b"\xff"])
def test_what_holds_no_picture_is_unreadable(body: bytes) -> None:
    with pytest.raises(UnreadableAnswer):
        pass_pictures(body, order("dall-e-2"))


@pytest.mark.parametrize("size", [1, 10, 10_000])
def test_events_pass_and_the_last_one_counts(size: int) -> None:
    picture = b"QUJD" * 100
    data = b'event: image_generation.partial_image\ndata: {"type":"image_generation.partial_image","b64_json":"%b"}\n\n' % picture
    data += b'event: x.completed\ndata: {"type":"x.completed","b64_json":"%b","usage":{"input_tokens":5,"output_tokens":7}}\n\n' % picture
    streamed = stream_pictures(order("gpt-image-1"), done="x.completed")
    passed = b"".join(streamed.relay.feed(data[at : at + size]) for at in range(0, len(data), size)) + streamed.relay.finish()
    assert passed + streamed.relay.final == data
    assert streamed.relay.is_complete()
    assert streamed.relay.usage == Usage(input_tokens=5, output_tokens=7, output_image_tokens=7, images=1, variant="1024x1024")
    assert not streamed.is_file


@pytest.mark.parametrize("code", ["moderation_blocked", "content_policy_violation"])
def test_a_refused_prompt_keeps_the_vendors_word(code: str) -> None:
    body = json.dumps({"error": {"message": "no", "type": "image_generation_user_error", "code": code}}).encode()
    assert decode_error(400, body).code == code
    assert decode_error(400, b'{"error":{"message":"blocked by the content_filter"}}').code == "content_filter"
    assert decode_error(429, b"{}").code == "rate_limit_exceeded"
