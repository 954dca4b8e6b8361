"""What a relay's answers mean: to a submit, about one job, about many."""

from typing import Any, Final, cast

import msgspec
from msgspec.structs import replace

from modelgate.core.providers import VendorState
from modelgate.core.records import Json, TaskOutput
from modelgate.formats.media import refusals
from modelgate.formats.media.vendor_status import MAX_MESSAGE_CHARACTERS

MAX_CLIPS = 2
MAX_TEXT_CHARACTERS = 10_000
MAX_SECONDS = 86_400
CROWDED_PAUSE_S = 5.0
QUEUED, IN_PROGRESS, AUDIBLE, UNFINISHED = 5, 30, 60, 99
"""Percents where the relay's own figure says less, which is mostly 0."""

_CLIP_FACTS: Final = ("title", "major_model_version", "model_name", "created_at", "status")
_SONG_FACTS: Final = ("tags", "prompt", "gpt_description_prompt", "audio_prompt_id", "type", "error_type", "error_message")


class _Answer(msgspec.Struct):
    code: str | int | None = None
    message: str | None = None
    data: Any = None
    error: Any = None


class _Told(msgspec.Struct):
    """One task in the relay's answer."""

    task_id: str = ""
    status: str | None = None
    fail_reason: str | None = None
    progress: str | int | None = None
    data: Any = None


_REFUSED = VendorState(refused=True, retryable=True)
_CREDENTIAL = replace(_REFUSED, error_code=refusals.CREDENTIAL_REFUSED, credential_fault=True)
_BALANCE = replace(_REFUSED, error_code=refusals.VENDOR_BALANCE, credential_fault=True)
_ELSEWHERE = replace(_REFUSED, error_code=refusals.VENDOR_MISCONFIGURED)
_CROWDED = replace(_REFUSED, error_code=refusals.RATE_LIMITED, retry_after_s=CROWDED_PAUSE_S)
_DOWN = replace(_REFUSED, error_code=refusals.VENDOR_UNAVAILABLE, retry_after_s=CROWDED_PAUSE_S)
_CALLER = VendorState(refused=True, error_code=refusals.INVALID_REQUEST)
_CONTENT = VendorState(refused=True, error_code=refusals.CONTENT_REFUSED)

_CODES: Final = {
    "invalid_request": _CALLER,
    "unauthorized": _CREDENTIAL,
    "quota_not_enough": _BALANCE,
    "insufficient_user_quota": _BALANCE,
    "insufficient_quota": _BALANCE,
    "rate_limit_exceeded": _CROWDED,
    "service_unavailable": _DOWN,
}
_STATUSES: Final = {400: _CALLER, 401: _CREDENTIAL, 402: _BALANCE, 403: _CREDENTIAL, 413: _CALLER, 422: _CALLER, 429: _CROWDED}
_CONTENT_WORDS = ("moderation", "copyright", "artist name", "sensitive")
_ACCOUNT_WORDS = ("captcha", "cookie", "session expired")
"""What the relay's account at Suno stumbles over: another upstream may do better, this one needs its operator."""
_UNKNOWN = VendorState(refused=True, error_code=refusals.TASK_NOT_FOUND, error_message="The relay does not know the job.")

_decode_answer = msgspec.json.Decoder(_Answer).decode


def parse_submit(status: int, body: bytes) -> VendorState:
    """Read the answer to a submit: taken (`running`), refused, or neither (`state` None): then the job may exist."""
    answer = _answer_of(body)
    if answer is None or answer.code != "success":
        return _refused(status, answer)
    return VendorState(state="running", vendor_task=answer.data) if isinstance(answer.data, str) and answer.data else VendorState()


def parse_poll_many(status: int, body: bytes) -> dict[str, VendorState] | None:
    """Read the answer about many, by the relay's id; None when it is no such answer."""
    answer = _answer_of(body)
    if status != 200 or answer is None or answer.code != "success":
        return None
    items = _list(answer.data)
    if not items and answer.data != []:
        return None
    states: dict[str, VendorState] = {}
    for item in items:
        try:
            states[_text(object_of(item).get("task_id"))] = _state_of(msgspec.convert(item, _Told))
        except msgspec.ValidationError:
            states[_text(object_of(item).get("task_id"))] = VendorState()  # it is there, but nothing can be made of it
    return states


def parse_poll(status: int, body: bytes) -> VendorState:
    """Read the answer about one. `refused` with `task_not_found`: the relay does not know it; other trouble leaves the task as it is."""
    states = parse_poll_many(status, body)
    if states is None:
        return replace(_refused(status, _answer_of(body)), refused=False, retryable=False)
    return next(iter(states.values()), _UNKNOWN)


def _answer_of(body: bytes) -> _Answer | None:
    try:
        return _decode_answer(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _refused(status: int, answer: _Answer | None) -> VendorState:
    """Return what an answer that is no success tells: in the relay's words, or another gateway's in OpenAI's shape."""
    error = object_of(answer.error) if answer is not None else {}
    code = (_text(answer.code) if answer is not None else "") or _text(error.get("code"))
    message = ((answer.message if answer is not None else None) or _text(error.get("message")))[:MAX_MESSAGE_CHARACTERS]
    refusal = _refusal_of(status, code, message.lower())
    if refusal is None or (status == 200 and not code):
        return VendorState()
    return replace(refusal, error_message=message)


def _refusal_of(status: int, code: str, message: str) -> VendorState | None:
    """Numbered cases: 1. the message tells more than the code; 2. the code is known; 3. a 5xx may have been taken; 4. the status speaks."""
    known = _CODES.get(code)
    if known in (None, _CALLER) and any(word in message for word in _ACCOUNT_WORDS):
        return _CREDENTIAL
    if (known is _CALLER or status < 500) and any(word in message for word in _CONTENT_WORDS):
        return _CONTENT
    if known is not None:
        return known
    return None if status >= 500 else _STATUSES.get(status, _ELSEWHERE)


def _state_of(told: _Told) -> VendorState:
    """Return how a job stands. Finished songs count although the relay still waits for one that failed, or has given up on it."""
    clips = [clip for item in _list(told.data)[:MAX_CLIPS] if (clip := object_of(item))]
    outputs = _songs(clips) or _lyrics(object_of(told.data))
    statuses = {_text(clip.get("status")) for clip in clips}
    word = (told.status or "").upper()
    is_done = "complete" in statuses and statuses <= {"complete", "error"}
    if (is_done or (word == "SUCCESS" and not told.fail_reason)) and any(one.kind != "image" and (one.url or one.text) for one in outputs):
        return VendorState(state="succeeded", vendor_task=told.task_id, progress=100, outputs=outputs)
    if told.fail_reason or word in ("FAILURE", "SUCCESS") or statuses == {"error"}:
        return _failed(told, clips)
    match word:
        case "NOT_START" | "SUBMITTED" | "QUEUED" | "IN_PROGRESS":
            least = AUDIBLE if any(one.url for one in outputs) else IN_PROGRESS if word == "IN_PROGRESS" else QUEUED
            progress = max(_percent(told.progress), least)
            return VendorState(state="running", vendor_task=told.task_id, progress=progress, outputs=outputs)
        case "UNKNOWN":  # the relay works on it no more: when it goes on saying so, the job is lost
            return _UNKNOWN
        case _:
            return VendorState(vendor_task=told.task_id)  # a new word must not end a task


def _percent(progress: str | int | None) -> int:
    digits = str(progress or 0).rstrip("%")
    return min(int(digits), UNFINISHED) if digits.isascii() and digits.isdigit() and len(digits) <= 3 else 0


def _failed(told: _Told, clips: list[dict[str, Json]]) -> VendorState:
    songs = [object_of(clip.get("metadata")) for clip in clips]
    reasons = [told.fail_reason, *(_text(song.get("error_message")) or _text(song.get("error_type")) for song in songs)]
    message = next((reason for reason in reasons if reason), "Suno could not make this.")[:MAX_MESSAGE_CHARACTERS]
    is_content = any(word in message.lower() for word in _CONTENT_WORDS)
    word = refusals.CONTENT_REFUSED if is_content else refusals.GENERATION_FAILED
    return VendorState(state="failed", vendor_task=told.task_id, error_code=word, error_message=message)


def _songs(clips: list[dict[str, Json]]) -> tuple[TaskOutput, ...]:
    """Return the songs in order, a failed one without an address, and after them their covers."""
    covers = [
        TaskOutput(kind="image", url=url, details={"clip": _text(clip.get("id"))}, is_extra=True)
        for clip in clips
        if clip.get("status") != "error" and (url := _text(clip.get("image_large_url")) or _text(clip.get("image_url")))
    ]
    return (*(_song(clip) for clip in clips), *covers)


def _song(clip: dict[str, Json]) -> TaskOutput:
    song = object_of(clip.get("metadata"))
    duration: Json = song.get("duration")
    seconds = duration if isinstance(duration, int | float) and not isinstance(duration, bool) and 0 <= duration < MAX_SECONDS else 0
    facts = [*((name, clip.get(name)) for name in _CLIP_FACTS), *((name, song.get(name)) for name in _SONG_FACTS)]
    return TaskOutput(
        kind="audio",
        url="" if clip.get("status") == "error" else _text(clip.get("audio_url")),
        vendor_id=_text(clip.get("id")),
        duration_ms=round(seconds * 1000),
        details={name: text for name, value in facts if (text := _text(value))},
    )


def _lyrics(data: dict[str, Json]) -> tuple[TaskOutput, ...]:
    text, title = _text(data.get("text")), _text(data.get("title"))
    return (TaskOutput(kind="text", text=text, vendor_id=_text(data.get("id")), details={"title": title}),) if text else ()


def _list(value: object) -> list[object]:
    return cast(list[object], value) if isinstance(value, list) else []


def object_of(value: object) -> dict[str, Json]:
    """Return an object of an answer or a request, empty for anything else."""
    return cast(dict[str, Json], value) if isinstance(value, dict) else {}


def _text(value: object) -> str:
    return value[:MAX_TEXT_CHARACTERS] if isinstance(value, str) else ""
