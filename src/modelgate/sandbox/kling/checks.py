"""What the make-believe Kling refuses of pictures and videos that a schema cannot say: what goes together, by model, mode and length."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from modelgate.core.records import Json
from modelgate.sandbox.body_shape import WrongField, read_shape, without_nulls
from modelgate.sandbox.kling import schema
from modelgate.sandbox.kling.schema import FIRST_MODELS, KlingOrder, KlingRefused, Picture, Tail, Video
from modelgate.sandbox.magic import MAGIC_MODELS

Videos = Callable[[str], KlingOrder | None]
"""Finds what a finished video of the account was ordered as, by the video's id."""

BodyT = TypeVar("BodyT")


def read_body(body: Json, shape: type[BodyT], within: str = "") -> BodyT:
    """Return a body by its schema; null is as good as absent. Raises KlingRefused, 1200 or 1201."""
    try:
        return read_shape(without_nulls(body), shape, within=within)
    except WrongField as wrong:
        code = 1200 if wrong.kind == "missing" or wrong.kind.endswith("_type") else 1201
        raise KlingRefused(code, f"{wrong.field} {wrong.reason}") from None


def check_given(given: object, name: str) -> None:
    """Check that a text or picture is there. Raises KlingRefused."""
    if not (given.strip() if isinstance(given, str) else given):
        raise KlingRefused(1201, f"{name} can not be empty")


def wrong_value(message: str) -> KlingRefused:
    """Return the refusal of a value."""
    return KlingRefused(1201, message)


def tail_of(asked: Tail) -> dict[str, Any]:
    """Return what an order has of the fields that every request may have."""
    return {"external_id": asked.external_task_id, "callback_url": asked.callback_url}


def can(model: str, models: tuple[str, ...]) -> bool:
    """Say whether a model is one of some, or of magic."""
    return model in models or model in MAGIC_MODELS


def frame_size(ratio: tuple[int, int], mode: str) -> tuple[int, int]:
    """Return width and height of a video in pixels, both even; the shorter side is the mode's."""
    across, down = ratio
    share = min(schema.MOST_RATIO, max(across, down) / min(across, down))
    short = schema.SHORT_SIDE_PX[mode]
    long = round(short * share / 2) * 2
    return (long, short) if across >= down else (short, long)


def ratio_of(text: str) -> tuple[int, int]:
    """Return an aspect ratio such as `16:9` as two numbers."""
    across, _, down = text.partition(":")
    return int(across), int(down)


def check_image_order(body: dict[str, Json], _videos: Videos) -> KlingOrder:
    """Check an image request. Raises KlingRefused."""
    asked = read_body(body, schema.Images)
    check_given(asked.prompt, "prompt")
    model, ratio, resolution = asked.model_name or schema.DEFAULT_MODEL, asked.aspect_ratio or "16:9", asked.resolution or "1k"
    if model not in schema.NEWER_MODELS and ratio in schema.NEWER_RATIOS:
        raise wrong_value(f"aspect_ratio '{ratio}' is not supported by {model}")
    if model not in schema.NEWER_MODELS and resolution != "1k":
        raise wrong_value(f"resolution '{resolution}' is not supported by {model}")
    if asked.image and asked.negative_prompt:
        raise wrong_value("negative_prompt is not supported together with image")
    if asked.image and model == "kling-v1-5" and not asked.image_reference:
        raise wrong_value("image_reference is required with image for kling-v1-5")
    if asked.image_reference and not asked.image:
        raise wrong_value("image_reference needs image")
    if asked.human_fidelity is not None and asked.image_reference != "subject":
        raise wrong_value("human_fidelity is only valid when image_reference is subject")
    reference = asked.image.thumbnail if asked.image else None
    return KlingOrder(
        model=model, prompt=asked.prompt, reference=reference, resolution=resolution, n=asked.n, ratio=ratio, **tail_of(asked)
    )


def check_try_on_order(body: dict[str, Json], _videos: Videos) -> KlingOrder:
    """Check a try-on. Raises KlingRefused."""
    asked = read_body(body, schema.TryOn)
    check_given(asked.human_image, "human_image")
    check_given(asked.cloth_image, "cloth_image")
    worn = next((image.thumbnail for image in (asked.cloth_image, asked.human_image) if image and image.thumbnail), None)
    model = asked.model_name or schema.TRY_ON_MODELS[0]
    return KlingOrder(kind=schema.TRY_ON, model=model, prompt="Virtual try-on", reference=worn, ratio=schema.TRY_ON_RATIO, **tail_of(asked))


def check_text_order(body: dict[str, Json], _videos: Videos) -> KlingOrder:
    """Check a text2video request. Raises KlingRefused."""
    asked = read_body({name: value for name, value in body.items() if name not in schema.OF_PICTURES}, Video)
    words = _check_video(asked, schema.TEXT_MODES, needs_words=True)
    _check_camera(asked)
    return _video_order("text2video", asked, words=words, ratio=asked.aspect_ratio)


def check_image_video_order(body: dict[str, Json], _videos: Videos) -> KlingOrder:
    """Check an image2video request. Raises KlingRefused."""
    asked = read_body({name: value for name, value in body.items() if name != "aspect_ratio"}, Video)
    words = _check_video(asked, schema.IMAGE_MODES, needs_words=False)
    model, mode, length = _kind_of(asked)
    if not asked.image and not asked.image_tail:
        raise wrong_value("image and image_tail can not both be empty")
    modes, lengths = schema.TAILS.get(model, ((), ()))
    if asked.image_tail and model not in MAGIC_MODELS and (mode not in modes or length not in lengths):
        raise wrong_value(f"image_tail is not supported by {model} with mode {mode} and duration {length}")
    masked, filmed = _check_masks(asked), _check_camera(asked)
    if bool(asked.image_tail) + masked + filmed > 1:
        raise wrong_value("image_tail, dynamic_masks/static_mask and camera_control can not be used together")
    if asked.voice_list and not can(model, schema.SOUND_MODELS):
        raise wrong_value(f"voice_list is not supported by {model}")
    for voice in asked.voice_list:
        check_given(voice.voice_id, "voice_id")
    return _video_order("image2video", asked, words=words, shown=asked.image or asked.image_tail)


def check_multi_image_order(body: dict[str, Json], _videos: Videos) -> KlingOrder:
    """Check a multi-image2video request. Raises KlingRefused."""
    asked = read_body(body, schema.Several)
    check_given(asked.image_list, "image_list")
    for item in asked.image_list:
        check_given(item.image, "image_list.image")
    check_given(asked.prompt, "prompt")
    return _video_order("multi-image2video", asked, words=asked.prompt, ratio=asked.aspect_ratio, shown=asked.image_list[0].image)


def _kind_of(asked: Video | schema.Several) -> tuple[str, str, str]:
    """Return model, mode and length."""
    default = schema.MULTI_MODELS[0] if isinstance(asked, schema.Several) else schema.DEFAULT_MODEL
    return asked.model_name or default, asked.mode or "std", asked.duration or schema.LENGTHS[0]


def _check_video(asked: Video, modes: Mapping[str, tuple[str, ...]], *, needs_words: bool) -> str:
    """Check what every kind of video may say, and return its words; several shots have their own."""
    model, mode, length = _kind_of(asked)
    if not can(model, tuple(modes)):
        raise wrong_value(f"model_name value '{model}' is invalid")
    if mode not in modes.get(model, schema.MODES):
        raise wrong_value(f"mode '{mode}' is not supported by {model}")
    if length not in (schema.LONG_LENGTHS if model in schema.SHOT_MODELS else schema.LENGTHS):
        raise wrong_value(f"duration value '{length}' is invalid")
    shots = _read_shots(asked, length=int(length))
    if needs_words and not shots:
        check_given(asked.prompt, "prompt")
    if asked.cfg_scale is not None and not can(model, FIRST_MODELS):
        raise wrong_value(f"cfg_scale is not supported by {model}")
    if asked.sound == "on" and not can(model, schema.SOUND_MODELS):
        raise wrong_value(f"sound is not supported by {model}")
    return " / ".join(shots) or asked.prompt


def _read_shots(asked: Video, *, length: int) -> list[str]:
    """Return the prompts of the shots, none without `multi_shot`."""
    if not asked.multi_shot:
        return []
    if _kind_of(asked)[0] not in schema.SHOT_MODELS:
        raise wrong_value("multi_shot is not supported by this model")
    if asked.shot_type not in ("", "customize"):
        raise KlingRefused(1201 if isinstance(asked.shot_type, str) else 1200, "shot_type must be customize")
    if asked.multi_prompt is None:
        raise wrong_value("multi_prompt can not be empty")
    shots: list[schema.Shot] = read_body(asked.multi_prompt, schema.Shots, "multi_prompt")
    for shot in shots:
        check_given(shot.prompt, "multi_prompt.prompt")
        check_given(shot.duration, "multi_prompt.duration")
    if sum(int(shot.duration) for shot in shots) != length:
        raise wrong_value("the durations of multi_prompt must add up to duration")
    return [shot.prompt for shot in shots]


def _check_camera(asked: Video) -> bool:
    """Check `camera_control` and say whether it is there."""
    control, model = asked.camera_control, _kind_of(asked)[0]
    if control is None:
        return False
    if not can(model, FIRST_MODELS):
        raise wrong_value(f"camera_control is not supported by {model}")
    if (control.config is None) == (control.type == "simple"):
        raise wrong_value("camera_control.config is required for type 'simple', and for others must be empty")
    moves = control.config
    if moves is not None and sum(map(bool, (moves.horizontal, moves.vertical, moves.pan, moves.tilt, moves.roll, moves.zoom))) != 1:
        raise wrong_value("exactly one value of camera_control.config must not be zero")
    return True


def _check_masks(asked: Video) -> bool:
    """Check the motion brush and say whether it is there."""
    model, _, length = _kind_of(asked)
    if not asked.static_mask and not asked.dynamic_masks:
        return False
    if not can(model, schema.MASK_MODELS) or length != schema.MASK_LENGTH:
        raise wrong_value(f"static_mask and dynamic_masks are not supported by {model} with duration {length}")
    for mask in asked.dynamic_masks:
        check_given(mask.mask, "dynamic_masks.mask")
        check_given(mask.trajectories, "dynamic_masks.trajectories")
    given = (asked.static_mask, *(mask.mask for mask in asked.dynamic_masks))
    sizes = {mask.size for mask in given if mask and any(mask.size)}
    if len(sizes) > 1:
        raise wrong_value("static_mask and dynamic_masks must have the same size")
    across, down = asked.image.size if asked.image else (0, 0)
    if across and any(abs(width / height / (across / down) - 1) > schema.MASK_RATIO_TOLERANCE for width, height in sizes):
        raise wrong_value("the masks must have the aspect ratio of image")
    return True


def _video_order(kind: str, asked: Video | schema.Several, *, words: str, ratio: str = "", shown: Picture | None = None) -> KlingOrder:
    """Return the order; the ratio is that of the picture shown, where it is known and the request has none of its own."""
    model, mode, length = _kind_of(asked)
    size = shown.size if shown is not None and kind == "image2video" and any(shown.size) else ratio_of(ratio or "16:9")
    width, height = frame_size(size, mode)
    return KlingOrder(
        kind=kind,
        model=model,
        prompt=words,
        reference=shown.thumbnail if shown else None,
        mode=mode,
        seconds=float(length),
        width=width,
        height=height,
        sound=asked.sound == "on",
        watermark=asked.watermark_info.enabled,
        **tail_of(asked),
    )
