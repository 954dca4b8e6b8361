"""Bodies of Kling clients for videos."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelgate.core.errors import InvalidRequest, UnsupportedMediaType
from modelgate.core.records import Task
from modelgate.formats.kling import video_request
from modelgate.formats.kling.video_routes import VIDEO_ROUTES
from modelgate.formats.media.family import Ask, MediaCall
from modelgate.formats.media.requests import MediaInput, Parent, VideoRequest, encode_request

PICTURE = "cGljdHVyZQ=="
FILE = MediaInput(data=b"picture")
DECODERS = [route.decode for route in VIDEO_ROUTES if route.decode is not None]


def decoded(decode: Callable[[MediaCall], Ask], **fields: Any) -> VideoRequest:
    request = decode(MediaCall(body=msgspec.json.encode(fields))).request
    assert isinstance(request, VideoRequest)
    return request


def test_words() -> None:
    asked = {
        "model": "kling-v1-6",
        "prompt": "a fox",
        "negative_prompt": "",
        "mode": "pro",
        "duration": 10,
        "cfg_scale": 0.5,
        "camera_control": None,
    }
    request = decoded(video_request.decode_text_video, **asked, watermark_info={"enabled": False}, sound="off", image="")
    assert request == VideoRequest(model="kling-v1-6", prompt="a fox", quality="pro", seconds=10, options={"kling_cfg_scale": 0.5})


def test_everything_that_words_may_have() -> None:
    camera = {"type": "down_back", "config": None}
    shots = [{"index": 1, "prompt": "a", "duration": "5"}]
    request = decoded(
        video_request.decode_text_video,
        model_name="kling-v3",
        model="x",
        sound="on",
        camera_control=camera,
        multi_shot=True,
        shot_type="customize",
        multi_prompt=shots,
        watermark_info={"enabled": True},
        aspect_ratio="1:1",
    )
    assert request.sound
    assert request.options == {
        "kling_camera_control": {"type": "down_back"},
        "kling_watermark": True,
        "kling_multi_shot": True,
        "kling_shot_type": "customize",
        "kling_multi_prompt": shots,
    }


def test_frames_and_masks() -> None:
    way = [{"x": 1, "y": 2}, {"x": 3, "y": 4}]
    request = decoded(
        video_request.decode_image_video,
        image="data:image/png;base64," + PICTURE,
        image_tail="https://example.com/a.png",
        static_mask=PICTURE,
        dynamic_masks=[{"mask": PICTURE, "trajectories": way}],
        voice_list=[{"voice_id": "a"}],
    )
    assert [(item.role, item.url, item.data) for item in request.inputs] == [
        ("first_frame", "", b"picture"),
        ("last_frame", "https://example.com/a.png", b""),
        ("static_mask", "", b"picture"),
        ("dynamic_mask", "", b"picture"),
    ]
    assert request.options == {"kling_trajectories": [way], "kling_voice_list": [{"voice_id": "a"}]}
    assert (request.model, request.prompt) == ("kling-v1", "")


def test_several_pictures() -> None:
    request = decoded(video_request.decode_several_images_video, image_list=[{"image": PICTURE}, {"image": PICTURE}], prompt="together")
    assert ([item.role for item in request.inputs], request.model) == (["reference", "reference"], "kling-v1-6")


def test_going_on() -> None:
    request = decoded(video_request.decode_extend, video_id="x1", prompt="on", cfg_scale=0.5)
    assert (request.parent, request.prompt, request.options) == (Parent(output="x1"), "on", {"kling_cfg_scale": 0.5})


def test_lips() -> None:
    request = decoded(
        video_request.decode_lip_sync, input={"video_id": "x1", "mode": "text2video", "text": "hi", "voice_id": "a", "voice_speed": 2}
    )
    assert (request.model, request.prompt, request.parent) == ("kling-lip-sync", "hi", Parent(output="x1"))
    assert request.options == {"kling_voice_id": "a", "kling_voice_speed": 2.0}
    address = {"video_url": "https://example.com/a.mp4", "mode": "audio2video"}
    heard = decoded(video_request.decode_lip_sync, input={**address, "audio_type": "url", "audio_url": "https://example.com/a.mp3"})
    assert [(item.role, item.url) for item in heard.inputs] == [("video", address["video_url"]), ("audio", "https://example.com/a.mp3")]
    filed = decoded(video_request.decode_lip_sync, input={**address, "audio_type": "file", "audio_file": PICTURE})
    assert (filed.inputs[1].role, filed.inputs[1].data) == ("audio", b"picture")


def test_effects() -> None:
    pair = decoded(video_request.decode_effects, effect_scene="kiss", input={"images": [PICTURE, PICTURE], "mode": "pro", "duration": "10"})
    assert (pair.model, pair.quality, pair.seconds, len(pair.inputs)) == ("kling-v1", "pro", 10, 2)
    alone = decoded(video_request.decode_effects, effect_scene="squish", input={"image": PICTURE})
    assert (alone.model, alone.inputs, alone.options) == ("kling-v1-6", (FILE,), {"kling_effect_scene": "squish"})


LIPS = {"video_id": "x1", "mode": "text2video", "text": "hi", "voice_id": "a"}


@pytest.mark.parametrize(
    ("decode", "fields", "param"),
    [
        (video_request.decode_text_video, {}, "prompt"),
        (video_request.decode_text_video, {"prompt": 7}, "prompt"),
        (video_request.decode_text_video, {"prompt": "p", "duration": "long"}, "duration"),
        (video_request.decode_text_video, {"prompt": "p", "duration": 61}, "duration"),
        (video_request.decode_text_video, {"prompt": "p", "mode": "fast"}, "mode"),
        (video_request.decode_text_video, {"prompt": "p", "multi_shot": True, "multi_prompt": []}, "multi_prompt"),
        (video_request.decode_text_video, {"prompt": "p", "camera_control": "down"}, "camera_control"),
        (video_request.decode_text_video, {"prompt": "p", "callback_url": "x"}, "callback_url"),
        (video_request.decode_text_video, {"prompt": "p", "external_task_id": "x" * 201}, "external_task_id"),
        (video_request.decode_image_video, {}, "image"),
        (video_request.decode_image_video, {"image": 7}, "image"),
        (video_request.decode_image_video, {"image": PICTURE, "dynamic_masks": [{}]}, "dynamic_masks"),
        (video_request.decode_image_video, {"image": PICTURE, "dynamic_masks": ["x"]}, "dynamic_masks"),
        (video_request.decode_image_video, {"image": PICTURE, "voice_list": [1, 2, 3]}, "voice_list"),
        (video_request.decode_several_images_video, {"prompt": "p"}, "image_list"),
        (video_request.decode_several_images_video, {"prompt": "p", "image_list": [{"image": ""}]}, "image_list"),
        (video_request.decode_several_images_video, {"prompt": "", "image_list": [{"image": PICTURE}]}, "prompt"),
        (video_request.decode_extend, {"prompt": "p"}, "video_id"),
        (video_request.decode_extend, {"video_id": "x1", "cfg_scale": 2}, "cfg_scale"),
        (video_request.decode_lip_sync, {}, "input"),
        (video_request.decode_lip_sync, {"input": "x"}, "input"),
        (video_request.decode_lip_sync, {"input": {**LIPS, "video_url": "https://example.com/a.mp4"}}, "video_id"),
        (video_request.decode_lip_sync, {"input": {**LIPS, "video_id": "", "video_url": "ftp://a"}}, "video_url"),
        (video_request.decode_lip_sync, {"input": {**LIPS, "mode": ""}}, "mode"),
        (video_request.decode_lip_sync, {"input": {**LIPS, "text": ""}}, "text"),
        (video_request.decode_lip_sync, {"input": {**LIPS, "voice_id": ""}}, "voice_id"),
        (video_request.decode_lip_sync, {"input": {**LIPS, "voice_language": "de"}}, "voice_language"),
        (video_request.decode_lip_sync, {"input": {**LIPS, "mode": "audio2video"}}, "audio_type"),
        (video_request.decode_lip_sync, {"input": {**LIPS, "mode": "audio2video", "audio_type": "file"}}, "audio_file"),
        (video_request.decode_lip_sync, {"input": {**LIPS, "mode": "audio2video", "audio_type": "url"}}, "audio_url"),
        (video_request.decode_effects, {}, "effect_scene"),
        (video_request.decode_effects, {"effect_scene": "hug"}, "input"),
        (video_request.decode_effects, {"effect_scene": "hug", "input": {}}, "images"),
        (video_request.decode_effects, {"effect_scene": "hug", "input": {"images": [PICTURE, 7]}}, "images"),
        (video_request.decode_effects, {"effect_scene": "squish", "input": {}}, "image"),
    ],
)
def test_a_broken_rule_names_its_field(decode: Callable[[MediaCall], Ask], fields: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        decode(MediaCall(body=msgspec.json.encode(fields)))
    assert caught.value.param == param
    assert param in caught.value.message


def test_an_extension_has_the_earlier_model() -> None:
    ask = video_request.decode_extend(MediaCall(body=b'{"video_id": "x1"}'))
    earlier = Task(
        id="task_a",
        account="acct_a",
        key="key_a",
        book="test",
        family="kling",
        operation="video",
        model="kling-v1-6",
        state="succeeded",
        request=encode_request(VideoRequest(model="kling-v1-6", prompt="p")),
    )
    assert video_request.extend_parent(ask, earlier).request.model == "kling-v1-6"


NAMES = st.sampled_from(
    (
        "prompt",
        "image",
        "image_list",
        "dynamic_masks",
        "mask",
        "trajectories",
        "camera_control",
        "input",
        "video_id",
        "mode",
        "text",
        "voice_id",
        "effect_scene",
        "images",
        "multi_shot",
        "multi_prompt",
        "duration",
        "watermark_info",
        "enabled",
        "voice_list",
        "x",
    )
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=60, deadline=None)
@given(body=st.dictionaries(NAMES, JSON, max_size=6).map(msgspec.json.encode) | st.binary(max_size=60))
def test_whatever_comes_is_decoded_or_refused(body: bytes) -> None:
    for decode in DECODERS:
        try:
            decode(MediaCall(body=body))
        except (InvalidRequest, UnsupportedMediaType):
            continue
