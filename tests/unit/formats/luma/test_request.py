"""What a client of the Luma family sends, made neutral; every broken rule names its field."""

import contextlib
from base64 import b64encode
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelgate.core.errors import InvalidRequest, ModelgateError
from modelgate.core.records import Task
from modelgate.formats.luma.request import decode_batch, decode_extension, decode_generation, with_parent
from modelgate.formats.media.family import MediaCall
from modelgate.formats.media.requests import MediaInput, Parent, VideoRequest, encode_request

DATA = b64encode(b"picture").decode()


def call(body: Any) -> MediaCall:
    return MediaCall(body=msgspec.json.encode(body), values={"task_id": "task_1"})


def earlier(**changes: Any) -> Task:
    request = encode_request(VideoRequest(model="ray-2", prompt="a fox", seconds=9))
    facts: dict[str, Any] = {"operation": "video", "model": "ray-2", "state": "succeeded", "request": request}
    return Task(**{"id": "task_1", "account": "a", "key": "k", "book": "test", "family": "luma", **facts, **changes})


def test_everything_a_video_can_say() -> None:
    ask = decode_generation(
        call(
            {
                "user_prompt": "a fox",
                "prompt": "not read",
                "model_name": "ray-v1",
                "expand_prompt": True,
                "loop": True,
                "image_url": "https://pictures.example/fox.png",
                "image_end_url": DATA,
                "aspect_ratio": "9:16",
                "resolution": "540p",
                "duration": "9s",
                "notify_hook": "https://caller.example/hook",
            }
        )
    )
    assert ask.request == VideoRequest(
        model="ray-1-6",
        prompt="a fox",
        seconds=9,
        aspect_ratio="9:16",
        resolution="540p",
        inputs=(MediaInput(url="https://pictures.example/fox.png", role="first_frame"), MediaInput(data=b"picture", role="last_frame")),
        options={"luma_loop": True},
    )
    assert (ask.operation, ask.callback_url) == ("video", "https://caller.example/hook")


def test_empty_strings_are_absent_and_defaults_are_the_familys() -> None:
    names = ("model_name", "image_url", "image_end_url", "aspect_ratio", "resolution", "duration", "notify_hook", "loop", "user_prompt")
    assert decode_generation(call({**dict.fromkeys(names, ""), "prompt": "a fox"})).request == VideoRequest(model="ray-2", prompt="a fox")


@pytest.mark.parametrize(("said", "seconds"), [("5s", 5), ("10s", 10), (5, 5), ("9", 9), (None, 0)])
def test_lengths(said: Any, seconds: int) -> None:
    request: Any = decode_generation(call({"user_prompt": "a fox", "duration": said})).request
    assert request.seconds == seconds


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"user_prompt": ""}, "user_prompt"),
        ({"user_prompt": 7}, "user_prompt"),
        ({"user_prompt": "x" * 6001}, "user_prompt"),
        ({"model_name": []}, "model_name"),
        ({"expand_prompt": "yes"}, "expand_prompt"),
        ({"loop": 1}, "loop"),
        ({"image_url": "not base64!"}, "image_url"),
        ({"image_end_url": True}, "image_end_url"),
        ({"aspect_ratio": "5:4"}, "aspect_ratio"),
        ({"resolution": "8k"}, "resolution"),
        ({"duration": 7}, "duration"),
        ({"duration": True}, "duration"),
        ({"duration": {}}, "duration"),
        ({"notify_hook": 7}, "notify_hook"),
    ],
)
def test_what_is_refused(fields: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        decode_generation(call({"user_prompt": "a fox", **fields}))
    assert caught.value.param == param
    assert param in caught.value.message


def test_an_extension_goes_on_with_the_earlier_model() -> None:
    ask = decode_extension(call({"user_prompt": "on", "image_end_url": DATA, "duration": "5s"}))
    request: Any = with_parent(ask, earlier()).request
    assert (ask.operation, request.parent, request.model, request.seconds) == ("video.extend", Parent(task="task_1"), "ray-2", 5)
    assert request.inputs == (MediaInput(data=b"picture", role="last_frame"),)
    named: Any = with_parent(decode_extension(call({"user_prompt": "on", "model_name": "ray-v3"})), earlier()).request
    assert (named.model, named.seconds) == ("ray-3.2", 0)


def test_an_extension_begins_with_a_video() -> None:
    with pytest.raises(InvalidRequest, match="image_url"):
        decode_extension(call({"user_prompt": "on", "image_url": DATA}))
    with pytest.raises(InvalidRequest, match="no video"):
        with_parent(decode_extension(call({"user_prompt": "on"})), earlier(operation="image"))


def test_a_batch() -> None:
    assert decode_batch(call({"ids": ["task_1", "task_2"]})) == ("task_1", "task_2")
    assert decode_batch(call({})) == ()
    for ids in ("task_1", [7], ["x"] * 101):
        with pytest.raises(InvalidRequest):
            decode_batch(call({"ids": ids}))


_SCALAR = st.none() | st.booleans() | st.integers() | st.text(max_size=8)
_NAMES = ("user_prompt", "model_name", "loop", "image_url", "aspect_ratio", "resolution", "duration", "notify_hook")


@given(st.dictionaries(st.sampled_from(_NAMES), _SCALAR | st.lists(_SCALAR, max_size=2)))
def test_no_body_is_a_fault_of_ours(changes: dict[str, Any]) -> None:
    for decode in (decode_generation, decode_extension):
        with contextlib.suppress(ModelgateError):
            decode(call({"user_prompt": "a fox", **changes}))
