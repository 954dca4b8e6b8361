"""Dream Machine: what its models can do, calls and answers, by the files of testdata/luma."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.unit.providers.golden import body_of, inputs, name_of, output_of, told

from modelgate.core.errors import InvalidRequest
from modelgate.core.records import TaskOutput
from modelgate.formats.media.requests import REQUEST_TYPES, Earlier, ImageRequest, MediaInput, Parent, VideoRequest, said_fields
from modelgate.metering.price_list import read_shipped_prices
from modelgate.providers.luma import PROVIDER

VIDEO = PROVIDER.media["video"]


FIRST, LAST = MediaInput(url="https://g.example/1.png", role="first_frame"), MediaInput(url="https://g.example/2.png", role="last_frame")


PARENT = Parent(task="task_1", vendor_task="v")


@pytest.mark.parametrize(
    ("operation", "request_", "param"),
    [
        ("video", VideoRequest(model="ray-2"), "prompt"),
        ("video", VideoRequest(model="ray-2", inputs=(FIRST, FIRST)), "first_frame"),
        ("video", VideoRequest(model="ray-2", prompt="p", aspect_ratio="5:4"), "aspect_ratio"),
        ("video", VideoRequest(model="ray-2", prompt="p", resolution="360p"), "resolution"),
        ("video", VideoRequest(model="ray-2", prompt="p", seconds=10), "seconds"),
        ("video", VideoRequest(model="ray-2", prompt="p", options={"luma_loop": 1}), "luma_loop"),
        ("video", VideoRequest(model="ray-2", prompt="p", options={"luma_concepts": "pov"}), "luma_concepts"),
        ("video", VideoRequest(model="ray-2", prompt="p", options={"luma_concepts": ["x"]}), "luma_concepts"),
        ("video", VideoRequest(model="ray-2", prompt="p", options={"luma_concepts": [{}]}), "luma_concepts"),
        ("video.extend", VideoRequest(model="ray-2", prompt="p", parent=PARENT, inputs=(FIRST,)), "first_frame"),
        ("video.extend", VideoRequest(model="ray-2", parent=PARENT, inputs=(LAST,), options={"luma_backwards": True}), "last_frame"),
        ("video.extend", VideoRequest(model="ray-2", prompt="p"), "parent"),
        ("video.upscale", VideoRequest(model="ray-2", resolution="1080p"), "parent"),
        ("video.upscale", VideoRequest(model="ray-2", resolution="360p", parent=PARENT), "resolution"),
        ("video.audio", VideoRequest(model="ray-2", prompt="p"), "parent"),
        ("video.audio", VideoRequest(model="ray-2", parent=PARENT), "prompt"),
        ("image", ImageRequest(model="photon-1"), "prompt"),
        ("image", ImageRequest(model="photon-1", prompt="p", aspect_ratio="5:4"), "aspect_ratio"),
        ("image", ImageRequest(model="photon-1", prompt="p", inputs=(MediaInput(url="u", role="style"),) * 5), "style"),
        ("image", ImageRequest(model="photon-1", prompt="p", options={"luma_style_weights": [2]}), "luma_style_weights"),
    ],
)
def test_what_it_cannot_do(operation: str, request_: Any, param: str) -> None:
    check = PROVIDER.media[operation].check
    assert check is not None
    with pytest.raises(InvalidRequest) as caught:
        check(request_, request_.model)
    assert caught.value.param == param
    assert param in caught.value.message


@pytest.mark.parametrize("operation", ["video.upscale", "video.audio"])
def test_what_is_made_of_a_video_is_as_long_and_of_its_model(operation: str) -> None:
    """In the plain way it was charged for as many seconds, and as by whichever model, as its caller said."""
    inherit = PROVIDER.media[operation].inherit
    assert inherit is not None
    earlier = Earlier(model="ray-2", request=VideoRequest(model="ray-2", seconds=9))
    assert inherit(VideoRequest(model="ray-2", parent=PARENT), earlier).seconds == 9
    assert inherit(VideoRequest(model="ray-2", parent=PARENT, seconds=9), earlier).seconds == 9
    measured = msgspec.structs.replace(earlier, output=TaskOutput(kind="video", url="u", duration_ms=5_040))
    assert inherit(VideoRequest(model="ray-2", parent=PARENT), measured).seconds == 5
    for wanted, param in ((VideoRequest(model="ray-2", seconds=1), "seconds"), (VideoRequest(model="ray-flash-2"), "model")):
        with pytest.raises(InvalidRequest) as caught:
            inherit(wanted, earlier)
        assert caught.value.param == param


def test_its_models_are_priced_by_length_and_size() -> None:
    priced = {entry.model: entry for entry in read_shipped_prices() if entry.provider == PROVIDER.name}
    assert set(priced) == {"ray-2", "ray-flash-2", "ray-1-6", "photon-1", "photon-flash-1"}
    assert VIDEO.complete is not None
    completed = VIDEO.complete(VideoRequest(model="ray-2"), "ray-2")
    assert (completed.seconds, completed.resolution) == (5, "720p")


@pytest.mark.parametrize("path", inputs("luma", "encode"), ids=name_of)
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


def test_an_input_must_be_an_address() -> None:
    with pytest.raises(ValueError, match="address"):
        VIDEO.encode_submit(VideoRequest(model="ray-2", inputs=(MediaInput(data=b"1", role="first_frame"),)), "task_ours", "ray-2")
    with pytest.raises(ValueError, match="build on"):
        PROVIDER.media["video.upscale"].encode_submit(VideoRequest(model="ray-2"), "task_ours", "ray-2")


def test_the_vendor_is_told_where_to_call() -> None:
    call = VIDEO.encode_submit(VideoRequest(model="ray-2", prompt="p"), "task_ours", "ray-2", callback_url="https://g.example/called")
    assert msgspec.json.decode(call.body)["callback_url"] == "https://g.example/called"
    assert VIDEO.has_callbacks
    assert VIDEO.inputs_by_url


@pytest.mark.parametrize("path", inputs("luma", "vendor"), ids=name_of)
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


def test_only_a_good_answer_cancels() -> None:
    assert VIDEO.parse_cancel is not None
    assert VIDEO.encode_cancel is not None
    assert VIDEO.encode_cancel("a/b").path == "/generations/a%2Fb"
    assert [VIDEO.parse_cancel(status, b"").state for status in (204, 404, 500)] == ["canceled", None, None]


def test_sound_has_the_length_of_its_video_and_no_size_of_its_own() -> None:
    complete = PROVIDER.media["video.audio"].complete
    assert complete is not None
    assert complete(VideoRequest(model="ray-2", seconds=9), "ray-2") == VideoRequest(model="ray-2", seconds=9)
    assert complete(VideoRequest(model="ray-2"), "ray-2") == VideoRequest(model="ray-2", seconds=5)
