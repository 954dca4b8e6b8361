"""The Black Forest Labs provider: calls and answers, by the files of testdata/bfl."""

from math import log
from pathlib import Path

import msgspec
import pytest
from tests.unit.providers.golden import body_of, inputs, name_of, output_of, told

from modelgate.core.providers import UpstreamCall
from modelgate.formats.media.requests import ImageRequest, MediaInput
from modelgate.metering.price_list import read_shipped_prices
from modelgate.providers import bfl
from modelgate.providers.bfl import PROVIDER

IMAGE = PROVIDER.media["image"]


@pytest.mark.parametrize("path", inputs("bfl", "encode"), ids=name_of)
def test_request_beside_call(path: Path) -> None:
    request = msgspec.json.decode(path.read_bytes(), type=ImageRequest)

    call = IMAGE.encode_submit(request, "task_ours", request.model)

    told = {"method": call.method, "path": call.path, "headers": dict(call.headers), "body": msgspec.json.decode(call.body)}
    assert told == output_of(path)


@pytest.mark.parametrize("path", inputs("bfl", "vendor"), ids=name_of)
def test_answer_beside_meaning(path: Path) -> None:
    answer = msgspec.json.decode(path.read_bytes())
    body = body_of(answer)
    parse = IMAGE.parse_submit if path.name.startswith("submit") else IMAGE.parse_poll

    state = parse(answer["status"], body)

    assert told(state) == output_of(path)


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"\xff", b"[" * 100_000, b'{"id": 7}', b'{"id": "a/b"}', b'{"status": null}'])
def test_a_garbled_answer_is_ambiguous(body: bytes) -> None:
    """A job that may exist is never sent again, and one that runs is not ended by a broken answer."""
    submitted, polled = IMAGE.parse_submit(200, body), IMAGE.parse_poll(200, body)
    assert (submitted.state, submitted.refused, polled.state, polled.refused) == (None, False, None, False)


@pytest.mark.parametrize(
    "url", ["https://[", "https://user@api.eu.bfl.ai/v1/get_result?id=j", "https://api.eu.bfl.ai/elsewhere?id=j", "x" * 10_000]
)
def test_an_address_that_does_not_ask_for_the_job_is_not_kept(url: str) -> None:
    state = IMAGE.parse_submit(200, msgspec.json.encode({"id": "j", "polling_url": url}))
    assert (state.state, state.vendor_task) == ("running", "j")


def test_a_job_is_asked_for_where_it_is() -> None:
    assert IMAGE.encode_poll("j 1") == UpstreamCall(method="GET", path="/v1/get_result?id=j%201")
    assert IMAGE.encode_poll("api.eu4.bfl.ai/j1") == UpstreamCall(method="GET", path="/v1/get_result?id=j1", host="api.eu4.bfl.ai")
    assert IMAGE.encode_lookup is None, "the vendor does not know our ids"


@pytest.mark.parametrize(
    "request_",
    [
        ImageRequest(model="flux-dev", prompt="p", n=2),
        ImageRequest(model="flux-dev", prompt="p", aspect_ratio="5:4"),
        ImageRequest(model="flux-dev", prompt="p", inputs=(MediaInput(url="https://pictures.example/a.png"),)),
        ImageRequest(model="flux-kontext-pro", prompt="p", inputs=(MediaInput(blob="blob_1234.png"),)),
        ImageRequest(model="flux-dev", prompt="p", inputs=(MediaInput(data=b"1"), MediaInput(data=b"2"))),
    ],
    ids=["two", "ratio", "address", "blob", "pictures"],
)
def test_what_one_job_cannot_do(request_: ImageRequest) -> None:
    with pytest.raises(ValueError, match=r"one job|no size|neither"):
        IMAGE.encode_submit(request_, "task_ours", request_.model)


def test_sizes_say_their_ratio_within_one_megapixel() -> None:
    """FLUX.2 is priced by the megapixel, FLUX.1 takes multiples of 32 from 256 to 1440."""
    for ratio, (width, height) in bfl._PIXELS.items():
        across, down = (int(part) for part in ratio.split(":"))
        assert abs(log(width / height) - log(across / down)) < 0.01, ratio
        assert width % 32 == height % 32 == 0
        assert 256 <= min(width, height) <= max(width, height) <= 1440
        assert width * height <= 1024 * 1024


def test_the_key_goes_in_its_own_header() -> None:
    assert PROVIDER.sign("k", 0.0) == (("x-key", "k"),)


def test_its_models_are_priced_by_the_picture() -> None:
    priced = [entry for entry in read_shipped_prices() if entry.provider == PROVIDER.name]
    assert {entry.serves for entry in priced} == {("image",)}
    assert {"flux-pro-1.1", "flux-pro-1.1-ultra", "flux-kontext-pro", "flux-kontext-max", "flux-dev"} <= {entry.model for entry in priced}
    assert all("image" in entry.rates for entry in priced)
