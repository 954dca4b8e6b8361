"""What a client of `/v1/videos` asks for, as JSON or as a form, checked rule by rule and made neutral."""

import re
from math import gcd
from typing import Any

import msgspec

from modelgate.core.errors import InvalidRequest
from modelgate.core.records import Task
from modelgate.formats.json_fields import TWICE
from modelgate.formats.media import fields as read
from modelgate.formats.media.family import Ask, MediaCall, Page
from modelgate.formats.media.requests import MediaInput, Parent, VideoRequest, decode_request
from modelgate.formats.multipart import Form, Part, form_of
from modelgate.formats.openai_chat.request import say
from modelgate.formats.openai_videos import schema

_SIZE = re.compile(r"([1-9]\d{0,4})x([1-9]\d{0,4})\Z")
_RATIOS = {"7:4": "16:9", "4:7": "9:16"}
"""Sora's large sizes (1792x1024) stand for the ratio that every vendor has."""
_PICTURE_FIELDS = ("input_reference", "image")
_FILES = (*_PICTURE_FIELDS, "images")
_INSIDE = re.compile(r"(metadata|input_reference)\[([^\[\]]+)\]")
"""How the official client names what is inside an object in a form."""
_UNUSED = frozenset(("width", "height", "fps", "n", "response_format", "user"))
"""What older clients send besides; of a form too it is no option."""
_OVERRIDES = (("prompt",), ("mode",), ("seconds", "duration"), ("size",), ("input_reference", "image", "images"))
"""Fields that `metadata` may say too, and then it counts: other names of one are in one group."""
_TEXTS = frozenset(("model", "prompt", "mode", "size", "seconds", "duration", "image", "input_reference", "metadata"))


class Facts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the dialect keeps beside the neutral request, to show (`Task.facts`)."""

    size: str = ""
    remixed_from: str = ""


decode_facts = msgspec.json.Decoder(Facts).decode


def decode_video(call: MediaCall) -> Ask:
    """Return what `POST /v1/videos` asks for. Raises InvalidRequest, which names the field, its value and the rule."""
    fields, files = _fields_of(call)
    options = _metadata_of(fields)
    for names in _OVERRIDES:
        said = {name: options.pop(name) for name in names if name in options}
        if any(value != "" for value in said.values()):
            fields = {name: value for name, value in fields.items() if name not in names} | said
            files = () if "image" in names else files
    prompt = read.text(fields, "prompt", schema.MAX_PROMPT_CHARACTERS)
    if not prompt.strip():
        raise read.missing("prompt", "say what happens in the video")
    model = read.text(fields, "model", schema.MAX_MODEL_CHARACTERS)
    if not model:
        raise read.missing("model", "name a model of videos")
    size = read.text(fields, "size", schema.MAX_SHORT_CHARACTERS)
    ratio = _ratio_of(size)
    request = VideoRequest(
        model=model,
        prompt=prompt,
        seconds=_seconds_of(fields),
        aspect_ratio=ratio,
        quality=read.text(fields, "mode", schema.MAX_SHORT_CHARACTERS),
        inputs=files or _pictures_of(fields),
    )
    request, facts = _with_options(request, options), msgspec.json.encode(Facts(size=size))
    return Ask(request=request, operation="video", facts=facts, written={"aspect_ratio": size} if request.aspect_ratio == ratio else {})


def _with_options(request: VideoRequest, options: dict[str, Any]) -> VideoRequest:
    """Return the request with what `metadata` says: what every vendor has a word for, and options of its own."""
    sound: Any = options.pop("sound", False)  # Kling says it in a word
    said = {name: options.pop(name, None) for name in ("negative_prompt", "aspect_ratio", "resolution", "seed", "image_tail")}
    with read.within("metadata"):
        return msgspec.structs.replace(
            request,
            negative_prompt=read.text(said, "negative_prompt", schema.MAX_PROMPT_CHARACTERS),
            aspect_ratio=read.text(said, "aspect_ratio", schema.MAX_SHORT_CHARACTERS) or request.aspect_ratio,
            resolution=read.text(said, "resolution", schema.MAX_SHORT_CHARACTERS),
            seed=None if read.is_absent(said, "seed") else read.whole_number(said, "seed", low=0, high=schema.MAX_SEED, default=0),
            sound=sound == "on" or (sound != "off" and read.flag({"sound": sound}, "sound")),
            inputs=(*request.inputs, *read.file(said, "image_tail", role="last_frame", max_bytes=schema.MAX_FILE_BYTES)),
            options=options,
        )


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
    size = decode_facts(task.facts).size if task.family == schema.NAME else ""
    facts = msgspec.json.encode(Facts(size=size, remixed_from=task.id))
    return msgspec.structs.replace(ask, request=msgspec.structs.replace(earlier, prompt=ask.request.prompt, parent=None), facts=facts)


def check_variant(call: MediaCall) -> None:
    """Refuse what is kept of no video: a picture of it. Raises InvalidRequest."""
    read.choice(call.query, "variant", ("video",))


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
    texts: dict[str, list[str]] = {}
    for part in form.parts:
        if not part.is_file:
            texts.setdefault(part.field, []).append(_text_of(form, part))
        elif part.field not in _FILES:
            raise InvalidRequest(say(part.field, "a text is expected, not a file"), param=part.field, code="invalid_type")
    return _fields_in(texts), _files_of(form)


def _fields_in(texts: dict[str, list[str]]) -> dict[str, Any]:
    """Return the fields that a form's texts tell; what is no field is an option of the model's vendor."""
    fields: dict[str, Any] = {"images": [picture for text in texts.pop("images", []) for picture in _listed(text)]}
    more: dict[str, Any] = {}
    for name, (text, *others) in texts.items():
        if others:
            raise InvalidRequest(say(name, TWICE), param=name, code="invalid_value")
        inside = _INSIDE.fullmatch(name)
        if name in _TEXTS:
            fields[name] = text
        elif inside is not None and inside[1] == "input_reference":
            fields["input_reference"] = {inside[2]: text}
        elif name not in _UNUSED:
            more[inside[2] if inside is not None else name] = _value_of(text)
    reference = fields.get("input_reference")
    if isinstance(reference, str) and reference.startswith("{"):
        fields["input_reference"] = _object_in(fields, "input_reference")
    if "metadata" in fields:
        fields["metadata"] = _object_in(fields, "metadata")
    fields["metadata"] = {**(read.inner(fields, "metadata") or {}), **more}
    return fields


def _text_of(form: Form, part: Part) -> str:
    try:
        return form.bytes_of(part).decode()
    except UnicodeDecodeError:
        raise InvalidRequest(say(part.field, "it is not UTF-8"), param=part.field, code="invalid_value") from None


def _listed(text: str) -> list[Any]:
    """Return the pictures that one text tells: those of a JSON array, or itself."""
    if not text.startswith("["):
        return [text] if text else []
    try:
        return msgspec.json.decode(text, type=list[Any])
    except (msgspec.DecodeError, RecursionError):
        raise read.broken("images", text, "a text that begins with a bracket must be a JSON array") from None


def _object_in(fields: read.Body, name: str) -> Any:
    try:
        return msgspec.json.decode(fields[name] or "null")
    except (msgspec.DecodeError, RecursionError):
        raise read.broken(name, fields[name], "it must be a JSON object") from None


def _files_of(form: Form) -> tuple[MediaInput, ...]:
    files: list[MediaInput] = []
    for name in _FILES:
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
        value = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
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
    metadata = {name: value for name, value in (read.inner(fields, "metadata") or {}).items() if value is not None}
    metadata.pop("model", None)  # the price is that of the model which was named
    if len(metadata) > schema.MAX_METADATA:
        raise read.broken("metadata", len(metadata), f"there may be at most {schema.MAX_METADATA} options")
    return metadata
