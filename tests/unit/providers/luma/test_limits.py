"""What Dream Machine's models can do."""

from typing import Any

import pytest

from modelgate.core.errors import InvalidRequest
from modelgate.formats.media.requests import ImageRequest, MediaInput, Parent, VideoRequest
from modelgate.metering.price_list import read_shipped_prices
from modelgate.providers.luma import PROVIDER

VIDEO = PROVIDER.media["video"]
FIRST, LAST = MediaInput(url="https://g.example/1.png", role="first_frame"), MediaInput(url="https://g.example/2.png", role="last_frame")
PARENT = Parent(task="task_1", vendor_task="v")


@pytest.mark.parametrize(
    ("operation", "request_", "param"),
    [
        ("video", VideoRequest(model="ray-2"), "prompt"),
        ("video", VideoRequest(model="ray-2", inputs=(FIRST, FIRST)), "first_frame"),
        ("video", VideoRequest(model="ray-2", prompt="p", aspect_ratio="5:4"), "aspect_ratio"),
        ("video", VideoRequest(model="ray-2", prompt="p", resolution="360p"), "resolution"),
        ("video", VideoRequest(model="ray-2", prompt="p", seconds=10), "seconds"),
        ("video", VideoRequest(model="ray-2", prompt="p", options={"luma_loop": 1}), "luma_loop"),
        ("video", VideoRequest(model="ray-2", prompt="p", options={"luma_concepts": "pov"}), "luma_concepts"),
        ("video", VideoRequest(model="ray-2", prompt="p", options={"luma_concepts": ["x"]}), "luma_concepts"),
        ("video", VideoRequest(model="ray-2", prompt="p", options={"luma_concepts": [{}]}), "luma_concepts"),
        ("video.extend", VideoRequest(model="ray-2", prompt="p", parent=PARENT, inputs=(FIRST,)), "first_frame"),
        ("video.extend", VideoRequest(model="ray-2", parent=PARENT, inputs=(LAST,), options={"luma_backwards": True}), "last_frame"),
        ("image", ImageRequest(model="photon-1"), "prompt"),
        ("image", ImageRequest(model="photon-1", prompt="p", aspect_ratio="5:4"), "aspect_ratio"),
        ("image", ImageRequest(model="photon-1", prompt="p", inputs=(MediaInput(url="u", role="style"),) * 5), "style"),
        ("image", ImageRequest(model="photon-1", prompt="p", options={"luma_style_weights": [2]}), "luma_style_weights"),
    ],
)
def test_what_it_cannot_do(operation: str, request_: Any, param: str) -> None:
    check = PROVIDER.media[operation].check
    assert check is not None
    with pytest.raises(InvalidRequest) as caught:
        check(request_, request_.model)
    assert caught.value.param == param
    assert param in caught.value.message


def test_its_models_are_priced_by_length_and_size() -> None:
    priced = {entry.model: entry for entry in read_shipped_prices() if entry.provider == PROVIDER.name}
    assert set(priced) == {"ray-2", "ray-flash-2", "ray-1-6", "photon-1", "photon-flash-1"}
    assert VIDEO.complete is not None
    completed = VIDEO.complete(VideoRequest(model="ray-2"), "ray-2")
    assert (completed.seconds, completed.resolution) == (5, "720p")


def test_sound_has_the_length_of_its_video_and_no_size_of_its_own() -> None:
    complete = PROVIDER.media["video.audio"].complete
    assert complete is not None
    assert complete(VideoRequest(model="ray-2", seconds=9), "ray-2") == VideoRequest(model="ray-2", seconds=9)
    assert complete(VideoRequest(model="ray-2"), "ray-2") == VideoRequest(model="ray-2", seconds=5)
