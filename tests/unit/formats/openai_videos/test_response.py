"""Videos as OpenAI's clients and the older ones read them."""

from typing import Any

import msgspec
import pytest

from modelgate.core.errors import InvalidRequest
from modelgate.core.records import TERMINAL_STATES, Task, TaskOutput, TaskState
from modelgate.formats.media.family import Page
from modelgate.formats.media.requests import VideoRequest, encode_request
from modelgate.formats.openai_videos.response import encode_error, encode_list, encode_older, encode_video

URL = "https://g.example/files/1.mp4"


def task(**changes: Any) -> Task:
    fields: dict[str, Any] = {
        "id": "task_1", "account": "a", "key": "k", "book": "test", "family": "openai_videos", "operation": "video", "model": "m",
        "state": "running", "request": encode_request(VideoRequest(model="m", prompt="p", seconds=5)), "progress": 30, "created_at": 100.5,
        "submitted_at": 101.0,
    }  # fmt: skip
    return Task(**(fields | changes))


def ended(state: TaskState) -> Task:
    outputs = (TaskOutput(kind="video", blob="1.mp4"),) if state == "succeeded" else ()
    return task(state=state, finished_at=200.0, progress=100, outputs=outputs, error_message="" if outputs else "no luck")


@pytest.mark.parametrize(
    ("state", "status", "older"),
    [
        ("queued", "queued", "QUEUED"), ("submitting", "queued", "QUEUED"), ("unknown", "queued", "QUEUED"), ("running", "in_progress", "IN_PROGRESS"),
        ("waiting_input", "in_progress", "IN_PROGRESS"), ("succeeded", "completed", "SUCCESS"), ("failed", "failed", "FAILURE"),
        ("canceled", "failed", "FAILURE"), ("expired", "failed", "FAILURE"),
    ],
)  # fmt: skip
def test_states_in_both_tongues(state: TaskState, status: str, older: str) -> None:
    one = ended(state) if state in TERMINAL_STATES else task(state=state)
    urls = [URL] * len(one.outputs)
    video = msgspec.json.decode(encode_video(one, urls=urls, request_id="r"))
    envelope = msgspec.json.decode(encode_older(one, urls=urls, request_id="r"))
    assert (video["status"], envelope["data"]["status"]) == (status, older)
    assert (video["metadata"].get("url", ""), envelope["data"]["url"]) == ((URL, URL) if state == "succeeded" else ("", ""))
    assert (video["error"] is not None) == (envelope["data"]["error"] is not None) == (status == "failed")


def test_times_are_whole_seconds_and_the_length_is_a_text() -> None:
    video = msgspec.json.decode(encode_video(ended("succeeded"), urls=[URL], request_id="r"))
    assert (video["created_at"], video["completed_at"], video["seconds"], video["prompt"], video["task_id"]) == (
        100,
        200,
        "5",
        "p",
        "task_1",
    )
    older = msgspec.json.decode(encode_older(ended("failed"), urls=[], request_id="r"))["data"]
    assert (older["submit_time"], older["start_time"], older["finish_time"], older["progress"], older["fail_reason"]) == (
        100,
        101,
        200,
        "100%",
        "no luck",
    )


def test_lists_and_errors() -> None:
    listed = msgspec.json.decode(encode_list([(task(), [])], page=Page(limit=1), has_more=False, request_id="r"))
    assert (listed["first_id"], listed["last_id"], listed["has_more"]) == ("task_1", "task_1", False)
    assert msgspec.json.decode(encode_list([], page=Page(limit=1), has_more=False, request_id="r"))["first_id"] is None
    status, body = encode_error(InvalidRequest("no", param="size"), request_id="req_1")
    assert (status, msgspec.json.decode(body)["error"]["param"]) == (400, "size")
