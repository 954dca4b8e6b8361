"""Calls to Dream Machine, by the files of testdata/luma."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from modelgate.formats.media.requests import REQUEST_TYPES, MediaInput, VideoRequest, said_fields
from modelgate.providers.luma import PROVIDER

FOLDER = Path(__file__).parents[3] / "testdata" / "luma"
VIDEO = PROVIDER.media["video"]


def inputs(folder: str) -> list[Path]:
    found = sorted((FOLDER / folder).glob("*.input.json"))
    assert found
    return found


def output_of(path: Path) -> Any:
    return msgspec.json.decode(path.with_name(path.name.replace(".input.", ".output.")).read_bytes())


def name_of(path: Path) -> str:
    return path.name.removesuffix(".input.json")


@pytest.mark.parametrize("path", inputs("encode"), ids=name_of)
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
    with pytest.raises(ValueError, match="earlier"):
        PROVIDER.media["video.upscale"].encode_submit(VideoRequest(model="ray-2"), "task_ours", "ray-2")


def test_the_vendor_is_told_where_to_call() -> None:
    call = VIDEO.encode_submit(VideoRequest(model="ray-2", prompt="p"), "task_ours", "ray-2", callback_url="https://g.example/called")
    assert msgspec.json.decode(call.body)["callback_url"] == "https://g.example/called"
    assert VIDEO.has_callbacks
    assert VIDEO.inputs_by_url
