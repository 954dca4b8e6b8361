"""Tasks and errors in the envelopes of the Suno dialect, with our ids. Times go out as Unix seconds."""

from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec

from modelgate.core import errors
from modelgate.core.records import Task, TaskOutput, TaskState
from modelgate.formats.media.error_twin import twin_of
from modelgate.formats.media.requests import MusicRequest, decode_request
from modelgate.formats.suno import schema
from modelgate.formats.suno.request import TaskFacts

SUCCESS = "success"

_STATUS: dict[TaskState, schema.TaskStatus] = {
    "queued": "NOT_START",
    "submitting": "SUBMITTED",
    "unknown": "SUBMITTED",
    "running": "IN_PROGRESS",
    "waiting_input": "IN_PROGRESS",
    "succeeded": "SUCCESS",
    "failed": "FAILURE",
    "canceled": "FAILURE",
    "expired": "FAILURE",
}
_ENDED = ("SUCCESS", "FAILURE")
_CLIP_STATUSES: frozenset[str] = frozenset(("submitted", "queued", "streaming", "complete", "error"))

# First match wins, so leaves stand before their parents.
_CODES: tuple[tuple[type[errors.ModelgateError], str], ...] = (
    (errors.InsufficientFunds, "quota_not_enough"),
    (errors.TaskNotFound, "task_not_exist"),
    (errors.InvalidRequest, "invalid_request"),
    (errors.UpstreamRefused, "invalid_request"),
)
_STATUSES: tuple[tuple[type[errors.ModelgateError], int], ...] = ((errors.InsufficientFunds, 403), (errors.TaskNotFound, 400))

_decode_facts = msgspec.json.Decoder(TaskFacts).decode
_encode = msgspec.json.Encoder().encode


def encode_submitted(task: Task, *, urls: Sequence[str], request_id: str) -> bytes:
    """Return the envelope that answers a submit: the id, and nothing else."""
    del urls, request_id
    return _encode(schema.SubmitEnvelope(code=SUCCESS, message="", data=task.id))


def encode_fetched(task: Task, *, urls: Sequence[str], request_id: str) -> bytes:
    """Return the envelope that answers a fetch; `urls` are the addresses of the task's files, in the order of its outputs."""
    del request_id
    return _encode(schema.FetchEnvelope(code=SUCCESS, message="", data=render_task(task, urls)))


def encode_fetched_many(tasks: Sequence[tuple[Task, Sequence[str]]], *, request_id: str) -> bytes:
    """Return the envelope that answers a fetch of many."""
    del request_id
    return _encode(schema.FetchManyEnvelope(code=SUCCESS, message="", data=[render_task(task, urls) for task, urls in tasks]))


def render_task(task: Task, urls: Sequence[str]) -> schema.SunoTask:
    """Return a task as this dialect shows it, whatever dialect it came in by."""
    status = _STATUS[task.state]
    return schema.SunoTask(
        task_id=task.id,
        notify_hook=_decode_facts(task.facts).notify_hook,
        action="LYRICS" if task.operation == "music.lyrics" else "MUSIC",
        status=status,
        fail_reason=task.error_message if status == "FAILURE" else "",
        submit_time=int(task.created_at),
        start_time=int(task.submitted_at or 0),
        finish_time=int(task.finished_at or 0),
        progress="100%" if status in _ENDED else f"{task.progress}%",
        data=_lyrics_of(task) if task.operation == "music.lyrics" else _clips_of(task, urls) or None,
    )


def _lyrics_of(task: Task) -> schema.Lyrics | None:
    texts = [output for output in task.outputs if output.kind == "text"]
    if task.state != "succeeded" or not texts:
        return None
    return schema.Lyrics(id=texts[0].vendor_id or task.id, title=_fact(texts[0], "title"), text=texts[0].text)


def _clips_of(task: Task, urls: Sequence[str]) -> list[schema.Clip]:
    if task.state in ("failed", "canceled", "expired"):
        return []  # what was heard while it was made is not theirs: nothing was charged
    request = decode_request(task.operation, task.request)
    shown = [url or ("" if task.state == "succeeded" else output.url) for output, url in zip(task.outputs, urls, strict=True)]
    covers = {_fact(output, "clip"): url for output, url in zip(task.outputs, shown, strict=True) if output.kind == "image"}
    songs = [(output, url) for output, url in zip(task.outputs, shown, strict=True) if output.kind == "audio"]
    assert isinstance(request, MusicRequest)  # the family shows no other kind
    return [_clip(task, output, request=request, url=url, cover=covers.get(output.vendor_id, "")) for output, url in songs]


def _clip(task: Task, output: TaskOutput, *, request: MusicRequest, url: str, cover: str) -> schema.Clip:
    status = _fact(output, "status")
    if task.state == "succeeded":
        status = "complete" if url else "error"
    tags, prompt = _fact(output, "tags") or request.style, _fact(output, "prompt") or request.lyrics
    duration = output.duration_ms / 1000 if output.duration_ms else None
    created = datetime.fromtimestamp(task.created_at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return schema.Clip(
        id=output.vendor_id,
        title=_fact(output, "title") or request.title,
        status=status if status in _CLIP_STATUSES else "queued",  # type: ignore[arg-type]  # one of them, as was just asked
        audio_url=url,
        video_url="",
        image_url=cover,
        image_large_url=cover,
        is_video_pending=False,
        major_model_version=_fact(output, "major_model_version"),
        model_name=_fact(output, "model_name"),
        metadata=_metadata(output, tags=tags, prompt=prompt, duration=duration),
        created_at=_fact(output, "created_at") or created,
        tags=tags,
        prompt=prompt,
        duration=duration,
    )


def _metadata(output: TaskOutput, *, tags: str, prompt: str, duration: float | None) -> schema.ClipMetadata:
    return schema.ClipMetadata(
        tags=tags,
        prompt=prompt,
        gpt_description_prompt=_fact(output, "gpt_description_prompt") or None,
        audio_prompt_id=_fact(output, "audio_prompt_id") or None,
        history=None,
        concat_history=None,
        type=_fact(output, "type") or "gen",
        duration=duration,
        refund_credits=False,
        stream=True,
        error_type=_fact(output, "error_type") or None,
        error_message=_fact(output, "error_message") or None,
    )


def _fact(output: TaskOutput, name: str) -> str:
    value = output.details.get(name)
    return value if isinstance(value, str) else ""


def encode_error(error: errors.ModelgateError, *, request_id: str) -> tuple[int, bytes]:
    """Return the HTTP status and the body of an error. Lack of money is 403 and an unknown task 400, as the family's clients expect."""
    code = next((word for kind, word in _CODES if isinstance(error, kind)), error.code or error.type)
    message = error.message_for(request_id)
    if isinstance(error, errors.TaskNotFound):
        message = "task_not_exist"  # clients compare it
    twin = twin_of(error, message)
    status = next((one for kind, one in _STATUSES if isinstance(error, kind)), error.status)
    return status, _encode(schema.ErrorEnvelope(code=code, message=message, data=None, error=twin))
