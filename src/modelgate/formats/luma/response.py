"""Tasks and errors in the Luma family's shape, with our ids and addresses."""

from collections.abc import Sequence
from typing import Any

import msgspec

from modelgate.core import errors
from modelgate.core.clock import as_utc
from modelgate.core.records import Task, TaskState
from modelgate.formats.luma import schema
from modelgate.formats.media.error_twin import twin_of
from modelgate.formats.media.requests import MediaRequest, decode_request

SUBMIT_MESSAGE = "Modelgate - Luma - Submit: SUCCEED"
FETCH_MESSAGE = "Modelgate - Luma - Fetch: SUCCEED"

_STATE: dict[TaskState, Any] = {
    "queued": "pending",
    "submitting": "pending",
    "unknown": "pending",
    "running": "processing",
    "waiting_input": "processing",
    "succeeded": "completed",
    "failed": "failed",
    "canceled": "failed",
    "expired": "failed",
}
_encode = msgspec.json.encode


def encode_submitted(task: Task, *, urls: Sequence[str], request_id: str) -> bytes:
    """Return the answer to a submit: the task, which is still pending then."""
    del urls, request_id
    shown = _shown(task, [])
    return _encode(msgspec.structs.replace(shown, state="pending" if shown.state == "processing" else shown.state, message=SUBMIT_MESSAGE))


def encode_fetched(task: Task, *, urls: Sequence[str], request_id: str) -> bytes:
    """Return the answer to a fetch; the first of `urls` is the video's."""
    del request_id
    return _encode(msgspec.structs.replace(_shown(task, urls), message=FETCH_MESSAGE))


def encode_batch(tasks: Sequence[tuple[Task, Sequence[str]]], *, request_id: str) -> bytes:
    """Return the answer to a batch: a bare list of tasks."""
    del request_id
    return _encode([_shown(task, urls) for task, urls in tasks])


def encode_address(task: Task, *, urls: Sequence[str], request_id: str) -> bytes:
    """Return the address of the video, empty while there is none."""
    del request_id
    return _encode(schema.VideoAddress(url=next(filter(None, urls), "")))


def _shown(task: Task, urls: Sequence[str]) -> schema.FamilyTask:
    request = request_of(task)
    state: Any = _STATE[task.state] if has_begun(task) else "pending"
    url = next(filter(None, urls), "") if state == "completed" else ""
    shown = schema.FamilyTask(
        id=task.id,
        prompt=request.prompt,
        state=state,
        created_at=time_of(task),
        request={"prompt": request.prompt, "aspect_ratio": getattr(request, "aspect_ratio", "") or None, "model": task.model},
        failure_reason=failure_of(task) if state == "failed" else None,
    )
    if not url:
        return shown
    kind = next((output.content_type for output in task.outputs if output.content_type), "video/mp4")
    shown.video = schema.FamilyVideo(url=url, download_url=url)
    shown.video_raw = schema.RawVideo(url=url, duration=getattr(request, "seconds", 0) or None, media_type=kind)
    shown.assets = {"video": url}
    shown.artifact = schema.Artifact(created_at=shown.created_at, video_raw=shown.video_raw)
    return shown


def has_begun(task: Task) -> bool:
    """Say whether a vendor that took a task works on it: one that waits there has come nowhere yet."""
    return task.state != "running" or task.progress > 0


def request_of(task: Task) -> Any:
    """Return the neutral request of a task."""
    request: MediaRequest = decode_request(task.operation, task.request)
    return request


def time_of(task: Task) -> str:
    """Return when a task came in, as ISO 8601."""
    return as_utc(task.created_at).isoformat().replace("+00:00", "Z")


def failure_of(task: Task) -> str:
    """Return why a task has no result."""
    return task.error_message or {"canceled": "The task was cancelled."}.get(task.state, "The task failed.")


def encode_error(error: errors.ModelgateError, *, request_id: str) -> tuple[int, bytes]:
    """Return the HTTP status and the body of an error; the message names the request.

    Lack of money is 402 here, as at the vendor: its client repeats every 429.
    """
    message = error.message_for(request_id)
    detail = twin_of(error, message)
    status = 402 if isinstance(error, errors.InsufficientFunds) else error.status
    return status, _encode(schema.ErrorBody(error=detail, detail=message))
