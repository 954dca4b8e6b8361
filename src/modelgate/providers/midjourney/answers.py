"""What a midjourney-proxy says: to a submit, to a poll of many jobs, to a cancel."""

from typing import Any, cast

import msgspec

from modelgate.core.providers import VendorState
from modelgate.core.records import Json, TaskOutput
from modelgate.formats.media import refusals
from modelgate.formats.media.vendor_answers import failed, percent_in, reader_of
from modelgate.formats.media.vendor_status import MAX_MESSAGE_CHARACTERS

CROWDED_PAUSE_S = 5.0
MAX_BUTTONS = 50
PRESSED = 3
"""The style of a button that was pressed already."""
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
    buttons: list[Any] | None = None
    properties: dict[str, Any] | None = None
    seed: str | int | None = None


class _Named(msgspec.Struct):
    id: str | int


_read_submitted = reader_of(_Submitted)
_read_listed = reader_of(list[msgspec.Raw])
_read_task = reader_of(_Task)
_read_named = reader_of(_Named)


def parse_submit(status: int, body: bytes) -> VendorState:
    """Read the answer to a submit. Of a refusal the number decides; a 5xx without one may have been taken."""
    answer = _read_submitted(body)
    if answer is None:
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
    words = (answer.description or "").lower()
    # Gateways of the family say 1 in place of 21, and leave the words as they were: "Waiting for window confirm".
    if is_dialog or "window confirm" in words or (answer.code == _EXISTS and "confirm" in words):
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
    listed = _read_listed(body) if status == 200 else None
    if listed is None:
        return None
    states: dict[str, VendorState] = {}
    for item in listed:
        task, named = _read_task(bytes(item)), None
        if task is not None:
            states[str(task.id)] = _state_of(task, words=words)
        elif (named := _read_named(bytes(item))) is not None:
            states[str(named.id)] = VendorState(vendor_task=str(named.id))  # nothing can be made of it, which is no trouble of the others
    return states


def parse_poll(status: int, body: bytes, *, words: bool = False) -> VendorState:
    """Read the list of one job. `refused` with `task_not_found`: it is not there."""
    told = parse_poll_many(status, body, words=words)
    if told is None:
        return VendorState(credential_fault=status in (401, 403), retry_after_s=CROWDED_PAUSE_S if status in (429, 503) else None)
    missing = VendorState(refused=True, error_code=refusals.TASK_NOT_FOUND)
    return next(iter(told.values()), missing)


def parse_cancel(status: int, body: bytes) -> VendorState:
    """Read the answer to a cancel."""
    answer = _read_submitted(body) if status == 200 else None
    return VendorState(state="canceled" if answer is not None and answer.code == _TAKEN else None)


def parse_question(status: int, body: bytes) -> dict[str, Json]:
    """Read the answer about a seed."""
    answer = _read_submitted(body) if status == 200 else None
    if answer is None or answer.code != _TAKEN or not isinstance(answer.result, str | int):
        return {}
    return _kept({"seed": str(answer.result)[:MAX_SEED_CHARACTERS]})


def _state_of(task: _Task, *, words: bool) -> VendorState:
    vendor_task, status = str(task.id), (task.status or "").upper()
    match status:
        case "MODAL":
            return VendorState(state="waiting_input", vendor_task=vendor_task)
        case "SUCCESS":
            outputs, details = _words_of(task, own=words) if words else _outputs_of(task), _details_of(task)
            return VendorState(state="succeeded", vendor_task=vendor_task, progress=100, outputs=outputs, details=details)
        case "FAILURE" | "CANCEL":
            return failed(task.fail_reason or "The vendor ended the job.", job=vendor_task)
        case _ if status in _WAITS:
            outputs = () if words else _preview_of(task)
            return VendorState(state="running", vendor_task=vendor_task, progress=percent_in(task.progress), outputs=outputs)
        case _:
            return VendorState(vendor_task=vendor_task)  # a new word must not end a task


def _preview_of(task: _Task) -> tuple[TaskOutput, ...]:
    url = task.image_url or ""
    return (TaskOutput(kind="image", url=url),) if 0 < len(url) <= MAX_URL_CHARACTERS else ()


def _outputs_of(task: _Task) -> tuple[TaskOutput, ...]:
    """Return the videos, the picture, and the words of a job that has no picture of its own."""
    videos = [video.url for video in task.video_urls or [] if video.url] or [task.video_url or ""]
    outputs = [TaskOutput(kind="video", url=url) for url in videos if url][:MAX_OUTPUTS]
    if task.image_url:
        outputs.append(TaskOutput(kind="image", url=task.image_url, is_extra=bool(outputs)))  # of videos it is the poster
    return tuple(outputs) or _words_of(task)


def _words_of(task: _Task, *, own: bool = False) -> tuple[TaskOutput, ...]:
    """Return the words of a job; `own`: with the picture that they are about, its caller's own, which clients show beside them."""
    words = str((task.properties or {}).get("finalPrompt") or task.description or "")
    if not words:
        return ()
    picture = TaskOutput(kind="image", url=task.image_url or "", details={"role": "input"}, is_extra=True)
    return (TaskOutput(kind="text", text=words), picture) if own and picture.url else (TaskOutput(kind="text", text=words),)


def _details_of(task: _Task) -> dict[str, Json]:
    listed = [cast(dict[str, Json], button) for button in (task.buttons or [])[:MAX_BUTTONS] if isinstance(button, dict)]
    buttons = [_button_of(button) for button in listed if isinstance(button.get("customId"), str) and button["customId"]]
    return _kept({"buttons": buttons, "final_prompt": (task.properties or {}).get("finalPrompt"), "seed": task.seed})


def _button_of(button: dict[str, Json]) -> dict[str, Json]:
    told: dict[str, Json] = {name: str(button.get(name) or "") for name in ("customId", "emoji", "label")}
    return told | {"style": PRESSED} if button.get("style") == PRESSED else told


def _kept(details: dict[str, Json]) -> dict[str, Json]:
    return {name: value for name, value in details.items() if value not in (None, "", [])}
