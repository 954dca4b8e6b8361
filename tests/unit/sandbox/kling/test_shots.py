import base64
import io
from typing import Any

import pytest
from PIL import Image

from modelgate.sandbox.kling.fields import KlingRefused
from modelgate.sandbox.kling.shots import check_camera, check_masks, check_shots

URL = "https://example.com/a.png"
PATH = [{"x": 1, "y": 2}, {"x": 3, "y": 4}]


def _image(*, size: tuple[int, int] = (400, 400), kind: str = "PNG") -> str:
    buffer = io.BytesIO()
    Image.new("RGB", size).save(buffer, kind)
    return base64.b64encode(buffer.getvalue()).decode()


@pytest.mark.parametrize(
    "control",
    [None, {"type": "down_back"}, {"type": "simple", "config": {"zoom": 5, "pan": 0}}, {"type": "simple", "config": {"roll": -10}}],
)
def test_good_cameras(control: Any) -> None:
    assert check_camera({"camera_control": control}, model="kling-v1") == (control is not None)


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
        check_camera({"camera_control": control}, model="kling-v1")


def test_newer_models_have_no_camera() -> None:
    with pytest.raises(KlingRefused, match="kling-v2-master"):
        check_camera({"camera_control": {"type": "down_back"}}, model="kling-v2-master")


def test_good_masks() -> None:
    masks = [{"mask": _image(), "trajectories": PATH}]
    assert check_masks({"static_mask": _image(), "dynamic_masks": masks}, model="kling-v1", length="5", size=(800, 800))
    assert not check_masks({"static_mask": "", "dynamic_masks": []}, model="kling-v3", length="5", size=None)


@pytest.mark.parametrize(
    ("fields", "model", "word"),
    [
        ({"static_mask": URL}, "kling-v1-6", "kling-v1-6"),
        ({"dynamic_masks": [{"mask": URL, "trajectories": PATH}] * 7}, "kling-v1", "at most 6"),
        ({"dynamic_masks": [{"trajectories": PATH}]}, "kling-v1", "mask"),
        ({"dynamic_masks": [{"mask": URL, "trajectories": PATH[:1]}]}, "kling-v1", "2 to 77"),
        ({"dynamic_masks": [{"mask": URL, "trajectories": PATH * 39}]}, "kling-v1", "trajectories"),
        ({"dynamic_masks": [{"mask": URL, "trajectories": [{"x": 1.5, "y": 0}] * 2}]}, "kling-v1", "integer"),
        ({"static_mask": _image(size=(400, 500))}, "kling-v1", "aspect ratio"),
        ({"static_mask": _image(), "dynamic_masks": [{"mask": _image(size=(500, 500)), "trajectories": PATH}]}, "kling-v1", "same size"),
    ],
)
def test_bad_masks(fields: dict[str, Any], model: str, word: str) -> None:
    with pytest.raises(KlingRefused, match=word):
        check_masks(fields, model=model, length="5", size=(800, 800))


SHOTS = [{"index": 1, "prompt": "a fox", "duration": "2"}, {"index": 2, "prompt": "a hen", "duration": "3"}]


def test_shots() -> None:
    assert check_shots({"multi_shot": True, "shot_type": "customize", "multi_prompt": SHOTS}, is_able=True, length=5) == ["a fox", "a hen"]
    assert check_shots({"multi_shot": False, "multi_prompt": "whatever"}, is_able=False, length=5) == []


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"multi_prompt": []}, "empty"),
        ({"multi_prompt": SHOTS * 4}, "at most 6"),
        ({"multi_prompt": SHOTS[:1]}, "add up"),
        ({"multi_prompt": [{**SHOTS[0], "duration": "x"}]}, "duration"),
        ({"multi_prompt": [{**SHOTS[0], "index": "1"}]}, "index"),
        ({"multi_prompt": [{**SHOTS[0], "duration": "5", "prompt": "x" * 513}]}, "512"),
        ({"multi_prompt": SHOTS, "shot_type": "wild"}, "shot_type"),
    ],
)
def test_bad_shots(fields: dict[str, Any], word: str) -> None:
    with pytest.raises(KlingRefused, match=word):
        check_shots({"multi_shot": True, **fields}, is_able=True, length=5)
