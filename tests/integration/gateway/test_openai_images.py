"""The official OpenAI client through a running gateway: pictures made, edited and varied, and what each of them costs."""

import asyncio
import base64
import io
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from PIL import Image
from tests.integration.gateway.conftest import Installation, record_of

TEXT_NANOS, SHOWN_NANOS, DRAWN_NANOS = 5_000, 10_000, 40_000
"""gpt-image-1: nano-USD per token."""


@pytest.fixture(scope="module")
def client(installation: Installation) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(api_key=installation.test_key, base_url=f"{installation.base_url}/v1", max_retries=0, timeout=60) as made:
        yield made


def png(side_px: int = 256, *, alpha: int = 255) -> bytes:
    data = io.BytesIO()
    Image.new("RGBA", (side_px, side_px), (200, 30, 30, alpha)).save(data, "PNG")
    return data.getvalue()


def shown(data: str | None) -> Image.Image:
    assert data is not None
    return Image.open(io.BytesIO(base64.b64decode(data)))


def token_nanos(usage: Any) -> int:
    details = usage.input_tokens_details
    return int(details.text_tokens * TEXT_NANOS + details.image_tokens * SHOWN_NANOS + usage.output_tokens * DRAWN_NANOS)


@pytest.mark.parametrize(
    ("model", "more", "unit", "nanos"),
    [
        ("dall-e-2", {"size": "256x256", "n": 2}, "images:256x256", 32_000_000),
        ("dall-e-2", {}, "images:1024x1024", 20_000_000),
        (openai.NOT_GIVEN, {"size": "512x512"}, "images:512x512", 18_000_000),
        ("dall-e-3", {}, "images:1024x1024", 40_000_000),
        ("dall-e-3", {"quality": "hd", "style": "natural"}, "images:1024x1024-hd", 80_000_000),
        ("dall-e-3", {"quality": "hd", "size": "1792x1024"}, "images:1792x1024-hd", 120_000_000),
    ],
)
def test_pictures_paid_by_the_piece(
    client: openai.OpenAI, installation: Installation, model: Any, more: dict[str, Any], unit: str, nanos: int
) -> None:
    raw = client.images.with_raw_response.generate(model=model, prompt="a red kite", response_format="b64_json", **more)
    answer = raw.parse()
    assert answer.data is not None
    assert [shown(each.b64_json).format for each in answer.data] == ["PNG"] * more.get("n", 1)
    record = record_of(installation, raw.headers["x-request-id"])
    assert (record["amount_nanos"], record["units"]) == (nanos, {unit: more.get("n", 1)})
    assert record["model"] == ("dall-e-2" if model is openai.NOT_GIVEN else model)


def test_a_picture_by_address(client: openai.OpenAI) -> None:
    answer = client.images.generate(model="dall-e-3", prompt="a red kite")
    assert answer.data is not None
    assert (answer.data[0].url or "").startswith("http")
    assert answer.data[0].revised_prompt


def test_pictures_paid_by_tokens(client: openai.OpenAI, installation: Installation) -> None:
    raw = client.images.with_raw_response.generate(
        model="gpt-image-1", prompt="a red kite", n=2, quality="low", size="1024x1536", output_format="webp", background="opaque"
    )
    answer = raw.parse()
    assert answer.data is not None
    assert answer.usage is not None
    assert [shown(each.b64_json).format for each in answer.data] == ["WEBP"] * 2
    record = record_of(installation, raw.headers["x-request-id"])
    assert record["amount_nanos"] == token_nanos(answer.usage)
    assert record["units"] == {"output_image_tokens": answer.usage.output_tokens, "images:1024x1536-low": 2}
    assert (record["input_tokens"], record["output_tokens"]) == (answer.usage.input_tokens, answer.usage.output_tokens)


def test_a_picture_that_comes_out_of_a_blur(client: openai.OpenAI, installation: Installation) -> None:
    raw = client.images.with_raw_response.generate(model="gpt-image-1", prompt="a red kite", quality="low", stream=True, partial_images=2)
    events: list[Any] = list(raw.parse())
    assert [event.type.rpartition(".")[2] for event in events] == ["partial_image", "partial_image", "completed"]
    assert shown(events[-1].b64_json).size == (1024, 1024)
    record = record_of(installation, raw.headers["x-request-id"])
    assert record["amount_nanos"] == token_nanos(events[-1].usage)
    assert record["stream"]


def test_pictures_of_the_async_client(installation: Installation) -> None:
    async def draw() -> int:
        async with openai.AsyncOpenAI(api_key=installation.test_key, base_url=f"{installation.base_url}/v1", max_retries=0) as client:
            stream = await client.images.generate(model="gpt-image-1", prompt="a kite", quality="low", stream=True)
            return len([event async for event in stream])

    assert asyncio.run(draw()) == 1


@pytest.mark.parametrize("image", [png(), [("a.png", png()), ("b.png", png(64))]], ids=["one", "two"])
def test_edits_of_uploads(client: openai.OpenAI, installation: Installation, image: Any) -> None:
    image = ("kite.png", image) if isinstance(image, bytes) else image
    raw = client.images.with_raw_response.edit(
        model="gpt-image-1", image=image, prompt="make it blue", quality="low", input_fidelity="high"
    )
    answer = raw.parse()
    assert answer.usage is not None
    assert answer.usage.input_tokens_details.image_tokens > 0
    record = record_of(installation, raw.headers["x-request-id"])
    assert record["amount_nanos"] == token_nanos(answer.usage)
    assert record["units"]["input_image_tokens"] == answer.usage.input_tokens_details.image_tokens


def test_an_edit_with_a_mask_by_the_default_model_is_streamed(client: openai.OpenAI, installation: Installation) -> None:
    raw = client.images.with_raw_response.edit(
        image=("kite.png", png()), mask=("mask.png", png(alpha=0)), prompt="make it blue", stream=True, partial_images=1
    )
    events: list[Any] = list(raw.parse())
    assert [event.type for event in events] == ["image_edit.partial_image", "image_edit.completed"]
    record = record_of(installation, raw.headers["x-request-id"])
    assert record["model"] == "gpt-image-1.5"
    used = events[-1].usage
    text, seen = used.input_tokens_details.text_tokens, used.input_tokens_details.image_tokens
    assert record["amount_nanos"] == text * 5_000 + seen * 8_000 + used.output_tokens * 32_000


def test_an_edit_as_json(client: openai.OpenAI, installation: Installation) -> None:
    picture = "data:image/png;base64," + base64.b64encode(png()).decode()
    body = {"model": "gpt-image-1", "prompt": "make it blue", "quality": "low", "images": [{"image_url": picture}]}
    answer = client.post("/images/edits", body=body, cast_to=openai.types.ImagesResponse)
    assert answer.data is not None
    assert shown(answer.data[0].b64_json).size == (1024, 1024)


@pytest.mark.filterwarnings("ignore:deprecated:DeprecationWarning")
def test_an_edit_and_variations_by_dall_e_2(client: openai.OpenAI, installation: Installation) -> None:
    edit = client.images.with_raw_response.edit(model="dall-e-2", image=("k.png", png()), prompt="make it blue", size="256x256")
    assert record_of(installation, edit.headers["x-request-id"])["amount_nanos"] == 16_000_000
    raw = client.images.with_raw_response.create_variation(image=("k.png", png()), n=2, size="512x512", response_format="b64_json")
    answer = raw.parse()
    assert answer.data is not None
    assert len(answer.data) == 2
    record = record_of(installation, raw.headers["x-request-id"])
    assert (record["amount_nanos"], record["units"]) == (36_000_000, {"images:512x512": 2})


@pytest.mark.parametrize(
    ("more", "param"),
    [
        ({"size": "1x1"}, "size"),
        ({"n": 2}, "n"),
        ({"background": "opaque"}, "background"),
        ({"prompt": "x" * 4001}, "prompt"),
        ({"prompt": ""}, "prompt"),
    ],
)
def test_what_the_model_does_not_take_is_a_bad_request_that_costs_nothing(client: openai.OpenAI, more: dict[str, Any], param: str) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        client.images.generate(**{"model": "dall-e-3", "prompt": "a kite", **more})
    assert refused.value.param == param


def test_what_the_vendor_refuses_is_told_in_its_words_and_released(client: openai.OpenAI, installation: Installation) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        client.images.edit(model="dall-e-2", image=("k.png", b"no picture"), prompt="make it blue")
    assert refused.value.param == "image"
    record = record_of(installation, refused.value.response.headers["x-request-id"])
    assert (record["status"], record["amount_nanos"]) == (400, 0)


@pytest.mark.filterwarnings("ignore:deprecated:DeprecationWarning")
@pytest.mark.parametrize("model", ["gpt-4o-mini", "dall-e-3"])
def test_a_model_that_makes_no_variations_is_told_so(client: openai.OpenAI, model: str) -> None:
    with pytest.raises(openai.BadRequestError, match="has no operation 'image variations'"):
        client.images.create_variation(model=model, image=("k.png", png()))


def test_a_stream_that_ends_in_an_error_is_one_for_the_client(client: openai.OpenAI, installation: Installation) -> None:
    raw = client.images.with_raw_response.generate(
        model="gpt-image-1", prompt="a kite\nmagic: error-in-stream", quality="low", stream=True, partial_images=3
    )
    with pytest.raises(openai.APIError):
        list(raw.parse())
    record = record_of(installation, raw.headers["x-request-id"])
    assert (record["error"], record["output_tokens"]) == ("stream_error", 0)


def test_pictures_without_usage_are_estimated(client: openai.OpenAI, installation: Installation) -> None:
    raw = client.images.with_raw_response.generate(model="gpt-image-1", prompt="a kite\nmagic: no-usage", quality="low", size="1024x1024")
    record = record_of(installation, raw.headers["x-request-id"])
    assert (bool(record["estimated"]), record["output_tokens"]) == (True, 272)
