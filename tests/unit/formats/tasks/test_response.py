"""Tasks as the plain way shows them."""

from typing import Any

import msgspec

from modelgate.core.errors import TaskNotCancelable
from modelgate.core.records import Task, TaskOutput
from modelgate.formats.media.family import Page
from modelgate.formats.tasks.response import encode_error, encode_list, encode_quote, encode_task


def task(**changes: Any) -> Task:
    fields: dict[str, Any] = {
        "id": "task_1", "account": "a", "key": "k", "book": "test", "family": "kling", "operation": "video", "model": "m", "state": "running",
        "request": b"{}", "amount_nanos": 280_000_000, "progress": 50, "created_at": 100.9, "upstream": "up_1", "vendor_task": "secret",
    }  # fmt: skip
    return Task(**(fields | changes))


def shown(**changes: Any) -> dict[str, Any]:
    one = task(**changes)
    return dict(msgspec.json.decode(encode_task(one, urls=["https://g.example/1", ""][: len(one.outputs)], request_id="r")))


def test_a_running_task_shows_nothing_of_its_vendor() -> None:
    preview = (TaskOutput(kind="video", url="https://vendor.example/preview.mp4"),)
    assert shown(outputs=preview) == {
        "id": "task_1", "object": "task", "model": "m", "operation": "video", "state": "running", "progress": 50, "created_at": 100,
        "finished_at": None, "amount_usd": "0.28", "parent": None, "outputs": [], "error": None,
        "details": {},
    }  # fmt: skip


def test_a_finished_task_shows_its_files_and_texts() -> None:
    outputs = (
        TaskOutput(kind="video", url="https://vendor.example/v.mp4", blob="task_1-0.mp4", content_type="video/mp4", size_bytes=9, vendor_id="v1", duration_ms=5000, details={"seed": 7}),
        TaskOutput(kind="text", text="la la"),
    )  # fmt: skip
    found = shown(state="succeeded", finished_at=200.0, outputs=outputs, parent="task_0")
    assert found["outputs"] == [
        {
            "kind": "video",
            "id": "v1",
            "url": "https://g.example/1",
            "text": None,
            "content_type": "video/mp4",
            "size_bytes": 9,
            "duration_ms": 5000,
            "details": {"seed": 7},
        },
        {"kind": "text", "id": "", "url": None, "text": "la la", "content_type": None, "size_bytes": 0, "duration_ms": 0, "details": {}},
    ]
    assert (found["parent"], found["finished_at"], found["error"]) == ("task_0", 200, None)


def test_what_the_vendor_says_beside_the_results_is_shown() -> None:
    assert shown(state="waiting_input", details=b'{"final_prompt":"a fox"}')["details"] == {"final_prompt": "a fox"}


def test_an_end_without_result_says_why() -> None:
    assert shown(state="expired", finished_at=2.0, error_message="late")["error"] == {"code": "expired", "message": "late"}


def test_lists_quotes_and_errors() -> None:
    listed = msgspec.json.decode(encode_list([(task(), [])], page=Page(limit=1), has_more=True, request_id="r"))
    assert (listed["object"], listed["has_more"], listed["data"][0]["id"]) == ("list", True, "task_1")
    quote = msgspec.json.decode(encode_quote(model="m", operation="video", amount_nanos=1, price="second 0.1", request_id="r"))
    assert quote == {"object": "quote", "model": "m", "operation": "video", "amount_usd": "0.000000001", "price": "second 0.1"}
    status, body = encode_error(TaskNotCancelable(), request_id="req_1")
    assert (status, msgspec.json.decode(body)["error"]["code"]) == (409, "task_not_cancelable")
