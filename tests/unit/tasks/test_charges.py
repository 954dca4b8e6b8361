"""What of a hold is charged: the part for the length that was made."""

from typing import Any

import msgspec
import pytest

from modelgate.core.providers import MediaOperation, Provider, UpstreamCall, VendorState
from modelgate.core.records import PriceRow, Snapshot, Task, TaskOutput, Upstream
from modelgate.formats.media.requests import VideoRequest, encode_request
from modelgate.metering.prices import PriceBook
from modelgate.tasks.charges import MeasuredCharges, whole_hold

HELD_S = 30


def measure(request: VideoRequest, outputs: tuple[TaskOutput, ...]) -> VideoRequest:
    return msgspec.structs.replace(request, seconds=outputs[0].duration_ms // 1000)


def operation(**about: Any) -> MediaOperation:
    return MediaOperation(encode_submit=lambda *_: UpstreamCall(method="POST", path="/"), parse_submit=lambda *_: VendorState(), **about)


def provider(name: str, made: MediaOperation) -> Provider:
    return Provider(name=name, title=name, base_url="", media={"video.edit": made}, sign=lambda secret, now: ())


PROVIDERS = {
    "measured": provider("measured", operation(measure=measure)),
    "plain": provider("plain", operation()),
    "gateway": provider("gateway", operation(takes_everything=True)),
}


class Configuration:
    """One upstream of each provider, and one model."""

    def __init__(self, rates: dict[str, str], *, home: str = "measured") -> None:
        upstreams = [Upstream(id=f"up_{name}", name=name, provider=name, base_url="http://a", book="test") for name in PROVIDERS]
        self.snapshot = Snapshot(version=1, upstreams=tuple(upstreams))
        self.prices = PriceBook((), (PriceRow(model="m", rates=rates),) if rates else (), {})
        self.home = home

    def home_of(self, model: str, operation: str) -> MediaOperation | None:
        assert (model, operation) == ("m", "video.edit")
        return PROVIDERS[self.home].operation(operation)


def charged(amount_nanos: int, *, rates: dict[str, str], made_s: int = 4, at: str = "measured", home: str = "measured") -> int:
    task = Task(
        id="task_1", account="a", key="k", book="test", family="f", operation="video.edit", model="m", state="running", upstream=f"up_{at}",
        request=encode_request(VideoRequest(model="m", seconds=HELD_S)), amount_nanos=amount_nanos,
    )  # fmt: skip
    charges = MeasuredCharges(lambda: Configuration(rates, home=home), providers=PROVIDERS)
    return charges(task, (TaskOutput(kind="video", duration_ms=made_s * 1000),))


@pytest.mark.parametrize(
    ("made_s", "nanos"),
    [(4, 400), (1, 100), (30, 3_000), (60, 3_000), (0, 3_000)],
    ids=["shorter", "shortest", "as held", "longer", "none"],
)
def test_the_seconds_that_were_made_are_charged_and_never_more_than_is_held(made_s: int, nanos: int) -> None:
    assert charged(3_000, rates={"second": "0.0000001"}, made_s=made_s) == nanos


def test_a_groups_share_is_kept() -> None:
    """The hold says what the group pays; the list, whatever it is by now, says only the proportion."""
    assert charged(6_000, rates={"second": "0.28"}) == 800


@pytest.mark.parametrize("rates", [{"call": "0.3"}, {}])
def test_what_is_not_paid_by_the_second_is_charged_as_held(rates: dict[str, str]) -> None:
    assert charged(3_000, rates=rates) == 3_000


def test_a_call_and_its_seconds() -> None:
    assert charged(4_000, rates={"call": "0.000001", "second": "0.0000001"}) == 4_000 * 1_400 // 4_000


@pytest.mark.parametrize(
    ("at", "home", "nanos"),
    [("plain", "measured", 3_000), ("gateway", "measured", 400), ("gateway", "plain", 3_000), ("nobody", "measured", 3_000)],
)
def test_it_is_the_models_own_vendor_that_says_whether_length_counts(at: str, home: str, nanos: int) -> None:
    assert charged(3_000, rates={"second": "0.0000001"}, at=at, home=home) == nanos


def test_nobody_else_measures() -> None:
    task = Task(
        id="t", account="a", key="k", book="test", family="f", operation="image", model="m", state="running", request=b"{}", amount_nanos=7
    )
    assert whole_hold(task, ()) == 7
