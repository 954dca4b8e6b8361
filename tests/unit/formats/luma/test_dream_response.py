"""Tasks in Dream Machine's own shape."""

from typing import Any

import msgspec
import pytest
from lumaai.types import Generation

from modelgate.core.records import Task, TaskState
from modelgate.formats.luma.dream_response import encode_concepts, encode_created, encode_generation, encode_list, encode_pong
from modelgate.formats.media.family import MediaCall, Page
from modelgate.formats.media.requests import ImageRequest, VideoRequest, encode_request

URL = "https://g.example/files/a.mp4"


def task(**changes: Any) -> Task:
    request = VideoRequest(model="ray-2", prompt="a fox", seconds=5, resolution="720p", options={"luma_loop": True})
    facts: dict[str, Any] = {
        "id": "task_1",
        "account": "acct_1",
        "key": "key_1",
        "book": "test",
        "family": "luma",
        "operation": "video",
        "model": "ray-2",
        "state": "queued",
        "request": encode_request(request),
        "created_at": 1747877033.5,
        "updated_at": 1747877069.0,
    }
    return Task(**{**facts, **changes})


def shown(**changes: Any) -> Any:
    return msgspec.json.decode(encode_generation(task(**changes), urls=[URL], request_id="req_1"))


STATES: list[tuple[TaskState, str]] = [
    ("queued", "queued"),
    ("submitting", "queued"),
    ("unknown", "queued"),
    ("running", "dreaming"),
    ("waiting_input", "dreaming"),
    ("succeeded", "completed"),
    ("failed", "failed"),
    ("canceled", "failed"),
    ("expired", "failed"),
]


@pytest.mark.parametrize(("state", "word"), STATES)
def test_every_state_has_its_word(state: TaskState, word: str) -> None:
    assert shown(state=state, progress=50)["state"] == word
    Generation.model_validate(shown(state=state), strict=False)


def test_what_waits_at_the_vendor_is_queued() -> None:
    # It was shown as dreaming from the moment the vendor had taken it.
    assert shown(state="running")["state"] == "queued"


def test_a_submit_is_queued_and_repeats_the_request() -> None:
    answer = msgspec.json.decode(encode_created(task(state="running"), urls=[], request_id="req_1"))
    assert (answer["state"], answer["assets"], answer["model"]) == ("queued", None, "ray-2")
    assert answer["request"] == {
        "generation_type": "video",
        "model": "ray-2",
        "prompt": "a fox",
        "resolution": "720p",
        "duration": "5s",
        "loop": True,
    }


def test_a_result_is_of_its_kind() -> None:
    assert shown(state="succeeded")["assets"] == {"video": URL, "image": None, "progress_video": None}
    picture = shown(state="succeeded", operation="image", request=encode_request(ImageRequest(model="photon-1", prompt="a fox")))
    assert (picture["generation_type"], picture["assets"]["image"], picture["assets"]["video"]) == ("image", URL, None)


def test_lists_and_small_answers() -> None:
    page = msgspec.json.decode(encode_list([(task(), [])], page=Page(limit=20, offset=3), has_more=True, request_id="r"))
    assert ([one["id"] for one in page["generations"]], page["has_more"], page["count"]) == (["task_1"], True, 1)
    assert (page["limit"], page["offset"]) == (20, 3)
    assert msgspec.json.decode(encode_pong(MediaCall(), request_id="r")) == {"message": "pong"}
    assert "pov" in msgspec.json.decode(encode_concepts(MediaCall(), request_id="r"))
