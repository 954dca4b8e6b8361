"""New API as a vendor of videos."""

import msgspec
import pytest

from modelgate.core.errors import InvalidRequest
from modelgate.core.providers import VendorState
from modelgate.formats.media.requests import MediaInput, VideoRequest
from modelgate.providers.newapi import PROVIDER

VIDEO = PROVIDER.media["video"]


def polled(**fields: object) -> VendorState:
    assert VIDEO.parse_poll is not None
    return VIDEO.parse_poll(200, msgspec.json.encode({"id": "task_1", "object": "video", **fields}))


def test_a_video_is_asked_for_in_its_words() -> None:
    wanted = VideoRequest(
        model="m", prompt="p", seconds=5, aspect_ratio="9:16", quality="pro", inputs=(MediaInput(data=b"1", role="first_frame"),)
    )

    call = VIDEO.encode_submit(wanted, "task_ours", "kling-v1")

    assert (call.method, call.path) == ("POST", "/v1/videos")
    assert msgspec.json.decode(call.body) == {
        "model": "kling-v1",
        "prompt": "p",
        "seconds": "5",
        "size": "720x1280",
        "mode": "pro",
        "image": "data:image/png;base64,MQ==",
    }


def test_answers_are_understood() -> None:
    assert polled(status="queued").state == "running"
    assert polled(status="in_progress", progress=30).progress == 30
    done = polled(status="completed", metadata={"url": "https://a.example/a.mp4"})
    assert (done.state, done.outputs[0].url) == ("succeeded", "https://a.example/a.mp4")
    failed = polled(status="failed", error={"message": "no", "code": "x"})
    assert (failed.state, failed.error_message) == ("failed", "no")
    assert polled(status="new word").state is None


def test_a_submit_is_taken_or_refused() -> None:
    assert VIDEO.parse_submit(200, b'{"task_id": "task_1", "status": "queued"}').vendor_task == "task_1"
    refused = VIDEO.parse_submit(403, b'{"code": "insufficient_user_quota", "message": "m"}')
    assert (refused.refused, refused.error_code) == (True, "vendor_balance")


@pytest.mark.parametrize(
    ("wanted", "param"),
    [
        (VideoRequest(model="m"), "prompt"),
        (VideoRequest(model="m", prompt="p", aspect_ratio="21:9"), "aspect_ratio"),
        (VideoRequest(model="m", prompt="p", inputs=(MediaInput(url="a"), MediaInput(url="b"))), "first_frame"),
    ],
)
def test_what_it_has_no_word_for_is_refused(wanted: VideoRequest, param: str) -> None:
    assert VIDEO.check is not None
    with pytest.raises(InvalidRequest) as raised:
        VIDEO.check(wanted, "m")
    assert raised.value.param == param
