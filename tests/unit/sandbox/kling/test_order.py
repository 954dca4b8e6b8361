import pytest

from modelgate.sandbox.kling.fields import KlingRefused
from modelgate.sandbox.kling.order import KlingOrder, frame_size, ratio_of, read_tail


@pytest.mark.parametrize(
    ("ratio", "mode", "size"),
    [("16:9", "std", (1280, 720)), ("9:16", "pro", (1080, 1920)), ("1:1", "std", (720, 720)), ("333:100", "std", (1800, 720))],
)
def test_the_shorter_side_is_the_modes(ratio: str, mode: str, size: tuple[int, int]) -> None:
    assert frame_size(ratio_of(ratio), mode) == size


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


def test_the_tail() -> None:
    assert read_tail({"external_task_id": "x", "callback_url": ""}) == {"external_id": "x", "callback_url": ""}
    with pytest.raises(KlingRefused, match="callback_url"):
        read_tail({"callback_url": "customer"})
