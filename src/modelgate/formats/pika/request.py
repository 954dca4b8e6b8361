"""A client's body in Pika's dialect, checked rule by rule and made neutral."""

import math
import re
from typing import Final

from modelgate.core.errors import InvalidRequest
from modelgate.formats.media.family import Ask, MediaCall
from modelgate.formats.media.fields import (
    Body,
    broken,
    choice,
    file,
    flag,
    inner,
    is_absent,
    listed,
    missing,
    number,
    object_of,
    text,
    whole_number,
)
from modelgate.formats.media.requests import MediaInput, VideoRequest
from modelgate.formats.pika import schema

OPERATION: Final = "video"
EFFECT_OPERATION: Final = "video.effects"

_VERSION = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
_EFFECTS_BY_LETTERS = {re.sub(r"[^a-z]", "", effect.lower()): effect for effect in schema.EFFECTS}
"""Clients spell `Cake-ify` as `Cakeify` too."""


def decode_generate(call: MediaCall) -> Ask:
    """Return what a body asks for.

    Raises:
        InvalidRequest: a broken rule, with the field as `param` (`options.aspectRatio`). UnsupportedMediaType: a form.
    """
    fields = object_of(call.body, call.content_type)
    prompt = text(fields, "promptText", schema.MAX_PROMPT_CHARACTERS).strip()
    version, effect = _version(fields), _effect(fields)
    inputs = (*file(fields, "image", max_bytes=schema.MAX_IMAGE_BYTES), *_video(fields))
    _check_together(fields, prompt=prompt, version=version, effect=effect)
    options = _options(fields)
    parameters = _within(options, "parameters", "options.parameters")
    ratio = _ratio(options)
    request = VideoRequest(
        model=schema.MODEL_PREFIX + version,
        prompt=prompt or (f"{effect} it" if effect else ""),
        negative_prompt=text(parameters, "options.parameters.negativePrompt", schema.MAX_PROMPT_CHARACTERS).strip(),
        seconds=_seconds(options),
        aspect_ratio="" if inputs else ratio,  # a picture brings its own; clients send the default along with it
        resolution=choice(options, "options.resolution", schema.RESOLUTIONS),
        inputs=inputs,
        seed=_seed(parameters),
        options={"pika_effect": effect} if effect else {},
    )
    return Ask(request=request, operation=EFFECT_OPERATION if effect else OPERATION)


def _check_together(fields: Body, *, prompt: str, version: str, effect: str) -> None:
    if effect and is_absent(fields, "image"):
        raise missing("image", f"the effect {effect} is put on a picture")
    if effect and version != schema.EFFECT_VERSION:
        raise broken("model", version, f"effects are made by model {schema.EFFECT_VERSION}")
    if not prompt and not effect:
        raise missing("promptText", "say what the video shows")
    if not is_absent(fields, "video") and not is_absent(fields, "image"):
        raise InvalidRequest("video cannot be used together with image.", param="video", code="invalid_value")


def _version(fields: Body) -> str:
    given = fields.get("model")
    if isinstance(given, int | float) and not isinstance(given, bool):
        given = str(given)  # `2.0` as a number is how some clients send it
    version = text({"model": given}, "model", schema.MAX_VERSION_CHARACTERS).removeprefix(schema.MODEL_PREFIX)
    if version and not _VERSION.match(version):
        raise broken("model", given, "it must be a version, such as 2.2")
    return version or schema.DEFAULT_VERSION


def _effect(fields: Body) -> str:
    given = text(fields, "pikaffect", schema.MAX_VERSION_CHARACTERS)
    if not given:
        return ""
    effect = _EFFECTS_BY_LETTERS.get(re.sub(r"[^a-z]", "", given.lower()))
    if effect is None:
        raise broken("pikaffect", given, f"it must be one of {listed(schema.EFFECTS)}")
    return effect


def _video(fields: Body) -> tuple[MediaInput, ...]:
    if is_absent(fields, "video"):
        return ()
    inputs = file(fields, "video", role="video", max_bytes=schema.MAX_IMAGE_BYTES)
    if not inputs[0].url:
        raise broken("video", fields["video"], "it must be an http(s) address")
    return inputs


def _within(fields: Body, name: str, path: str) -> Body:
    """Return an object within the body, its fields named by their whole path; empty when absent."""
    found = inner({path: fields.get(path if path in fields else name)}, path) or {}
    return {f"{path}.{field}": value for field, value in found.items()}


def _options(fields: Body) -> Body:
    """Return the options, and check those that today's models do not know: they are left out."""
    options = _within(fields, "options", "options")
    whole_number(options, "options.frameRate", low=1, high=schema.MAX_FRAME_RATE, default=24)
    inner(options, "options.camera")
    if flag(options, "options.extend"):
        raise broken("options.extend", True, "no video can be extended here: it must be false")
    parameters = _within(options, "options.parameters", "options.parameters")
    number(parameters, "options.parameters.guidanceScale", low=0, high=schema.MAX_GUIDANCE)
    whole_number(parameters, "options.parameters.motion", low=0, high=schema.MAX_MOTION, default=1)
    return options


def _ratio(options: Body) -> str:
    """Return the nearest ratio that can be made; empty for none asked."""
    asked = number(options, "options.aspectRatio", low=schema.LOWEST_RATIO, high=schema.HIGHEST_RATIO)
    if asked is None:
        return ""
    return min(schema.RATIOS, key=lambda ratio: abs(math.log(schema.RATIOS[ratio] / asked)))


def _seconds(options: Body) -> int:
    seconds = whole_number(options, "options.duration", low=min(schema.DURATIONS), high=max(schema.DURATIONS), default=0)
    if seconds and seconds not in schema.DURATIONS:
        raise broken("options.duration", seconds, f"it must be one of {listed(schema.DURATIONS)}")
    return seconds


def _seed(parameters: Body) -> int | None:
    name = "options.parameters.seed"
    return None if is_absent(parameters, name) else whole_number(parameters, name, low=0, high=schema.MAX_SEED, default=0)
