"""What a client of `/v1/videos` asks for, as JSON or as a form, checked rule by rule and made neutral."""

import json
import re
from math import gcd
from typing import Any

import msgspec

from modelgate.core.errors import InvalidRequest
from modelgate.core.records import Task
from modelgate.formats.media import fields as read
from modelgate.formats.media.family import Ask, MediaCall, Page
from modelgate.formats.media.requests import MediaInput, Parent, VideoRequest, decode_request
from modelgate.formats.multipart import Form, form_of
from modelgate.formats.openai_chat.request import say
from modelgate.formats.openai_videos import schema

_SIZE = re.compile(r"([1-9]\d{0,4})x([1-9]\d{0,4})\Z")
_RATIOS = {"7:4": "16:9", "4:7": "9:16"}
"""Sora's large sizes (1792x1024) stand for the ratio that every vendor has."""
_PICTURE_FIELDS = ("input_reference", "image")
_TEXTS = frozenset(("model", "prompt", "mode", "size", "seconds", "duration", "image", "input_reference", "images", "metadata"))


def decode_video(call: MediaCall) -> Ask:
    """Return what `POST /v1/videos` asks for. Raises InvalidRequest, which names the field, its value and the rule."""
    fields, files = _fields_of(call)
    prompt = read.text(fields, "prompt", schema.MAX_PROMPT_CHARACTERS)
    if not prompt.strip():
        raise read.missing("prompt", "say what happens in the video")
    model = read.text(fields, "model", schema.MAX_MODEL_CHARACTERS)
    if not model:
        raise read.missing("model", "name a model of videos")
    request = VideoRequest(
        model=model,
        prompt=prompt,
        seconds=_seconds_of(fields),
        aspect_ratio=_ratio_of(read.text(fields, "size", schema.MAX_SHORT_CHARACTERS)),
        quality=read.text(fields, "mode", schema.MAX_SHORT_CHARACTERS),
        inputs=files or _pictures_of(fields),
        options=_metadata_of(fields),
    )
    return Ask(request=request, operation="video")


def decode_remix(call: MediaCall) -> Ask:
    """Return what a remix asks for; the rest of it is the earlier video's (see `remix_of`)."""
    fields = read.object_of(call.body, call.content_type)
    prompt = read.text(fields, "prompt", schema.MAX_PROMPT_CHARACTERS)
    if not prompt.strip():
        raise read.missing("prompt", "say what is to be different")
    return Ask(request=VideoRequest(model="", prompt=prompt, parent=Parent(task=call.values["task_id"])), operation="video")


def remix_of(ask: Ask, task: Task) -> Ask:
    """Return the ask for the same video with other words: a job of its own, which any upstream may take. Raises InvalidRequest."""
    if task.operation != "video":
        raise InvalidRequest("Only a video that was made from words and pictures can be remixed.", code="unsupported_parameter")
    earlier = decode_request(task.operation, task.request)
    assert isinstance(earlier, VideoRequest)
    return msgspec.structs.replace(ask, request=msgspec.structs.replace(earlier, prompt=ask.request.prompt, parent=None))


def page_of(call: MediaCall) -> Page:
    """Return which videos a list shows. Raises InvalidRequest."""
    if call.query.get("order", "desc") != "desc":
        raise read.broken("order", call.query["order"], "lists go from the newest to the oldest: desc")
    return Page(
        limit=read.whole_number(call.query, "limit", low=1, high=schema.MAX_LISTED, default=schema.DEFAULT_LISTED),
        after=read.text(call.query, "after", schema.MAX_MODEL_CHARACTERS),
    )


def _fields_of(call: MediaCall) -> tuple[dict[str, Any], tuple[MediaInput, ...]]:
    """Return the fields of a body, and the pictures of a form, which are its files."""
    if not call.content_type.lower().startswith("multipart/form-data"):
        return read.object_of(call.body), ()
    form = form_of(call.body, call.content_type.encode("latin-1"), say=say)
    fields: dict[str, Any] = {}
    more: dict[str, Any] = {}
    for part in form.parts:
        if part.filename is not None:
            continue
        text = form.bytes_of(part).decode("utf-8", errors="replace")
        if part.field in _TEXTS:
            fields[part.field] = text
        else:
            more[part.field] = _value_of(text)
    if isinstance(fields.get("images"), str):
        fields["images"] = [fields["images"]] if fields["images"] else []
    if isinstance(fields.get("metadata"), str):
        fields["metadata"] = read.object_of(fields["metadata"].encode()) if fields["metadata"] else {}
    fields["metadata"] = {**fields.get("metadata", {}), **more}
    return fields, _files_of(form)


def _files_of(form: Form) -> tuple[MediaInput, ...]:
    files: list[MediaInput] = []
    for name in (*_PICTURE_FIELDS, "images"):
        for part in form.files(name):
            if part.size_bytes > schema.MAX_FILE_BYTES:
                raise read.broken(name, part.filename, f"a file must have at most {schema.MAX_FILE_BYTES} bytes")
            if not part.size_bytes:
                raise read.broken(name, part.filename, "the file is empty")
            files.append(MediaInput(data=form.bytes_of(part), role="last_frame" if files else "first_frame"))
    if len(files) > schema.MAX_IMAGES:
        raise read.broken("images", len(files), f"there may be at most {schema.MAX_IMAGES} files")
    return tuple(files)


def _value_of(text: str) -> Any:
    """Return a form's text as the number that it is, else as it is: forms have no types."""
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return value if isinstance(value, bool | int | float) else text


def _seconds_of(fields: read.Body) -> int:
    name = "seconds" if not read.is_absent(fields, "seconds") else "duration"
    return read.whole_number(fields, name, low=1, high=schema.MAX_SECONDS, default=0)


def _ratio_of(size: str) -> str:
    if not size:
        return ""
    found = _SIZE.match(size)
    if found is None or max(int(found[1]), int(found[2])) > schema.MAX_SIDE_PIXELS:
        raise read.broken("size", size, f"it must read WIDTHxHEIGHT, such as 1280x720, at most {schema.MAX_SIDE_PIXELS} pixels a side")
    width, height = int(found[1]), int(found[2])
    common = gcd(width, height)
    ratio = f"{width // common}:{height // common}"
    return _RATIOS.get(ratio, ratio)


def _pictures_of(fields: read.Body) -> tuple[MediaInput, ...]:
    reference = fields.get("input_reference")
    if isinstance(reference, dict):
        inside: dict[str, Any] = reference  # pyright: ignore[reportUnknownVariableType]  # JSON as it came
        if inside.get("file_id"):
            raise InvalidRequest("input_reference.file_id is not served here: give image_url.", param="input_reference.file_id")
        return (read.file_of(inside.get("image_url"), "input_reference.image_url", role="first_frame", max_bytes=schema.MAX_FILE_BYTES),)
    for name in _PICTURE_FIELDS:
        if found := read.file(fields, name, role="first_frame", max_bytes=schema.MAX_FILE_BYTES):
            return found
    several = read.items(fields, "images", low=0, high=schema.MAX_IMAGES)
    return tuple(
        read.file_of(item, f"images[{index}]", role="last_frame" if index else "first_frame", max_bytes=schema.MAX_FILE_BYTES)
        for index, item in enumerate(several)
    )


def _metadata_of(fields: read.Body) -> dict[str, Any]:
    metadata = dict(read.inner(fields, "metadata") or {})
    metadata.pop("model", None)  # the price is that of the model which was named
    if len(metadata) > schema.MAX_METADATA:
        raise read.broken("metadata", len(metadata), f"there may be at most {schema.MAX_METADATA} options")
    return metadata
