"""What a client of `/v1/tasks` asks for, checked rule by rule and made neutral."""

from collections.abc import Collection
from typing import Any

from modelgate.core.errors import InvalidRequest
from modelgate.formats.media import fields as read
from modelgate.formats.media.family import Ask, MediaCall, Page
from modelgate.formats.media.requests import (
    MAX_OPTIONS,
    REQUEST_TYPES,
    ImageRequest,
    MediaInput,
    MediaRequest,
    MusicRequest,
    Parent,
    VideoRequest,
    kind_of,
)
from modelgate.formats.tasks import schema

MAX_OPERATION_CHARACTERS = 32
_SHORT = 40
_BODY, _KNOWN, _FILE, _PARENT = (
    frozenset(one.__struct_fields__) for one in (schema.TaskBody, schema.InputBody, schema.InputFile, schema.ParentBody)
)


def decode_task(call: MediaCall) -> Ask:
    """Return what `POST /v1/tasks` asks for.

    Raises:
        InvalidRequest: names the field, its value and the rule it breaks.
    """
    body = read.object_of(call.body, call.content_type)
    _check_names(body, _BODY)
    model = read.text(body, "model", schema.MAX_MODEL_CHARACTERS)
    if not model:
        raise read.missing("model", "name the model that is to do it")
    fields = read.inner(body, "input")
    if fields is None:
        raise read.missing("input", "an object with what is asked, such as a prompt")
    _check_names(fields, _KNOWN, within="input.")
    operation = _operation_of(read.text(body, "operation", MAX_OPERATION_CHARACTERS), call.operations_of(model), fields)
    request = _request_of(operation, model, fields)
    return Ask(request=request, operation=operation, callback_url=read.text(body, "callback_url", schema.MAX_URL_CHARACTERS))


def _check_names(fields: read.Body, known: Collection[str], *, within: str = "") -> None:
    for name in fields:
        if name not in known:
            shown = f"{within}{name}" if len(name) <= read.MAX_SHOWN_CHARACTERS else f"{within}{name[: read.MAX_SHOWN_CHARACTERS]}…"
            raise InvalidRequest(f"{shown} is not known here.", param=shown, code="unknown_parameter")


def _operation_of(asked: str, served: tuple[str, ...], fields: read.Body) -> str:
    """Return the operation: the asked one, the model's only one, or the plain one that the fields speak of."""
    if asked:
        if kind_of(asked) not in REQUEST_TYPES:
            raise read.broken("operation", asked, f"it must be of the kind {read.listed(REQUEST_TYPES)}")
        return asked
    plain = [name for name in served if "." not in name] or list(served)
    if len(plain) < 2:  # none at all: the model is not known here, and that is said later
        return plain[0] if plain else "image"
    speaks_of_video = any(not read.is_absent(fields, name) for name in ("seconds", "resolution", "sound"))
    if set(plain) == {"image", "video"} and speaks_of_video:
        return "video"
    raise InvalidRequest(
        f"This model does several things. Say which as operation: {read.listed(served)}.",
        param="operation",
        code="missing_required_parameter",
    )


def _request_of(operation: str, model: str, fields: read.Body) -> MediaRequest:
    kind = kind_of(operation)
    common: dict[str, Any] = {
        "model": model,
        "prompt": read.text(fields, "prompt", schema.MAX_PROMPT_CHARACTERS),
        "n": read.whole_number(fields, "n", low=1, high=schema.MAX_N, default=1),
        "inputs": _inputs_of(fields, role="first_frame" if kind == "video" else "image"),
        "parent": _parent_of(fields),
        "options": _options_of(fields),
    }
    request_type = REQUEST_TYPES[kind]
    for name in _KNOWN - {"prompt", "n", "inputs", "image", "parent", "options"} - set(request_type.__struct_fields__):
        if not read.is_absent(fields, name) and fields[name] is not False and fields[name] != 0:
            raise InvalidRequest(
                f"input.{name} says nothing to the operation {operation}.", param=f"input.{name}", code="unsupported_parameter"
            )
    if request_type is ImageRequest:
        return ImageRequest(
            **common,
            **_texts(fields, "negative_prompt", "aspect_ratio", "size", "quality", "output_format"),
            seed=_seed_of(fields),
        )
    if request_type is VideoRequest:
        return VideoRequest(
            **common,
            **_texts(fields, "negative_prompt", "aspect_ratio", "resolution", "quality"),
            seconds=read.whole_number(fields, "seconds", low=0, high=schema.MAX_SECONDS, default=0),
            sound=read.flag(fields, "sound"),
            seed=_seed_of(fields),
        )
    return MusicRequest(
        **common,
        **_texts(fields, "title", "style", "negative_style", "lyrics"),
        instrumental=read.flag(fields, "instrumental"),
        seconds=read.whole_number(fields, "seconds", low=0, high=schema.MAX_SECONDS, default=0),
    )


def _texts(fields: read.Body, *names: str) -> dict[str, Any]:
    bounds = {
        "negative_prompt": schema.MAX_PROMPT_CHARACTERS,
        "style": schema.MAX_PROMPT_CHARACTERS,
        "negative_style": schema.MAX_PROMPT_CHARACTERS,
        "lyrics": schema.MAX_LYRICS_CHARACTERS,
        "title": schema.MAX_NAME_CHARACTERS,
    }
    return {name: read.text(fields, name, bounds.get(name, _SHORT)) for name in names}


def _seed_of(fields: read.Body) -> int | None:
    return None if read.is_absent(fields, "seed") else read.whole_number(fields, "seed", low=0, high=schema.MAX_SEED, default=0)


def _inputs_of(fields: read.Body, *, role: str) -> tuple[MediaInput, ...]:
    found = list(read.file(fields, "image", role=role, max_bytes=schema.MAX_FILE_BYTES))
    for index, item in enumerate(read.items(fields, "inputs", low=0, high=schema.MAX_FILES)):
        name = f"inputs[{index}]"
        if not isinstance(item, dict):
            raise read.broken(name, item, "it must be an object with role and file")
        entry: dict[str, Any] = item  # pyright: ignore[reportUnknownVariableType]  # JSON as it came
        _check_names(entry, _FILE, within=f"input.{name}.")
        given = read.choice(entry, "role", schema.ROLES, default=role)
        found.append(read.file_of(entry.get("file"), f"{name}.file", role=given, max_bytes=schema.MAX_FILE_BYTES))
    return tuple(found)


def _parent_of(fields: read.Body) -> Parent | None:
    inner = read.inner(fields, "parent")
    if inner is None:
        return None
    _check_names(inner, _PARENT, within="input.parent.")
    parent = Parent(
        task=read.text(inner, "task", schema.MAX_NAME_CHARACTERS),
        output=read.text(inner, "output", schema.MAX_NAME_CHARACTERS),
        index=read.whole_number(inner, "index", low=0, high=schema.MAX_FILES, default=0),
    )
    if not parent.task and not parent.output:
        raise read.missing("parent.task", "name the task, or the output of one, that this builds on")
    return parent


def _options_of(fields: read.Body) -> dict[str, Any]:
    options = {name: value for name, value in (read.inner(fields, "options") or {}).items() if value is not None}
    if len(options) > MAX_OPTIONS:
        raise read.broken("options", len(options), f"there may be at most {MAX_OPTIONS}")
    return options


def page_of(call: MediaCall) -> Page:
    """Return which tasks a list shows. Raises InvalidRequest."""
    return Page(
        limit=read.whole_number(call.query, "limit", low=1, high=schema.MAX_LISTED, default=schema.DEFAULT_LISTED),
        after=read.text(call.query, "after", schema.MAX_NAME_CHARACTERS),
    )
