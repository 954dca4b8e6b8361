from base64 import b64encode
from typing import Any

import pytest

from modelgate.sandbox.pictures import draw_picture
from modelgate.sandbox.runway import KEY as RUNWAY_SECRET
from modelgate.sandbox.runway import VERSION, RunwayRefused, check_headers, check_order
from modelgate.sandbox.runway.schema import MAX_IMAGE_BYTES

URL = "https://example.com/fox.png"
PICTURE = "data:image/png;base64," + b64encode(draw_picture("a fox", ratio="1:1")).decode()
BODIES: dict[str, dict[str, Any]] = {
    "turbo": {"model": "gen4_turbo", "promptImage": URL, "ratio": "960:960"},
    "legacy": {"model": "gen3a_turbo", "promptImage": URL, "promptText": "a fox"},
    "gen4.5": {"model": "gen4.5", "promptText": "a fox", "promptImage": URL, "ratio": "1280:720", "duration": 7},
    "veo": {"model": "veo3.1", "promptImage": URL, "ratio": "1920:1080"},
    "text": {"model": "gen4.5", "promptText": "a fox", "ratio": "1280:720", "duration": 5},
    "image": {"model": "gen4_image", "promptText": "a fox", "ratio": "1024:1024"},
    "image_turbo": {"model": "gen4_image_turbo", "promptText": "a fox", "ratio": "1024:1024", "referenceImages": [{"uri": URL}]},
    "act": {"model": "act_two", "character": {"type": "image", "uri": URL}, "reference": {"type": "video", "uri": URL}},
    "aleph": {"model": "aleph2", "videoUri": URL, "promptText": "at night", "targetAspectRatio": "9:16"},
}
ENDPOINT = {"text": "text_to_video", "image": "text_to_image", "image_turbo": "text_to_image"}
ENDPOINT |= {"act": "character_performance", "aleph": "video_to_video"}


def check(kind: str, **fields: Any) -> Any:
    return check_order(ENDPOINT.get(kind, "image_to_video"), {**BODIES[kind], **fields})


@pytest.mark.parametrize(
    ("kind", "size", "seconds", "credits"),
    [
        ("turbo", (960, 960), 5, 25),
        ("legacy", (1280, 768), 5, 25),
        ("gen4.5", (1280, 720), 7, 84),
        ("veo", (1920, 1080), 8, 320),
        ("text", (1280, 720), 5, 60),
        ("image", (1024, 1024), 0, 8),
        ("image_turbo", (1024, 1024), 0, 2),
        ("act", (1280, 720), 5, 25),
        ("aleph", (720, 1280), 5, 140),
    ],
)
def test_what_is_taken(kind: str, size: tuple[int, int], seconds: int, credits: int) -> None:
    order = check(kind)
    assert ((order.width, order.height), order.seconds, order.credits, order.with_sound) == (size, seconds, credits, kind == "veo")


def test_pictures_come_as_addresses_data_and_positions() -> None:
    check("turbo", promptImage=PICTURE, seed=0, contentModeration={"publicFigureThreshold": "low"}, duration=10)
    check("turbo", promptImage=[{"uri": PICTURE, "position": "first"}])
    check("legacy", promptImage=[{"uri": URL, "position": "last"}], ratio="768:1280", duration=10)
    check("veo", promptImage=[{"uri": URL, "position": "last"}, {"uri": URL, "position": "first"}], audio=False, duration=4)
    check("image", referenceImages=[{"uri": URL, "tag": "fox"}, {"uri": "runway://upload/1"}])


@pytest.mark.parametrize(
    ("kind", "fields", "field"),
    [
        ("turbo", {"model": None}, "model"),
        ("turbo", {"model": "gen4_image"}, "model"),
        ("turbo", {"model": "sandbox-nothing"}, "model"),
        ("turbo", {"ratio": None}, "ratio"),
        ("turbo", {"ratio": "16:9"}, "ratio"),
        ("turbo", {"duration": 1}, "duration"),
        ("turbo", {"duration": "5"}, "duration"),
        ("turbo", {"duration": True}, "duration"),
        ("turbo", {"watermark": False}, "watermark"),
        ("turbo", {"promptText": ""}, "promptText"),
        ("turbo", {"promptText": "x" * 1001}, "promptText"),
        ("turbo", {"promptText": "🦊" * 501}, "promptText"),
        ("turbo", {"seed": -1}, "seed"),
        ("turbo", {"seed": 2**32}, "seed"),
        ("turbo", {"contentModeration": {"publicFigureThreshold": "high"}}, "contentModeration.publicFigureThreshold"),
        ("turbo", {"contentModeration": "low"}, "contentModeration"),
        ("turbo", {"promptImage": "http://example.com/fox.png"}, "promptImage"),
        ("turbo", {"promptImage": "https://127.0.0.1/fox.png"}, "promptImage"),
        ("turbo", {"promptImage": "https://example.com/" + "x" * 2048}, "promptImage"),
        ("turbo", {"promptImage": "data:image/gif;base64,AAAA"}, "promptImage"),
        ("turbo", {"promptImage": "data:image/png;base64,AAAA"}, "promptImage"),
        ("turbo", {"promptImage": "data:image/png;base64," + "A" * (MAX_IMAGE_BYTES * 4 // 3 + 200)}, "promptImage"),
        ("turbo", {"promptImage": []}, "promptImage"),
        ("turbo", {"promptImage": [{"uri": URL, "position": "last"}]}, "promptImage.0.position"),
        ("turbo", {"promptImage": [{"uri": URL}]}, "promptImage.0.position"),
        ("legacy", {"promptImage": [{"uri": URL, "position": "first"}] * 2}, "promptImage.1.position"),
        ("legacy", {"duration": 7}, "duration"),
        ("gen4.5", {"duration": None}, "duration"),
        ("gen4.5", {"promptText": None}, "promptText"),
        ("veo", {"seed": 1}, "seed"),
        ("veo", {"duration": 5}, "duration"),
        ("veo", {"audio": "yes"}, "audio"),
        ("veo", {"promptImage": [{"uri": URL, "position": "last"}]}, "promptImage"),
        ("text", {"promptImage": URL}, "promptImage"),
        ("text", {"ratio": "960:960"}, "ratio"),
        ("image", {"duration": 5}, "duration"),
        ("image", {"referenceImages": [{"uri": URL}] * 4}, "referenceImages"),
        ("image", {"referenceImages": [{"uri": URL, "tag": "1fox"}]}, "referenceImages.0.tag"),
        ("image_turbo", {"referenceImages": None}, "referenceImages"),
        ("act", {"character": {"type": "sound", "uri": URL}}, "character.type"),
        ("act", {"reference": {"type": "image", "uri": URL}}, "reference.type"),
        ("act", {"expressionIntensity": 6}, "expressionIntensity"),
        ("act", {"bodyControl": 1}, "bodyControl"),
        ("aleph", {"videoUri": "fox"}, "videoUri"),
        ("aleph", {"keyframes": [{"uri": URL}] * 6}, "keyframes"),
        ("aleph", {"targetAspectRatio": "5:4"}, "targetAspectRatio"),
    ],
)
def test_what_is_refused(kind: str, fields: dict[str, Any], field: str) -> None:
    with pytest.raises(RunwayRefused) as caught:
        check(kind, **fields)
    assert (caught.value.status, caught.value.field) == (400, field)


def test_headers() -> None:
    check_headers(f"Bearer {RUNWAY_SECRET}", VERSION)
    for authorization, version, status in ((None, VERSION, 401), (RUNWAY_SECRET, VERSION, 401), (f"Bearer {RUNWAY_SECRET}", None, 400)):
        with pytest.raises(RunwayRefused) as caught:
            check_headers(authorization, version)
        assert caught.value.status == status
