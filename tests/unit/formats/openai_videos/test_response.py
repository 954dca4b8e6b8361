"""Videos as OpenAI's clients and the older ones read them."""

from typing import Any

import msgspec
import pytest

from modelgate.core.errors import (
    BalanceExhausted,
    BodyTooLarge,
    InvalidKey,
    InvalidRequest,
    ModelgateError,
    TaskNotFound,
    UnpricedModel,
    UpstreamRefused,
)
from modelgate.core.records import TERMINAL_STATES, Task, TaskOutput, TaskState
from modelgate.formats.media.family import Page
from modelgate.formats.media.requests import MediaInput, VideoRequest, encode_request
from modelgate.formats.openai_videos.response import (
    encode_error,
    encode_list,
    encode_older,
    encode_older_error,
    encode_submitted,
    encode_video,
)

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


@pytest.mark.parametrize(
    ("error", "status", "older_status", "code"),
    [
        (TaskNotFound(), 404, 400, "task_not_exist"),
        (BalanceExhausted(), 429, 403, "quota_not_enough"),
        (InvalidRequest("no", code="invalid_json"), 400, 400, "invalid_json"),
        (InvalidRequest("no", code="invalid_form"), 400, 400, "invalid_multipart_form"),
        (InvalidRequest("no", param="model", code="missing_required_parameter"), 400, 400, "missing_model"),
        (InvalidRequest("no", param="model", code="invalid_value"), 400, 400, "invalid_request"),
        (InvalidRequest("no", param="size", code="invalid_value"), 400, 400, "invalid_size"),
        (InvalidRequest("no", param="duration", code="invalid_value"), 400, 400, "invalid_seconds"),
        (InvalidRequest("no", param="prompt", code="missing_required_parameter"), 400, 400, "invalid_request"),
        (UnpricedModel(), 403, 400, "model_price_error"),
        (BodyTooLarge(), 413, 413, "read_request_body_failed"),
        (UpstreamRefused("no", status=400, code="invalid_request"), 400, 400, "task_failed"),
        (InvalidKey(), 401, 401, "invalid_api_key"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, ModelgateError) else str(value),
)
def test_errors_are_said_to_older_clients_too(error: ModelgateError, status: int, older_status: int, code: str) -> None:
    """Clients of `/v1/video/generations` look for `code` and `message` at the top, and found OpenAI's `error` alone, an unknown task as 404."""
    told = {form(error, request_id="req_1") for form in (encode_error, encode_older_error)}
    body = msgspec.json.decode(encode_error(error, request_id="req_1")[1])
    assert {one for one, _ in told} == {status, older_status}
    assert encode_older_error(error, request_id="req_1")[0] == older_status
    assert (body["code"], body["message"], body["data"]) == (code, body["error"]["message"], None)
    assert body["error"]["code"] == error.code


@pytest.mark.parametrize(
    ("changes", "action"),
    [
        ({}, "textGenerate"),
        ({"request": encode_request(VideoRequest(model="m", inputs=(MediaInput(blob="b"),)))}, "generate"),
        ({"request": encode_request(VideoRequest(model="m", inputs=(MediaInput(blob="b", role="first_frame"), MediaInput(blob="b", role="last_frame"))))}, "firstTailGenerate"),
        ({"request": encode_request(VideoRequest(model="m", inputs=(MediaInput(blob="b", role="reference"),)))}, "referenceGenerate"),
        ({"facts": b'{"remixed_from": "task_0"}'}, "remixGenerate"),
    ],
)  # fmt: skip
def test_the_older_task_says_what_kind_of_work_it_is(changes: dict[str, Any], action: str) -> None:
    """It was `generate`, a video from a picture, always."""
    older = msgspec.json.decode(encode_older(task(updated_at=150.0, **changes), urls=[], request_id="r"))["data"]
    assert (older["action"], older["created_at"], older["updated_at"]) == (action, 100, 150)
    assert older["properties"]["origin_model_name"] == "m"


def test_a_video_just_taken_is_queued() -> None:
    """It was `in_progress` at once, which no other service says of a job that its vendor has only accepted."""
    for state, status in (("running", "queued"), ("queued", "queued"), ("succeeded", "completed"), ("failed", "failed")):
        one = ended(state) if state in TERMINAL_STATES else task(state=state)
        assert msgspec.json.decode(encode_submitted(one, urls=[URL] * len(one.outputs), request_id="r"))["status"] == status
