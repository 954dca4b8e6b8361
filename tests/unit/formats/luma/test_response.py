"""Tasks and errors in the Luma family's shape."""

from typing import Any

import msgspec
import pytest

from modelgate.core import errors
from modelgate.core.records import Task, TaskState
from modelgate.formats.luma.response import encode_address, encode_batch, encode_error, encode_fetched, encode_submitted
from modelgate.formats.media.requests import ImageRequest, VideoRequest, encode_request

URL = "https://g.example/files/a.mp4"


def task(**changes: Any) -> Task:
    facts: dict[str, Any] = {
        "id": "task_1",
        "account": "acct_1",
        "key": "key_1",
        "book": "test",
        "family": "luma",
        "operation": "video",
        "model": "ray-2",
        "state": "queued",
        "request": encode_request(VideoRequest(model="ray-2", prompt="a fox", seconds=5, aspect_ratio="1:1")),
        "created_at": 1747877033.5,
        "updated_at": 1747877069.0,
    }
    return Task(**{**facts, **changes})


def shown(**changes: Any) -> Any:
    return msgspec.json.decode(encode_fetched(task(**changes), urls=[URL], request_id="req_1"))


STATES: list[tuple[TaskState, str]] = [
    ("queued", "pending"),
    ("submitting", "pending"),
    ("unknown", "pending"),
    ("running", "processing"),
    ("waiting_input", "processing"),
    ("succeeded", "completed"),
    ("failed", "failed"),
    ("canceled", "failed"),
    ("expired", "failed"),
]


@pytest.mark.parametrize(("state", "word"), STATES)
def test_every_state_has_its_word(state: TaskState, word: str) -> None:
    assert shown(state=state, progress=50)["state"] == word


def test_what_waits_at_the_vendor_is_pending() -> None:
    # It was shown as processing from the moment the vendor had taken it.
    assert shown(state="running")["state"] == "pending"


def test_a_submit_is_pending() -> None:
    answer = msgspec.json.decode(encode_submitted(task(state="running"), urls=[], request_id="req_1"))
    assert (answer["id"], answer["state"], answer["message"]) == ("task_1", "pending", "Modelgate - Luma - Submit: SUCCEED")
    assert (answer["created_at"], answer["video"], answer["queue_state"]) == ("2025-05-22T01:23:53.500000Z", None, None)


def test_every_client_finds_the_video() -> None:
    done = shown(state="succeeded")
    assert {done["video"]["url"], done["video"]["download_url"], done["video_raw"]["url"], done["assets"]["video"]} == {URL}
    assert done["artifact"]["video_raw"]["url"] == URL
    assert shown(state="running")["video"] is None


def test_a_failure_says_why() -> None:
    assert shown(state="failed", error_message="too dark")["failure_reason"] == "too dark"
    assert shown(state="canceled")["failure_reason"] == "The task was cancelled."
    assert shown()["failure_reason"] is None


def test_a_batch_is_a_bare_list_and_an_address_alone() -> None:
    pairs = [(task(), [""]), (task(state="succeeded", operation="image", request=encode_request(ImageRequest(model="m"))), [URL])]
    assert [one["state"] for one in msgspec.json.decode(encode_batch(pairs, request_id="r"))] == ["pending", "completed"]
    assert msgspec.json.decode(encode_address(task(), urls=["", URL], request_id="r")) == {"url": URL}
    assert msgspec.json.decode(encode_address(task(), urls=[], request_id="r")) == {"url": ""}


def test_errors_are_read_at_two_places() -> None:
    status, body = encode_error(errors.InvalidRequest("loop is bad.", param="loop", code="invalid_value"), request_id="req_1")
    answer = msgspec.json.decode(body)
    assert (status, answer["detail"]) == (400, "loop is bad. (request id: req_1)")
    assert answer["error"] == {"message": answer["detail"], "type": "invalid_request_error", "code": "invalid_value", "param": "loop"}
    assert encode_error(errors.LimitExhausted(), request_id="")[0] == 402
