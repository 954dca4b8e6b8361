"""Tasks in Dream Machine's own shape, with our ids and addresses."""

from collections.abc import Sequence
from typing import Any

import msgspec

from modelgate.core.records import Task, TaskState
from modelgate.formats.luma import schema
from modelgate.formats.luma.response import failure_of, has_begun, request_of, time_of
from modelgate.formats.media.family import MediaCall, Page
from modelgate.formats.media.requests import kind_of

_STATE: dict[TaskState, Any] = {
    "queued": "queued",
    "submitting": "queued",
    "unknown": "queued",
    "running": "dreaming",
    "waiting_input": "dreaming",
    "succeeded": "completed",
    "failed": "failed",
    "canceled": "failed",
    "expired": "failed",
}
_TYPES = {"video.upscale": "upscale_video", "video.audio": "add_audio"}
_encode = msgspec.json.encode


def encode_generation(task: Task, *, urls: Sequence[str], request_id: str) -> bytes:
    """Return a generation; the first of `urls` is that of its result."""
    del request_id
    return _encode(_shown(task, urls))


def encode_created(task: Task, *, urls: Sequence[str], request_id: str) -> bytes:
    """Return the answer to a submit: a generation that waits, even where the vendor has begun."""
    del urls, request_id
    shown = _shown(task, [])
    return _encode(msgspec.structs.replace(shown, state="queued" if shown.state == "dreaming" else shown.state))


def encode_list(tasks: Sequence[tuple[Task, Sequence[str]]], *, page: Page, has_more: bool, request_id: str) -> bytes:
    """Return a page of generations."""
    del request_id
    shown = [_shown(task, urls) for task, urls in tasks]
    listed = schema.GenerationList(has_more=has_more, count=len(shown), limit=page.limit, offset=page.offset, generations=shown)
    return _encode(listed)


def encode_pong(call: MediaCall, *, request_id: str) -> bytes:
    """Return the answer to a ping."""
    del call, request_id
    return _encode(schema.Pong(message="pong"))


def encode_concepts(call: MediaCall, *, request_id: str) -> bytes:
    """Return the list of concepts."""
    del call, request_id
    return _encode(schema.CONCEPTS)


def _shown(task: Task, urls: Sequence[str]) -> schema.Generation:
    state: Any = _STATE[task.state] if has_begun(task) else "queued"
    kind = kind_of(task.operation)
    url = next(filter(None, urls), "") if state == "completed" else ""
    assets = schema.GenerationAssets(video=url if kind == "video" else None, image=url if kind == "image" else None)
    return schema.Generation(
        id=task.id,
        generation_type="image" if kind == "image" else "video",
        state=state,
        failure_reason=failure_of(task) if state == "failed" else None,
        created_at=time_of(task),
        assets=assets if url else None,
        model=task.model,
        request=_asked(task),
    )


def _asked(task: Task) -> dict[str, Any]:
    """Return the request as the vendor repeats it, without files."""
    request = request_of(task)
    seconds = getattr(request, "seconds", 0)
    said = {
        "generation_type": _TYPES.get(task.operation, kind_of(task.operation)),
        "model": task.model,
        "prompt": request.prompt,
        "aspect_ratio": getattr(request, "aspect_ratio", ""),
        "resolution": getattr(request, "resolution", ""),
        "duration": f"{seconds}s" if seconds else "",
        "loop": request.options.get("luma_loop"),
    }
    return {name: value for name, value in said.items() if value not in ("", None)}
