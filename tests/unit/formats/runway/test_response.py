"""Tasks and errors in Runway's shape."""

from typing import Any

import msgspec
import pytest

from modelgate.core import errors
from modelgate.core.records import Task, TaskState
from modelgate.formats.runway.response import encode_error, encode_fetched, encode_submitted


def task(**changes: Any) -> Task:
    facts: dict[str, Any] = {
        "id": "task_1",
        "account": "acct_1",
        "key": "key_1",
        "book": "test",
        "family": "runway",
        "operation": "video",
        "model": "gen4_turbo",
        "state": "queued",
        "request": b"{}",
        "amount_nanos": 250_000_000,
        "created_at": 1747877033.505,
        "updated_at": 1747877069.0,
    }
    return Task(**{**facts, **changes})


def shown(**changes: Any) -> Any:
    return msgspec.json.decode(encode_fetched(task(**changes), urls=["https://g.example/files/a.mp4", ""], request_id="req_1"))


STATES: list[tuple[TaskState, str]] = [
    ("queued", "PENDING"),
    ("submitting", "PENDING"),
    ("unknown", "PENDING"),
    ("running", "RUNNING"),
    ("waiting_input", "RUNNING"),
    ("succeeded", "SUCCEEDED"),
    ("failed", "FAILED"),
    ("canceled", "FAILED"),
    ("expired", "FAILED"),
]


@pytest.mark.parametrize(("state", "word"), STATES)
def test_every_state_has_its_word(state: TaskState, word: str) -> None:
    assert shown(state=state)["status"] == word


def test_a_submit_is_pending() -> None:
    answer = encode_submitted(task(state="running"), urls=[], request_id="req_1")
    assert msgspec.json.decode(answer) == {"id": "task_1", "status": "PENDING"}


def test_a_task_object_has_what_its_status_has() -> None:
    base = {"id": "task_1", "createdAt": "2025-05-22T01:23:53.505Z"}
    assert shown() == {**base, "status": "PENDING", "estimatedCost": {"credits": 25.0}}
    assert shown(state="running", progress=42) == {
        **base,
        "status": "RUNNING",
        "progress": 0.42,
        "estimatedCost": {"credits": 25.0},
    }
    assert shown(state="succeeded") == {
        **base,
        "status": "SUCCEEDED",
        "output": ["https://g.example/files/a.mp4"],
        "cost": {"credits": 25.0},
    }
    assert shown(state="canceled") == {
        **base,
        "status": "FAILED",
        "failure": "The task was cancelled.",
        "failureCode": "INTERNAL",
        "cost": {"credits": 0},
    }


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"details": b'{"runway_failure_code":"SAFETY.OUTPUT.VIDEO"}', "error_code": "content_refused"}, "SAFETY.OUTPUT.VIDEO"),
        ({"error_code": "content_refused"}, "SAFETY.INPUT"),
        ({"error_code": "invalid_request"}, "ASSET.INVALID"),
        ({"error_code": "generation_failed", "details": b"[]"}, "INTERNAL"),
    ],
)
def test_a_failure_says_its_code(changes: dict[str, Any], code: str) -> None:
    assert shown(state="failed", **changes)["failureCode"] == code


def test_errors_are_read_at_error_message() -> None:
    status, body = encode_error(errors.InvalidRequest("ratio is bad.", param="ratio", code="invalid_value"), request_id="req_1")
    assert status == 400
    assert msgspec.json.decode(body) == {
        "error": {
            "message": "ratio is bad. (request id: req_1)",
            "type": "invalid_request_error",
            "code": "invalid_value",
            "param": "ratio",
        }
    }
    assert encode_error(errors.BalanceExhausted(), request_id="")[0] == 403
    assert encode_error(errors.TaskNotFound(), request_id="")[0] == 404
