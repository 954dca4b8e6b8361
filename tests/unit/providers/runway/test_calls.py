"""Calls to Runway, by the files of testdata/runway."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from modelgate.formats.media.requests import ImageRequest, MediaInput, VideoRequest
from modelgate.providers.runway import PROVIDER
from modelgate.providers.runway.calls import VERSION_HEADER

FOLDER = Path(__file__).parents[3] / "testdata" / "runway"
VIDEO, IMAGE = PROVIDER.media["video"], PROVIDER.media["image"]
FIRST, LAST = MediaInput(data=b"1", role="first_frame"), MediaInput(data=b"2", role="last_frame")


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
    operation = PROVIDER.media[path.name.partition("-")[0]]
    request = msgspec.json.decode(path.read_bytes(), type=ImageRequest if operation is IMAGE else VideoRequest)
    assert operation.check is not None
    operation.check(request, request.model)

    call = operation.encode_submit(request, "task_ours", request.model)

    told = {"method": call.method, "path": call.path, "headers": dict(call.headers), "body": msgspec.json.decode(call.body)}
    assert told == output_of(path)


def test_every_call_says_the_version() -> None:
    assert VIDEO.encode_poll is not None
    assert VIDEO.encode_cancel is not None
    poll, cancel = VIDEO.encode_poll("a/b"), VIDEO.encode_cancel("a/b")
    assert (poll.method, cancel.method) == ("GET", "DELETE")
    assert poll.path == cancel.path == "/v1/tasks/a%2Fb"
    assert poll.headers == cancel.headers == PROVIDER.probe_headers == (VERSION_HEADER,)


def test_an_input_that_is_still_stored_cannot_be_sent() -> None:
    with pytest.raises(ValueError, match="neither"):
        VIDEO.encode_submit(VideoRequest(model="gen4_turbo", inputs=(MediaInput(blob="a.png"),)), "task_ours", "gen4_turbo")
