"""What a client of the Luma family sends, checked rule by rule and made neutral."""

from typing import Any

import msgspec

from modelgate.core.errors import InvalidRequest
from modelgate.core.records import Json, Task
from modelgate.formats.luma import schema
from modelgate.formats.media import fields as read
from modelgate.formats.media.family import Ask, MediaCall
from modelgate.formats.media.requests import Parent, VideoRequest, kind_of


def decode_generation(call: MediaCall) -> Ask:
    """Return what `POST /luma/generations` asks for, inline pictures still as bytes.

    Raises:
        InvalidRequest: names the field, its value (shortened) and the rule it breaks.
    """
    fields = read.object_of(call.body, call.content_type)
    inputs = (
        *read.file(fields, "image_url", role="first_frame", max_bytes=schema.MAX_IMAGE_BYTES),
        *read.file(fields, "image_end_url", role="last_frame", max_bytes=schema.MAX_IMAGE_BYTES),
    )
    prompt = _prompt_of(fields)
    if not prompt.strip() and not inputs:
        raise read.missing("user_prompt", "say what the video shows")
    read.flag(fields, "expand_prompt")
    request = VideoRequest(
        model=model_of(fields, "model_name") or schema.DEFAULT_MODEL,
        prompt=prompt,
        seconds=seconds_of(fields),
        aspect_ratio=read.choice(fields, "aspect_ratio", schema.ASPECT_RATIOS),
        resolution=read.choice(fields, "resolution", schema.RESOLUTIONS),
        inputs=inputs,
        options=loop_of(fields),
    )
    return Ask(request=request, operation="video", callback_url=read.text(fields, "notify_hook", read.MAX_URL_CHARACTERS))


def decode_extension(call: MediaCall) -> Ask:
    """Return what `POST /luma/generations/{task_id}/extend` asks for. Raises InvalidRequest as above."""
    fields = read.object_of(call.body, call.content_type)
    if not read.is_absent(fields, "image_url"):
        raise read.broken("image_url", fields["image_url"], "the earlier video is what an extension begins with")
    read.flag(fields, "expand_prompt")
    request = VideoRequest(
        model=model_of(fields, "model_name"),
        prompt=_prompt_of(fields),
        seconds=seconds_of(fields),
        resolution=read.choice(fields, "resolution", schema.RESOLUTIONS),
        inputs=read.file(fields, "image_end_url", role="last_frame", max_bytes=schema.MAX_IMAGE_BYTES),
        parent=Parent(task=call.values["task_id"]),
    )
    hook = read.text(fields, "notify_hook", read.MAX_URL_CHARACTERS)
    return Ask(request=request, operation="video.extend", callback_url=hook)


def with_parent(ask: Ask, task: Task) -> Ask:
    """Return the ask with the model of the video it goes on from, where it names none. Raises InvalidRequest: that is no video."""
    request: Any = ask.request
    if kind_of(task.operation) != "video":
        raise InvalidRequest(f"The task {task.id} made no video.", param="id", code="invalid_value")
    return ask if request.model else msgspec.structs.replace(ask, request=msgspec.structs.replace(request, model=task.model))


def decode_batch(call: MediaCall) -> tuple[str, ...]:
    """Return the ids that `POST /luma/tasks` asks for. Raises InvalidRequest."""
    fields = read.object_of(call.body, call.content_type)
    ids = read.items(fields, "ids", low=0, high=schema.MAX_FETCHED)
    for index, task_id in enumerate(ids):
        if not isinstance(task_id, str):
            raise read.broken(f"ids[{index}]", task_id, "it must be a string")
    return tuple(ids)


def _prompt_of(fields: read.Body) -> str:
    name = "prompt" if read.is_absent(fields, "user_prompt") else "user_prompt"
    return read.text(fields, name, schema.MAX_PROMPT_CHARACTERS)


def model_of(fields: read.Body, name: str) -> str:
    """Return the vendor's name of a model."""
    model = read.text(fields, name, schema.MAX_MODEL_CHARACTERS)
    return schema.MODEL_NAMES.get(model, model)


def seconds_of(fields: read.Body) -> int:
    """Return the length in seconds, 0 when none is said: `5s`, and a bare 5 too."""
    if read.is_absent(fields, "duration"):
        return 0
    value = fields["duration"]
    said = f"{value}s" if isinstance(value, int) and not isinstance(value, bool) else str(value)
    said = said if said.endswith("s") else f"{said}s"
    if said not in schema.DURATIONS:
        raise read.broken("duration", value, f"it must be one of {read.listed(schema.DURATIONS)}")
    return int(said[:-1])


def loop_of(fields: read.Body) -> dict[str, Json]:
    """Return the option of a video that ends as it begins."""
    return {"luma_loop": True} if read.flag(fields, "loop") else {}
