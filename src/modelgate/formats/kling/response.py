"""Tasks and errors in Kling's envelope, with our ids. Times go out as Unix milliseconds."""

from collections.abc import Sequence

import msgspec

from modelgate.core import errors
from modelgate.core.records import Task, TaskOutput, TaskState
from modelgate.formats.kling import schema
from modelgate.formats.kling.request import TaskFacts
from modelgate.formats.media import refusals
from modelgate.formats.media.error_twin import twin_of
from modelgate.formats.media.requests import kind_of

SUBMIT_MESSAGE = "Modelgate - Kling Image - Submit: SUCCEED"
SUBMIT_VIDEO_MESSAGE = "Modelgate - Kling Video - Submit: SUCCEED"
FETCH_MESSAGE = "SUCCEED"

_STATUS: dict[TaskState, schema.TaskStatus] = {
    "queued": "submitted",
    "submitting": "submitted",
    "unknown": "submitted",
    "running": "processing",
    "waiting_input": "processing",
    "succeeded": "succeed",
    "failed": "failed",
    "canceled": "failed",
    "expired": "failed",
}

INTERNAL_CODE = 5000
VALIDATION_CODE = 1200

# First match wins, so leaves stand before their parents. The numbers are Kling's own (contract of 2026-11).
_CODES: tuple[tuple[type[errors.ModelgateError], int], ...] = (
    (errors.MissingKey, 1001),
    (errors.ExpiredKey, 1004),
    (errors.AuthenticationError, 1002),
    (errors.InsufficientFunds, 1102),
    (errors.PermissionDenied, 1103),
    (errors.UnknownModel, 1203),
    (errors.TaskNotFound, 1203),
    (errors.UnknownPath, 1202),
    (errors.RateExceeded, 1302),
    (errors.InvalidRequest, VALIDATION_CODE),
    (errors.IdempotencyNotStored, VALIDATION_CODE),
    (errors.IdempotencyInProgress, 5001),
    (errors.Overloaded, 5001),
    (errors.NoUpstream, 5001),
    (errors.UpstreamTimeout, 5002),
)

_REFUSAL_CODES = {
    refusals.INVALID_REQUEST: 1201,
    refusals.CONTENT_REFUSED: 1301,
    refusals.RATE_LIMITED: 1302,
}

_decode_facts = msgspec.json.Decoder(TaskFacts).decode
_encode = msgspec.json.Encoder().encode


def _milliseconds(seconds: float) -> int:
    return int(seconds * 1000)


def encode_submitted(task: Task, *, urls: Sequence[str], request_id: str) -> bytes:
    """Return the envelope that answers a submit. A task that still runs is `submitted` here, as the vendor itself says."""
    del urls  # a submit shows none
    status = _STATUS[task.state]
    data = schema.SubmittedTask(
        task_id=task.id,
        task_status="submitted" if status == "processing" else status,
        created_at=_milliseconds(task.created_at),
        updated_at=_milliseconds(task.updated_at),
    )
    message = SUBMIT_VIDEO_MESSAGE if kind_of(task.operation) == "video" else SUBMIT_MESSAGE
    return _encode(schema.SubmitEnvelope(code=0, message=message, request_id=request_id, data=data))


def encode_fetched(task: Task, *, urls: Sequence[str], request_id: str) -> bytes:
    """Return the envelope that answers a fetch; `urls` are the addresses of the task's files, in order."""
    status = _STATUS[task.state]
    data = schema.FetchedTask(
        task_id=task.id,
        task_status=status,
        task_status_msg=task.error_message if status == "failed" else "",
        task_info=schema.TaskInfo(external_task_id=_decode_facts(task.facts).external_task_id),
        created_at=_milliseconds(task.created_at),
        updated_at=_milliseconds(task.updated_at),
        task_result=_result(task, urls) if status == "succeed" else None,
    )
    return _encode(schema.FetchEnvelope(code=0, message=FETCH_MESSAGE, request_id=request_id, data=data))


def _result(task: Task, urls: Sequence[str]) -> schema.TaskResult:
    shown = [(output, url) for output, url in zip(task.outputs, urls, strict=False) if url]
    images = [schema.ResultImage(index=index, url=url) for index, url in enumerate(url for output, url in shown if output.kind == "image")]
    videos: list[schema.ResultVideo] = []
    for output, url in shown:
        if output.kind != "video":
            continue
        if output.details.get("watermark") and videos:
            videos[-1].watermark_url = url
            continue
        videos.append(schema.ResultVideo(id=output.vendor_id or task.id, url=url, duration=_duration(output)))
    return schema.TaskResult(images=images, videos=videos)


def _duration(output: TaskOutput) -> str:
    return f"{output.duration_ms / 1000:.1f}" if output.duration_ms else ""


def code_of(error: errors.ModelgateError) -> int:
    """Return Kling's number for an error of ours."""
    if isinstance(error, errors.UpstreamRefused):
        return _REFUSAL_CODES.get(error.code or "", VALIDATION_CODE)
    return next((code for kind, code in _CODES if isinstance(error, kind)), INTERNAL_CODE)


def encode_error(error: errors.ModelgateError, *, request_id: str) -> tuple[int, bytes]:
    """Return the HTTP status and the body of an error; the message names the request.

    Lack of money is 403 here, not 429: Kling's clients back off and retry on every 429.
    """
    message = error.message_for(request_id)
    twin = twin_of(error, message)
    body = schema.ErrorEnvelope(code=code_of(error), message=message, request_id=request_id, error=twin)
    status = 403 if isinstance(error, errors.InsufficientFunds) else error.status
    return status, _encode(body)
