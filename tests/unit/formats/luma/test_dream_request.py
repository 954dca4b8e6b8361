"""What a client of Dream Machine sends, made neutral; every broken rule names its field."""

import contextlib
from base64 import b64encode
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelgate.core.errors import InvalidRequest, ModelgateError
from modelgate.formats.luma.dream_request import decode_audio, decode_image, decode_upscale, decode_video, page_of
from modelgate.formats.media.family import MediaCall, Page
from modelgate.formats.media.requests import ImageRequest, MediaInput, Parent, VideoRequest

DATA = b64encode(b"picture").decode()
VIDEO = {"model": "ray-2", "prompt": "a fox"}
IMAGE = {"model": "photon-1", "prompt": "a fox"}


def call(body: Any) -> MediaCall:
    return MediaCall(body=msgspec.json.encode(body), values={"task_id": "task_1"})


def test_everything_a_video_can_say() -> None:
    body = {
        **VIDEO,
        "generation_type": "video",
        "aspect_ratio": "21:9",
        "resolution": "4k",
        "duration": "9s",
        "loop": True,
        "keyframes": {"frame0": {"type": "image", "url": DATA}, "frame1": {"type": "image", "url": "https://pictures.example/fox.png"}},
        "concepts": [{"key": "pov"}],
        "callback_url": "https://caller.example/hook",
    }
    ask = decode_video(call(body))
    assert ask.request == VideoRequest(
        model="ray-2",
        prompt="a fox",
        seconds=9,
        aspect_ratio="21:9",
        resolution="4k",
        inputs=(MediaInput(data=b"picture", role="first_frame"), MediaInput(url="https://pictures.example/fox.png", role="last_frame")),
        options={"luma_loop": True, "luma_concepts": ["pov"]},
    )
    assert (ask.operation, ask.callback_url) == ("video", "https://caller.example/hook")


def test_a_generation_as_a_frame_is_gone_on_from_or_reached() -> None:
    earlier = {"type": "generation", "id": "task_1"}
    on = decode_video(call({"model": "ray-2", "keyframes": {"frame0": earlier, "frame1": {"type": "image", "url": DATA}}}))
    assert on.operation == "video.extend"
    assert (on.request.parent, on.request.options) == (Parent(task="task_1"), {})
    before = decode_video(call({"model": "ray-2", "keyframes": {"frame1": earlier, "frame0": None}}))
    assert (before.request.parent, before.request.options) == (Parent(task="task_1"), {"luma_backwards": True})


def test_everything_a_picture_can_say() -> None:
    body = {
        **IMAGE,
        "format": "jpg",
        "image_ref": [{"url": DATA, "weight": 0.5}, {"url": DATA}],
        "style_ref": [{"url": DATA}],
        "character_ref": {"identity0": {"images": [DATA]}},
        "modify_image_ref": {"url": DATA, "weight": 1},
        "sync": False,
    }
    request = decode_image(call(body)).request
    assert isinstance(request, ImageRequest)
    assert [item.role for item in request.inputs] == ["reference", "reference", "style", "image", "character"]
    assert request.options == {"luma_reference_weights": [0.5, None], "luma_image_weights": [1.0]}
    assert request.output_format == "jpeg"


def test_what_is_made_of_a_video() -> None:
    larger, sounding = decode_upscale(call({"resolution": "1080p"})), decode_audio(call({"prompt": "wind", "negative_prompt": "voices"}))
    assert (larger.operation, larger.request) == ("video.upscale", VideoRequest(model="", resolution="1080p", parent=Parent(task="task_1")))
    assert (sounding.operation, sounding.request) == (
        "video.audio",
        VideoRequest(model="", prompt="wind", negative_prompt="voices", parent=Parent(task="task_1")),
    )


@pytest.mark.parametrize(
    ("decode", "body", "param"),
    [
        (decode_video, {"prompt": "a fox"}, "model"),
        (decode_video, {"model": "ray-2"}, "prompt"),
        (decode_video, {**VIDEO, "generation_type": "image"}, "generation_type"),
        (decode_video, {**VIDEO, "keyframes": []}, "keyframes"),
        (decode_video, {**VIDEO, "keyframes": {"frame2": {}}}, "keyframes.frame2"),
        (decode_video, {**VIDEO, "keyframes": {"frame0": 7}}, "frame0"),
        (decode_video, {**VIDEO, "keyframes": {"frame0": {"type": "image"}}}, "keyframes.frame0.url"),
        (decode_video, {**VIDEO, "keyframes": {"frame0": {"type": "generation", "id": ""}}}, "keyframes.frame0"),
        (
            decode_video,
            {**VIDEO, "keyframes": {name: {"type": "generation", "id": "x"} for name in ("frame0", "frame1")}},
            "keyframes.frame1",
        ),
        (decode_video, {**VIDEO, "concepts": [{}]}, "concepts[0].key"),
        (decode_video, {**VIDEO, "concepts": [{"key": "pov"}] * 9}, "concepts"),
        (decode_video, {**VIDEO, "duration": "7s"}, "duration"),
        (decode_image, {"model": "photon-1"}, "prompt"),
        (decode_image, {**IMAGE, "sync": True}, "sync"),
        (decode_image, {**IMAGE, "image_ref": [{"weight": 1}]}, "image_ref[0].url"),
        (decode_image, {**IMAGE, "style_ref": [{"url": DATA, "weight": 2}]}, "style_ref[0].weight"),
        (decode_image, {**IMAGE, "character_ref": {"identity0": {"images": 7}}}, "character_ref.identity0.images"),
        (decode_image, {**IMAGE, "character_ref": {"identity0": 7}}, "character_ref.identity0"),
        (decode_video, {**VIDEO, "keyframes": {"frame0": {"type": "film"}}}, "keyframes.frame0.type"),
        (decode_video, {**VIDEO, "concepts": [{"key": "x"}]}, "concepts[0].key"),
        (decode_image, {**IMAGE, "modify_image_ref": DATA}, "modify_image_ref"),
        (decode_image, {**IMAGE, "character_ref": {"identity0": {"images": [7]}}}, "character_ref.identity0.images[0]"),
        (decode_image, {**IMAGE, "format": "webp"}, "format"),
        (decode_upscale, {}, "resolution"),
        (decode_upscale, {"resolution": "360p"}, "resolution"),
        (decode_audio, {}, "prompt"),
    ],
)
def test_what_is_refused(decode: Any, body: Any, param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        decode(call(body))
    assert caught.value.param == param
    assert param in caught.value.message


def test_pages() -> None:
    assert page_of(MediaCall(query={"limit": "3", "offset": "7"})) == Page(limit=3, offset=7)
    assert page_of(MediaCall()) == Page(limit=10)
    with pytest.raises(InvalidRequest, match="limit"):
        page_of(MediaCall(query={"limit": "101"}))


_SCALAR = st.none() | st.booleans() | st.integers() | st.text(max_size=8)
_INNER = st.dictionaries(st.sampled_from(("type", "url", "id", "key", "weight", "frame0", "identity0", "images")), _SCALAR, max_size=3)
_NAMES = ("model", "prompt", "keyframes", "concepts", "image_ref", "style_ref", "character_ref", "modify_image_ref", "duration", "format")


@given(st.dictionaries(st.sampled_from(_NAMES), _SCALAR | _INNER | st.lists(_INNER, max_size=2)))
def test_no_body_is_a_fault_of_ours(changes: dict[str, Any]) -> None:
    for decode in (decode_video, decode_image, decode_upscale, decode_audio):
        with contextlib.suppress(ModelgateError):
            decode(call({**VIDEO, **changes}))
