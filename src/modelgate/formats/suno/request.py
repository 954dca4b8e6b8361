"""What a Suno client sends, checked rule by rule and made neutral."""

from typing import Any

import msgspec

from modelgate.core.errors import InvalidRequest, TaskNotFound
from modelgate.core.records import Task
from modelgate.formats.media import fields as read
from modelgate.formats.media.family import Ask, MediaCall
from modelgate.formats.media.requests import MusicRequest, Parent
from modelgate.formats.suno import schema

_KNOWN = frozenset(schema.MusicBody.__struct_fields__)
_encode = msgspec.json.Encoder().encode


class TaskFacts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the dialect keeps beside the neutral request (`Task.facts`)."""

    notify_hook: str = ""


def decode_music(call: MediaCall) -> Ask:
    """Return what `POST /suno/submit/music` asks for.

    Numbered cases, as Suno's page has them: 1. inspiration: a description, and no words of the caller's count; 2. custom: words, or styles
    without words for an instrumental; 3. continuation: a clip to go on from, with or without words.

    Raises:
        InvalidRequest: names the field, its value (shortened) and the rule it breaks.
        UnsupportedMediaType: the body is a form.
    """
    fields = read.object_of(call.body, call.content_type)
    description = read.text(fields, "gpt_description_prompt", schema.MAX_DESCRIPTION_CHARACTERS).strip()
    words = read.text(fields, "prompt", schema.MAX_PROMPT_CHARACTERS)
    parent = _parent(fields)
    request = MusicRequest(
        model=schema.MUSIC_MODEL,
        prompt=description,
        lyrics="" if description else words,
        title=read.text(fields, "title", schema.MAX_TITLE_CHARACTERS),
        style=read.text(fields, "tags", schema.MAX_TAGS_CHARACTERS),
        negative_style=read.text(fields, "negative_tags", schema.MAX_TAGS_CHARACTERS),
        instrumental=read.flag(fields, "make_instrumental"),
        parent=parent,
        options=_options(fields, continues=parent is not None),
    )
    if not (description or words or request.instrumental or parent):
        request = _instrumental(request, says_words="prompt" in fields)
    return _ask(request, "music", fields)


def decode_lyrics(call: MediaCall) -> Ask:
    """Return what `POST /suno/submit/lyrics` asks for. Raises as `decode_music` does."""
    fields = read.object_of(call.body, call.content_type)
    prompt = read.text(fields, "prompt", schema.MAX_LYRICS_PROMPT_CHARACTERS)
    if not prompt.strip():
        message = "prompt_empty: prompt is required, it says what the lyrics are about."
        raise InvalidRequest(message, param="prompt", code="missing_required_parameter")
    return _ask(MusicRequest(model=schema.LYRICS_MODEL, prompt=prompt), "music.lyrics", fields)


def decode_ids(call: MediaCall) -> tuple[str, ...]:
    """Return the ids of `POST /suno/fetch`. Raises InvalidRequest."""
    fields = read.object_of(call.body, call.content_type)
    ids = read.items(fields, "ids", low=0, high=schema.MAX_FETCHED)
    for one in ids:
        if not isinstance(one, str) or len(one) > schema.MAX_ID_CHARACTERS:
            raise read.broken("ids", one, f"it must hold strings of at most {schema.MAX_ID_CHARACTERS} characters")
    return tuple(ids)


def check_parent(ask: Ask, task: Task) -> Ask:
    """Return the ask once the task that it continues is known.

    Raises:
        TaskNotFound: the clip is not one of the task's. InvalidRequest: it cannot be gone on from there.
    """
    request = ask.request
    assert request.parent is not None
    clip = next((one for one in task.outputs if one.kind == "audio" and one.vendor_id == request.parent.output), None)
    if clip is None:
        raise TaskNotFound("No such clip in this task.")
    if not clip.blob:
        raise read.broken("continue_clip_id", clip.vendor_id, "this clip failed: go on from another")
    at = request.options.get("suno_continue_at")
    if clip.duration_ms and isinstance(at, int | float) and at * 1000 > clip.duration_ms:
        raise read.broken("continue_at", at, f"the clip ends at {clip.duration_ms / 1000:g} seconds")
    return ask


def _ask(request: MusicRequest, operation: str, fields: dict[str, Any]) -> Ask:
    hook = read.text(fields, "notify_hook", schema.MAX_URL_CHARACTERS)
    if hook and not hook.lower().startswith(("http://", "https://")):
        raise read.broken("notify_hook", hook, "it must be an http(s) address")
    return Ask(request=request, operation=operation, facts=_encode(TaskFacts(notify_hook=hook)), callback_url=hook)


def _parent(fields: dict[str, Any]) -> Parent | None:
    clip = read.text(fields, "continue_clip_id", schema.MAX_ID_CHARACTERS)
    task = read.text(fields, "task_id", schema.MAX_ID_CHARACTERS)
    if not clip and task:
        raise read.missing("continue_clip_id", "it says which clip of the task to go on from")
    return Parent(task=task, output=clip) if clip else None


def _options(fields: dict[str, Any], *, continues: bool) -> dict[str, Any]:
    at = read.number(fields, "continue_at", low=0, high=schema.MAX_CONTINUE_AT_S)
    task = read.choice(fields, "task", schema.CONTINUE_TASKS)
    if at == 0:
        at = None  # clients that continue nothing send it too
    if not continues and (at is not None or task):
        name = "continue_at" if at is not None else "task"
        raise read.broken(name, fields[name], "it needs continue_clip_id, the clip to go on from")
    options = {
        "suno_mv": read.text(fields, "mv", schema.MAX_MV_CHARACTERS),
        "suno_continue_at": at,
        "suno_task": task,
        "suno_extra": _extra(fields),
    }
    return {name: value for name, value in options.items() if value is not None and value not in ("", {})}


def _extra(fields: dict[str, Any]) -> dict[str, Any]:
    """Return the fields that nobody knows here: a newer relay may, so they go along."""
    extra = {name: value for name, value in fields.items() if name not in _KNOWN and value is not None and value != ""}
    if len(extra) > schema.MAX_EXTRA_FIELDS or len(_encode(extra)) > schema.MAX_EXTRA_BYTES:
        most = f"{schema.MAX_EXTRA_FIELDS} fields and {schema.MAX_EXTRA_BYTES} bytes"
        raise InvalidRequest(f"The body has too many fields that are not known here: at most {most} go along.", code="invalid_value")
    return extra


def _instrumental(request: MusicRequest, *, says_words: bool) -> MusicRequest:
    """Styles or a title with empty words: a song without words. Raises InvalidRequest: nothing says what to make."""
    if says_words and (request.style or request.title):
        return msgspec.structs.replace(request, instrumental=True)
    message = "gpt_description_prompt or prompt is required: what the song is about, or its words (or make_instrumental)."
    raise InvalidRequest(message, param="gpt_description_prompt", code="missing_required_parameter")
