"""What a client of Dream Machine's own API sends, checked rule by rule and made neutral."""

from typing import Any

from modelgate.core.records import Json
from modelgate.formats.luma import schema
from modelgate.formats.luma.request import loop_of, model_of, seconds_of
from modelgate.formats.media import fields as read
from modelgate.formats.media.family import Ask, MediaCall, Page
from modelgate.formats.media.requests import ImageRequest, MediaInput, Parent, VideoRequest

_FRAMES = {"frame0": "first_frame", "frame1": "last_frame"}


def decode_video(call: MediaCall) -> Ask:
    """Return what `POST …/generations` or `…/generations/video` asks for: a video, or with a `generation` one that goes on from it.

    Raises:
        InvalidRequest: names the field, its value (shortened) and the rule it breaks.
    """
    fields = read.object_of(call.body, call.content_type)
    model = _needed_model(fields)
    read.choice(fields, "generation_type", ("video",))
    inputs, parent, backwards = _keyframes(fields)
    prompt = read.text(fields, "prompt", schema.MAX_PROMPT_CHARACTERS)
    if not prompt.strip() and not inputs and parent is None:
        raise read.missing("prompt", "say what the video shows")
    concepts = _concepts(fields)
    options: dict[str, Json] = {**loop_of(fields), **({"luma_concepts": concepts} if concepts else {})}
    request = VideoRequest(
        model=model,
        prompt=prompt,
        seconds=seconds_of(fields),
        aspect_ratio=read.choice(fields, "aspect_ratio", schema.ASPECT_RATIOS),
        resolution=read.choice(fields, "resolution", schema.RESOLUTIONS),
        inputs=inputs,
        parent=parent,
        options={**options, **({"luma_backwards": True} if backwards else {})},
    )
    return Ask(request=request, operation="video.extend" if parent is not None else "video", callback_url=_callback(fields))


def decode_image(call: MediaCall) -> Ask:
    """Return what `POST …/generations/image` asks for. Raises InvalidRequest as above."""
    fields = read.object_of(call.body, call.content_type)
    model = _needed_model(fields)
    read.choice(fields, "generation_type", ("image",))
    prompt = read.text(fields, "prompt", schema.MAX_PROMPT_CHARACTERS)
    if not prompt.strip():
        raise read.missing("prompt", "say what the picture shows")
    if read.flag(fields, "sync"):
        raise read.broken("sync", True, "pictures are made in the background here: fetch the generation until it is completed")
    inputs: list[MediaInput] = []
    options: dict[str, Json] = {}
    for name, role in (("image_ref", "reference"), ("style_ref", "style"), ("modify_image_ref", "image")):
        found, weights = _weighted(fields, name, role)
        inputs += found
        if any(weight is not None for weight in weights):
            options[f"luma_{role}_weights"] = weights
    request = ImageRequest(
        model=model,
        prompt=prompt,
        aspect_ratio=read.choice(fields, "aspect_ratio", schema.ASPECT_RATIOS),
        output_format={"jpg": "jpeg", "png": "png"}.get(read.choice(fields, "format", schema.FORMATS), ""),
        inputs=(*inputs, *_characters(fields)),
        options=options,
    )
    return Ask(request=request, operation="image", callback_url=_callback(fields))


def decode_upscale(call: MediaCall) -> Ask:
    """Return what `POST …/generations/{task_id}/upscale` asks for. Raises InvalidRequest as above."""
    fields = read.object_of(call.body, call.content_type)
    read.choice(fields, "generation_type", ("upscale_video",))
    resolution = read.choice(fields, "resolution", schema.RESOLUTIONS[1:])
    if not resolution:
        raise read.missing("resolution", f"one of {read.listed(schema.RESOLUTIONS[1:])}")
    request = VideoRequest(model="", resolution=resolution, parent=Parent(task=call.values["task_id"]))
    return Ask(request=request, operation="video.upscale", callback_url=_callback(fields))


def decode_audio(call: MediaCall) -> Ask:
    """Return what `POST …/generations/{task_id}/audio` asks for. Raises InvalidRequest as above."""
    fields = read.object_of(call.body, call.content_type)
    read.choice(fields, "generation_type", ("add_audio",))
    prompt = read.text(fields, "prompt", schema.MAX_PROMPT_CHARACTERS)
    if not prompt.strip():
        raise read.missing("prompt", "say what is heard")
    negative = read.text(fields, "negative_prompt", schema.MAX_PROMPT_CHARACTERS)
    request = VideoRequest(model="", prompt=prompt, negative_prompt=negative, parent=Parent(task=call.values["task_id"]))
    return Ask(request=request, operation="video.audio", callback_url=_callback(fields))


def page_of(call: MediaCall) -> Page:
    """Return which tasks a list shows. Raises InvalidRequest."""
    return Page(
        limit=read.whole_number(call.query, "limit", low=1, high=schema.MAX_LISTED, default=schema.DEFAULT_LISTED),
        offset=read.whole_number(call.query, "offset", low=0, high=schema.MAX_OFFSET, default=0),
    )


def _needed_model(fields: read.Body) -> str:
    model = model_of(fields, "model")
    if not model:
        raise read.missing("model", "the model that makes it")
    return model


def _callback(fields: read.Body) -> str:
    return read.text(fields, "callback_url", read.MAX_URL_CHARACTERS)


def _keyframes(fields: read.Body) -> tuple[tuple[MediaInput, ...], Parent | None, bool]:
    """Return the pictures, the earlier video, and whether that is to be reached, not gone on from."""
    keyframes = read.inner(fields, "keyframes") or {}
    inputs: list[MediaInput] = []
    parent, backwards = None, False
    for name, value in keyframes.items():
        place = f"keyframes.{name}"
        if name not in _FRAMES:
            raise read.broken(place, value, "only frame0 and frame1 are known")
        frame = read.inner(keyframes, name)
        if frame is None:
            continue
        with read.within(place):
            kind = read.choice(frame, "type", ("image", "generation"))
            task_id = read.text(frame, "id", schema.MAX_ID_CHARACTERS)
        if kind == "image":
            inputs.append(read.file_of(frame.get("url"), f"{place}.url", role=_FRAMES[name], max_bytes=schema.MAX_IMAGE_BYTES))
            continue
        if kind != "generation" or not task_id:
            raise read.broken(place, frame, "it must be an image with a url, or a generation with an id")
        if parent is not None:
            raise read.broken(place, frame, "only one of the frames may be a generation here")
        parent, backwards = Parent(task=task_id), name == "frame1"
    return tuple(inputs), parent, backwards


def _concepts(fields: read.Body) -> list[Json]:
    keys: list[Json] = []
    for index, item in enumerate(read.items(fields, "concepts", low=0, high=schema.MAX_CONCEPTS)):
        place = f"concepts[{index}]"
        concept = read.inner({place: item}, place) or {}
        with read.within(place):
            key = read.choice(concept, "key", schema.CONCEPTS)
        if not key:
            raise read.broken(f"{place}.key", key, "it must be a concept of the list")
        keys.append(key)
    return keys


def _weighted(fields: read.Body, name: str, role: str) -> tuple[list[MediaInput], list[Json]]:
    """Return the pictures of a field with their weights: a list of them, or for `image` one alone."""
    if role == "image":
        single = read.inner(fields, name)
        listed: list[Any] = [single] if single is not None else []
    else:
        listed = read.items(fields, name, low=0, high=schema.MAX_REFERENCES)
    inputs: list[MediaInput] = []
    weights: list[Json] = []
    for index, item in enumerate(listed):
        place = name if role == "image" else f"{name}[{index}]"
        reference = read.inner({place: item}, place) or {}
        inputs.append(read.file_of(reference.get("url"), f"{place}.url", role=role, max_bytes=schema.MAX_IMAGE_BYTES))
        with read.within(place):
            weights.append(read.number(reference, "weight", low=0, high=1))
    return inputs, weights


def _characters(fields: read.Body) -> list[MediaInput]:
    reference = read.inner(fields, "character_ref")
    with read.within("character_ref"):
        identity = read.inner(reference, "identity0") if reference is not None else None
    if identity is None:
        return []
    with read.within("character_ref.identity0"):
        images = read.items(identity, "images", low=1, high=schema.MAX_REFERENCES)
    place = "character_ref.identity0.images"
    return [
        read.file_of(image, f"{place}[{index}]", role="character", max_bytes=schema.MAX_IMAGE_BYTES) for index, image in enumerate(images)
    ]
