import base64
import io
from typing import Any

import pytest
from PIL import Image

from modelgate.sandbox.kling.fields import KlingRefused
from modelgate.sandbox.kling.video_checks import check_image_video_order, check_multi_image_order, check_text_order

URL = "https://example.com/a.png"


def _image(*, size: tuple[int, int] = (400, 400), kind: str = "PNG") -> str:
    buffer = io.BytesIO()
    Image.new("RGB", size).save(buffer, kind)
    return base64.b64encode(buffer.getvalue()).decode()


@pytest.mark.parametrize(
    ("fields", "made"),
    [
        ({}, ("kling-v1", "std", 5, 1280, 720)),
        (
            {"model_name": "kling-v2-5-turbo", "mode": "pro", "duration": "10", "aspect_ratio": "1:1"},
            ("kling-v2-5-turbo", "pro", 10, 1080, 1080),
        ),
        ({"model_name": "kling-v3", "duration": "15", "sound": "on"}, ("kling-v3", "std", 15, 1280, 720)),
        ({"model_name": "sandbox-fail-task", "cfg_scale": 1, "sound": "off"}, ("sandbox-fail-task", "std", 5, 1280, 720)),
    ],
)
def test_good_videos_from_words(fields: dict[str, Any], made: tuple[Any, ...]) -> None:
    order = check_text_order({"prompt": "a fox", **fields}, lambda _: None)
    assert (order.model, order.mode, order.seconds, order.width, order.height) == made
    assert order.sound == (fields.get("sound") == "on")


@pytest.mark.parametrize(
    ("fields", "code", "word"),
    [
        ({"prompt": ""}, 1201, "prompt"),
        ({"model_name": "kling-v1-5"}, 1201, "model_name"),
        ({"model_name": "kling-v1-6", "mode": "pro"}, 1201, "mode 'pro'"),
        ({"model_name": "kling-v2-5-turbo"}, 1201, "mode 'std'"),
        ({"duration": "7"}, 1201, "duration"),
        ({"duration": 5}, 1200, "duration"),
        ({"aspect_ratio": "4:3"}, 1201, "aspect_ratio"),
        ({"cfg_scale": 1.5}, 1201, "cfg_scale"),
        ({"model_name": "kling-v2-master", "cfg_scale": 0.5}, 1201, "cfg_scale"),
        ({"sound": "on"}, 1201, "sound"),
        ({"watermark_info": True}, 1200, "watermark_info"),
        ({"camera_control": {"type": "spin"}}, 1201, "type"),
        ({"multi_shot": True}, 1201, "multi_shot"),
    ],
)
def test_bad_videos_from_words(fields: dict[str, Any], code: int, word: str) -> None:
    with pytest.raises(KlingRefused, match=word) as caught:
        check_text_order({"prompt": "a fox", **fields}, lambda _: None)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("fields", "size"),
    [
        ({"image": URL}, (1280, 720)),
        ({"image": _image(size=(400, 800)), "model_name": "kling-v2-1"}, (720, 1440)),
        ({"image_tail": _image(), "mode": "pro"}, (1080, 1080)),
        ({"image": URL, "image_tail": URL, "model_name": "kling-v1-6", "mode": "pro", "duration": "10"}, (1920, 1080)),
        ({"image": URL, "voice_list": [{"voice_id": "a"}], "model_name": "kling-v2-6"}, (1280, 720)),
    ],
)
def test_good_videos_from_a_picture(fields: dict[str, Any], size: tuple[int, int]) -> None:
    order = check_image_video_order(fields, lambda _: None)
    assert (order.width, order.height) == size


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({}, "both be empty"),
        ({"image": "data:image/png;base64," + _image()}, "data:"),
        ({"image": _image(size=(200, 400))}, "300px"),
        ({"image": URL, "image_tail": URL, "duration": "10"}, "image_tail"),
        ({"image": URL, "image_tail": URL, "model_name": "kling-v1-6"}, "image_tail"),
        ({"image": URL, "image_tail": URL, "model_name": "kling-v2-master"}, "image_tail"),
        ({"image": URL, "image_tail": URL, "static_mask": URL}, "together"),
        ({"image": URL, "camera_control": {"type": "down_back"}, "static_mask": URL}, "together"),
        ({"image": URL, "voice_list": [{"voice_id": "a"}]}, "voice_list"),
        ({"image": URL, "voice_list": [{}], "model_name": "kling-v3"}, "voice_id"),
    ],
)
def test_bad_videos_from_a_picture(fields: dict[str, Any], word: str) -> None:
    with pytest.raises(KlingRefused, match=word):
        check_image_video_order(fields, lambda _: None)


def test_a_video_from_several_pictures() -> None:
    order = check_multi_image_order(
        {"image_list": [{"image": URL}, {"image": _image()}], "prompt": "a fox", "aspect_ratio": "9:16"}, lambda _: None
    )
    assert (order.kind, order.model, order.width, order.height) == ("multi-image2video", "kling-v1-6", 720, 1280)


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"image_list": []}, "image_list"),
        ({"image_list": [{"image": URL}] * 5}, "image_list"),
        ({"image_list": [{}]}, "image can"),
        ({"prompt": " "}, "prompt"),
        ({"model_name": "kling-v1"}, "model_name"),
    ],
)
def test_bad_videos_from_several_pictures(fields: dict[str, Any], word: str) -> None:
    with pytest.raises(KlingRefused, match=word):
        check_multi_image_order({"image_list": [{"image": URL}], "prompt": "a fox", **fields}, lambda _: None)
