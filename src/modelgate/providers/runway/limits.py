"""What Runway's models can do, and their defaults."""

import math
from collections.abc import Callable
from typing import cast

import msgspec

from modelgate.core.errors import InvalidRequest
from modelgate.formats.media.clips import seconds_of_mp4
from modelgate.formats.media.requests import ImageRequest, MediaInput, VideoRequest, inputs_in

MAX_PROMPT_UNITS = 1_000
"""UTF-16 code units."""
MAX_SEED = 2**32 - 1
MAX_REFERENCES = 3
MAX_CLIP_S = 30
MIN_EDITED_S = 2
MIN_ACTED_S = 3
MAX_INTENSITY = 5
TARGETS = ("16:9", "4:3", "3:2", "1:1", "2:3", "3:4", "9:16", "21:9")

LARGE = {"16:9": "1280:720", "9:16": "720:1280", "4:3": "1104:832", "3:4": "832:1104", "1:1": "960:960", "21:9": "1584:672"}
LEGACY = {"16:9": "1280:768", "9:16": "768:1280"}
UPRIGHT_OR_WIDE = {"16:9": "1280:720", "9:16": "720:1280"}
FULL_HD = {"16:9": "1920:1080", "9:16": "1080:1920"}
PICTURE_SIZES = (
    *("1024x1024", "1080x1080", "1168x880", "1360x768", "1440x1080", "1080x1440", "1808x768", "1920x1080", "1080x1920"),
    *("2112x912", "1280x720", "720x1280", "720x720", "960x720", "720x960", "1680x720"),
)
PICTURES = {"1:1": "1024:1024", "16:9": "1920:1080", "9:16": "1080:1920", "4:3": "1440:1080", "3:4": "1080:1440", "21:9": "2112:912"}


class Model(msgspec.Struct, frozen=True, kw_only=True):
    """What a model of videos can do. `seconds` holds the default first."""

    ratios: dict[str, str] = msgspec.field(default_factory=LARGE.copy)
    text_ratios: dict[str, str] = {}
    full_hd: bool = False
    seconds: tuple[int, ...] = (5, 2, 3, 4, 6, 7, 8, 9, 10)
    needs_prompt: bool = False
    takes_last: bool = False
    last_alone: bool = False
    takes_image: bool = True
    has_sound: bool = False
    has_seed: bool = True


_GEN_4_5 = Model(text_ratios=UPRIGHT_OR_WIDE, needs_prompt=True)
_VEO = Model(
    ratios=UPRIGHT_OR_WIDE,
    text_ratios=UPRIGHT_OR_WIDE,
    full_hd=True,
    seconds=(8, 4, 6),
    takes_last=True,
    has_sound=True,
    has_seed=False,
)
MODELS: dict[str, Model] = {
    "gen4_turbo": Model(),
    "gen4.5": _GEN_4_5,
    "gen3a_turbo": Model(ratios=LEGACY, seconds=(5, 10), needs_prompt=True, takes_last=True, last_alone=True),
    "veo3.1": _VEO,
    "veo3.1_fast": _VEO,
    "veo3": msgspec.structs.replace(_VEO, seconds=(8,), takes_last=False),
}


def model_of(model: str) -> Model:
    """Return what a model can do; one that is not listed is taken for the newest of the vendor's own."""
    return MODELS.get(model, _GEN_4_5)


def first_of(request: VideoRequest) -> tuple[MediaInput, ...]:
    """Return the picture that a video begins with."""
    return inputs_in(request, "first_frame") + inputs_in(request, "image")


def _broken(param: str, value: object, rule: str) -> InvalidRequest:
    return InvalidRequest(f"{param} is {value}, but {rule}.", param=param, code="invalid_value")


def check_video(request: VideoRequest, model: str) -> None:
    """Raise InvalidRequest for what a model of videos cannot do."""
    kind, first, last = model_of(model), first_of(request), inputs_in(request, "last_frame")
    _check_words(request, needed=kind.needs_prompt or not (first or last))
    if not (first or last) and not kind.text_ratios:
        raise InvalidRequest(f"first_frame is required: {model} makes videos from a picture only.", param="first_frame")
    if len(first) > 1 or len(last) > 1:
        raise InvalidRequest("first_frame and last_frame may each be given once.", param="first_frame", code="invalid_value")
    if last and not kind.takes_last:
        raise InvalidRequest(f"last_frame cannot be used with {model}: it takes a first picture only.", param="last_frame")
    if last and not first and not kind.last_alone:
        raise InvalidRequest(f"last_frame cannot be used alone with {model}: it needs a first picture too.", param="last_frame")
    ratios = kind.ratios if first or last else kind.text_ratios
    if request.aspect_ratio and request.aspect_ratio not in ratios:
        raise _broken("aspect_ratio", request.aspect_ratio, f"{model} makes {', '.join(ratios)} of this")
    if request.resolution and request.resolution not in (("720p", "1080p") if kind.full_hd else ("720p",)):
        raise _broken("resolution", request.resolution, f"{model} makes {'720p or 1080p' if kind.full_hd else '720p only'}")
    if request.seconds and request.seconds not in kind.seconds:
        raise _broken("seconds", request.seconds, f"{model} makes {', '.join(map(str, sorted(kind.seconds)))} seconds")
    if request.sound and not kind.has_sound:
        raise InvalidRequest(f"sound cannot be used with {model}: its videos are silent.", param="sound", code="unsupported_parameter")
    if request.negative_prompt and not kind.has_sound:
        raise InvalidRequest(f"negative_prompt cannot be used with {model}.", param="negative_prompt", code="unsupported_parameter")
    if request.seed is not None and not kind.has_seed:
        raise InvalidRequest(f"seed cannot be used with {model}.", param="seed", code="unsupported_parameter")


def _check_words(request: VideoRequest | ImageRequest, *, needed: bool) -> None:
    if needed and not request.prompt.strip():
        raise InvalidRequest("prompt is required: say what it shows.", param="prompt", code="missing_required_parameter")
    if len(request.prompt.encode("utf-16-le", "surrogatepass")) // 2 > MAX_PROMPT_UNITS:
        raise InvalidRequest(f"prompt must have at most {MAX_PROMPT_UNITS} characters.", param="prompt", code="invalid_value")
    if request.seed is not None and not 0 <= request.seed <= MAX_SEED:
        raise _broken("seed", request.seed, f"it must lie between 0 and {MAX_SEED}")
    threshold = request.options.get("runway_public_figure_threshold", "auto")
    if threshold not in ("auto", "low"):
        raise _broken("runway_public_figure_threshold", threshold, "it must be auto or low")
    tags = request.options.get("runway_tags", [])
    if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in cast(list[object], tags)):
        raise InvalidRequest("runway_tags must be a list of texts.", param="runway_tags", code="invalid_value")


def complete_video(request: VideoRequest, model: str) -> VideoRequest:
    """Return the request with the length that the model makes when none is said."""
    return request if request.seconds else msgspec.structs.replace(request, seconds=model_of(model).seconds[0])


def check_image(request: ImageRequest, model: str) -> None:
    """Raise InvalidRequest for what a model of pictures cannot do."""
    _check_words(request, needed=True)
    references = request.inputs
    if len(references) > MAX_REFERENCES:
        raise _broken("reference", f"{len(references)} pictures", f"at most {MAX_REFERENCES} can be shown")
    if not references and model.endswith("_turbo"):
        raise InvalidRequest(f"reference is required: {model} needs a picture.", param="reference", code="missing_required_parameter")
    if request.size and request.size not in PICTURE_SIZES:
        raise _broken("size", request.size, f"it must be one of {', '.join(PICTURE_SIZES)}")
    if not request.size and request.aspect_ratio and request.aspect_ratio not in PICTURES:
        raise _broken("aspect_ratio", request.aspect_ratio, f"it must be one of {', '.join(PICTURES)}")


def check_edit(request: VideoRequest, model: str) -> None:
    """Raise InvalidRequest for what cannot be done with a clip that is to be changed."""
    _check_words(request, needed=False)
    _check_clip(request, shortest_s=MIN_EDITED_S, what=model)
    if request.aspect_ratio and request.aspect_ratio not in TARGETS:
        raise _broken("aspect_ratio", request.aspect_ratio, f"{model} makes {', '.join(TARGETS)}")


def check_performance(request: VideoRequest, model: str) -> None:
    """Raise InvalidRequest for a performance that cannot be acted."""
    _check_words(request, needed=False)
    _check_clip(request, shortest_s=MIN_ACTED_S, what=model)
    if len(inputs_in(request, "character")) + len(inputs_in(request, "character_video")) != 1:
        raise InvalidRequest("character is required: one picture or video of who acts.", param="character", code="invalid_value")
    if request.aspect_ratio and request.aspect_ratio not in LARGE:
        raise _broken("aspect_ratio", request.aspect_ratio, f"{model} makes {', '.join(LARGE)}")
    intensity = request.options.get("runway_expression_intensity", 1)
    if isinstance(intensity, bool) or not isinstance(intensity, int) or not 1 <= intensity <= MAX_INTENSITY:
        raise _broken("runway_expression_intensity", intensity, f"it must be a whole number from 1 to {MAX_INTENSITY}")
    body = request.options.get("runway_body_control", False)
    if not isinstance(body, bool):
        raise _broken("runway_body_control", body, "it must be true or false")


def _check_clip(request: VideoRequest, *, shortest_s: int, what: str) -> None:
    clips = inputs_in(request, "video")
    if len(clips) != 1:
        raise InvalidRequest("video is required: the clip to work on, once.", param="video", code="missing_required_parameter")
    length_s = seconds_of_mp4(clips[0].data)
    if length_s is not None and not shortest_s <= length_s <= MAX_CLIP_S + 0.1:
        raise _broken("video", f"{length_s:.1f} seconds long", f"{what} takes {shortest_s} to {MAX_CLIP_S} seconds")
    if request.seconds not in (0, _charged_s(request, shortest_s)):
        raise _broken("seconds", request.seconds, "the length is that of the clip: leave it out")


def complete_by_clip(shortest_s: int) -> Callable[[VideoRequest, str], VideoRequest]:
    """Return what fills in the length that is charged: that of the clip, or the longest where it is at an address and not seen yet."""

    def complete(request: VideoRequest, model: str) -> VideoRequest:
        del model
        return msgspec.structs.replace(request, seconds=_charged_s(request, shortest_s))

    return complete


def _charged_s(request: VideoRequest, shortest_s: int) -> int:
    length_s = next((seconds_of_mp4(clip.data) for clip in inputs_in(request, "video")), None)
    return MAX_CLIP_S if length_s is None else min(max(math.ceil(length_s - 0.05), shortest_s), MAX_CLIP_S)
