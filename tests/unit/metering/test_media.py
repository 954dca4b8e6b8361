"""What media work costs, by the piece."""

import msgspec
import pytest

from modelgate.core.money import NANOS_PER_USD
from modelgate.core.records import PriceRow
from modelgate.formats.media.requests import ImageRequest, MediaInput, MusicRequest, VideoRequest
from modelgate.metering.media import amount_of
from modelgate.metering.prices import Price, PriceBook

CENT = NANOS_PER_USD // 100
PAINTER = PriceRow(model="m", rates={"image": "0.01", "image:with_image": "0.02"})
FILM = PriceRow(model="m", rates={"second": "0.1", "second:pro": "0.2", "second:extend": "0.5"})


def price_of(row: PriceRow) -> Price:
    price = PriceBook((), (row,), {}).find("m")
    assert price is not None
    return price


def test_pictures_by_their_number_and_what_they_start_from() -> None:
    plain = ImageRequest(model="m", prompt="x", n=2)
    with_image = msgspec.structs.replace(plain, inputs=(MediaInput(url="https://pictures.example/a.png"),))
    assert amount_of(price_of(PAINTER), "image", plain) == 2 * CENT
    assert amount_of(price_of(PAINTER), "image", with_image) == 4 * CENT


@pytest.mark.parametrize(
    ("operation", "request_", "cents"),
    [
        ("video", VideoRequest(model="m", seconds=5), 50),
        ("video", VideoRequest(model="m", seconds=5, n=2, quality="pro"), 200),
        ("video.extend", VideoRequest(model="m", seconds=5), 250),
        ("music", MusicRequest(model="m", seconds=7), 70),
        ("music", MusicRequest(model="m"), 0),
    ],
)
def test_the_rest_by_the_second(operation: str, request_: VideoRequest | MusicRequest, cents: int) -> None:
    assert amount_of(price_of(FILM), operation, request_) == cents * CENT


def test_a_call_is_a_call_however_long() -> None:
    price = price_of(PriceRow(model="m", rates={"call": "0.3"}))
    assert {amount_of(price, "video", VideoRequest(model="m", seconds=seconds)) for seconds in (0, 5, 30)} == {30 * CENT}
