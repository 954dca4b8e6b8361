"""Tasks and errors as Midjourney clients know them, with our ids and addresses. Times go out as Unix milliseconds."""

from collections.abc import Sequence

import msgspec

from modelgate.core import errors
from modelgate.core.records import TERMINAL_STATES, Task, TaskState
from modelgate.formats.media import refusals
from modelgate.formats.media.error_twin import twin_of
from modelgate.formats.media.requests import decode_request
from modelgate.formats.midjourney import schema
from modelgate.formats.midjourney.buttons import MODELS
from modelgate.formats.midjourney.said import details_of, facts_of

ACCEPTED, DIALOG_OPEN = 1, 21
SUBMITTED = "Modelgate - Midjourney - Submit: SUCCESS"
CONFIRM = "Waiting for window confirm"

_STATUS: dict[TaskState, schema.TaskStatus] = {
    "queued": "NOT_START",
    "submitting": "SUBMITTED",
    "unknown": "SUBMITTED",
    "running": "IN_PROGRESS",
    "waiting_input": "MODAL",
    "succeeded": "SUCCESS",
    "failed": "FAILURE",
    "canceled": "FAILURE",
    "expired": "FAILURE",
}
"""Clients stop at SUCCESS and FAILURE alone, so what was canceled has failed."""

# First match wins, so leaves stand before their parents. Of the errors that are the caller's, the family has 400 for nearly all.
_NOT_FOUND, _INVALID, _UNKNOWN, _BUSY, _SATURATED, _BANNED = 3, 4, 5, 23, 30, 24
_CODES: tuple[tuple[type[errors.ModelgateError], int], ...] = (
    (errors.TaskNotFound, _NOT_FOUND),
    (errors.UnknownModel, _NOT_FOUND),
    (errors.RateExceeded, _SATURATED),
    (errors.NoUpstream, _SATURATED),
    (errors.Overloaded, _SATURATED),
    (errors.UpstreamError, _UNKNOWN),
    (errors.IdempotencyInProgress, _SATURATED),
)
_REQUIRED = {
    "prompt": "prompt_is_required",
    "taskId": "task_id_is_required",
    "action": "action_is_required",
    "index": "index_is_required",
    "content": "content_is_required",
    "customId": "custom_id_is_required",
    "sourceBase64": "sour_base64_and_target_base64_is_required",
    "targetBase64": "sour_base64_and_target_base64_is_required",
}
_BROKEN = {"index": "index_parse_failed", "content": "content_parse_failed"}

_ACTIONS = {
    "swap_face": "SWAP_FACE",
    **{f"mj_{name}": name.upper() for name in ("blend", "describe", "shorten", "edits", "upload", "modal")},
    **{model: action for action, model in MODELS.items()},
}

_encode = msgspec.json.Encoder().encode


def encode_submitted(task: Task, *, urls: Sequence[str], request_id: str) -> bytes:
    """Return the answer to a submit: taken, or a dialog that waits to be filled in."""
    del urls, request_id
    if task.state != "waiting_input":
        return _encode(schema.Submitted(code=ACCEPTED, description=SUBMITTED, result=task.id))
    final_prompt = details_of(task).final_prompt or decode_request(task.operation, task.request).prompt
    properties = {"finalPrompt": final_prompt, "remix": True}
    return _encode(schema.Submitted(code=DIALOG_OPEN, description=CONFIRM, result=task.id, properties=properties))


def encode_uploaded(task: Task, *, urls: Sequence[str], request_id: str) -> bytes:
    """Return the answer to an upload: the addresses of what is kept now."""
    del task, request_id
    return _encode(schema.Uploaded(code=ACCEPTED, description="success", result=[url for url in urls if url]))


def encode_fetched(task: Task, *, urls: Sequence[str], request_id: str) -> bytes:
    """Return the bare task object."""
    del request_id
    return _encode(_shown(task, urls))


def encode_many(pairs: Sequence[tuple[Task, Sequence[str]]], *, request_id: str) -> bytes:
    """Return a bare list of task objects."""
    del request_id
    return _encode([_shown(task, urls) for task, urls in pairs])


def encode_cancelled(task: Task, *, urls: Sequence[str], request_id: str) -> bytes:
    """Return the answer to a cancel."""
    del urls, request_id
    return _encode(schema.Submitted(code=ACCEPTED, description="canceled", result=task.id))


def lacks_seed(task: Task) -> bool:
    """Say whether a finished task's seed has to be asked for: few upstreams tell it unasked."""
    return task.state == "succeeded" and not details_of(task).seed


def encode_seed(task: Task, *, urls: Sequence[str], request_id: str) -> bytes:
    """Return the seed of a finished task.

    Raises:
        InvalidRequest: it has not finished, or its upstream does not tell the seed.
    """
    del urls, request_id
    if task.state != "succeeded":
        raise errors.InvalidRequest(f"The task {task.id} is {task.state}; it must be succeeded.", code="task_not_ready")
    seed = details_of(task).seed
    if not seed:
        raise errors.InvalidRequest("The upstream does not tell the seed of this task.", code="seed_not_known")
    return _encode(schema.Submitted(code=ACCEPTED, description="success", result=str(seed)))


def _shown(task: Task, urls: Sequence[str]) -> schema.TaskObject:
    facts, details, status = facts_of(task), details_of(task), _STATUS[task.state]
    request = decode_request(task.operation, task.request)
    of_kind = {"image": "", "video": ""}
    videos: list[schema.VideoAddress] = []
    for output, url in zip(task.outputs, urls, strict=False):
        if url and not of_kind.get(output.kind, url):
            of_kind[output.kind] = url
        if url and output.kind == "video":
            videos.append(schema.VideoAddress(url=url))
    words = "\n\n".join(output.text for output in task.outputs if output.text)
    has_ended = task.state in TERMINAL_STATES
    action = facts.action or _action_of(task)
    prompt = request.prompt or ("" if words else details.final_prompt)
    return schema.TaskObject(
        id=task.id,
        action=action,
        custom_id=facts.custom_id,
        bot_type=str(request.options.get("midjourney_bot_type", "MID_JOURNEY")),
        prompt=prompt,
        prompt_en=prompt,
        description=(words if action == "SHORTEN" else "") or facts.description,  # where proxies tell what shortening found
        state=str(request.options.get("midjourney_state", "")),
        submit_time=_milliseconds(task.created_at),
        start_time=_milliseconds(task.submitted_at),
        finish_time=_milliseconds(task.finished_at),
        image_url=of_kind["image"],
        video_url=of_kind["video"],
        video_urls=videos or None,
        status=status,
        progress="100%" if has_ended else f"{task.progress}%",
        fail_reason=task.error_message if status == "FAILURE" else "",
        buttons=details.buttons if status == "SUCCESS" else [],
        mask_base64="",
        properties=schema.TaskProperties(final_prompt=words or details.final_prompt),
    )


def _action_of(task: Task) -> str:
    """Return the action of a task that came in by another dialect: the models of this one are called by theirs."""
    usual = "VIDEO" if task.operation.startswith("video") else "IMAGINE"
    return _ACTIONS.get(task.model, usual)


def _milliseconds(seconds: float | None) -> int:
    return int((seconds or 0.0) * 1000)


def encode_error(error: errors.ModelgateError, *, request_id: str) -> tuple[int, bytes]:
    """Return the HTTP status and the body of an error. `description` is the family's word and our sentence.

    What an upstream refuses is 200 with the refusal's number, as the family passes it on; of the rest 400 says that nothing was done.
    """
    message = error.message_for(request_id)
    twin = twin_of(error, message)
    word = word_of(error)
    body = schema.ErrorEnvelope(description=f"{word} {message}".strip(), type="upstream_error", code=code_of(error), error=twin)
    return _status_of(error), _encode(body)


def encode_picture_error(error: errors.ModelgateError, *, request_id: str) -> tuple[int, bytes]:
    """Return the same for who asked for a picture: the family's image proxy says no more than a word."""
    word: schema.PictureWord = "midjourney_task_not_found" if isinstance(error, errors.TaskNotFound) else "http_get_image_failed"
    return _status_of(error), _encode(schema.PictureError(error=word, description=error.message_for(request_id)))


def code_of(error: errors.ModelgateError) -> int:
    """Return the family's number for an error of ours."""
    if isinstance(error, errors.UpstreamRefused):
        return _BANNED if error.code == refusals.CONTENT_REFUSED else _INVALID
    return next((code for kind, code in _CODES if isinstance(error, kind)), _INVALID if error.status < 500 else _UNKNOWN)


def word_of(error: errors.ModelgateError) -> str:
    """Return the family's word for an error of ours, by which its clients may know it."""
    match error:
        case errors.TaskNotFound(param=None):
            return "task_no_found"  # so spelt, where a task is looked at
        case errors.TaskNotFound():
            return "task_not_found"
        case errors.InsufficientFunds():
            return "quota_not_enough"
        case errors.NoUpstream():
            return "get_channel_info_failed"
        case errors.UpstreamError():
            return "do_request_failed"
        case errors.InvalidRequest(code="missing_required_parameter"):
            return _REQUIRED.get(error.param or "", "bind_request_body_failed")
        case errors.InvalidRequest(code="invalid_value"):
            return _BROKEN.get(error.param or "", "")
        case errors.InvalidRequest(code="invalid_json"):
            return "bind_request_body_failed"
        case errors.InvalidRequest(code="task_not_ready"):
            return "task_status_not_success"
        case errors.UnknownPath():
            return "unknown_relay_action"
        case _:
            return ""


def _status_of(error: errors.ModelgateError) -> int:
    match error:
        case errors.UpstreamRefused():
            return 200
        case errors.TaskNotFound() | errors.InsufficientFunds():
            return 400
        case errors.NoUpstream():
            return 429
        case _:
            return error.status
