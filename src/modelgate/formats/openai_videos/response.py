"""Videos as OpenAI's clients and the older ones read them; errors in OpenAI's words."""

from collections.abc import Sequence

import msgspec

from modelgate.core.errors import ModelgateError
from modelgate.core.records import Task, TaskState
from modelgate.formats.media.family import Page
from modelgate.formats.media.requests import ImageRequest, decode_request
from modelgate.formats.openai_chat.response import encode_error_body
from modelgate.formats.openai_videos import schema
from modelgate.formats.openai_videos.request import decode_facts

_encode = msgspec.json.Encoder().encode

_STATUS: dict[TaskState, schema.Status] = {
    "queued": "queued",
    "submitting": "queued",
    "unknown": "queued",
    "running": "in_progress",
    "waiting_input": "in_progress",
    "succeeded": "completed",
    "failed": "failed",
    "canceled": "failed",
    "expired": "failed",
}


def video_object(task: Task, urls: Sequence[str]) -> schema.Video:
    """Return a task as a video."""
    request, facts = decode_request(task.operation, task.request), decode_facts(task.facts)
    seconds = 0 if isinstance(request, ImageRequest) else request.seconds
    status = _STATUS[task.state]
    url = next((url for url in urls if url), "") if status == "completed" else ""
    return schema.Video(
        id=task.id,
        task_id=task.id,
        object="video",
        model=task.model,
        status=status,
        progress=task.progress,
        created_at=int(task.created_at),
        completed_at=int(task.finished_at) if status == "completed" and task.finished_at is not None else None,
        expires_at=None,
        prompt=request.prompt or None,
        seconds=str(seconds) if seconds else "",
        size=facts.size or None,
        remixed_from_video_id=facts.remixed_from or None,
        error=_error(task) if status == "failed" else None,
        metadata={"url": url} if url else {},
    )


def _error(task: Task) -> schema.VideoError:
    return schema.VideoError(code=task.error_code or task.state, message=task.error_message)


def encode_video(task: Task, *, urls: Sequence[str], request_id: str) -> bytes:
    """Return one video."""
    del request_id  # it is a header of every answer
    return _encode(video_object(task, urls))


def encode_list(tasks: Sequence[tuple[Task, Sequence[str]]], *, page: Page, has_more: bool, request_id: str) -> bytes:
    """Return a page of videos."""
    del page, request_id
    data = [video_object(task, urls) for task, urls in tasks]
    first, last = (data[0].id, data[-1].id) if data else (None, None)
    return _encode(schema.VideoList(object="list", data=data, first_id=first, last_id=last, has_more=has_more))


def encode_older(task: Task, *, urls: Sequence[str], request_id: str) -> bytes:
    """Return the envelope of the older fetch: it satisfies both kinds of clients that are known."""
    del request_id
    status = _STATUS[task.state]
    url = next((url for url in urls if url), "") if status == "completed" else ""
    older = schema.OlderTask(
        task_id=task.id,
        action="generate",
        status=_older_status(task.state),
        fail_reason=task.error_message if status == "failed" else "",
        submit_time=int(task.created_at),
        start_time=int(task.submitted_at or 0),
        finish_time=int(task.finished_at or 0),
        progress=f"{task.progress}%",
        result_url=url,
        url=url,
        format="mp4" if url else "",
        error=_error(task) if status == "failed" else None,
    )
    return _encode(schema.OlderEnvelope(code="success", message="", data=older))


def _older_status(state: TaskState) -> schema.OlderStatus:
    match state:
        case "queued" | "submitting" | "unknown":
            return "QUEUED"
        case "running" | "waiting_input":
            return "IN_PROGRESS"
        case "succeeded":
            return "SUCCESS"
        case "failed" | "canceled" | "expired":
            return "FAILURE"


def encode_error(error: ModelgateError, *, request_id: str) -> tuple[int, bytes]:
    """Return the HTTP status and OpenAI's error body."""
    return error.status, encode_error_body(error, request_id)
