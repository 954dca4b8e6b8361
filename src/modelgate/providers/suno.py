"""Suno: songs and lyrics by a relay that speaks the Suno-API protocol, or by another gateway that serves it.

Suno has no public API: the address is that of the operator's own relay, with the path `/suno`. Sources: the relay's and new-api's code
and documents, read 2026-11. Lengths are those of Suno's page; a version that is not known here is held to the longest.
"""

import re
from typing import Any, Final, cast

import msgspec
from msgspec.structs import replace

from modelgate.core.errors import InvalidRequest
from modelgate.core.providers import MediaOperation, Provider, Quirks, UpstreamCall, VendorState, bearer
from modelgate.core.records import Json, TaskOutput
from modelgate.formats.media import refusals
from modelgate.formats.media.requests import MusicRequest
from modelgate.formats.media.vendor_status import MAX_MESSAGE_CHARACTERS
from modelgate.formats.suno.schema import CONTINUE_TASKS, MAX_CONTINUE_AT_S, MusicBody

MAX_POLL_MANY = 100
MAX_CLIPS = 2
MAX_TEXT_CHARACTERS = 10_000
MAX_SECONDS = 86_400
CROWDED_PAUSE_S = 5.0
LYRICS_TIMEOUT_S = 150.0
"""Lyrics are written before the submit is answered."""
QUEUED, IN_PROGRESS, AUDIBLE, UNFINISHED = 5, 30, 60, 99
"""Percents where the relay's own figure says less, which is mostly 0."""

_OLDER: Final = frozenset(("", "chirp-v3-0", "chirp-v3-5", "chirp-v3-5-upload", "chirp-v4"))
_OLDER_LIMITS: Final = {"prompt": 500, "lyrics": 3_000, "style": 200, "negative_style": 200, "title": 80}
_LIMITS: Final = {"prompt": 500, "lyrics": 5_000, "style": 1_000, "negative_style": 1_000, "title": 100}
_LYRICS_LIMITS: Final = {"prompt": 2_000}
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_JSON_HEADERS = (("content-type", "application/json"),)
_CLIP_FACTS: Final = ("title", "major_model_version", "model_name", "created_at", "status")
_SONG_FACTS: Final = ("tags", "prompt", "gpt_description_prompt", "audio_prompt_id", "type", "error_type", "error_message")
_OURS: Final = frozenset(MusicBody.__struct_fields__)
"""Fields that are said by the neutral request, and the caller's hook: an extra one never takes their place."""


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
_encode = msgspec.json.Encoder().encode


def _post(path: str, fields: dict[str, Json]) -> UpstreamCall:
    return UpstreamCall(method="POST", path=path, headers=_JSON_HEADERS, body=_encode(fields))


def encode_music_submit(request: MusicRequest, task_id: str, model: str) -> UpstreamCall:
    """Return the call that starts songs. The relay has no place for our id: a submit without an answer cannot be looked up."""
    del task_id, model  # Suno's version goes as `mv`
    parent, options = request.parent, request.options
    said: dict[str, Json] = {
        "gpt_description_prompt": request.prompt,
        "mv": options.get("suno_mv"),
        "title": request.title,
        "tags": request.style,
        "negative_tags": request.negative_style,
        "make_instrumental": request.instrumental or None,
        "continue_at": options.get("suno_continue_at"),
    }
    if parent is not None:
        said |= {"task": options.get("suno_task") or CONTINUE_TASKS[0], "task_id": parent.vendor_task, "continue_clip_id": parent.output}
    fields = {name: value for name, value in _object(options.get("suno_extra")).items() if name not in _OURS}
    fields |= {name: value for name, value in said.items() if value is not None and value != ""}
    if not request.prompt:
        fields["prompt"] = request.lyrics  # empty: instrumental
    return _post("/submit/MUSIC", fields)


def encode_lyrics_submit(request: MusicRequest, task_id: str, model: str) -> UpstreamCall:
    """Return the call that writes lyrics."""
    del task_id, model
    return _post("/submit/LYRICS", {"prompt": request.prompt})


def encode_poll_many(vendor_tasks: list[str]) -> UpstreamCall:
    """Return the call that asks for many. The fetch of one is never used: the original relay leaves out how the task stands."""
    return _post("/fetch", {"ids": vendor_tasks})


def encode_poll(vendor_task: str) -> UpstreamCall:
    """Return the call that asks how one job stands."""
    return encode_poll_many([vendor_task])


def check_music(request: MusicRequest, model: str) -> None:
    """Raise InvalidRequest for what Suno cannot do, by version of its model."""
    del model
    version = request.options.get("suno_mv", "")
    if not isinstance(version, str) or (version and not _VERSION.fullmatch(version)):
        raise _broken("suno_mv", version, "it must be a version such as chirp-v4")
    _check_lengths(request, _OLDER_LIMITS if version in _OLDER else _LIMITS, of=version or "chirp-v3-0")
    if request.prompt and request.lyrics:
        raise InvalidRequest("lyrics cannot be given together with prompt: Suno writes them from it.", param="lyrics", code="invalid_value")
    if not (request.prompt or request.lyrics or request.instrumental or request.parent):
        raise InvalidRequest("prompt is required, or lyrics, or instrumental.", param="prompt", code="missing_required_parameter")
    _check_extra(request.options.get("suno_extra", {}))
    _check_continuation(request)


def _check_extra(extra: Json) -> None:
    """Raise InvalidRequest for more than plain values, and for names of things at the vendor: all accounts of ours are one there."""
    fields = _object(extra)
    if not isinstance(extra, dict):
        raise _broken("suno_extra", extra, "it must be an object of fields for the relay")
    for name, value in fields.items():
        if isinstance(value, list | dict):
            raise _broken(name, value, "a field that is not known here must be a plain value")
        if name.lower().endswith(("id", "ids")):
            raise _broken(name, value, "ids of things at the vendor are not passed on: whose they are cannot be told")


def _check_continuation(request: MusicRequest) -> None:
    task, at = request.options.get("suno_task"), request.options.get("suno_continue_at")
    if task is not None and task not in CONTINUE_TASKS:
        raise _broken("suno_task", task, f"it must be one of {', '.join(CONTINUE_TASKS)}")
    if at is not None and (isinstance(at, bool) or not isinstance(at, int | float) or not 0 < at <= MAX_CONTINUE_AT_S):
        raise _broken("suno_continue_at", at, f"it must be a number of seconds above 0 and at most {MAX_CONTINUE_AT_S:g}")
    if request.parent is None and (at is not None or task is not None):
        raise _broken("suno_task" if at is None else "suno_continue_at", task if at is None else at, "it needs a clip to go on from")
    if request.parent is not None and not request.parent.output:
        raise InvalidRequest("parent must name the clip to go on from.", param="parent", code="missing_required_parameter")


def check_lyrics(request: MusicRequest, model: str) -> None:
    """Raise InvalidRequest for lyrics about nothing, or about too much."""
    del model
    if not request.prompt.strip():
        raise InvalidRequest("prompt is required: say what the lyrics are about.", param="prompt", code="missing_required_parameter")
    _check_lengths(request, _LYRICS_LIMITS, of="lyrics")


def _check_lengths(request: MusicRequest, limits: dict[str, int], *, of: str) -> None:
    for field, most in limits.items():
        if (length := len(getattr(request, field))) > most:
            raise InvalidRequest(f"{field} has {length} characters, but {of} takes at most {most}.", param=field, code="invalid_value")


def _broken(name: str, value: Json, rule: str) -> InvalidRequest:
    return InvalidRequest(f"{name} is {value!r:.60}, but {rule}.", param=name, code="invalid_value")


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
            states[_text(_object(item).get("task_id"))] = _state_of(msgspec.convert(item, _Told))
        except msgspec.ValidationError:
            states[_text(_object(item).get("task_id"))] = VendorState()  # it is there, but nothing can be made of it
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
    error = _object(answer.error) if answer is not None else {}
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
    clips = [clip for item in _list(told.data)[:MAX_CLIPS] if (clip := _object(item))]
    outputs = _songs(clips) or _lyrics(_object(told.data))
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
    songs = [_object(clip.get("metadata")) for clip in clips]
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
    song = _object(clip.get("metadata"))
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


def _object(value: object) -> dict[str, Json]:
    return cast(dict[str, Json], value) if isinstance(value, dict) else {}


def _text(value: object) -> str:
    return value[:MAX_TEXT_CHARACTERS] if isinstance(value, str) else ""


_MUSIC = MediaOperation(
    encode_submit=encode_music_submit,
    parse_submit=parse_submit,
    encode_poll=encode_poll,
    parse_poll=parse_poll,
    encode_poll_many=encode_poll_many,
    parse_poll_many=parse_poll_many,
    max_poll_many=MAX_POLL_MANY,
    check=check_music,
    poll_interval_s=3.0,
    deadline_s=900.0,  # the relay gives up after 600
    max_n=MAX_CLIPS,
    takes=frozenset(
        (
            *("lyrics", "title", "style", "negative_style", "instrumental", "parent"),
            *("suno_mv", "suno_task", "suno_continue_at", "suno_extra"),
        )
    ),
)
_LYRICS = replace(
    _MUSIC, encode_submit=encode_lyrics_submit, check=check_lyrics, submit_timeout_s=LYRICS_TIMEOUT_S, max_n=1, takes=frozenset()
)

PROVIDER = Provider(
    name="suno",
    title="Suno, by a Suno-API relay",
    base_url="",  # every relay has an address of its own
    media={"music": _MUSIC, "music.lyrics": _LYRICS},
    sign=bearer,
    quirks=Quirks(base_path="/suno"),
    environment={"SUNO_API_KEY": "secret", "SUNO_API_BASE_URL": "base_url"},
    documentation="https://github.com/Suno-API/Suno-API, read 2026-11",
)
