"""Envelopes of the Kling dialect."""

from typing import Any

import msgspec
import pytest

from modelgate.core import errors
from modelgate.core.records import Task, TaskOutput, TaskState
from modelgate.formats.kling.response import encode_error, encode_fetched, encode_submitted


def task(**changes: Any) -> Task:
    facts: dict[str, Any] = {
        "id": "task_1",
        "account": "acct_1",
        "key": "key_1",
        "book": "test",
        "family": "kling",
        "operation": "image",
        "model": "kling-v1",
        "state": "queued",
        "request": b"{}",
        "created_at": 1747877033.505,
        "updated_at": 1747877069.0,
    }
    return Task(**{**facts, **changes})


STATES: list[tuple[TaskState, str]] = [
    ("queued", "submitted"),
    ("submitting", "submitted"),
    ("unknown", "submitted"),
    ("running", "processing"),
    ("waiting_input", "processing"),
    ("succeeded", "succeed"),
    ("failed", "failed"),
    ("canceled", "failed"),
    ("expired", "failed"),
]


@pytest.mark.parametrize(("state", "word"), STATES)
def test_every_state_has_its_word(state: TaskState, word: str) -> None:
    body = msgspec.json.decode(encode_fetched(task(state=state), urls=[], request_id="req_1"))
    assert body["data"]["task_status"] == word


def test_submit_envelope_is_whole_and_in_milliseconds() -> None:
    assert msgspec.json.decode(encode_submitted(task(state="running"), urls=[], request_id="req_1")) == {
        "code": 0,
        "message": "Modelgate - Kling Image - Submit: SUCCEED",
        "request_id": "req_1",
        "data": {"task_id": "task_1", "task_status": "submitted", "created_at": 1747877033505, "updated_at": 1747877069000},
    }


def test_fetch_of_a_finished_task_lists_its_pictures_in_order() -> None:
    facts = b'{"external_task_id":"mine-1","callback_url":"https://client.example"}'
    finished = task(state="succeeded", facts=facts, outputs=(TaskOutput(kind="image"), TaskOutput(kind="image"), TaskOutput(kind="image")))

    assert msgspec.json.decode(encode_fetched(finished, urls=["https://g/a", "", "https://g/b"], request_id="req_1")) == {
        "code": 0,
        "message": "SUCCEED",
        "request_id": "req_1",
        "data": {
            "task_id": "task_1",
            "task_status": "succeed",
            "task_status_msg": "",
            "task_info": {"external_task_id": "mine-1"},
            "created_at": 1747877033505,
            "updated_at": 1747877069000,
            "task_result": {"images": [{"index": 0, "url": "https://g/a"}, {"index": 1, "url": "https://g/b"}]},
        },
    }


@pytest.mark.parametrize("state", ["running", "failed", "expired"])
def test_only_a_finished_task_has_results(state: TaskState) -> None:
    body = msgspec.json.decode(encode_fetched(task(state=state, error_message="why"), urls=[], request_id="req_1"))
    assert "task_result" not in body["data"]
    assert body["data"]["task_status_msg"] == ("" if state == "running" else "why")


ERRORS = [
    (errors.MissingKey(), 401, 1001),
    (errors.InvalidKey(), 401, 1002),
    (errors.ExpiredKey(), 401, 1004),
    (errors.DisabledKey(), 403, 1103),
    (errors.ForeignAddress(), 403, 1103),
    (errors.ModelNotAllowed(), 403, 1103),
    (errors.UnpricedModel(), 403, 1103),
    (errors.UnknownModel(), 404, 1203),
    (errors.TaskNotFound(), 404, 1203),
    (errors.UnknownPath(), 404, 1202),
    (errors.MethodNotAllowed(), 405, 1202),
    (errors.BalanceExhausted(), 403, 1102),
    (errors.LimitExhausted(), 403, 1102),
    (errors.RateExceeded("slower", dimension="requests", retry_after_s=1.0), 429, 1302),
    (errors.InvalidRequest("bad", param="n"), 400, 1200),
    (errors.BodyTooLarge(), 413, 1200),
    (errors.UnsupportedMediaType(), 415, 1200),
    (errors.UpstreamRefused("no", status=400, code="invalid_request"), 400, 1201),
    (errors.UpstreamRefused("no", status=400, code="content_refused"), 400, 1301),
    (errors.UpstreamRefused("no", status=400), 400, 1200),
    (errors.Overloaded(), 503, 5001),
    (errors.NoUpstream(), 503, 5001),
    (errors.UpstreamTimeout(), 504, 5002),
    (errors.UpstreamError(), 502, 5000),
    (errors.ModelgateError(), 500, 5000),
]


@pytest.mark.parametrize(("error", "status", "code"), ERRORS, ids=lambda value: type(value).__name__)
def test_every_error_has_a_number_and_its_twin(error: errors.ModelgateError, status: int, code: int) -> None:
    got, body = encode_error(error, request_id="req_1")

    assert got == status
    assert msgspec.json.decode(body) == {
        "code": code,
        "message": f"{error.message} (request id: req_1)",
        "request_id": "req_1",
        "error": {"message": f"{error.message} (request id: req_1)", "type": error.type, "code": error.code, "param": error.param},
    }


def test_a_video_is_told_with_its_id_length_and_watermark() -> None:
    outputs = (
        TaskOutput(kind="video", vendor_id="x1", duration_ms=5100),
        TaskOutput(kind="video", duration_ms=5100, details={"watermark": True}),
    )
    finished = task(state="succeeded", operation="video", outputs=outputs)
    body = msgspec.json.decode(encode_fetched(finished, urls=["https://g/a", "https://g/w"], request_id="req_1"))
    assert body["data"]["task_result"] == {
        "videos": [{"id": "x1", "url": "https://g/a", "duration": "5.1", "watermark_url": "https://g/w"}]
    }
    assert "Kling Video" in msgspec.json.decode(encode_submitted(finished, urls=[], request_id="req_1"))["message"]


def test_a_video_of_another_vendor_is_told_by_its_task() -> None:
    finished = task(state="succeeded", operation="video", outputs=(TaskOutput(kind="video"),))
    body = msgspec.json.decode(encode_fetched(finished, urls=["https://g/a"], request_id="req_1"))
    assert body["data"]["task_result"] == {"videos": [{"id": "task_1", "url": "https://g/a", "duration": ""}]}
