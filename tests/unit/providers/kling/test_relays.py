"""New API in front of Kling."""

from typing import Any

import msgspec
import pytest

from modelgate.providers.kling import PROVIDER
from modelgate.providers.kling.relays import read_taken, read_task

VIDEO = PROVIDER.media["video"]
ANSWER = {
    "code": 0,
    "data": {
        "task_id": "v1",
        "task_status": "succeed",
        "task_result": {"videos": [{"id": "x1", "url": "https://v.example/a.mp4", "duration": "5.1"}]},
    },
}


def polled(**task: Any) -> Any:
    assert VIDEO.parse_poll is not None
    return VIDEO.parse_poll(200, msgspec.json.encode({"code": "success", "message": "", "data": {"task_id": "task_x", **task}}))


def test_a_video_object_says_that_the_job_was_taken() -> None:
    told = {"id": "task_x", "task_id": "task_x", "object": "video", "status": "queued", "progress": 0}
    state = VIDEO.parse_submit(200, msgspec.json.encode(told))
    assert (state.state, state.vendor_task) == ("running", "task_x")
    assert VIDEO.parse_submit(502, msgspec.json.encode(told)).state is None


@pytest.mark.parametrize("status", ["NOT_START", "SUBMITTED", "QUEUED", "IN_PROGRESS"])
def test_a_task_that_runs(status: str) -> None:
    assert (polled(status=status).state, polled(status=status).vendor_task) == ("running", "task_x")


def test_a_task_that_ended_well() -> None:
    (output,) = polled(status="SUCCESS", data=ANSWER).outputs
    assert (output.url, output.vendor_id, output.duration_ms) == ("https://v.example/a.mp4", "x1", 5100)
    for told in ({"result_url": "https://v.example/b.mp4"}, {"fail_reason": "https://v.example/b.mp4"}):
        assert [output.url for output in polled(status="SUCCESS", **told).outputs] == ["https://v.example/b.mp4"]


def test_a_task_that_failed_or_says_what_nobody_knows() -> None:
    failed = polled(status="FAILURE", fail_reason="too dark")
    assert (failed.state, failed.error_message) == ("failed", "too dark")
    assert polled(status="UNKNOWN").state is None


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b"\xff", b"[" * 100_000, b'{"code": 7}', b'{"code": "success"}', b'{"status": 5}'])
def test_what_is_neither(body: bytes) -> None:
    assert read_taken(body) == ""
    assert read_task(body) is None
