"""Tasks and errors in Pika's JSON, with our ids."""

from collections.abc import Sequence

import msgspec

from modelgate.core import errors
from modelgate.core.records import Task, TaskState
from modelgate.formats.media.error_twin import twin_of
from modelgate.formats.media.requests import VideoRequest, decode_request
from modelgate.formats.pika import schema

SUBMIT_MESSAGE = "Modelgate - Pika - Submit: SUCCEED"

_STATUS: dict[TaskState, schema.VideoStatus] = {
    "queued": "queued",
    "submitting": "queued",
    "unknown": "queued",
    "running": "pending",
    "waiting_input": "pending",
    "succeeded": "finished",
    "failed": "error",
    "canceled": "error",
    "expired": "error",
}
_ENDED_WITHOUT_WORDS = "The video could not be made."

_encode = msgspec.json.Encoder().encode


def encode_submitted(task: Task, *, urls: Sequence[str] = (), request_id: str = "") -> bytes:
    """Return the answer to a submit. Pika's clients take a missing `id` for a failure."""
    del urls, request_id
    return _encode(schema.Submitted(id=task.id, message=SUBMIT_MESSAGE))


def encode_fetched(task: Task, *, urls: Sequence[str], request_id: str = "") -> bytes:
    """Return the answer to a fetch; `urls` are the addresses of the task's files, in order."""
    del request_id
    request, status = decode_request(task.operation, task.request), _STATUS[task.state]
    url = next((url for url in urls if url), "") if status == "finished" else ""
    seconds = request.seconds if isinstance(request, VideoRequest) else 0
    seed = request.seed if isinstance(request, VideoRequest) else None
    video = schema.Video(
        id=task.id,
        status=status,
        progress=100 if status == "finished" else task.progress,
        seed=seed or 0,
        duration=seconds or schema.DEFAULT_SECONDS,
        result_url=url,
        sharing_url=url,
        video_poster="",
        image_thumb="",
        error=(task.error_message or _ENDED_WITHOUT_WORDS) if status == "error" else "",
    )
    return _encode(schema.Feed(id=task.id, prompt_text=request.prompt, message="", videos=[video]))


def encode_error(error: errors.ModelgateError, *, request_id: str) -> tuple[int, bytes]:
    """Return the HTTP status and the body of an error; the message names the request.

    Lack of money is 403 here, not 429: the family's clients try again after every 429.
    """
    message = error.message_for(request_id)
    body = schema.ErrorEnvelope(message=message, error=twin_of(error, message))
    return (403 if isinstance(error, errors.InsufficientFunds) else error.status), _encode(body)
