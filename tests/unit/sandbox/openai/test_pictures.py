import base64
import io
import json
from typing import Any

import pytest
from PIL import Image

PATH = "/v1/images/generations"


def _open(datum: dict[str, Any]) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(datum["b64_json"])))


def _png(size: tuple[int, int] = (64, 64), colour: Any = "red", mode: str = "RGB") -> bytes:
    buffer = io.BytesIO()
    Image.new(mode, size, colour).save(buffer, "PNG")
    return buffer.getvalue()


def test_pictures_behind_urls(openai_vendor: Any) -> None:
    made = openai_vendor.post(PATH, prompt="a fox", n=2, size="256x256").json()
    assert set(made) == {"created", "data"}
    assert [set(datum) for datum in made["data"]] == [{"url"}, {"url"}]
    pictures = [openai_vendor.client.get(datum["url"], headers={"authorization": ""}).content for datum in made["data"]]
    assert pictures[0] != pictures[1]
    assert Image.open(io.BytesIO(pictures[0])).size == (256, 256)
    assert openai_vendor.counted() == [("req_9", "", 0, 2, True, 200)]


def test_revised_prompts(openai_vendor: Any) -> None:
    body = {"model": "dall-e-3", "prompt": "a fox.", "response_format": "b64_json", "style": "natural"}
    (datum,) = openai_vendor.post(PATH, **body).json()["data"]
    assert datum["revised_prompt"] == "a fox, drawn by the sandbox in a natural style."
    assert _open(datum).size == (1024, 1024)


@pytest.mark.parametrize(("kind", "format"), [("png", "PNG"), ("jpeg", "JPEG"), ("webp", "WEBP")])
def test_pictures_with_usage(openai_vendor: Any, kind: str, format: str) -> None:
    made = openai_vendor.post(PATH, model="gpt-image-1", prompt="a fox", size="1536x1024", quality="low", output_format=kind).json()
    assert (_open(made["data"][0]).format, _open(made["data"][0]).size) == (format, (1536, 1024))
    assert (made["size"], made["quality"], made["output_format"], made["background"]) == ("1536x1024", "low", kind, "opaque")
    assert made["usage"] == {
        "total_tokens": 410,
        "input_tokens": 2,
        "output_tokens": 408,
        "input_tokens_details": {"text_tokens": 2, "image_tokens": 0},
        "output_tokens_details": {"image_tokens": 408, "text_tokens": 0},
    }
    assert openai_vendor.counted()[0][2:4] == (2, 408)


def test_compression_and_transparency(openai_vendor: Any) -> None:
    body = {"model": "gpt-image-1", "prompt": "a fox", "output_format": "jpeg"}
    sizes = [len(openai_vendor.post(PATH, **body, output_compression=each).json()["data"][0]["b64_json"]) for each in (100, 10)]
    assert sizes[0] > 2 * sizes[1]
    clear = _open(openai_vendor.post(PATH, model="gpt-image-1", prompt="a fox", background="transparent").json()["data"][0])
    assert clear.mode == "RGBA"
    assert clear.getpixel((0, 0))[3] == 0  # type: ignore[index]
    assert clear.getpixel((512, 512))[3] == 255  # type: ignore[index]


def test_sizes_of_other_vendors(openai_vendor: Any) -> None:
    body = {"model": "flux-kontext-pro", "prompt": "a fox", "response_format": "b64_json"}
    assert _open(openai_vendor.post(PATH, **body, aspect_ratio="16:9").json()["data"][0]).size == (1024, 576)
    assert _open(openai_vendor.post(PATH, **body, size="320x200").json()["data"][0]).size == (320, 200)


def test_a_stream_comes_out_of_a_blur(openai_vendor: Any) -> None:
    text = openai_vendor.post(PATH, model="gpt-image-1", prompt="a fox", stream=True, partial_images=2, quality="low").text
    events = [part.split("\ndata: ") for part in text.strip().split("\n\n")]
    data = [json.loads(part) for _, part in events]
    assert [name for name, _ in events] == [f"event: {each['type']}" for each in data]
    assert [each["type"] for each in data] == ["image_generation.partial_image"] * 2 + ["image_generation.completed"]
    assert [each.get("partial_image_index") for each in data] == [0, 1, None]
    assert len({each["b64_json"] for each in data}) == 3
    assert data[-1]["usage"]["output_tokens"] == 272 + 2 * 100
    assert data[-1]["created_at"] == 1_790_000_000


def test_edits_show_what_they_began_with(openai_vendor: Any) -> None:
    files = [("image[]", ("a.png", _png(), "image/png")), ("image[]", ("b.png", _png(colour="blue"), "image/png"))]
    made = openai_vendor.client.post("/v1/images/edits", data={"model": "gpt-image-1", "prompt": "a hat"}, files=files).json()
    picture = _open(made["data"][0]).convert("RGB")
    assert picture.getpixel((1024 - 40, 40)) == (255, 0, 0)
    assert made["usage"]["input_tokens_details"]["image_tokens"] > 0
    body = {"prompt": "a hat", "images": [{"image_url": "https://example.com/a.png"}], "stream": True}
    assert "event: image_edit.completed\n" in openai_vendor.post("/v1/images/edits", **body).text


def test_a_mask_keeps_what_it_covers(openai_vendor: Any) -> None:
    mask = Image.new("RGBA", (64, 64), (0, 0, 0, 255))
    mask.paste((0, 0, 0, 0), (32, 0, 64, 64))
    buffer = io.BytesIO()
    mask.save(buffer, "PNG")
    files = {"image": ("a.png", _png(), "image/png"), "mask": ("m.png", buffer.getvalue(), "image/png")}
    data = {"model": "dall-e-2", "prompt": "a hat", "size": "256x256", "response_format": "b64_json"}
    picture = _open(openai_vendor.client.post("/v1/images/edits", data=data, files=files).json()["data"][0]).convert("RGB")
    assert picture.getpixel((20, 20)) == (255, 0, 0)
    assert picture.getpixel((230, 20)) != (255, 0, 0)


def test_variations(openai_vendor: Any) -> None:
    files = {"image": ("a.png", _png(), "image/png")}
    made = openai_vendor.client.post("/v1/images/variations", data={"n": "2", "size": "256x256"}, files=files).json()
    assert len(made["data"]) == 2


def test_magic(openai_vendor: Any) -> None:
    assert openai_vendor.error(PATH, prompt="magic: error-429")[0] == 429
    body = {"model": "gpt-image-1", "quality": "low"}
    pinned = openai_vendor.post(PATH, **body, prompt="a fox\nmagic: tokens 50 700").json()["usage"]
    assert (pinned["input_tokens"], pinned["output_tokens"], pinned["total_tokens"]) == (50, 700, 750)
    assert "usage" not in openai_vendor.post(PATH, **body, prompt="magic: no-usage").json()
    assert openai_vendor.post(PATH, **body, prompt="magic: bad-usage").json()["usage"]["input_tokens"] < 0
    stream = openai_vendor.post(PATH, **body, prompt="magic: error-in-stream", stream=True, partial_images=2).text
    assert "image_generation.partial_image" in stream
    assert "completed" not in stream
    assert stream.endswith("\n\n")
    assert "event: error\n" in stream
