"""Bodies of the plain way: what they mean, and how they are refused."""

import base64
from typing import Any

import msgspec
import pytest

from modelgate.core.errors import InvalidRequest
from modelgate.formats.media.family import Ask, MediaCall
from modelgate.formats.media.requests import ImageRequest, MediaInput, MusicRequest, Parent, VideoRequest
from modelgate.formats.tasks.request import decode_task, page_of

SERVED = {"painter": ("image",), "filmer": ("image", "image.try_on", "video"), "singer": ("music",), "worder": ("music.lyrics",)}
PICTURE = base64.b64encode(b"picture").decode()


def decode(model: str = "painter", served: tuple[str, ...] | None = None, **body: Any) -> Ask:
    content = msgspec.json.encode({"model": model, **body})
    return decode_task(MediaCall(body=content, operations_of=lambda name: SERVED.get(name, ()) if served is None else served))


def test_the_only_operation_of_a_model_is_taken() -> None:
    ask = decode("singer", input={"prompt": "rain", "style": "folk", "instrumental": True}, callback_url="https://client.example/x")
    assert ask == Ask(
        request=MusicRequest(model="singer", prompt="rain", style="folk", instrumental=True),
        operation="music",
        callback_url="https://client.example/x",
    )
    assert decode("worder", input={"prompt": "rain"}).operation == "music.lyrics"


@pytest.mark.parametrize("fields", [{"seconds": 5}, {"resolution": "720p"}, {"sound": True}])
def test_of_pictures_and_videos_the_fields_tell(fields: dict[str, Any]) -> None:
    ask = decode("filmer", input={"prompt": "x", **fields})
    assert (ask.operation, type(ask.request)) == ("video", VideoRequest)


def test_an_operation_may_be_said() -> None:
    ask = decode(
        "filmer",
        operation="image.try_on",
        input={"inputs": [{"role": "human", "file": PICTURE}, {"role": "cloth", "file": "https://a.example/b"}]},
    )
    assert ask.operation == "image.try_on"
    assert ask.request == ImageRequest(
        model="filmer",
        inputs=(MediaInput(data=b"picture", role="human"), MediaInput(url="https://a.example/b", role="cloth")),
    )


def test_a_model_that_nobody_serves_is_for_later() -> None:
    assert decode("nobody", input={"prompt": "x"}).operation == "image"


def test_the_short_picture_is_the_first_frame_of_a_video() -> None:
    assert decode("filmer", input={"image": PICTURE, "seconds": 5}).request.inputs == (MediaInput(data=b"picture", role="first_frame"),)
    assert decode(input={"image": PICTURE}).request.inputs == (MediaInput(data=b"picture", role="image"),)


def test_everything_of_a_video() -> None:
    fields = {
        "prompt": "p", "negative_prompt": "no", "n": 2, "seconds": 10, "aspect_ratio": "1:1", "resolution": "1080p", "quality": "pro", "sound": True,
        "seed": 7, "parent": {"task": "task_1", "output": "v1", "index": 2}, "options": {"kling_cfg_scale": 0.5},
    }  # fmt: skip
    assert decode("filmer", operation="video.extend", input=fields).request == VideoRequest(
        model="filmer", prompt="p", negative_prompt="no", n=2, seconds=10, aspect_ratio="1:1", resolution="1080p", quality="pro", sound=True,
        seed=7, parent=Parent(task="task_1", output="v1", index=2), options={"kling_cfg_scale": 0.5},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"model": "m", "input": {"prompt": "x"}, "callback": "https://x.example"}, "callback"),
        ({"model": "m", "input": {"prompt": "x", "parent": {"task": "task_1", "tasks": 1}}}, "input.parent.tasks"),
        ({"model": "m", "input": {"prompt": "x", "inputs": [{"role": "image", "file": "AAAA", "url": "x"}]}}, "input.inputs[0].url"),
        ({"model": "m", "input": {"prompt": "x", "y" * 100: 1}}, f"input.{'y' * 60}…"),
        ({"model": "", "input": {}}, "model"),
        ({}, "input"),
        ({"input": "x"}, "input"),
        ({"input": {"promt": "x"}}, "input.promt"),
        ({"input": {"n": 0}}, "n"),
        ({"input": {"n": 11}}, "n"),
        ({"input": {"seed": -1}}, "seed"),
        ({"input": {"seconds": 5}}, "input.seconds"),
        ({"input": {"lyrics": "la"}}, "input.lyrics"),
        ({"input": {"inputs": [{"role": "hat", "file": PICTURE}]}}, "role"),
        ({"input": {"inputs": ["x"]}}, "inputs[0]"),
        ({"input": {"inputs": [{"file": 3}]}}, "inputs[0].file"),
        ({"input": {"inputs": [{}] * 17}}, "inputs"),
        ({"input": {"parent": {}}}, "parent.task"),
        ({"input": {"options": {str(number): 1 for number in range(65)}}}, "options"),
        ({"input": {}, "operation": "dance"}, "operation"),
        ({"input": {"prompt": "x"}, "model": "filmer"}, None),
        ({"input": {"prompt": 3}}, "prompt"),
    ],
)
def test_what_cannot_be_is_refused_by_name(body: dict[str, Any], param: str | None) -> None:
    if param is None:  # pictures or videos: nothing tells
        with pytest.raises(InvalidRequest) as refused:
            decode(served=("image", "video", "music"), **body)
        assert refused.value.param == "operation"
        return
    with pytest.raises(InvalidRequest) as refused:
        decode(**body)
    assert refused.value.param == param


def test_pages() -> None:
    page = page_of(MediaCall(query={"limit": "7", "after": "task_1"}))
    assert (page.limit, page.after, page.offset) == (7, "task_1", 0)
    assert page_of(MediaCall()).limit == 20
    for wrong in ("0", "101", "x", "-1"):
        with pytest.raises(InvalidRequest):
            page_of(MediaCall(query={"limit": wrong}))
