import base64
import io
from typing import Any

import pytest
from PIL import Image

from modelgate.sandbox.kling.checks import check_image_order, check_try_on_order
from modelgate.sandbox.kling.fields import KlingRefused
from modelgate.sandbox.kling.order import KlingOrder


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
        ({"prompt": "x" * 2501}, 1201, "2500"),
        ({"negative_prompt": "x" * 2501}, 1201, "negative_prompt"),
        ({"model_name": "kling-v9"}, 1201, "model_name"),
        ({"n": 0}, 1201, "n value"),
        ({"n": 10}, 1201, "n value"),
        ({"n": "2"}, 1200, "n must"),
        ({"n": True}, 1200, "n must"),
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
        ({"image": "data:image/png;base64," + _image()}, 1201, "data:"),
        ({"image": "bm90IGEgcGljdHVyZQ=="}, 1201, "image"),
        ({"image": _image(size=(299, 400))}, 1201, "300px"),
        ({"image": _image(size=(300, 751))}, 1201, "ratio"),
        ({"image": base64.b64encode(base64.b64decode(_image(size=(900, 900)))[:-900]).decode()}, 1201, "breaks off"),
        ({"image": _image(kind="WEBP")}, 1201, "format"),
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
        ({"human_image": _image(size=(200, 300))}, "human_image .* 300px"),
        ({"model_name": "kling-v1"}, "model_name"),
    ],
)
def test_bad_try_ons_name_the_field(fields: dict[str, Any], word: str) -> None:
    with pytest.raises(KlingRefused, match=word):
        check_try_on_order({"human_image": _image(), "cloth_image": _image(), **fields}, lambda _: None)
