"""The fal provider: what it takes, and its calls by the files of testdata/fal/encode."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from modelgate.core.errors import InvalidRequest
from modelgate.formats.media.requests import MediaInput, VideoRequest
from modelgate.providers.fal import PROVIDER, sign

INPUTS = sorted((Path(__file__).parents[2] / "testdata" / "fal" / "encode").glob("*.input.json"))
VIDEO, EFFECT = PROVIDER.media["video"], PROVIDER.media["video.effects"]


def file(role: str = "image") -> MediaInput:
    return MediaInput(url="https://pictures.example/a.png", role=role)


@pytest.mark.parametrize("path", INPUTS, ids=lambda path: path.name.removesuffix(".input.json"))
def test_request_beside_call(path: Path) -> None:
    given = msgspec.json.decode(path.read_bytes())
    request = msgspec.convert(given["request"], VideoRequest)
    operation = PROVIDER.media[given["operation"]]
    if operation.check is not None:
        operation.check(request, request.model)

    call = operation.encode_submit(request, "task_ours", request.model)

    made = {"method": call.method, "path": call.path, "headers": dict(call.headers), "body": msgspec.json.decode(call.body)}
    assert made == msgspec.json.decode(path.with_name(path.name.replace(".input.", ".output.")).read_bytes())


def test_the_key_goes_by_the_vendors_own_scheme() -> None:
    assert sign("id:secret", 1.0) == (("authorization", "Key id:secret"),)


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"prompt": ""}, "prompt"),
        ({"seconds": 7}, "seconds"),
        ({"resolution": "480p"}, "resolution"),
        ({"aspect_ratio": "4:3"}, "aspect_ratio"),
        ({"aspect_ratio": "1:1", "inputs": (file(),)}, "aspect_ratio"),
        ({"inputs": (file(), file("first_frame"))}, "inputs"),
        ({"inputs": (file("last_frame"),)}, "last_frame"),
        ({"inputs": (file("first_frame"), file("last_frame")), "seconds": 26}, "seconds"),
        ({"inputs": (file(), file("reference"))}, "reference"),
        ({"inputs": (file("reference"),) * 6}, "reference"),
        ({"model": "pika-2.1", "inputs": (file("reference"),)}, "reference"),
        ({"model": "pika-9"}, "model"),
        ({"options": {"pika_ingredients_mode": "wild"}}, "pika_ingredients_mode"),
    ],
)
def test_what_no_endpoint_makes_is_refused_by_name(fields: dict[str, Any], param: str) -> None:
    request = VideoRequest(**{"model": "pika-2.2", "prompt": "a cat", **fields})
    assert VIDEO.check is not None
    with pytest.raises(InvalidRequest) as refused:
        VIDEO.check(request, request.model)
    assert refused.value.param == param


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"model": "pika-2.2"}, "model"),
        ({"options": {}}, "pika_effect"),
        ({"options": {"pika_effect": "Fly"}}, "pika_effect"),
        ({"inputs": ()}, "image"),
        ({"aspect_ratio": "1:1"}, "aspect_ratio"),
        ({"resolution": "1080p"}, "resolution"),
        ({"seconds": 10}, "seconds"),
    ],
)
def test_what_no_effect_is_is_refused_by_name(fields: dict[str, Any], param: str) -> None:
    request = VideoRequest(**{"model": "pika-1.5", "prompt": "", "inputs": (file(),), "options": {"pika_effect": "Melt"}, **fields})
    assert EFFECT.check is not None
    with pytest.raises(InvalidRequest) as refused:
        EFFECT.check(request, request.model)
    assert refused.value.param == param


def test_what_the_price_depends_on_is_filled_in() -> None:
    assert VIDEO.complete is not None
    done = VIDEO.complete(VideoRequest(model="pika-2.2", prompt="a cat"), "pika-2.2")
    assert (done.seconds, done.resolution) == (5, "720p")
    kept = VIDEO.complete(VideoRequest(model="pika-2.2", prompt="a cat", seconds=10, resolution="1080p"), "pika-2.2")
    assert (kept.seconds, kept.resolution) == (10, "1080p")


def test_an_input_that_is_still_a_key_of_ours_is_a_fault() -> None:
    request = VideoRequest(model="pika-2.2", prompt="a", inputs=(MediaInput(blob="x.png"),))
    with pytest.raises(ValueError, match="neither"):
        VIDEO.encode_submit(request, "task_ours", "pika-2.2")
