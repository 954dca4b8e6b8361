"""Suno: songs and lyrics by a relay that speaks the Suno-API protocol, or by another gateway that serves it.

    schema     answers, limits, codes

Suno has no public API: the address is that of the operator's own relay, with the path `/suno`. Sources: the relay's and new-api's code
and documents, read 2026-11. Lengths are those of Suno's page; a version that is not known here is held to the longest.
"""

import re
from typing import Final, cast

import msgspec
from msgspec.structs import replace

from modelgate.core.providers import MediaOperation, Provider, Quirks, Twin, UpstreamCall, VendorState, bearer
from modelgate.core.records import Json, TaskOutput
from modelgate.formats.media import refusals
from modelgate.formats.media.fields import broken, missing
from modelgate.formats.media.limits import cannot, check_option, need_prompt
from modelgate.formats.media.requests import MusicRequest
from modelgate.formats.media.vendor_answers import failed, finished, percent_in, reader_of, taken
from modelgate.formats.media.vendor_calls import EMPTY, post_json, said
from modelgate.formats.media.vendor_status import Refusal
from modelgate.formats.suno.schema import CONTINUE_TASKS, MAX_CONTINUE_AT_S, MusicBody
from modelgate.providers.suno import schema

_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_OURS: Final = frozenset(MusicBody.__struct_fields__)
"""Fields that are said by the neutral request, and the caller's hook: an extra one never takes their place."""
_UNKNOWN = VendorState(refused=True, error_code=refusals.TASK_NOT_FOUND, error_message="The relay does not know the job.")

_read_answer = reader_of(schema.Answer)

# What Suno cannot do.


def check_music(request: MusicRequest, model: str) -> None:
    """Raise InvalidRequest for what Suno cannot do, by version of its model."""
    del model
    version = request.options.get("suno_mv", "")
    if not isinstance(version, str) or (version and not _VERSION.fullmatch(version)):
        raise broken("suno_mv", version, "it must be a version such as chirp-v4")
    _check_lengths(request, schema.OLDER_LIMITS if version in schema.OLDER else schema.LIMITS, of=version or "chirp-v3-0")
    if request.prompt and request.lyrics:
        raise cannot("lyrics", "Suno writes them from the prompt")
    if not (request.prompt or request.lyrics or request.instrumental or request.parent):
        raise missing("prompt", "or lyrics, or instrumental")
    _check_extra(request.options.get("suno_extra", {}))
    _check_continuation(request)


def _check_extra(extra: Json) -> None:
    """Raise InvalidRequest for more than plain values, and for names of things at the vendor: all accounts of ours are one there."""
    fields = object_of(extra)
    if not isinstance(extra, dict):
        raise broken("suno_extra", extra, "it must be an object of fields for the relay")
    for name, value in fields.items():
        if type(value) in (list, dict):
            raise broken(name, value, "a field that is not known here must be a plain value")
        if name.lower().endswith(("id", "ids")):
            raise broken(name, value, "ids of things at the vendor are not passed on: whose they are cannot be told")


def _check_continuation(request: MusicRequest) -> None:
    task, at = request.options.get("suno_task"), request.options.get("suno_continue_at")
    check_option(request.options, "suno_task", CONTINUE_TASKS)
    if at is not None and (isinstance(at, bool) or not isinstance(at, int | float) or not 0 < at <= MAX_CONTINUE_AT_S):
        raise broken("suno_continue_at", at, f"it must be a number of seconds above 0 and at most {MAX_CONTINUE_AT_S:g}")
    if request.parent is None and (at is not None or task is not None):
        raise broken("suno_task" if at is None else "suno_continue_at", task if at is None else at, "it needs a clip to go on from")
    if request.parent is not None and not request.parent.output:
        raise missing("parent", "it must name the clip to go on from")


def check_lyrics(request: MusicRequest, model: str) -> None:
    """Raise InvalidRequest for lyrics about nothing, or about too much."""
    del model
    need_prompt(request, "say what the lyrics are about")
    _check_lengths(request, schema.LYRICS_LIMITS, of="lyrics")


def _check_lengths(request: MusicRequest, limits: dict[str, int], *, of: str) -> None:
    for field, most in limits.items():
        if (length := len(getattr(request, field))) > most:
            raise broken(field, getattr(request, field), f"{of} takes at most {most} characters; it has {length}")


# Calls. The relay has no place for our id: a submit without an answer cannot be looked up.


def encode_music_submit(request: MusicRequest, task_id: str, model: str) -> UpstreamCall:
    """Return the call that starts songs."""
    del task_id, model  # Suno's version goes as `mv`
    parent, options = request.parent, request.options
    words: dict[str, Json] = {
        "gpt_description_prompt": request.prompt,
        "mv": options.get("suno_mv"),
        "title": request.title,
        "tags": request.style,
        "negative_tags": request.negative_style,
        "make_instrumental": request.instrumental or None,
        "continue_at": options.get("suno_continue_at"),
    }
    if parent is not None:
        words |= {"task": options.get("suno_task") or CONTINUE_TASKS[0], "task_id": parent.vendor_task, "continue_clip_id": parent.output}
    fields = {name: value for name, value in object_of(options.get("suno_extra")).items() if name not in _OURS}
    fields |= said(words, unsaid=EMPTY)
    if not request.prompt:
        fields["prompt"] = request.lyrics  # empty: instrumental
    return post_json("/submit/MUSIC", fields)


def encode_lyrics_submit(request: MusicRequest, task_id: str, model: str) -> UpstreamCall:
    """Return the call that writes lyrics."""
    del task_id, model
    return post_json("/submit/LYRICS", {"prompt": request.prompt})


def encode_poll_many(vendor_tasks: list[str]) -> UpstreamCall:
    """Return the call that asks for many. The fetch of one is never used: the original relay leaves out how the task stands."""
    return post_json("/fetch", {"ids": vendor_tasks})


def encode_poll(vendor_task: str) -> UpstreamCall:
    """Return the call that asks how one job stands."""
    return encode_poll_many([vendor_task])


# Answers.


def parse_submit(status: int, body: bytes) -> VendorState:
    """Read the answer to a submit: taken (`running`), refused, or neither (`state` None): then the job may exist."""
    answer = _read_answer(body)
    if answer is None or answer.code != "success":
        return _refused(status, answer)
    return taken(_text(answer.data))


def parse_poll_many(status: int, body: bytes) -> dict[str, VendorState] | None:
    """Read the answer about many, by the relay's id; None when it is no such answer."""
    answer = _read_answer(body)
    if status != 200 or answer is None or answer.code != "success":
        return None
    items = _list(answer.data)
    if not items and answer.data != []:
        return None
    states: dict[str, VendorState] = {}
    for item in items:
        try:
            states[_text(object_of(item).get("task_id"))] = _state_of(msgspec.convert(item, schema.Told))
        except msgspec.ValidationError:
            states[_text(object_of(item).get("task_id"))] = VendorState()  # it is there, but nothing can be made of it
    return states


def parse_poll(status: int, body: bytes) -> VendorState:
    """Read the answer about one. `refused` with `task_not_found`: the relay does not know it; other trouble leaves the task as it is."""
    states = parse_poll_many(status, body)
    if states is None:
        return replace(_refused(status, _read_answer(body)), refused=False, retryable=False)
    return next(iter(states.values()), _UNKNOWN)


def _refused(status: int, answer: schema.Answer | None) -> VendorState:
    """Return what an answer that is no success tells: in the relay's words, or another gateway's in OpenAI's shape."""
    error = object_of(answer.error) if answer is not None else {}
    code = (_text(answer.code) if answer is not None else "") or _text(error.get("code"))
    message = (answer.message if answer is not None else None) or _text(error.get("message"))
    refusal = _refusal_of(status, code, message.lower())
    if refusal is None or (status == 200 and not code):
        return VendorState()
    return refusal.state(message)


def _refusal_of(status: int, code: str, message: str) -> Refusal | None:
    """Numbered cases: 1. the message tells more than the code; 2. the code is known; 3. a 5xx may have been taken; 4. the status speaks."""
    known = schema.CODES.get(code)
    if known in (None, schema.CALLER) and any(word in message for word in schema.ACCOUNT_WORDS):
        return schema.CREDENTIAL
    if (known is schema.CALLER or status < 500) and any(word in message for word in schema.CONTENT_WORDS):
        return schema.CONTENT
    if known is not None:
        return known
    return None if status >= 500 else schema.STATUSES.get(status, schema.ELSEWHERE)


def _state_of(told: schema.Told) -> VendorState:
    """Return how a job stands. Finished songs count although the relay still waits for one that failed, or has given up on it."""
    clips = [clip for item in _list(told.data)[: schema.MAX_CLIPS] if (clip := object_of(item))]
    outputs = _songs(clips) or _lyrics(object_of(told.data))
    statuses = {_text(clip.get("status")) for clip in clips}
    word = (told.status or "").upper()
    is_done = "complete" in statuses and statuses <= {"complete", "error"}
    if (is_done or (word == "SUCCESS" and not told.fail_reason)) and any(one.kind != "image" and (one.url or one.text) for one in outputs):
        return finished(outputs, job=told.task_id)
    if told.fail_reason or word in ("FAILURE", "SUCCESS") or statuses == {"error"}:
        return _failed(told, clips)
    match word:
        case "NOT_START" | "SUBMITTED" | "QUEUED" | "IN_PROGRESS":
            least = schema.AUDIBLE if any(one.url for one in outputs) else schema.IN_PROGRESS if word == "IN_PROGRESS" else schema.QUEUED
            progress = max(percent_in(told.progress), least)
            return VendorState(state="running", vendor_task=told.task_id, progress=progress, outputs=outputs)
        case "UNKNOWN":  # the relay works on it no more: when it goes on saying so, the job is lost
            return _UNKNOWN
        case _:
            return VendorState(vendor_task=told.task_id)  # a new word must not end a task


def _failed(told: schema.Told, clips: list[dict[str, Json]]) -> VendorState:
    songs = [object_of(clip.get("metadata")) for clip in clips]
    reasons = [told.fail_reason, *(_text(song.get("error_message")) or _text(song.get("error_type")) for song in songs)]
    message = next((reason for reason in reasons if reason), "")
    is_content = any(word in message.lower() for word in schema.CONTENT_WORDS)
    word = refusals.CONTENT_REFUSED if is_content else refusals.GENERATION_FAILED
    return failed(message, word=word, job=told.task_id)


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
    seconds = duration if isinstance(duration, int | float) and not isinstance(duration, bool) and 0 <= duration < schema.MAX_SECONDS else 0
    facts = [*((name, clip.get(name)) for name in schema.CLIP_FACTS), *((name, song.get(name)) for name in schema.SONG_FACTS)]
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
    return value[: schema.MAX_TEXT_CHARACTERS] if isinstance(value, str) else ""


_MUSIC = MediaOperation(
    encode_submit=encode_music_submit,
    parse_submit=parse_submit,
    encode_poll=encode_poll,
    parse_poll=parse_poll,
    encode_poll_many=encode_poll_many,
    parse_poll_many=parse_poll_many,
    max_poll_many=schema.MAX_POLL_MANY,
    check=check_music,
    poll_interval_s=3.0,
    deadline_s=900.0,  # the relay gives up after 600
    max_n=schema.MAX_CLIPS,
    takes=frozenset(
        (
            *("lyrics", "title", "style", "negative_style", "instrumental", "parent"),
            *("suno_mv", "suno_task", "suno_continue_at", "suno_extra"),
        )
    ),
)
_LYRICS = replace(
    _MUSIC, encode_submit=encode_lyrics_submit, check=check_lyrics, submit_timeout_s=schema.LYRICS_TIMEOUT_S, max_n=1, takes=frozenset()
)

PROVIDER = Provider(
    name="suno",
    title="Suno, by a Suno-API relay",
    base_url="",  # every relay has an address of its own
    media={"music": _MUSIC, "music.lyrics": _LYRICS},
    sign=bearer,
    quirks=Quirks(base_path="/suno"),
    environment={"SUNO_API_KEY": "secret", "SUNO_API_BASE_URL": "base_url"},
    twin=Twin(key="suno-sandbox", shown_paths=("/suno/stream", "/suno/files/{name}")),
    documentation="https://github.com/Suno-API/Suno-API, read 2026-11",
)
