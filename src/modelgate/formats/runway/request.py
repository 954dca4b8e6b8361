"""What a Runway client sends, checked rule by rule and made neutral."""

import re
from typing import Any

from modelgate.core.records import Json
from modelgate.formats.media import fields as read
from modelgate.formats.media.family import Ask, MediaCall
from modelgate.formats.media.requests import ImageRequest, MediaInput, VideoRequest
from modelgate.formats.runway import schema

_TAG = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_SOUNDING = "veo"
"""Models of this beginning make sound unless told otherwise, as the vendor has it."""


def decode_image_to_video(call: MediaCall) -> Ask:
    """Return what `POST /runwayml/v1/image_to_video` asks for, inline pictures still as bytes.

    Raises:
        InvalidRequest: names the field, its value (shortened) and the rule it breaks.
    """
    fields = read.object_of(call.body, call.content_type)
    _model_of(fields)
    if read.is_absent(fields, "promptImage"):
        raise read.missing("promptImage", "the picture that the video begins with")
    return _video(fields, inputs=_frames(fields["promptImage"]), prompt=_words(fields, "promptText"))


def decode_text_to_video(call: MediaCall) -> Ask:
    """Return what `POST /runwayml/v1/text_to_video` asks for. Raises InvalidRequest as above."""
    fields = read.object_of(call.body, call.content_type)
    return _video(fields, inputs=(), prompt=_needed_words(fields))


def _video(fields: read.Body, *, inputs: tuple[MediaInput, ...], prompt: str) -> Ask:
    model = _model_of(fields)
    ratio, resolution = schema.RATIOS.get(read.choice(fields, "ratio", schema.RATIOS), ("", ""))
    read.flag(fields, "watermark")  # as some of the family's clients send it; nobody draws one
    read.choice(fields, "outputFormat", ("mp4",))
    request = VideoRequest(
        model=model,
        prompt=prompt,
        negative_prompt=_words(fields, "negativePrompt"),
        seconds=read.whole_number(fields, "duration", low=schema.MIN_SECONDS, high=schema.MAX_SECONDS, default=0),
        aspect_ratio=ratio,
        resolution=resolution,
        sound=read.flag(fields, "audio", default=model.startswith(_SOUNDING)),
        inputs=inputs,
        seed=_seed(fields),
        options=_options(fields),
    )
    return Ask(request=request, operation="video", written=_written(fields))


def _written(fields: read.Body) -> dict[str, str]:
    return {} if read.is_absent(fields, "ratio") else {"aspect_ratio": fields["ratio"]}


def decode_text_to_image(call: MediaCall) -> Ask:
    """Return what `POST /runwayml/v1/text_to_image` asks for. Raises InvalidRequest as above."""
    fields = read.object_of(call.body, call.content_type)
    references, tags = _references(fields)
    request = ImageRequest(
        model=_model_of(fields),
        prompt=_needed_words(fields),
        size=read.choice(fields, "ratio", schema.SIZES).replace(":", "x"),
        inputs=references,
        seed=_seed(fields),
        options={**_options(fields), **({"runway_tags": list[Json](tags)} if any(tags) else {})},
    )
    return Ask(request=request, operation="image")


def decode_video_to_video(call: MediaCall) -> Ask:
    """Return what `POST /runwayml/v1/video_to_video` asks for. Raises InvalidRequest as above."""
    fields = read.object_of(call.body, call.content_type)
    model = _model_of(fields)
    if read.is_absent(fields, "videoUri"):
        raise read.missing("videoUri", "the clip to change")
    if not read.is_absent(fields, "keyframes"):
        raise read.broken("keyframes", fields["keyframes"], "they are not taken here")
    request = VideoRequest(
        model=model,
        prompt=_words(fields, "promptText"),
        aspect_ratio=read.choice(fields, "targetAspectRatio", schema.TARGETS),
        inputs=read.file(fields, "videoUri", role="video", max_bytes=schema.MAX_VIDEO_BYTES),
        seed=_seed(fields),
        options=_options(fields),
    )
    return Ask(request=request, operation="video.edit")


def decode_character_performance(call: MediaCall) -> Ask:
    """Return what `POST /runwayml/v1/character_performance` asks for. Raises InvalidRequest as above."""
    fields = read.object_of(call.body, call.content_type)
    model = _model_of(fields)
    ratio, _ = schema.RATIOS.get(read.choice(fields, "ratio", schema.RATIOS), ("", ""))
    options = _options(fields)
    if not read.is_absent(fields, "bodyControl"):
        options["runway_body_control"] = read.flag(fields, "bodyControl")
    if not read.is_absent(fields, "expressionIntensity"):
        intensity = read.whole_number(fields, "expressionIntensity", low=1, high=schema.MAX_INTENSITY, default=1)
        options["runway_expression_intensity"] = intensity
    character = _actor(fields, "character", {"image": "character", "video": "character_video"})
    reference = _actor(fields, "reference", {"video": "video"})
    request = VideoRequest(model=model, aspect_ratio=ratio, inputs=(character, reference), seed=_seed(fields), options=options)
    return Ask(request=request, operation="video.performance", written=_written(fields))


def _actor(fields: read.Body, name: str, roles: dict[str, str]) -> MediaInput:
    actor = read.inner(fields, name)
    if actor is None:
        raise read.missing(name, f"an object with type ({read.listed(roles)}) and uri")
    with read.within(name):
        kind = read.choice(actor, "type", roles) or next(iter(roles))
    most = schema.MAX_IMAGE_BYTES if kind == "image" else schema.MAX_VIDEO_BYTES
    return read.file_of(actor.get("uri"), f"{name}.uri", role=roles[kind], max_bytes=most)


def _model_of(fields: read.Body) -> str:
    model = read.text(fields, "model", schema.MAX_MODEL_CHARACTERS)
    if not model:
        raise read.missing("model", "the model that makes it")
    return schema.MODEL_ALIASES.get(model, model)


def _words(fields: read.Body, name: str) -> str:
    words = read.text(fields, name, schema.MAX_PROMPT_UNITS)
    units = len(words.encode("utf-16-le", "surrogatepass")) // 2
    if units > schema.MAX_PROMPT_UNITS:
        raise read.broken(name, words, f"it must have at most {schema.MAX_PROMPT_UNITS} characters counted as UTF-16; it has {units}")
    return words


def _needed_words(fields: read.Body) -> str:
    words = _words(fields, "promptText")
    if not words.strip():
        raise read.missing("promptText", "say what it shows")
    return words


def _seed(fields: read.Body) -> int | None:
    if read.is_absent(fields, "seed"):
        return None
    return read.whole_number(fields, "seed", low=0, high=schema.MAX_SEED, default=0)


def _options(fields: read.Body) -> dict[str, Json]:
    moderation = read.inner(fields, "contentModeration")
    with read.within("contentModeration"):
        threshold = read.choice(moderation, "publicFigureThreshold", schema.THRESHOLDS) if moderation is not None else ""
    return {"runway_public_figure_threshold": threshold} if threshold else {}


def _frames(value: Any) -> tuple[MediaInput, ...]:
    """Return the pictures of `promptImage`: one alone, or up to two with their positions."""
    if not isinstance(value, list):
        return (read.file_of(value, "promptImage", role="first_frame", max_bytes=schema.MAX_IMAGE_BYTES),)
    found: list[MediaInput] = []
    for index, item in enumerate(read.items({"promptImage": value}, "promptImage", low=1, high=schema.MAX_FRAMES)):
        place = f"promptImage[{index}]"
        frame = read.inner({place: item}, place) or {}
        with read.within(place):
            position = read.choice(frame, "position", schema.POSITIONS, default="first")
        if any(other.role == f"{position}_frame" for other in found):
            raise read.broken(f"{place}.position", position, "each position may be given once")
        found.append(read.file_of(frame.get("uri"), f"{place}.uri", role=f"{position}_frame", max_bytes=schema.MAX_IMAGE_BYTES))
    return tuple(found)


def _references(fields: read.Body) -> tuple[tuple[MediaInput, ...], list[str]]:
    found: list[MediaInput] = []
    tags: list[str] = []
    for index, item in enumerate(read.items(fields, "referenceImages", low=0, high=schema.MAX_REFERENCES)):
        place = f"referenceImages[{index}]"
        reference = read.inner({place: item}, place) or {}
        found.append(read.file_of(reference.get("uri"), f"{place}.uri", role="reference", max_bytes=schema.MAX_IMAGE_BYTES))
        with read.within(place):
            tag = read.text(reference, "tag", schema.MAX_TAG_CHARACTERS)
        if tag and (len(tag) < schema.MIN_TAG_CHARACTERS or not _TAG.fullmatch(tag)):
            raise read.broken(f"{place}.tag", tag, "it must have 3 to 16 letters, digits or underscores, a letter first")
        tags.append(tag)
    return tuple(found), tags
