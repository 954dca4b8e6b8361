"""What Dream Machine's models can do, and their defaults."""

from typing import Any, cast

import msgspec

from modelgate.core.errors import InvalidRequest
from modelgate.formats.luma.schema import CONCEPTS, MAX_CONCEPTS
from modelgate.formats.media.requests import ImageRequest, VideoRequest, inputs_in

RATIOS = ("1:1", "16:9", "9:16", "4:3", "3:4", "21:9", "9:21")
RESOLUTIONS = ("540p", "720p", "1080p", "4k")
SECONDS = (5, 9)
DEFAULT_RESOLUTION = "720p"
MAX_REFERENCES = 4


def _broken(param: str, value: object, rule: str) -> InvalidRequest:
    return InvalidRequest(f"{param} is {value}, but {rule}.", param=param, code="invalid_value")


def check_video(request: VideoRequest, model: str) -> None:
    """Raise InvalidRequest for what the models of videos cannot do."""
    first, last = inputs_in(request, "first_frame"), inputs_in(request, "last_frame")
    if not request.prompt.strip() and not request.inputs and request.parent is None:
        raise InvalidRequest("prompt is required: say what it shows.", param="prompt", code="missing_required_parameter")
    if len(first) > 1 or len(last) > 1:
        raise InvalidRequest("first_frame and last_frame may each be given once.", param="first_frame", code="invalid_value")
    if request.aspect_ratio and request.aspect_ratio not in RATIOS:
        raise _broken("aspect_ratio", request.aspect_ratio, f"{model} makes {', '.join(RATIOS)}")
    if request.resolution and request.resolution not in RESOLUTIONS:
        raise _broken("resolution", request.resolution, f"{model} makes {', '.join(RESOLUTIONS)}")
    if request.seconds and request.seconds not in SECONDS:
        raise _broken("seconds", request.seconds, f"{model} makes 5 or 9 seconds")
    _check_options(request.options)


def _check_options(options: dict[str, Any]) -> None:
    for name in ("luma_loop", "luma_backwards"):
        if not isinstance(options.get(name, False), bool):
            raise _broken(name, options[name], "it must be true or false")
    concepts = _list_of(options, "luma_concepts", f"at most {MAX_CONCEPTS} of {', '.join(CONCEPTS)}")
    if len(concepts) > MAX_CONCEPTS or not all(key in CONCEPTS for key in concepts):
        raise InvalidRequest(f"luma_concepts must be at most {MAX_CONCEPTS} of {', '.join(CONCEPTS)}.", param="luma_concepts")
    for role in ("image", "reference", "style"):
        name = f"luma_{role}_weights"
        if not all(weight is None or _is_weight(weight) for weight in _list_of(options, name, "numbers from 0 to 1")):
            raise InvalidRequest(f"{name} must be a list of numbers from 0 to 1.", param=name, code="invalid_value")


def _list_of(options: dict[str, Any], name: str, what: str) -> list[object]:
    value = options.get(name, [])
    if not isinstance(value, list):
        raise InvalidRequest(f"{name} must be a list: {what}.", param=name, code="invalid_value")
    return cast(list[object], value)


def _is_weight(value: object) -> bool:
    return not isinstance(value, bool) and isinstance(value, int | float) and 0 <= value <= 1


def check_extension(request: VideoRequest, model: str) -> None:
    """Raise InvalidRequest for what cannot be done with an earlier video."""
    check_video(request, model)
    taken = "last_frame" if request.options.get("luma_backwards") else "first_frame"
    if inputs_in(request, taken):
        raise InvalidRequest(f"{taken} cannot be given: the earlier video is in its place.", param=taken, code="invalid_value")


def complete_video(request: VideoRequest, model: str) -> VideoRequest:
    """Return the request with the length and resolution that are made when none is said."""
    del model
    return msgspec.structs.replace(request, seconds=request.seconds or SECONDS[0], resolution=request.resolution or DEFAULT_RESOLUTION)


def complete_audio(request: VideoRequest, model: str) -> VideoRequest:
    """Return the request with the length of the video that gets its sound: the usual one where its task does not tell."""
    del model
    return msgspec.structs.replace(request, seconds=request.seconds or SECONDS[0])


def check_image(request: ImageRequest, model: str) -> None:
    """Raise InvalidRequest for what the models of pictures cannot do."""
    if not request.prompt.strip():
        raise InvalidRequest("prompt is required: say what it shows.", param="prompt", code="missing_required_parameter")
    if request.aspect_ratio and request.aspect_ratio not in RATIOS:
        raise _broken("aspect_ratio", request.aspect_ratio, f"{model} makes {', '.join(RATIOS)}")
    for role, most in (("reference", MAX_REFERENCES), ("style", MAX_REFERENCES), ("character", MAX_REFERENCES), ("image", 1)):
        if len(inputs_in(request, role)) > most:
            raise _broken(role, f"{len(inputs_in(request, role))} pictures", f"{model} takes at most {most}")
    _check_options(request.options)
