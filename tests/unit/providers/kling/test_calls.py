"""The calls to Kling: every file of testdata/kling/encode, and how jobs are followed."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from modelgate.core.providers import UpstreamCall
from modelgate.formats.media.requests import ImageRequest, MediaInput, VideoRequest, decode_request
from modelgate.providers.kling import PROVIDER

FOLDER = Path(__file__).parents[3] / "testdata" / "kling" / "encode"
IMAGE = PROVIDER.media["image"]
INPUTS = sorted(FOLDER.glob("*.input.json"))


def test_the_folder_of_cases_is_found() -> None:
    assert len(INPUTS) > 12


@pytest.mark.parametrize("path", INPUTS, ids=lambda path: path.name.removesuffix(".input.json"))
def test_request_beside_call(path: Path) -> None:
    case = msgspec.json.decode(path.read_bytes())
    request = decode_request(case["operation"], msgspec.json.encode(case["request"]))

    call = PROVIDER.media[case["operation"]].encode_submit(request, "task_ours", "vendor-" + request.model, callback_url="")

    made = {"method": call.method, "path": call.path, "headers": dict(call.headers), "body": msgspec.json.decode(call.body)}
    assert made == msgspec.json.decode(path.with_name(path.name.replace(".input.", ".output.")).read_bytes())


@pytest.mark.parametrize("operation", sorted(PROVIDER.media))
def test_a_callback_is_asked_for(operation: str) -> None:
    kind = ImageRequest if operation.startswith("image") else VideoRequest
    request: Any = kind(model="m", prompt="p", options={"kling_effect_scene": "squish"} if operation.endswith("effects") else {})
    call = PROVIDER.media[operation].encode_submit(request, "task_ours", "m", callback_url="https://gateway.example/told")
    assert msgspec.json.decode(call.body)["callback_url"] == "https://gateway.example/told"


def test_poll_and_look_up_ask_by_either_id() -> None:
    assert IMAGE.encode_poll is not None
    assert IMAGE.encode_poll("v/1") == UpstreamCall(method="GET", path="/v1/images/generations/v%2F1")
    assert IMAGE.encode_lookup is not None
    assert IMAGE.encode_lookup("task_ours") == UpstreamCall(method="GET", path="/v1/images/generations/task_ours")


@pytest.mark.parametrize(
    ("role", "path"),
    [("", "text2video"), ("first_frame", "image2video"), ("last_frame", "image2video"), ("reference", "multi-image2video")],
)
def test_a_video_is_followed_where_it_was_ordered(role: str, path: str) -> None:
    video = PROVIDER.media["video"]
    assert video.asks_by_request
    request = VideoRequest(model="m", inputs=(MediaInput(data=b"x", role=role),) if role else ())
    for encode in (video.encode_poll, video.encode_lookup):
        assert encode is not None
        assert encode("v1", request=request) == UpstreamCall(method="GET", path=f"/v1/videos/{path}/v1")


def test_an_input_that_is_still_a_blob_is_a_fault_of_ours() -> None:
    request = ImageRequest(model="m", prompt="p", inputs=(MediaInput(blob="blob_1234.png"),))
    with pytest.raises(ValueError, match="neither an address nor bytes"):
        IMAGE.encode_submit(request, "task_ours", "m", callback_url="")
