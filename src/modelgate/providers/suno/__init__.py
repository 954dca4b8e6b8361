"""Suno: songs and lyrics by a relay that speaks the Suno-API protocol, or by another gateway that serves it.

    answers    answer -> what it means

Suno has no public API: the address is that of the operator's own relay, with the path `/suno`. Sources: the relay's and new-api's code
and documents, read 2026-11. Lengths are those of Suno's page; a version that is not known here is held to the longest.
"""

import re
from typing import Final

import msgspec
from msgspec.structs import replace

from modelgate.core.errors import InvalidRequest
from modelgate.core.providers import MediaOperation, Provider, Quirks, Twin, UpstreamCall, bearer
from modelgate.core.records import Json
from modelgate.formats.media.requests import MusicRequest
from modelgate.formats.suno.schema import CONTINUE_TASKS, MAX_CONTINUE_AT_S, MusicBody
from modelgate.providers.suno.answers import MAX_CLIPS, object_of, parse_poll, parse_poll_many, parse_submit

MAX_POLL_MANY = 100
LYRICS_TIMEOUT_S = 150.0
"""Lyrics are written before the submit is answered."""
_OLDER: Final = frozenset(("", "chirp-v3-0", "chirp-v3-5", "chirp-v3-5-upload", "chirp-v4"))
_OLDER_LIMITS: Final = {"prompt": 500, "lyrics": 3_000, "style": 200, "negative_style": 200, "title": 80}
_LIMITS: Final = {"prompt": 500, "lyrics": 5_000, "style": 1_000, "negative_style": 1_000, "title": 100}
_LYRICS_LIMITS: Final = {"prompt": 2_000}
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_JSON_HEADERS = (("content-type", "application/json"),)
_OURS: Final = frozenset(MusicBody.__struct_fields__)
"""Fields that are said by the neutral request, and the caller's hook: an extra one never takes their place."""


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
    fields = {name: value for name, value in object_of(options.get("suno_extra")).items() if name not in _OURS}
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
    fields = object_of(extra)
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
    twin=Twin(key="suno-sandbox", shown_paths=("/suno/stream",)),
    documentation="https://github.com/Suno-API/Suno-API, read 2026-11",
)
