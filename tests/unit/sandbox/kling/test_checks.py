import base64
import io
from typing import Any

import pytest
from PIL import Image

from modelgate.sandbox.kling.checks import (
    check_image_order,
    check_image_video_order,
    check_multi_image_order,
    check_text_order,
    check_try_on_order,
    frame_size,
    ratio_of,
)
from modelgate.sandbox.kling.schema import KlingOrder, KlingRefused

URL = "https://example.com/a.png"


def _order(**fields: Any) -> KlingOrder:
    return check_image_order({"prompt": "a fox", **fields}, lambda _: None)


def _image(*, size: tuple[int, int] = (400, 400), kind: str = "PNG") -> str:
    buffer = io.BytesIO()
    Image.new("RGB", size).save(buffer, kind)
    return base64.b64encode(buffer.getvalue()).decode()


def test_defaults() -> None:
    order = _order(model="ignored", n=None)
    assert (order.model, order.n, order.ratio, order.resolution, order.reference, order.kind) == (
        "kling-v1",
        1,
        "16:9",
        "1k",
        None,
        "generations",
    )


@pytest.mark.parametrize(
    "fields",
    [
        {"prompt": "x" * 2500, "negative_prompt": "y" * 2500},
        {"n": 9, "aspect_ratio": "2:3", "image_fidelity": 1, "external_task_id": "task_1"},
        {"image": _image(), "model_name": "kling-v1-5", "image_reference": "subject", "human_fidelity": 0.3},
        {"image": _image(size=(300, 750), kind="JPEG")},
        {"image": "https://example.com/a.png", "negative_prompt": ""},
        {"model_name": "kling-v2-1", "aspect_ratio": "21:9", "resolution": "2k"},
        {"model_name": "sandbox-fail-task"},
        {"callback_url": "https://example.com/hook"},
    ],
)
def test_good_orders_pass(fields: dict[str, Any]) -> None:
    order = _order(**fields)
    assert order.n == fields.get("n", 1)


@pytest.mark.parametrize(
    ("fields", "code", "word"),
    [
        ({"prompt": None}, 1201, "prompt"),
        ({"prompt": " "}, 1201, "prompt"),
        ({"prompt": 7}, 1200, "prompt"),
        ({"prompt": "x" * 2501}, 1201, "prompt .* 2500"),
        ({"negative_prompt": "x" * 2501}, 1201, "negative_prompt"),
        ({"model_name": "kling-v9"}, 1201, "model_name"),
        ({"n": 0}, 1201, "n .* >= 1"),
        ({"n": 10}, 1201, "n .* <= 9"),
        ({"n": "2"}, 1200, "n .*int"),
        ({"n": True}, 1200, "n .*int"),
        ({"aspect_ratio": "5:4"}, 1201, "aspect_ratio"),
        ({"aspect_ratio": "21:9"}, 1201, "21:9"),
        ({"resolution": "2k"}, 1201, "resolution"),
        ({"image_fidelity": 1.1}, 1201, "image_fidelity"),
        ({"image_fidelity": "0.5"}, 1200, "image_fidelity"),
        ({"human_fidelity": 0.5}, 1201, "human_fidelity"),
        ({"image_reference": "subject"}, 1201, "image_reference"),
        ({"image": _image(), "image_reference": "pose"}, 1201, "image_reference"),
        ({"image": _image(), "model_name": "kling-v1-5"}, 1201, "image_reference"),
        ({"image": _image(), "negative_prompt": "dogs"}, 1201, "negative_prompt"),
        ({"image": "data:image/png;base64," + _image()}, 1201, "image .*data:"),
        ({"image": "bm90IGEgcGljdHVyZQ=="}, 1201, "image"),
        ({"image": _image(size=(299, 400))}, 1201, "image .* 300 pixels"),
        ({"image": _image(size=(300, 751))}, 1201, "image .*ratio"),
        ({"image": base64.b64encode(base64.b64decode(_image(size=(900, 900)))[:-900]).decode()}, 1201, "image "),
        ({"image": _image(kind="WEBP")}, 1201, "image .*JPEG, PNG"),
        ({"callback_url": "ftp://example.com"}, 1201, "callback_url"),
        ({"external_task_id": "x" * 257}, 1201, "external_task_id"),
    ],
)
def test_bad_orders_name_the_field(fields: dict[str, Any], code: int, word: str) -> None:
    with pytest.raises(KlingRefused, match=word) as caught:
        _order(**fields)
    assert (caught.value.code, caught.value.status) == (code, 400)


def test_a_reference_is_kept_small() -> None:
    reference = _order(image=_image(size=(2000, 1000))).reference
    assert reference is not None
    assert Image.open(io.BytesIO(reference)).size == (320, 160)


def test_a_try_on_needs_a_person_and_a_garment() -> None:
    order = check_try_on_order(
        {"human_image": "https://example.com/a.png", "cloth_image": _image(), "external_task_id": "ours"}, lambda _: None
    )
    assert (order.kind, order.model, order.n, order.external_id) == ("kolors-virtual-try-on", "kolors-virtual-try-on-v1", 1, "ours")
    assert order.reference is not None
    assert not order.is_video


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"cloth_image": ""}, "cloth_image"),
        ({"human_image": None}, "human_image"),
        ({"human_image": _image(size=(200, 300))}, "human_image .* 300 pixels"),
        ({"model_name": "kling-v1"}, "model_name"),
    ],
)
def test_bad_try_ons_name_the_field(fields: dict[str, Any], word: str) -> None:
    with pytest.raises(KlingRefused, match=word):
        check_try_on_order({"human_image": _image(), "cloth_image": _image(), **fields}, lambda _: None)


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
        ({"image": _image(size=(200, 400))}, "image .* 300 pixels"),
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
        ({"image_list": [{}]}, "image_list.image can"),
        ({"prompt": " "}, "prompt"),
        ({"model_name": "kling-v1"}, "model_name"),
    ],
)
def test_bad_videos_from_several_pictures(fields: dict[str, Any], word: str) -> None:
    with pytest.raises(KlingRefused, match=word):
        check_multi_image_order({"image_list": [{"image": URL}], "prompt": "a fox", **fields}, lambda _: None)


PATH = [{"x": 1, "y": 2}, {"x": 3, "y": 4}]


def film(fields: dict[str, Any], *, model: str, image: str = URL) -> KlingOrder:
    return check_image_video_order({"image": image, "model_name": model, **fields}, lambda _: None)


@pytest.mark.parametrize(
    "control",
    [None, {"type": "down_back"}, {"type": "simple", "config": {"zoom": 5, "pan": 0}}, {"type": "simple", "config": {"roll": -10}}],
)
def test_good_cameras(control: Any) -> None:
    film({"camera_control": control}, model="kling-v1")
    if control is not None:
        with pytest.raises(KlingRefused, match="together"):
            film({"camera_control": control, "image_tail": URL}, model="kling-v1")


@pytest.mark.parametrize(
    ("control", "word"),
    [
        ({"type": "simple"}, "config is required"),
        ({"type": "simple", "config": {}}, "exactly one"),
        ({"type": "simple", "config": {"zoom": 5, "pan": 1}}, "exactly one"),
        ({"type": "simple", "config": {"zoom": 11}}, "zoom"),
        ({"type": "forward_up", "config": {"zoom": 1}}, "must be empty"),
        ({"type": "spin"}, "type"),
        ("simple", "object"),
    ],
)
def test_bad_cameras(control: Any, word: str) -> None:
    with pytest.raises(KlingRefused, match=word):
        film({"camera_control": control}, model="kling-v1")


def test_newer_models_have_no_camera() -> None:
    with pytest.raises(KlingRefused, match="kling-v2-master"):
        film({"camera_control": {"type": "down_back"}}, model="kling-v2-master")


def test_good_masks() -> None:
    masks = [{"mask": _image(), "trajectories": PATH}]
    film({"static_mask": _image(), "dynamic_masks": masks}, model="kling-v1", image=_image(size=(800, 800)))
    film({"static_mask": "", "dynamic_masks": []}, model="kling-v3")
    with pytest.raises(KlingRefused, match="together"):
        film({"static_mask": _image(), "image_tail": URL}, model="kling-v1")


@pytest.mark.parametrize(
    ("fields", "model", "word"),
    [
        ({"static_mask": URL}, "kling-v1-6", "kling-v1-6"),
        ({"dynamic_masks": [{"mask": URL, "trajectories": PATH}] * 7}, "kling-v1", "dynamic_masks .* <= 6"),
        ({"dynamic_masks": [{"trajectories": PATH}]}, "kling-v1", "mask"),
        ({"dynamic_masks": [{"mask": URL, "trajectories": PATH[:1]}]}, "kling-v1", "trajectories .* >= 2"),
        ({"dynamic_masks": [{"mask": URL, "trajectories": PATH * 39}]}, "kling-v1", "trajectories"),
        ({"dynamic_masks": [{"mask": URL, "trajectories": [{"x": 1.5, "y": 0}] * 2}]}, "kling-v1", r"trajectories\.0\.x .*int"),
        ({"static_mask": _image(size=(400, 500))}, "kling-v1", "aspect ratio"),
        ({"static_mask": _image(), "dynamic_masks": [{"mask": _image(size=(500, 500)), "trajectories": PATH}]}, "kling-v1", "same size"),
    ],
)
def test_bad_masks(fields: dict[str, Any], model: str, word: str) -> None:
    with pytest.raises(KlingRefused, match=word):
        film(fields, model=model, image=_image(size=(800, 800)))


SHOTS = [{"index": 1, "prompt": "a fox", "duration": "2"}, {"index": 2, "prompt": "a hen", "duration": "3"}]


def test_shots() -> None:
    assert film({"multi_shot": True, "shot_type": "customize", "multi_prompt": SHOTS}, model="kling-v3").prompt == "a fox / a hen"
    assert film({"multi_shot": False, "multi_prompt": "whatever"}, model="kling-v1").prompt == ""


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"multi_prompt": []}, "multi_prompt .* >= 1"),
        ({}, "multi_prompt can not be empty"),
        ({"multi_prompt": SHOTS * 4}, "multi_prompt .* <= 6"),
        ({"multi_prompt": SHOTS[:1]}, "add up"),
        ({"multi_prompt": [{**SHOTS[0], "duration": "x"}]}, "duration"),
        ({"multi_prompt": [{**SHOTS[0], "index": "1"}]}, "index"),
        ({"multi_prompt": [{**SHOTS[0], "duration": "5", "prompt": "x" * 513}]}, "512"),
        ({"multi_prompt": SHOTS, "shot_type": "wild"}, "shot_type"),
    ],
)
def test_bad_shots(fields: dict[str, Any], word: str) -> None:
    with pytest.raises(KlingRefused, match=word):
        film({"multi_shot": True, **fields}, model="kling-v3")


@pytest.mark.parametrize(
    ("ratio", "mode", "size"),
    [("16:9", "std", (1280, 720)), ("9:16", "pro", (1080, 1920)), ("1:1", "std", (720, 720)), ("333:100", "std", (1800, 720))],
)
def test_the_shorter_side_is_the_modes(ratio: str, mode: str, size: tuple[int, int]) -> None:
    assert frame_size(ratio_of(ratio), mode) == size
