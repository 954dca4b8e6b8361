"""The Agents API provider: calls and answers, by the files of testdata/luma_agents."""

from pathlib import Path

import msgspec
import pytest
from tests.unit.providers.golden import body_of, inputs, name_of, output_of, told

from modelgate.core.errors import InvalidRequest
from modelgate.formats.media.requests import REQUEST_TYPES, MediaInput, Parent, VideoRequest, said_fields
from modelgate.metering.price_list import read_shipped_prices
from modelgate.providers.luma_agents import PROVIDER

VIDEO = PROVIDER.media["video"]


@pytest.mark.parametrize("path", inputs("luma_agents", "encode"), ids=name_of)
def test_request_beside_call(path: Path) -> None:
    name = path.name.partition("-")[0]
    request = msgspec.json.decode(path.read_bytes(), type=REQUEST_TYPES[name.partition(".")[0]])
    operation = PROVIDER.media[name]
    if operation.check is not None and not name.endswith((".upscale", ".audio")):
        operation.check(request, request.model)
    assert set(said_fields(request)) <= operation.takes

    call = operation.encode_submit(request, "task_ours", request.model)

    told = {"method": call.method, "path": call.path, "headers": dict(call.headers), "body": msgspec.json.decode(call.body)}
    assert told == output_of(path)


@pytest.mark.parametrize("path", inputs("luma_agents", "vendor"), ids=name_of)
def test_answer_beside_meaning(path: Path) -> None:
    answer = msgspec.json.decode(path.read_bytes())
    body = body_of(answer)
    parse = VIDEO.parse_submit if path.name.startswith("submit") else VIDEO.parse_poll
    assert parse is not None

    state = parse(answer["status"], body)

    assert told(state) == output_of(path)


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"\xff", b"[" * 100_000, b'{"id": 7}', b'{"id": ""}', b'{"id": "a", "state": 1}'])
def test_a_garbled_answer_is_ambiguous(body: bytes) -> None:
    """A job that may exist is never sent again, and one that runs is not ended by a broken answer."""
    assert VIDEO.parse_poll is not None
    submitted, polled = VIDEO.parse_submit(201, body), VIDEO.parse_poll(200, body)
    assert (submitted.state, submitted.refused, polled.state, polled.refused) == (None, False, None, False)


FIRST, LAST = MediaInput(data=b"1", role="first_frame"), MediaInput(data=b"2", role="last_frame")


@pytest.mark.parametrize(
    ("request_", "param"),
    [
        (VideoRequest(model="ray-3.2"), "prompt"),
        (VideoRequest(model="ray-3.2", prompt="x" * 6001), "prompt"),
        (VideoRequest(model="ray-3.2", prompt="p", inputs=(FIRST, FIRST)), "first_frame"),
        (VideoRequest(model="ray-3.2", prompt="p", inputs=(FIRST,), parent=Parent(vendor_task="v")), "first_frame"),
        (VideoRequest(model="ray-3.2", prompt="p", aspect_ratio="9:21"), "aspect_ratio"),
        (VideoRequest(model="ray-3.2", prompt="p", resolution="4k"), "resolution"),
        (VideoRequest(model="ray-3.2", prompt="p", seconds=9), "seconds"),
        (VideoRequest(model="ray-3.2", prompt="p", seconds=10, inputs=(LAST,)), "seconds"),
        (VideoRequest(model="ray-3.2", prompt="p", seconds=10, options={"luma_loop": True}), "luma_loop"),
        (VideoRequest(model="ray-3.2", prompt="p", options={"luma_loop": "yes"}), "luma_loop"),
    ],
)
def test_what_it_cannot_do(request_: VideoRequest, param: str) -> None:
    assert VIDEO.check is not None
    with pytest.raises(InvalidRequest) as caught:
        VIDEO.check(request_, request_.model)
    assert caught.value.param == param
    assert param in caught.value.message


def test_an_extension_goes_on_from_something() -> None:
    """One without an earlier video was a video of its own, at the price of an extension."""
    check = PROVIDER.media["video.extend"].check
    assert check is not None
    check(VideoRequest(model="ray-3.2", prompt="p", parent=Parent(vendor_task="v")), "ray-3.2")
    with pytest.raises(InvalidRequest, match="parent is required"):
        check(VideoRequest(model="ray-3.2", prompt="p"), "ray-3.2")


def test_an_input_that_is_still_stored_cannot_be_sent() -> None:
    request = VideoRequest(model="ray-3.2", prompt="p", inputs=(MediaInput(blob="a.png", role="first_frame"),))
    with pytest.raises(ValueError, match="neither"):
        VIDEO.encode_submit(request, "task_ours", "ray-3.2")


def test_every_size_and_length_has_its_price() -> None:
    (entry,) = [entry for entry in read_shipped_prices() if entry.provider == PROVIDER.name]
    wanted = {f"call:{resolution}+{seconds}s" for resolution in ("360p", "540p", "720p", "1080p") for seconds in (5, 10)}
    assert (entry.model, wanted <= set(entry.rates)) == ("ray-3.2", True)
