"""What Kling's models can do, and what they take when the caller does not say.

The table moves: a model that is not in it is the vendor's to judge. Errors name the fields, roles and options of the neutral
request. Source: Kling's capability map, read 2026-11.
"""

import math

import msgspec

from modelgate.core.records import TaskOutput
from modelgate.formats.media import fields as read
from modelgate.formats.media.limits import cannot, check_most, check_one_of, need_prompt
from modelgate.formats.media.requests import Earlier, ImageRequest, Parent, VideoRequest, inputs_in
from modelgate.providers.kling.calls import PAIR_SCENES, SINGLE_SCENES
from modelgate.providers.kling.controls import (
    CAMERA,
    VOICES,
    check_camera,
    check_options,
    check_shots,
    check_trajectories,
    check_voices,
)
from modelgate.providers.kling.schema import (
    DEFAULT_S,
    EXTENDED_BY_S,
    FIRST_MODELS,
    IMAGE_RATIOS,
    LENGTHS,
    LONG_LENGTHS,
    MAX_EXTENDED_MS,
    MAX_PICTURES,
    MAX_PROMPT,
    MAX_SPOKEN,
    MIN_LIP_SYNC_S,
    MODE_OF_RESOLUTION,
    MODELS,
    MODES,
    REFERENCE_MODELS,
    TRY_ON_MODELS,
    VIDEO_RATIOS,
    Able,
)


def complete_video(request: VideoRequest, model: str) -> VideoRequest:
    """Return the request with length and mode; the mode is the first that the model has for this kind of work."""
    modes = _modes(request, MODELS.get(model)) or MODES
    quality = request.quality or MODE_OF_RESOLUTION.get(request.resolution) or modes[0]
    return msgspec.structs.replace(request, seconds=request.seconds or DEFAULT_S, quality=quality)


def complete_plain(request: VideoRequest, model: str) -> VideoRequest:
    """Return the request with length and mode, for effects."""
    del model
    return msgspec.structs.replace(request, seconds=request.seconds or DEFAULT_S, quality=request.quality or MODES[0])


def complete_extend(request: VideoRequest, model: str) -> VideoRequest:
    """Return the request with the length that is added."""
    del model
    return msgspec.structs.replace(request, seconds=EXTENDED_BY_S, quality=request.quality or MODES[0])


def inherit_extend(request: VideoRequest, earlier: Earlier) -> VideoRequest:
    """Return the request with the earlier video's mode, which the vendor takes with the video. Raises InvalidRequest: it cannot go on."""
    before = _video_of(earlier)
    _check_same(request, "model", earlier.model)
    if before.quality:
        _check_same(request, "quality", before.quality)
    if earlier.length_ms + EXTENDED_BY_S * 1000 > MAX_EXTENDED_MS:
        raise cannot("parent", f"it is a video of {earlier.length_ms / 1000:g} seconds, and extended it would last longer than 3 minutes")
    return msgspec.structs.replace(request, quality=before.quality or request.quality, parent=_named(request, earlier))


def inherit_lip_sync(request: VideoRequest, earlier: Earlier) -> VideoRequest:
    """Return the request with the earlier video's length. Raises InvalidRequest: it is too short or too long."""
    _video_of(earlier)
    if earlier.length_ms and not MIN_LIP_SYNC_S * 1000 <= earlier.length_ms <= LENGTHS[-1] * 1000:
        rule = f"it is a video of {earlier.length_ms / 1000:g} seconds, but it must last {MIN_LIP_SYNC_S} to {LENGTHS[-1]}"
        raise cannot("parent", rule)
    seconds = min(math.ceil(earlier.length_ms / 1000), LENGTHS[-1]) or DEFAULT_S
    _check_same(request, "seconds", seconds)
    return msgspec.structs.replace(request, seconds=seconds, parent=_named(request, earlier))


def _video_of(earlier: Earlier) -> VideoRequest:
    if not isinstance(earlier.request, VideoRequest):
        raise cannot("parent", "it names no video")
    return earlier.request


def _named(request: VideoRequest, earlier: Earlier) -> Parent | None:
    """Return the parent by the id of its video, which is what the vendor goes by; a task that made one video names it too."""
    if request.parent is None or request.parent.output or earlier.output is None:
        return request.parent
    return msgspec.structs.replace(request.parent, output=earlier.output.vendor_id)


def _check_same(request: VideoRequest, name: str, decided: object) -> None:
    value = getattr(request, name)
    if value and value != decided:
        raise read.broken(name, value, f"the earlier video decides: {decided}")


def complete_lip_sync(request: VideoRequest, model: str) -> VideoRequest:
    """Return the request with a length: a video of others is taken for the longest there may be."""
    del model
    return msgspec.structs.replace(request, seconds=request.seconds or (LENGTHS[-1] if inputs_in(request, "video") else DEFAULT_S))


def measure_lip_sync(request: VideoRequest, outputs: tuple[TaskOutput, ...]) -> VideoRequest:
    """Return the request with the length that was made, where the longest is held for a video of others."""
    made_ms = next((output.duration_ms for output in outputs if output.kind == "video"), 0)
    if request.seconds != LENGTHS[-1] or not inputs_in(request, "video") or not made_ms:
        return request
    seconds = max(math.ceil(made_ms / 1000 - 0.05), MIN_LIP_SYNC_S)
    return msgspec.structs.replace(request, seconds=min(seconds, LENGTHS[-1]))


def check_image(request: ImageRequest, model: str) -> None:
    """Raise InvalidRequest for a picture that cannot be."""
    need_prompt(request)
    _check_words(request)
    check_one_of(request, "aspect_ratio", IMAGE_RATIOS)
    check_most(request, {"image": 1})
    check_options(request.options)
    if request.inputs and request.negative_prompt:
        raise cannot("negative_prompt", "there is a picture to begin with")
    if request.inputs and model in REFERENCE_MODELS and not request.options.get("kling_image_reference"):
        raise read.missing("kling_image_reference", f"with a picture {model} takes subject or face")
    if model in FIRST_MODELS:
        if request.aspect_ratio == "21:9":
            raise read.broken("aspect_ratio", "21:9", f"{model} does not make it")
        if request.options.get("kling_resolution") == "2k":
            raise read.broken("kling_resolution", "2k", f"{model} makes 1k only")


def check_try_on(request: ImageRequest, model: str) -> None:
    """Raise InvalidRequest for a try-on without a person or a garment."""
    for role, what in (("human", "the person"), ("cloth", "the garment")):
        if not inputs_in(request, role):
            raise read.missing(role, f"it shows {what}")
        check_most(request, {role: 1})
    if model.startswith("kling-"):
        raise read.broken("model", model, f"a try-on is made by {read.listed(TRY_ON_MODELS)}")


def check_video(request: VideoRequest, model: str) -> None:
    """Raise InvalidRequest for a video that this model cannot make."""
    able = MODELS.get(model)
    _check_words(request)
    check_options(request.options)
    _check_mode(request, model, able)
    seconds = request.seconds or DEFAULT_S
    check_one_of(request, "seconds", able.lengths if able is not None else LONG_LENGTHS, model)
    check_one_of(request, "aspect_ratio", VIDEO_RATIOS)
    has_shots = check_shots(request.options, seconds=seconds)
    if not has_shots and not _frames(request):
        need_prompt(request)
    _check_groups(request)
    if CAMERA in request.options:
        check_camera(request.options[CAMERA])
    if VOICES in request.options:
        check_voices(request.options[VOICES])
    check_trajectories(request.options.get("kling_trajectories"), masks=len(inputs_in(request, "dynamic_mask")))
    if able is not None:
        _check_able(request, model, able, seconds=seconds)


def check_extend(request: VideoRequest, model: str) -> None:
    """Raise InvalidRequest for a video that cannot go on."""
    _check_words(request)
    check_options(request.options)
    _check_parent(request)
    check_one_of(request, "seconds", (EXTENDED_BY_S,))
    if model in MODELS and model not in FIRST_MODELS:
        raise cannot("parent", f"it is a video of {model}, and only those of {read.listed(FIRST_MODELS)} can be extended")


def check_lip_sync(request: VideoRequest, model: str) -> None:
    """Raise InvalidRequest for a lip sync without one video and one voice."""
    del model
    check_options(request.options)
    videos, sounds = inputs_in(request, "video"), inputs_in(request, "audio")
    if (request.parent is not None) + len(videos) != 1:
        raise read.missing("parent", "a lip sync needs exactly one video, by its id or by an address")
    if not videos:
        _check_parent(request)
    elif request.seconds not in (0, LENGTHS[-1]):  # a gateway before us says the longest
        raise read.broken("seconds", request.seconds, "the length is that of the video: leave it out")
    if bool(request.prompt.strip()) + len(sounds) != 1:
        raise read.missing("prompt", "a lip sync needs exactly one of a text to say and a sound")
    if len(request.prompt) > MAX_SPOKEN:
        raise read.broken("prompt", request.prompt, f"it must have at most {MAX_SPOKEN} characters; it has {len(request.prompt)}")
    if not sounds and not request.options.get("kling_voice_id"):
        raise read.missing("kling_voice_id", "it says who speaks the text")


def check_effects(request: VideoRequest, model: str) -> None:
    """Raise InvalidRequest for an effect that there is not, or with other people than it needs."""
    scene, images = request.options.get("kling_effect_scene"), len(inputs_in(request, "image"))
    if scene not in (*PAIR_SCENES, *SINGLE_SCENES):
        raise read.broken("kling_effect_scene", scene, f"it must be one of {read.listed((*PAIR_SCENES, *SINGLE_SCENES))}")
    is_pair = scene in PAIR_SCENES
    if images != 1 + is_pair:
        raise cannot("image", f"{scene} needs {'two pictures' if is_pair else 'one picture'}; there are {images}")
    models = FIRST_MODELS if is_pair else ("kling-v1-6",)
    if model in MODELS and model not in models:
        raise read.broken("model", model, f"{scene} is made by {read.listed(models)}")
    check_one_of(request, "seconds", LENGTHS if is_pair else (DEFAULT_S,))
    check_one_of(request, "quality", MODES if is_pair else ("std",))


def _check_parent(request: VideoRequest) -> None:
    """The vendor goes on with a video by the video's own id; that of its task is not enough."""
    if request.parent is None or not request.parent.output:
        raise read.missing("parent", "it names the video to go on with, by the id of the video (parent.output)")


def _check_words(request: ImageRequest | VideoRequest) -> None:
    for name, words in (("prompt", request.prompt), ("negative_prompt", request.negative_prompt)):
        if len(words) > MAX_PROMPT:
            raise read.broken(name, words, f"it must have at most {MAX_PROMPT} characters; it has {len(words)}")


def _check_mode(request: VideoRequest, model: str, able: Able | None) -> None:
    check_one_of(request, "quality", MODES)
    check_one_of(request, "resolution", MODE_OF_RESOLUTION)
    modes = _modes(request, able)
    if modes == ():
        raise read.broken("model", model, "it makes no videos from words alone")
    quality = request.quality or MODE_OF_RESOLUTION.get(request.resolution)
    if quality and modes is not None and quality not in modes:
        raise read.broken("quality", quality, f"{model} makes this in {read.listed(modes)} only")
    if request.quality and request.resolution and MODE_OF_RESOLUTION[request.resolution] != request.quality:
        raise read.broken("resolution", request.resolution, f"the mode {request.quality} makes another")


def _modes(request: VideoRequest, able: Able | None) -> tuple[str, ...] | None:
    """Return the modes that a model has for a kind of work, None when it is not known."""
    if able is None:
        return None
    return able.image if request.inputs else able.text


def _check_groups(request: VideoRequest) -> None:
    """Check which inputs go together."""
    references, frames = len(inputs_in(request, "reference")), _frames(request)
    if references and frames:
        raise cannot("reference", "several pictures cannot be used together with a first or last frame")
    check_most(request, MAX_PICTURES)
    masks = [role for role in ("static_mask", "dynamic_mask") if inputs_in(request, role)]
    if masks and not inputs_in(request, "first_frame"):
        raise cannot(masks[0], "a mask needs the picture that it is for")
    groups = [bool(inputs_in(request, "last_frame")), bool(masks), CAMERA in request.options]
    if sum(groups) > 1:
        name = CAMERA if groups[2] else masks[0]
        raise cannot(name, "a last frame, masks and the camera's control exclude each other")


def _check_able(request: VideoRequest, model: str, able: Able, *, seconds: int) -> None:
    options, quality = request.options, request.quality or MODE_OF_RESOLUTION.get(request.resolution) or "std"
    said = {
        "kling_cfg_scale": ("kling_cfg_scale" in options, able.scale),
        CAMERA: (CAMERA in options, able.camera),
        "static_mask": (bool(inputs_in(request, "static_mask")), able.masks and seconds == DEFAULT_S),
        "dynamic_mask": (bool(inputs_in(request, "dynamic_mask")), able.masks and seconds == DEFAULT_S),
        "reference": (bool(inputs_in(request, "reference")), able.references),
        "sound": (request.sound, able.sound),
        VOICES: (VOICES in options, able.sound),
        "kling_multi_shot": (bool(options.get("kling_multi_shot")), able.shots),
    }
    for name, (is_said, is_able) in said.items():
        if is_said and not is_able:
            raise cannot(name, f"{model} does not have it" + (f" with {seconds} seconds" if name.endswith("_mask") and able.masks else ""))
    if inputs_in(request, "last_frame") and (quality not in able.tail or seconds not in able.tail_lengths):
        raise cannot("last_frame", f"{model} does not take it in the mode {quality} with {seconds} seconds")


def _frames(request: VideoRequest) -> bool:
    return bool(inputs_in(request, "first_frame") or inputs_in(request, "last_frame"))
