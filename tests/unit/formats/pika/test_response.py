"""Tasks and errors in Pika's JSON."""

from typing import Any, get_args

import msgspec
import pytest

from modelgate.core import errors
from modelgate.core.records import Task, TaskOutput, TaskState
from modelgate.formats.media.requests import ImageRequest, VideoRequest, encode_request
from modelgate.formats.pika.response import encode_error, encode_fetched, encode_submitted

URL = "https://gateway.example/files/x.mp4"


def task(state: TaskState, **more: Any) -> Task:
    request = VideoRequest(model="pika-2.2", prompt="a cat", seconds=10, seed=7)
    fields: dict[str, Any] = {
        "id": "task_1",
        "account": "acct_1",
        "key": "key_1",
        "book": "test",
        "family": "pika",
        "operation": "video",
        "model": "pika-2.2",
        "state": state,
        "request": encode_request(request),
        "amount_nanos": 1,
        "request_id": "req_1",
        "created_at": 1.0,
        "updated_at": 2.0,
        "due_at": 2.0,
        "deadline_at": 3.0,
    }
    return Task(**{**fields, **more})


def feed(shown: Task, *urls: str) -> Any:
    return msgspec.json.decode(encode_fetched(shown, urls=urls))


@pytest.mark.parametrize(
    ("state", "status"),
    [
        ("queued", "queued"),
        ("submitting", "queued"),
        ("unknown", "queued"),
        ("running", "pending"),
        ("waiting_input", "pending"),
        ("succeeded", "finished"),
        ("failed", "error"),
        ("canceled", "error"),
        ("expired", "error"),
    ],
)
def test_every_state_has_its_word(state: TaskState, status: str) -> None:
    shown = feed(task(state, progress=40), URL)
    (video,) = shown["videos"]
    assert (shown["id"], shown["promptText"], video["id"]) == ("task_1", "a cat", "task_1")
    assert (video["status"], video["duration"], video["seed"]) == (status, 10, 7)
    assert video["progress"] == (100 if status == "finished" else 40)
    assert video["resultUrl"] == video["sharingUrl"] == (URL if status == "finished" else "")
    assert bool(video["error"]) == (status == "error")


def test_no_state_is_left_out() -> None:
    for state in get_args(TaskState):
        assert feed(task(state))["videos"]


def test_why_it_failed() -> None:
    assert feed(task("failed", error_message="The runner died."))["videos"][0]["error"] == "The runner died."


def test_a_withheld_video_has_no_address() -> None:
    (video,) = feed(task("succeeded", outputs=(TaskOutput(kind="video"),)), "")["videos"]
    assert (video["status"], video["resultUrl"]) == ("finished", "")


def test_a_task_of_another_dialect() -> None:
    request = encode_request(ImageRequest(model="x", prompt="a dog"))
    shown = feed(task("queued", operation="image", request=request))
    assert (shown["promptText"], shown["videos"][0]["duration"], shown["videos"][0]["seed"]) == ("a dog", 5, 0)


def test_submitted() -> None:
    assert msgspec.json.decode(encode_submitted(task("running"))) == {"id": "task_1", "message": "Modelgate - Pika - Submit: SUCCEED"}


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (errors.MissingKey(), 401, None),
        (errors.TaskNotFound(), 404, "task_not_exist"),
        (errors.InvalidRequest("x", param="promptText", code="invalid_value"), 400, "invalid_value"),
        (errors.NoUpstream(), 503, "no_upstream"),
        (errors.BalanceExhausted(), 403, "insufficient_quota"),
        (errors.LimitExhausted(), 403, "insufficient_quota"),
    ],
)
def test_errors(error: errors.ModelgateError, status: int, code: str | None) -> None:
    told, body = encode_error(error, request_id="req_1")
    answer = msgspec.json.decode(body)
    assert (told, answer["error"]["code"]) == (status, code)
    assert answer["message"] == answer["error"]["message"] == f"{error.message} (request id: req_1)"
