from typing import Any

import pytest

from modelgate.sandbox.luma import KEY as LUMA_SECRET
from modelgate.sandbox.luma import LumaRefused, check_key, check_order
from modelgate.sandbox.luma.schema import KINDS

URL = "https://example.com/fox.png"
NEEDS: dict[str, dict[str, Any]] = {
    "video": {"model": "ray-2", "prompt": "a fox"},
    "image": {"model": "photon-1", "prompt": "a fox"},
    "video/modify": {"model": "ray-2", "media": {"url": URL}, "mode": "flex_1"},
    "video/reframe": {"model": "ray-flash-2", "media": {"url": URL}, "aspect_ratio": "1:1"},
    "image/reframe": {"model": "photon-flash-1", "media": {"url": URL}, "aspect_ratio": "1:1"},
    "upscale": {"resolution": "4k"},
    "audio": {"prompt": "wind"},
}


def check(kind: str, **fields: Any) -> Any:
    return check_order(KINDS[kind], {**NEEDS[kind], **fields})


@pytest.mark.parametrize("kind", NEEDS)
def test_what_is_taken(kind: str) -> None:
    order = check(kind, callback_url="https://example.com/called", unknown=1)
    assert (order.seconds, order.format) == ((0, "jpg") if kind.startswith("image") else (5, "mp4"))


def test_sizes_seconds_and_parents() -> None:
    order = check("video", resolution="1080p", duration="9s", aspect_ratio="9:21", loop=True, concepts=[{"key": "dolly_zoom"}])
    assert (order.width, order.height, order.seconds) == (1080, 2520, 9)
    frames = {"frame0": {"type": "generation", "id": "one"}, "frame1": {"type": "image", "url": URL}}
    assert check("video", prompt=None, keyframes=frames).parents == ("one",)


@pytest.mark.parametrize(
    ("kind", "fields", "field"),
    [
        ("video", {"model": "ray-9"}, "model"),
        ("video", {"model": "photon-1"}, "model"),
        ("video", {"prompt": None}, "prompt"),
        ("video", {"prompt": 3}, "prompt"),
        ("video", {"prompt": "x" * 5001}, "prompt"),
        ("video", {"generation_type": "image"}, "generation_type"),
        ("video", {"aspect_ratio": "5:4"}, "aspect_ratio"),
        ("video", {"resolution": "360p"}, "resolution"),
        ("video", {"duration": 5}, "duration"),
        ("video", {"duration": "10s"}, "duration"),
        ("video", {"loop": "yes"}, "loop"),
        ("video", {"callback_url": "ftp://example.com"}, "callback_url"),
        ("video", {"concepts": [{"key": "somersault"}]}, "concepts.0.key"),
        ("video", {"keyframes": {"frame2": {}}}, "keyframes.frame2"),
        ("video", {"keyframes": {"frame0": {"type": "image", "url": "data:image/png;base64,AAAA"}}}, "keyframes.frame0.url"),
        ("video", {"keyframes": {"frame0": {"type": "image", "url": "http://example.com/fox.png"}}}, "keyframes.frame0.url"),
        ("video", {"keyframes": {"frame1": {"type": "generation"}}}, "keyframes.frame1.id"),
        ("image", {"format": "webp"}, "format"),
        ("image", {"image_ref": [{"url": URL}] * 5}, "image_ref"),
        ("image", {"style_ref": [{"url": URL, "weight": 2}]}, "style_ref.0.weight"),
        ("image", {"character_ref": {"identity0": {"images": []}}}, "character_ref.identity0.images"),
        ("image", {"modify_image_ref": {"url": "fox"}}, "modify_image_ref.url"),
        ("image", {"sync_timeout": 61}, "sync_timeout"),
        ("video/modify", {"mode": None}, "mode"),
        ("video/modify", {"mode": "flex_4"}, "mode"),
        ("video/modify", {"media": URL}, "media"),
        ("video/reframe", {"x_end": 1.5}, "x_end"),
        ("upscale", {"resolution": "8k"}, "resolution"),
    ],
)
def test_what_is_refused(kind: str, fields: dict[str, Any], field: str) -> None:
    with pytest.raises(LumaRefused) as caught:
        check(kind, **fields)
    assert (caught.value.status, caught.value.detail.partition(":")[0]) == (400, field)


def test_the_key() -> None:
    check_key(f"Bearer {LUMA_SECRET}")
    for given in (None, LUMA_SECRET, "Bearer other"):
        with pytest.raises(LumaRefused) as caught:
            check_key(given)
        assert caught.value.status == 401
