"""What a midjourney-proxy says: to a submit, to a poll of many jobs, to a cancel."""

from typing import Any

import msgspec

from modelgate.core.providers import VendorState
from modelgate.core.records import Json, TaskOutput
from modelgate.formats.media import refusals
from modelgate.formats.media.vendor_status import MAX_MESSAGE_CHARACTERS

CROWDED_PAUSE_S = 5.0
MAX_BUTTONS = 50
MAX_OUTPUTS = 8
MAX_SEED_CHARACTERS = 40
MAX_URL_CHARACTERS = 2_048
"""A preview at a longer address is not shown."""
_TAKEN, _NOT_FOUND, _INVALID, _FAILED, _EXISTS, _QUEUED, _QUEUE_FULL, _BANNED, _SATURATED = 1, 3, 4, 9, 21, 22, 23, 24, 30
_NOTHING_DONE = frozenset((_NOT_FOUND, _INVALID, _FAILED, _QUEUE_FULL, _BANNED, _SATURATED))
_WAITS = frozenset(("NOT_START", "SUBMITTED", "IN_PROGRESS"))


class _Submitted(msgspec.Struct):
    code: int
    description: str | None = None
    result: str | int | list[str] | None = None
    properties: dict[str, Any] | None = None


class _Video(msgspec.Struct):
    url: str | None = None


class _Task(msgspec.Struct, rename="camel"):
    id: str | int
    status: str | None = None
    progress: str | int | None = None
    image_url: str | None = None
    video_url: str | None = None
    video_urls: list[_Video] | None = None
    fail_reason: str | None = None
    description: str | None = None
    buttons: list[dict[str, Any]] | None = None
    properties: dict[str, Any] | None = None
    seed: str | int | None = None


_decode_submitted = msgspec.json.Decoder(_Submitted).decode
_decode_tasks = msgspec.json.Decoder(list[_Task]).decode
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def parse_submit(status: int, body: bytes) -> VendorState:
    """Read the answer to a submit. Of a refusal the number decides; a 5xx without one may have been taken."""
    try:
        answer = _decode_submitted(body)
    except _UNREADABLE:
        return _refused_by_status(status)
    if answer.code in (_TAKEN, _EXISTS, _QUEUED) and status < 400:
        return _taken(answer)
    if answer.code not in _NOTHING_DONE:
        return _refused_by_status(status)
    return _refused(answer, status)


def _taken(answer: _Submitted) -> VendorState:
    """Read one of the codes that mean a job. `21` is a job there was already, or a dialog, which has no picture yet."""
    if isinstance(answer.result, list):
        outputs = tuple(TaskOutput(kind="image", url=url) for url in answer.result[:MAX_OUTPUTS])
        return VendorState(state="succeeded", outputs=outputs, progress=100)
    vendor_task, properties = str(answer.result or ""), answer.properties or {}
    if not vendor_task:
        return VendorState()
    is_dialog = answer.code == _EXISTS and not properties.get("imageUrl") and ("remix" in properties or "finalPrompt" in properties)
    if is_dialog or (answer.code == _EXISTS and "confirm" in (answer.description or "").lower()):
        return VendorState(state="waiting_input", vendor_task=vendor_task, details=_kept({"final_prompt": properties.get("finalPrompt")}))
    return VendorState(state="running", vendor_task=vendor_task)


def _refused(answer: _Submitted, status: int) -> VendorState:
    message = (answer.description or "").strip()[:MAX_MESSAGE_CHARACTERS]
    retryable, code, pause_s = True, refusals.VENDOR_UNAVAILABLE, None
    if message.startswith("quota_not_enough"):
        return VendorState(refused=True, retryable=True, credential_fault=True, error_code=refusals.VENDOR_BALANCE, error_message=message)
    if status == 401:
        return _refused_by_status(status)
    if status == 403:  # a gateway that gives reasons knows the key, but lets it not do this
        return VendorState(refused=True, retryable=True, error_code=refusals.VENDOR_MISCONFIGURED, error_message=message)
    match answer.code:
        case 4:
            retryable, code = False, refusals.INVALID_REQUEST
        case 24:
            retryable, code = False, refusals.CONTENT_REFUSED
            word = str((answer.properties or {}).get("bannedWord") or "")[:100]
            message = f"{message} ({word})" if word else message
        case 23 | 30:
            code, pause_s = refusals.RATE_LIMITED, CROWDED_PAUSE_S
        case _ if status == 429:
            code, pause_s = refusals.RATE_LIMITED, CROWDED_PAUSE_S
        case _:
            pass
    return VendorState(refused=True, retryable=retryable, error_code=code, error_message=message, retry_after_s=pause_s)


def _refused_by_status(status: int) -> VendorState:
    """Return what a status alone tells: a 4xx was surely not taken; a 5xx, or a 200 that cannot be read, says nothing."""
    if status in (401, 403):
        return VendorState(refused=True, retryable=True, credential_fault=True, error_code=refusals.CREDENTIAL_REFUSED)
    if status == 429:
        return VendorState(refused=True, retryable=True, error_code=refusals.RATE_LIMITED, retry_after_s=CROWDED_PAUSE_S)
    if 300 <= status < 500:
        return VendorState(refused=True, retryable=True, error_code=refusals.VENDOR_MISCONFIGURED)
    return VendorState()


def parse_poll_many(status: int, body: bytes, *, words: bool = False) -> dict[str, VendorState] | None:
    """Read a list of jobs; None when it is none. With `words` their results are words: the picture in them was the caller's own."""
    try:
        tasks = _decode_tasks(body) if status == 200 else None
    except _UNREADABLE:
        return None
    return {str(task.id): _state_of(task, words=words) for task in tasks} if tasks is not None else None


def parse_poll(status: int, body: bytes, *, words: bool = False) -> VendorState:
    """Read the list of one job. `refused` with `task_not_found`: it is not there."""
    told = parse_poll_many(status, body, words=words)
    if told is None:
        return VendorState(credential_fault=status in (401, 403), retry_after_s=CROWDED_PAUSE_S if status in (429, 503) else None)
    missing = VendorState(refused=True, error_code=refusals.TASK_NOT_FOUND)
    return next(iter(told.values()), missing)


def parse_cancel(status: int, body: bytes) -> VendorState:
    """Read the answer to a cancel."""
    try:
        is_done = status == 200 and _decode_submitted(body).code == _TAKEN
    except _UNREADABLE:
        is_done = False
    return VendorState(state="canceled" if is_done else None)


def parse_question(status: int, body: bytes) -> dict[str, Json]:
    """Read the answer about a seed."""
    try:
        answer = _decode_submitted(body) if status == 200 else None
    except _UNREADABLE:
        return {}
    is_said = answer is not None and answer.code == _TAKEN and isinstance(answer.result, str | int)
    return _kept({"seed": str(answer.result)[:MAX_SEED_CHARACTERS]}) if answer is not None and is_said else {}


def _state_of(task: _Task, *, words: bool) -> VendorState:
    vendor_task, status = str(task.id), (task.status or "").upper()
    match status:
        case "MODAL":
            return VendorState(state="waiting_input", vendor_task=vendor_task)
        case "SUCCESS":
            outputs, details = _words_of(task) if words else _outputs_of(task), _details_of(task)
            return VendorState(state="succeeded", vendor_task=vendor_task, progress=100, outputs=outputs, details=details)
        case "FAILURE" | "CANCEL":
            message = (task.fail_reason or "The vendor ended the job.")[:MAX_MESSAGE_CHARACTERS]
            return VendorState(state="failed", vendor_task=vendor_task, error_code=refusals.GENERATION_FAILED, error_message=message)
        case _ if status in _WAITS:
            outputs = () if words else _preview_of(task)
            return VendorState(state="running", vendor_task=vendor_task, progress=_progress_of(task.progress), outputs=outputs)
        case _:
            return VendorState(vendor_task=vendor_task)  # a new word must not end a task


def _progress_of(progress: str | int | None) -> int:
    text = str(progress or "").removesuffix("%")
    return min(99, int(text)) if text.isascii() and text.isdecimal() and len(text) < 4 else 0


def _preview_of(task: _Task) -> tuple[TaskOutput, ...]:
    url = task.image_url or ""
    return (TaskOutput(kind="image", url=url),) if 0 < len(url) <= MAX_URL_CHARACTERS else ()


def _outputs_of(task: _Task) -> tuple[TaskOutput, ...]:
    """Return the videos, the picture, and the words of a job that has no picture of its own."""
    videos = [video.url for video in task.video_urls or [] if video.url] or [task.video_url or ""]
    outputs = [TaskOutput(kind="video", url=url) for url in videos if url][:MAX_OUTPUTS]
    if task.image_url:
        outputs.append(TaskOutput(kind="image", url=task.image_url))
    return tuple(outputs) or _words_of(task)


def _words_of(task: _Task) -> tuple[TaskOutput, ...]:
    words = str((task.properties or {}).get("finalPrompt") or task.description or "")
    return (TaskOutput(kind="text", text=words),) if words else ()


def _details_of(task: _Task) -> dict[str, Json]:
    buttons = [
        {name: str(button.get(name) or "") for name in ("customId", "emoji", "label")}
        for button in (task.buttons or [])[:MAX_BUTTONS]
        if button.get("customId")
    ]
    return _kept({"buttons": buttons, "final_prompt": (task.properties or {}).get("finalPrompt"), "seed": task.seed})


def _kept(details: dict[str, Json]) -> dict[str, Json]:
    return {name: value for name, value in details.items() if value not in (None, "", [])}
