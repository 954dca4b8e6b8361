"""Tasks and errors as Midjourney clients see them."""

from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from modelgate.core import errors
from modelgate.core.records import Task, TaskOutput, TaskState
from modelgate.formats.media import refusals
from modelgate.formats.midjourney import response, schema

TASK = Task(
    id="task_1",
    account="a",
    key="k",
    book="test",
    family="midjourney",
    operation="image",
    model="mj_imagine",
    state="succeeded",
    request=b'{"model": "mj_imagine", "prompt": "a fox", "options": {"midjourney_state": "mine"}}',
    facts=b'{"action": "IMAGINE", "description": "/imagine a fox"}',
    details=b'{"buttons": [{"customId": "c", "label": "U1"}], "seed": "7", "final_prompt": "a red fox"}',
    outputs=(TaskOutput(kind="image", url="https://cdn.example/secret.png"),),
    progress=100,
    created_at=1.0,
    submitted_at=2.0,
    finished_at=3.5,
)


def shown(task: Task, *urls: str) -> dict[str, Any]:
    body = response.encode_fetched(task, urls=urls, request_id="req_1")
    msgspec.json.decode(body, type=schema.TaskObject)
    return dict(msgspec.json.decode(body))


def test_a_finished_task() -> None:
    told = shown(TASK, "https://ours/1.png")
    assert (told["id"], told["status"], told["progress"], told["state"], told["action"]) == ("task_1", "SUCCESS", "100%", "mine", "IMAGINE")
    assert (told["submitTime"], told["startTime"], told["finishTime"]) == (1000, 2000, 3500)
    assert told["imageUrl"] == "https://ours/1.png"
    assert told["buttons"] == [{"customId": "c", "emoji": "", "label": "U1", "type": 2, "style": 2}]


@pytest.mark.parametrize(
    ("state", "status", "progress"),
    [
        ("queued", "NOT_START", "40%"),
        ("submitting", "SUBMITTED", "40%"),
        ("unknown", "SUBMITTED", "40%"),
        ("running", "IN_PROGRESS", "40%"),
        ("waiting_input", "MODAL", "40%"),
        ("failed", "FAILURE", "100%"),
        ("canceled", "FAILURE", "100%"),
        ("expired", "FAILURE", "100%"),
    ],
)
def test_states(state: TaskState, status: str, progress: str) -> None:
    told = shown(replace(TASK, state=state, progress=40, error_message="why", outputs=()), "")
    assert (told["status"], told["progress"], told["buttons"]) == (status, progress, [])
    assert told["failReason"] == ("why" if status == "FAILURE" else "")


def test_an_upstreams_address_is_never_shown() -> None:
    assert b"cdn.example" not in response.encode_fetched(TASK, urls=[""], request_id="")


def test_videos_and_their_poster() -> None:
    outputs = (TaskOutput(kind="video"), TaskOutput(kind="video"), TaskOutput(kind="image"))
    told = shown(replace(TASK, operation="video", outputs=outputs), "v1", "v2", "i")
    assert (told["videoUrl"], told["videoUrls"], told["imageUrl"]) == ("v1", [{"url": "v1"}, {"url": "v2"}], "i")


def test_words() -> None:
    told = shown(replace(TASK, operation="image.describe", outputs=(TaskOutput(kind="text", text="1\n\n2"),)), "")
    assert told["properties"]["finalPrompt"] == "1\n\n2"


def test_what_shortening_found_is_its_description_too() -> None:
    # Clients of proxies read the candidates there; it had repeated what was asked.
    shortened = replace(
        TASK,
        operation="image.shorten",
        facts=b'{"action": "SHORTEN", "description": "/shorten a fox"}',
        outputs=(TaskOutput(kind="text", text="1\n\n2"),),
    )
    assert shown(shortened, "")["description"] == "1\n\n2"
    assert shown(replace(shortened, state="running", outputs=()))["description"] == "/shorten a fox"


def test_a_picture_from_words_that_only_the_vendor_knows_tells_them() -> None:
    # What was drawn from a description had no prompt.
    drawn = replace(TASK, operation="image.action", request=b'{"model": "mj_imagine"}')
    assert (shown(drawn, "i")["prompt"], shown(drawn, "i")["promptEn"]) == ("a red fox", "a red fox")
    described = replace(drawn, operation="image.describe", outputs=(TaskOutput(kind="text", text="1"),))
    assert shown(described, "")["prompt"] == ""


def test_a_task_of_another_family() -> None:
    told = shown(replace(TASK, family="tasks", facts=b"{}", details=b"{}"), "")
    assert (told["action"], told["prompt"]) == ("IMAGINE", "a fox")


@pytest.mark.parametrize(
    ("model", "operation", "action"),
    [
        ("mj_describe", "image.describe", "DESCRIBE"), ("mj_shorten", "image.shorten", "SHORTEN"), ("mj_upscale", "image.change", "UPSCALE"),
        ("swap_face", "image.swap_face", "SWAP_FACE"), ("mj_zoom", "image.action", "ZOOM"), ("mj_video", "video", "VIDEO"),
        ("film", "video", "VIDEO"), ("painter", "image", "IMAGINE"),
    ],
)  # fmt: skip
def test_a_task_of_another_dialect_is_called_by_its_model(model: str, operation: str, action: str) -> None:
    # A description asked for by the plain way was shown as IMAGINE.
    assert shown(replace(TASK, family="tasks", facts=b"{}", model=model, operation=operation), "")["action"] == action


def test_a_dialog_is_21_and_everything_else_1() -> None:
    taken = msgspec.json.decode(response.encode_submitted(replace(TASK, state="running"), urls=[], request_id=""))
    assert (taken["code"], taken["result"]) == (1, "task_1")
    opened = msgspec.json.decode(response.encode_submitted(replace(TASK, state="waiting_input"), urls=[], request_id=""))
    assert (opened["code"], opened["properties"], "confirm" in opened["description"]) == (
        21,
        {"finalPrompt": "a red fox", "remix": True},
        True,
    )


def test_seeds() -> None:
    assert msgspec.json.decode(response.encode_seed(TASK, urls=[], request_id=""))["result"] == "7"
    for task in (replace(TASK, state="running"), replace(TASK, details=b"{}")):
        with pytest.raises(errors.InvalidRequest):
            response.encode_seed(task, urls=[], request_id="")


@pytest.mark.parametrize(
    ("error", "status", "code", "word"),
    [
        (errors.InvalidRequest("x", param="prompt", code="missing_required_parameter"), 400, 4, "prompt_is_required"),
        (errors.InvalidRequest("x", param="image", code="missing_required_parameter"), 400, 4, "bind_request_body_failed"),
        (errors.InvalidRequest("x", param="index", code="invalid_value"), 400, 4, "index_parse_failed"),
        (errors.InvalidRequest("x", code="invalid_json"), 400, 4, "bind_request_body_failed"),
        (errors.InvalidRequest("x", code="task_not_ready"), 400, 4, "task_status_not_success"),
        (errors.TaskNotFound(), 400, 3, "task_no_found"),
        (errors.TaskNotFound(param="taskId"), 400, 3, "task_not_found"),
        (errors.BalanceExhausted(), 400, 4, "quota_not_enough"),
        (errors.NoUpstream(), 429, 30, "get_channel_info_failed"),
        (errors.UpstreamError(), 502, 5, "do_request_failed"),
        (errors.ModelgateError(), 500, 5, ""),
        (errors.InvalidKey(), 401, 4, ""),
        (errors.UnknownPath(), 404, 4, "unknown_relay_action"),
        (errors.UpstreamRefused("x", status=400, code=refusals.CONTENT_REFUSED), 200, 24, ""),
        (errors.UpstreamRefused("x", status=400, code=refusals.INVALID_REQUEST), 200, 4, ""),
    ],
)
def test_errors(error: errors.ModelgateError, status: int, code: int, word: str) -> None:
    got, body = response.encode_error(error, request_id="req_1")
    told = msgspec.json.decode(body, type=schema.ErrorEnvelope)
    assert (got, told.code, told.type) == (status, code, "upstream_error")
    assert told.description == f"{word} {told.error.message}".strip()
    assert "req_1" in told.error.message


@pytest.mark.parametrize(
    ("error", "status", "word"),
    [(errors.TaskNotFound(), 400, "midjourney_task_not_found"), (errors.Overloaded(), 503, "http_get_image_failed")],
)
def test_who_asks_for_a_picture_reads_a_word(error: errors.ModelgateError, status: int, word: str) -> None:
    got, body = response.encode_picture_error(error, request_id="req_1")

    assert (got, msgspec.json.decode(body)["error"]) == (status, word)
    assert "req_1" in msgspec.json.decode(body)["description"]
