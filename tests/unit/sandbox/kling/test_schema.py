import base64
from typing import Any

import pytest

from modelgate.sandbox.body_shape import WrongField, read_shape
from modelgate.sandbox.kling.checks import read_body
from modelgate.sandbox.kling.schema import Extend, KlingOrder, KlingRefused, Object, Picture, Several, Video
from modelgate.sandbox.pictures import draw_picture


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"prompt": 1}, 1200),
        ({"prompt": "x" * 2_501}, 1201),
        ({"mode": "c"}, 1201),
        ({"mode": 1}, 1200),
        ({"cfg_scale": True}, 1200),
        ({"cfg_scale": 2}, 1201),
        ({"multi_shot": "yes"}, 1200),
        ({"camera_control": []}, 1200),
        ({"dynamic_masks": ["b"]}, 1200),
        ({"dynamic_masks": [{}] * 7}, 1201),
        ({"image": "x"}, 1201),
        ({"image": 1}, 1200),
        ({"external_task_id": "x" * 257}, 1201),
        ({"callback_url": "customer"}, 1201),
    ],
)
def test_wrong_shapes_and_values_are_told_apart(body: dict[str, Any], code: int) -> None:
    with pytest.raises(KlingRefused, match=next(iter(body))) as caught:
        read_body(body, Video)
    assert caught.value.code == code


def test_an_object_that_must_be_there() -> None:
    for body in ({}, {"input": None}, {"input": []}):
        with pytest.raises(KlingRefused, match="input ") as caught:
            read_body(body, Object)
        assert caught.value.code == 1200


def test_what_is_absent() -> None:
    assert read_body(dict.fromkeys(Video.__struct_fields__), Video) == Video()
    assert read_body({"callback_url": "", "cfg_scale": None}, Extend) == Extend()
    assert read_body({"watermark_info": {"enabled": None}}, Several).watermark_info.enabled is False


def test_a_picture_is_there_unless_its_text_is_empty() -> None:
    drawn = base64.b64encode(draw_picture("a fox", ratio="1:1")).decode()
    assert [bool(read_shape(text, Picture)) for text in ("", "https://example.com/a.png", drawn)] == [False, True, True]
    with pytest.raises(WrongField):
        read_shape("data:image/png;base64," + drawn, Picture)


@pytest.mark.parametrize(
    ("order", "units"),
    [
        (KlingOrder(model="m", prompt="p", n=3), "3"),
        (KlingOrder(model="m", prompt="p", seconds=10), "2"),
        (KlingOrder(model="m", prompt="p", seconds=5, mode="pro"), "3.5"),
    ],
)
def test_what_an_order_costs(order: KlingOrder, units: str) -> None:
    assert order.units == units
