"""What Kling's answers mean: its envelope, its numbers, and what a finished task holds. Codes 1200 and above: their HTTP statuses come
from secondary sources, so the number decides and the status only helps.
"""

import msgspec

from modelgate.core.providers import VendorState
from modelgate.core.records import TaskOutput
from modelgate.formats.media import refusals
from modelgate.formats.media.vendor_answers import failed, finished, reader_of
from modelgate.formats.media.vendor_status import CROWDED_PAUSE_S, MAX_MESSAGE_CHARACTERS, Refusal
from modelgate.providers.kling.relays import Relayed, read_taken, read_task

MAX_RESULTS = 9
MAX_DURATION_S = 3_600
OK = 200
RELAY_CODE = "success"
"""What New API says where Kling says 0."""
PROGRESS = {"submitted": 10, "processing": 50}


class _ResultImage(msgspec.Struct):
    url: str = ""
    index: int | None = None
    id: str | None = None


class _ResultVideo(msgspec.Struct):
    url: str = ""
    id: str | None = None
    duration: str | float | None = None
    watermark_url: str | None = None


class _TaskResult(msgspec.Struct):
    images: list[_ResultImage] | None = None
    videos: list[_ResultVideo] | None = None


class _TaskData(msgspec.Struct):
    task_id: str = ""
    task_status: str = ""
    task_status_msg: str | None = None
    task_result: _TaskResult | None = None


class _Envelope(msgspec.Struct):
    code: int | str
    message: str | None = None
    data: _TaskData | None = None


_CREDENTIAL = Refusal(refusals.CREDENTIAL_REFUSED, credential_fault=True)
# 1003, 1004: our clock, the vendor's, or a stale token, not a bad key: signed anew a moment later it may be good.
_CLOCK = Refusal(refusals.CREDENTIAL_REFUSED, retry_after_s=CROWDED_PAUSE_S)
_BALANCE = Refusal(refusals.VENDOR_BALANCE, credential_fault=True)
_ELSEWHERE = Refusal(refusals.VENDOR_MISCONFIGURED)
# The vendor asks for at least a second of patience after 1302 and 1303.
_CROWDED = Refusal(refusals.RATE_LIMITED, retry_after_s=CROWDED_PAUSE_S)
_DOWN = Refusal(refusals.VENDOR_UNAVAILABLE, retry_after_s=CROWDED_PAUSE_S)
_CALLER = Refusal(refusals.INVALID_REQUEST, retryable=False)
_CONTENT = Refusal(refusals.CONTENT_REFUSED, retryable=False)

# 5000 and 5002 are absent with intent: after them the job may exist, so they are ambiguous and the job is looked up.
_REFUSALS: dict[int, Refusal] = {
    1000: _CREDENTIAL,
    1001: _ELSEWHERE,
    1002: _CREDENTIAL,
    1003: _CLOCK,
    1004: _CLOCK,
    1100: _BALANCE,
    1101: _BALANCE,
    1102: _BALANCE,
    1103: _ELSEWHERE,
    1200: _CALLER,
    1201: _CALLER,
    1202: _ELSEWHERE,
    1203: Refusal(refusals.TASK_NOT_FOUND),  # the video that a submit builds on, else a model that this account has not
    1300: _CONTENT,
    1301: _CONTENT,
    1302: _CROWDED,
    1303: _CROWDED,
    1304: _ELSEWHERE,
    5001: _DOWN,
}
_STATUS_REFUSALS: dict[int, Refusal] = {
    400: _CALLER,
    401: _CREDENTIAL,
    413: _CALLER,
    415: _CALLER,
    422: _CALLER,
    429: _CROWDED,
    529: _DOWN,
}
_UNKNOWN_TASK_CODE = 1203

_read_envelope = reader_of(_Envelope)


def parse_submit(status: int, body: bytes) -> VendorState:
    """Read the answer to a submit.

    Three outcomes: taken (`running`, or further), refused, or neither (`state` None and not `refused`): then the job may
    exist and must be looked up, never sent again.
    """
    envelope = _envelope_of(body)
    if envelope is None and status == OK and (relayed := read_taken(body)):
        return VendorState(state="running", vendor_task=relayed)
    if envelope is not None and envelope.code == 0:
        return _taken(envelope.data) if envelope.data and envelope.data.task_id else VendorState()
    return _refused(status, envelope)


def parse_poll(status: int, body: bytes) -> VendorState:
    """Read the answer to a poll or a look-up. `refused` with `task_not_found`: the vendor says there is no such job.

    Every other trouble leaves the task as it is.
    """
    envelope = _envelope_of(body)
    if envelope is not None and envelope.code == RELAY_CODE and (relayed := read_task(body)) is not None:
        return _relayed_state(relayed)
    if envelope is None:
        return VendorState(retry_after_s=CROWDED_PAUSE_S if status in (429, 503, 529) else None)
    if envelope.code == 0:
        return _task_state(envelope.data) if envelope.data else VendorState()
    if envelope.code == _UNKNOWN_TASK_CODE:
        return VendorState(refused=True, error_code=refusals.TASK_NOT_FOUND, error_message=_message(envelope))
    refusal = _refused(status, envelope)
    return msgspec.structs.replace(refusal, refused=False, retryable=False)


def _envelope_of(body: bytes) -> _Envelope | None:
    envelope = _read_envelope(body)
    if envelope is not None and isinstance(envelope.code, str) and envelope.code.isascii() and envelope.code.isdigit():
        envelope.code = int(envelope.code)
    return envelope


def _refused(status: int, envelope: _Envelope | None) -> VendorState:
    """Numbered cases: 1. the vendor's number is known; 2. it is ambiguous; 3. only the HTTP status speaks."""
    code = envelope.code if envelope is not None else None
    refusal = _REFUSALS.get(code) if isinstance(code, int) else None
    if refusal is None and code in (5000, 5002):
        return VendorState()
    if refusal is None:
        refusal = _refusal_by_status(status, answered=envelope is not None)
    return refusal.state(_message(envelope)) if refusal is not None else VendorState()


def _refusal_by_status(status: int, *, answered: bool) -> Refusal | None:
    """Return what a status alone tells: a 4xx was surely not taken; a 5xx of something in between says nothing."""
    if status in _STATUS_REFUSALS and (answered or status < 500):
        return _STATUS_REFUSALS[status]
    if status == 503 and answered:
        return _DOWN
    return _ELSEWHERE if 300 <= status < 500 else None


def _message(envelope: _Envelope | None) -> str:
    return ((envelope.message if envelope else None) or "")[:MAX_MESSAGE_CHARACTERS]


def _taken(data: _TaskData) -> VendorState:
    state = _task_state(data)
    return state if state.state else VendorState(state="running", vendor_task=data.task_id)


def _task_state(data: _TaskData) -> VendorState:
    match data.task_status.lower():
        case "submitted" | "processing" as word:
            return VendorState(state="running", vendor_task=data.task_id, progress=PROGRESS[word])
        case "succeed" | "succeeded":
            result = data.task_result or _TaskResult()
            return finished((*_pictures(result.images or []), *_videos(result.videos or [])), job=data.task_id)
        case "failed":
            return failed(data.task_status_msg or "", job=data.task_id)
        case _:
            # A new word must not end a task.
            return VendorState(vendor_task=data.task_id)


def _relayed_state(relayed: Relayed) -> VendorState:
    inner = _envelope_of(relayed.answer)
    result = inner.data.task_result if inner is not None and inner.data is not None else None
    if relayed.word == "succeed" and result is None and relayed.url:
        result = _TaskResult(videos=[_ResultVideo(url=relayed.url)])
    data = _TaskData(task_id=relayed.task_id, task_status=relayed.word, task_status_msg=relayed.reason, task_result=result)
    return _task_state(data)


def _pictures(images: list[_ResultImage]) -> tuple[TaskOutput, ...]:
    ordered = sorted(images, key=lambda image: image.index if image.index is not None else 0)[:MAX_RESULTS]
    return tuple(TaskOutput(kind="image", url=image.url) for image in ordered if image.url)


def _videos(videos: list[_ResultVideo]) -> tuple[TaskOutput, ...]:
    """Return each video, and after it the copy with a watermark where one was asked for."""
    outputs: list[TaskOutput] = []
    for video in (video for video in videos[:MAX_RESULTS] if video.url):
        duration_ms = _milliseconds(video.duration)
        outputs.append(TaskOutput(kind="video", url=video.url, vendor_id=video.id or "", duration_ms=duration_ms))
        if video.watermark_url:
            outputs.append(TaskOutput(kind="video", url=video.watermark_url, duration_ms=duration_ms, details={"watermark": True}))
    return tuple(outputs)


def _milliseconds(duration: str | float | None) -> int:
    """Return a length that the vendor tells in seconds, mostly as text; 0 when it is not told."""
    try:
        seconds = float(duration or 0)
    except ValueError:
        return 0
    return round(seconds * 1000) if 0 < seconds <= MAX_DURATION_S else 0
