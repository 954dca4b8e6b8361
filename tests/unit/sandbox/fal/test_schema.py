import base64
import io
from typing import Any

import pytest
from PIL import Image

from modelgate.sandbox.fal import KEY as FAL_SECRET
from modelgate.sandbox.fal import check_key, check_order
from modelgate.sandbox.fal.schema import ENDPOINTS, QUEUED_S, FalJob, FalRefused

TEXT, IMAGE, SCENES, FRAMES, EFFECT = (
    "v2.2/text-to-video",
    "v2.2/image-to-video",
    "v2.2/pikascenes",
    "v2.2/pikaframes",
    "v1.5/pikaffects",
)
ADDRESS = "https://pictures.example/a.png"


def picture(width: int = 300, height: int = 400) -> str:
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), (30, 60, 200)).save(buffer, "PNG")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


@pytest.mark.parametrize("given", [None, "", FAL_SECRET, f"Bearer {FAL_SECRET}", f"key {FAL_SECRET}", "Key some:other"])
def test_only_its_own_key_opens(given: str | None) -> None:
    with pytest.raises(FalRefused) as refused:
        check_key(given)
    assert refused.value.status == 401
    check_key(f"Key {FAL_SECRET}")


@pytest.mark.parametrize(
    ("path", "fields", "field", "kind"),
    [
        (TEXT, {}, "prompt", "missing"),
        (TEXT, {"prompt": 7}, "prompt", "string_type"),
        (TEXT, {"prompt": "x" * 10_001}, "prompt", "string_too_long"),
        (TEXT, {"prompt": "a", "negative_prompt": []}, "negative_prompt", "string_type"),
        (TEXT, {"prompt": "a", "seed": -1}, "seed", "value_error"),
        (TEXT, {"prompt": "a", "seed": True}, "seed", "int_type"),
        (TEXT, {"prompt": "a", "aspect_ratio": "4:3"}, "aspect_ratio", "literal_error"),
        (TEXT, {"prompt": "a", "resolution": "480p"}, "resolution", "literal_error"),
        (TEXT, {"prompt": "a", "duration": 7}, "duration", "literal_error"),
        (TEXT, {"prompt": "a", "duration": "5"}, "duration", "literal_error"),
        (IMAGE, {"prompt": "a"}, "image_url", "missing"),
        (IMAGE, {"image_url": ADDRESS}, "prompt", "missing"),
        (IMAGE, {"prompt": "a", "image_url": 3}, "image_url", "string_type"),
        (IMAGE, {"prompt": "a", "image_url": "cat.png"}, "image_url", "file_download_error"),
        (IMAGE, {"prompt": "a", "image_url": "data:image/png;base64,AAAA"}, "image_url", "image_load_error"),
        (IMAGE, {"prompt": "a", "image_url": picture(900, 300)}, "image_url", "image_aspect_ratio_error"),
        (SCENES, {"prompt": "a"}, "image_urls", "missing"),
        (SCENES, {"prompt": "a", "image_urls": ADDRESS}, "image_urls", "list_type"),
        (SCENES, {"prompt": "a", "image_urls": [ADDRESS] * 6}, "image_urls", "value_error"),
        (SCENES, {"prompt": "a", "image_urls": [ADDRESS], "ingredients_mode": "wild"}, "ingredients_mode", "literal_error"),
        (FRAMES, {"image_urls": [ADDRESS]}, "image_urls", "value_error"),
        (FRAMES, {"image_urls": [ADDRESS] * 2, "transitions": [5]}, "transitions", "dict_type"),
        (FRAMES, {"image_urls": [ADDRESS] * 2, "transitions": []}, "transitions", "value_error"),
        (FRAMES, {"image_urls": [ADDRESS] * 3, "transitions": [{"duration": 20}] * 2}, "transitions", "value_error"),
        (EFFECT, {"image_url": ADDRESS}, "pikaffect", "missing"),
        (EFFECT, {"image_url": ADDRESS, "pikaffect": "Fly"}, "pikaffect", "literal_error"),
    ],
)
def test_what_is_refused_is_named(path: str, fields: dict[str, Any], field: str, kind: str) -> None:
    with pytest.raises(FalRefused) as refused:
        check_order(path, fields)
    assert refused.value.status == 422
    (place,) = refused.value.detail
    assert (place["loc"], place["type"]) == (["body", field], kind)


def test_an_endpoint_that_is_not_there() -> None:
    with pytest.raises(FalRefused) as refused:
        check_order("v9/text-to-video", {"prompt": "a"})
    assert refused.value.status == 404
    with pytest.raises(FalRefused):
        check_order(TEXT, ["a"])


@pytest.mark.parametrize(
    ("path", "fields", "made"),
    [
        (TEXT, {}, (1280, 720, 5.0)),
        (TEXT, {"aspect_ratio": "9:16", "resolution": "1080p", "duration": 10}, (1080, 1920, 10.0)),
        (TEXT, {"aspect_ratio": "4:5", "seed": None}, (720, 900, 5.0)),
        (IMAGE, {"image_url": picture(300, 400)}, (720, 960, 5.0)),
        (IMAGE, {"image_url": ADDRESS}, (1280, 720, 5.0)),
        (SCENES, {"image_urls": [ADDRESS, picture()], "aspect_ratio": "1:1", "ingredients_mode": "creative"}, (720, 720, 5.0)),
        (FRAMES, {"image_urls": [picture(500, 500), ADDRESS, ADDRESS]}, (720, 720, 10.0)),
        (FRAMES, {"image_urls": [ADDRESS] * 3, "transitions": [{"duration": 3}, {"duration": 4, "prompt": "b"}]}, (1280, 720, 7.0)),
        (EFFECT, {"image_url": ADDRESS, "pikaffect": "Melt"}, (1280, 720, 5.0)),
    ],
)
def test_what_is_ordered(path: str, fields: dict[str, Any], made: tuple[int, int, float]) -> None:
    order = check_order(path, {"prompt": "a fox", "nobody_knows": 1, **fields})
    assert (order.width, order.height, order.seconds) == made
    assert path in ENDPOINTS


def test_a_job_goes_on_by_its_age() -> None:
    job = FalJob(id="1", created_at=10.0, working_s=1.0)
    assert [job.status(10 + age) for age in (0, QUEUED_S, QUEUED_S + 1)] == ["IN_QUEUE", "IN_PROGRESS", "COMPLETED"]
    cancelled = FalJob(id="1", created_at=10.0, working_s=1.0, cancelled_at=10.1)
    assert cancelled.status(10.1) == "COMPLETED"
