"""The official OpenAI client orders pictures at the sandbox."""

import base64
import io
import urllib.request

import openai
import pytest
from PIL import Image


def _png(mode: str = "RGB") -> bytes:
    buffer = io.BytesIO()
    Image.new(mode, (64, 64), "red").save(buffer, "PNG")
    return buffer.getvalue()


def test_urls_can_be_fetched(client: openai.OpenAI) -> None:
    made = client.images.generate(model="dall-e-3", prompt="a fox", size="1792x1024")
    assert made.data is not None
    assert made.data[0].revised_prompt
    with urllib.request.urlopen(made.data[0].url or "") as response:
        assert Image.open(io.BytesIO(response.read())).size == (1792, 1024)


def test_stream(client: openai.OpenAI) -> None:
    events = list(client.images.generate(model="gpt-image-1", prompt="a fox", quality="low", stream=True, partial_images=1))
    assert [event.type for event in events] == ["image_generation.partial_image", "image_generation.completed"]
    assert Image.open(io.BytesIO(base64.b64decode(events[-1].b64_json))).size == (1024, 1024)
    assert events[-1].usage.output_tokens == 372  # type: ignore[union-attr]
    with pytest.raises(openai.APIError, match="server had an error"):
        list(client.images.generate(model="gpt-image-1", prompt="magic: error-in-stream", stream=True, partial_images=3))


@pytest.mark.anyio
async def test_edits_and_variations(async_client: openai.AsyncOpenAI) -> None:
    one = ("a.png", _png(), "image/png")
    made = await async_client.images.edit(model="gpt-image-1", image=[one, one], prompt="a hat", mask=("m.png", _png("RGBA"), "image/png"))
    assert made.usage is not None
    assert made.usage.input_tokens_details.image_tokens > 0
    stream = await async_client.images.edit(model="gpt-image-1", image=one, prompt="a hat", stream=True)
    assert [event.type async for event in stream] == ["image_edit.completed"]
    with pytest.warns(DeprecationWarning, match="deprecated"):
        varied = await async_client.images.create_variation(image=one, n=2, size="256x256", response_format="b64_json")
    assert [bool(datum.b64_json) for datum in varied.data or ()] == [True, True]


def test_errors(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.images.generate(model="dall-e-3", prompt="a fox", n=2)
    assert caught.value.param == "n"
    with pytest.raises(openai.RateLimitError):
        client.images.generate(model="gpt-image-1", prompt="magic: error-429")
    with pytest.raises(openai.BadRequestError) as no_picture:
        client.images.edit(model="gpt-image-1", image=("a.png", b"no picture", "image/png"), prompt="a hat")
    assert no_picture.value.code == "invalid_image_file"
