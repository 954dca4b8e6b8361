from base64 import b64encode
from typing import Any

import pytest

from modelgate.sandbox.luma.checks import KEY as LUMA_SECRET
from modelgate.sandbox.luma.checks import LumaRefused
from modelgate.sandbox.luma_agents.checks import KEY as LUMA_AGENTS_SECRET
from modelgate.sandbox.luma_agents.checks import check_agents_key, check_agents_order
from modelgate.sandbox.pictures import draw_picture

URL = {"url": "https://example.com/fox.png"}
DATA = {"data": b64encode(draw_picture("a fox", ratio="1:1")).decode(), "media_type": "image/png"}


def check(**fields: Any) -> Any:
    return check_agents_order({"model": "ray-3.2", "type": "video", "prompt": "a fox", **fields})


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"video": {"start_frame": DATA, "end_frame": URL}},
        {"video": {"keyframes": [URL, DATA], "keyframe_indexes": [0, 240], "duration": "10s"}},
        {"video": {"loop": True, "hdr": False}},
        {"type": "video_edit", "source": {"generation_id": "one"}},
        {"model": "uni-1", "type": "image", "image_ref": [URL, {"file_id": "one"}], "user_id": "hash"},
    ],
)
def test_what_is_taken(fields: dict[str, Any]) -> None:
    check(**fields)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"size": "1:1"}, "size"),
        ({"type": "song"}, "type"),
        ({"model": "uni-1"}, "model"),
        ({"prompt": ""}, "prompt"),
        ({"prompt": "x" * 6001}, "prompt"),
        ({"aspect_ratio": "9:21"}, "aspect_ratio"),
        ({"user_id": 7}, "user_id"),
        ({"type": "video_reframe"}, "source"),
        ({"image_ref": [{}]}, "image_ref.0"),
        ({"model": "uni-1", "type": "image", "video": {}}, "video"),
        ({"video": {"size": 1}}, "video.size"),
        ({"video": {"resolution": "4k"}}, "video.resolution"),
        ({"video": {"duration": "9s"}}, "video.duration"),
        ({"video": {"start_frame": URL, "duration": "10s"}}, "video.duration"),
        ({"video": {"loop": True, "duration": "10s"}}, "video.loop"),
        ({"video": {"loop": True, "end_frame": URL}}, "video.loop"),
        ({"video": {"hdr": 1}}, "video.hdr"),
        ({"video": {"start_frame": {"url": "http://example.com/fox.png"}}}, "video.start_frame.url"),
        ({"video": {"start_frame": {**DATA, "data": "AAAA"}}}, "video.start_frame.data"),
        ({"video": {"start_frame": {**DATA, "media_type": "image/gif"}}}, "video.start_frame.media_type"),
        ({"video": {"keyframes": [URL], "keyframe_indexes": [0], "start_frame": URL}}, "video.keyframes"),
        ({"video": {"keyframes": [URL] * 65, "keyframe_indexes": [0] * 65}}, "video.keyframes"),
        ({"video": {"keyframes": [URL], "keyframe_indexes": []}}, "video.keyframe_indexes"),
        ({"video": {"keyframes": [URL], "keyframe_indexes": [121]}}, "video.keyframe_indexes"),
    ],
)
def test_what_is_refused(fields: dict[str, Any], field: str) -> None:
    with pytest.raises(LumaRefused) as caught:
        check(**fields)
    assert (caught.value.status, caught.value.detail.partition(":")[0]) == (400, field)


def test_the_key() -> None:
    check_agents_key(f"Bearer {LUMA_AGENTS_SECRET}")
    with pytest.raises(LumaRefused):
        check_agents_key(f"Bearer {LUMA_SECRET}")
