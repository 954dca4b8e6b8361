"""Videos as OpenAI's clients and the older ones read them; errors in OpenAI's words."""

from collections.abc import Sequence

import msgspec

from modelgate.core import errors
from modelgate.core.records import Task, TaskState
from modelgate.formats.media.family import Page
from modelgate.formats.media.requests import ImageRequest, MediaRequest, decode_request
from modelgate.formats.openai_chat.reference import ErrorInside
from modelgate.formats.openai_chat.response import detail_of
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


_FIELD_WORDS = {"size": "invalid_size", "seconds": "invalid_seconds", "duration": "invalid_seconds"}
_CODE_WORDS = {"invalid_json": "invalid_json", "invalid_form": "invalid_multipart_form"}
_WORDS: tuple[tuple[type[errors.ModelgateError], str], ...] = (
    (errors.InsufficientFunds, "quota_not_enough"),
    (errors.TaskNotFound, "task_not_exist"),
    (errors.UnpricedModel, "model_price_error"),
    (errors.BodyTooLarge, "read_request_body_failed"),
    (errors.UpstreamRefused, "task_failed"),
)
_OLDER_STATUSES: tuple[tuple[type[errors.ModelgateError], int], ...] = (
    (errors.InsufficientFunds, 403),
    (errors.TaskNotFound, 400),
    (errors.UnpricedModel, 400),
)


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


def encode_submitted(task: Task, *, urls: Sequence[str], request_id: str) -> bytes:
    """Return the video that answers a submit: one that goes on is `queued`, whatever its vendor calls it by then."""
    del request_id
    video = video_object(task, urls)
    return _encode(msgspec.structs.replace(video, status="queued") if video.status == "in_progress" else video)


def encode_list(tasks: Sequence[tuple[Task, Sequence[str]]], *, page: Page, has_more: bool, request_id: str) -> bytes:
    """Return a page of videos."""
    del page, request_id
    data = [video_object(task, urls) for task, urls in tasks]
    first, last = (data[0].id, data[-1].id) if data else (None, None)
    return _encode(schema.VideoList(object="list", data=data, first_id=first, last_id=last, has_more=has_more))


def encode_older(task: Task, *, urls: Sequence[str], request_id: str) -> bytes:
    """Return the envelope of the older fetch: it satisfies both kinds of clients that are known."""
    del request_id
    status, request = _STATUS[task.state], decode_request(task.operation, task.request)
    url = next((url for url in urls if url), "") if status == "completed" else ""
    older = schema.OlderTask(
        task_id=task.id,
        created_at=int(task.created_at),
        updated_at=int(task.updated_at),
        action=_action(task, request),
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
        properties=schema.OlderProperties(input=request.prompt, origin_model_name=task.model),
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


def _action(task: Task, request: MediaRequest) -> schema.OlderAction:
    """Return new-api's word for the kind of work."""
    roles = {item.role for item in request.inputs}
    if decode_facts(task.facts).remixed_from:
        return "remixGenerate"
    if "reference" in roles:
        return "referenceGenerate"
    if "last_frame" in roles:
        return "firstTailGenerate"
    return "generate" if roles or request.parent is not None else "textGenerate"


def encode_error(error: errors.ModelgateError, *, request_id: str) -> tuple[int, bytes]:
    """Return the HTTP status and OpenAI's error body, which the older clients find their own words in too."""
    told = msgspec.convert(detail_of(error, request_id), ErrorInside)
    return error.status, _encode(schema.ErrorEnvelope(code=_word_of(error), message=told.message, data=None, error=told))


def encode_older_error(error: errors.ModelgateError, *, request_id: str) -> tuple[int, bytes]:
    """Return the same by the older path: lack of money is 403 there and an unknown task 400, as its clients expect."""
    status, body = encode_error(error, request_id=request_id)
    return next((one for kind, one in _OLDER_STATUSES if isinstance(error, kind)), status), body


def _word_of(error: errors.ModelgateError) -> str:
    """Return new-api's word for an error, where it has one."""
    if (word := next((word for kind, word in _WORDS if isinstance(error, kind)), "")) or not isinstance(error, errors.InvalidRequest):
        return word or error.code or error.type
    if error.code in _CODE_WORDS:
        return _CODE_WORDS[error.code]
    if (error.param, error.code) == ("model", "missing_required_parameter"):
        return "missing_model"
    return _FIELD_WORDS.get(error.param or "", "invalid_request")
