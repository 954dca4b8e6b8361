"""What the make-believe Kling refuses of a request for a video from words or pictures, by model."""

from modelgate.core.records import Json
from modelgate.sandbox.kling.fields import (
    MAGIC_MODELS,
    MAX_PROMPT,
    GivenImage,
    KlingRefused,
    read_flag,
    read_image,
    read_number,
    read_object,
    read_objects,
    read_one_of,
    read_text,
)
from modelgate.sandbox.kling.order import KlingOrder, Videos, frame_size, ratio_of, read_tail
from modelgate.sandbox.kling.shots import check_camera, check_masks, check_shots

DEFAULT_MODEL = "kling-v1"
FIRST_MODELS = ("kling-v1", "kling-v1-5", "kling-v1-6")
"""The family of version 1: the only one with `cfg_scale` and `camera_control`."""

SOUND_MODELS = ("kling-v2-6", "kling-v3")
SHOT_MODELS = ("kling-v3",)
MODES = ("std", "pro")
RATIOS = ("16:9", "9:16", "1:1")
LENGTHS = ("5", "10")
LONG_LENGTHS = tuple(str(seconds) for seconds in range(3, 16))
MAX_VOICES = 2
MAX_IMAGES = 4

TEXT_MODES = {
    "kling-v1": MODES,
    "kling-v1-6": ("std",),
    "kling-v2-master": MODES,
    "kling-v2-1-master": MODES,
    "kling-v2-5-turbo": ("pro",),
    "kling-v2-6": MODES,
    "kling-v3": MODES,
}
IMAGE_MODES = {
    "kling-v1": MODES,
    "kling-v1-5": MODES,
    "kling-v1-6": MODES,
    "kling-v2-master": MODES,
    "kling-v2-1": MODES,
    "kling-v2-1-master": MODES,
    "kling-v2-5-turbo": ("pro",),
    "kling-v2-6": MODES,
    "kling-v3": MODES,
}
TAILS = {
    "kling-v1": (MODES, ("5",)),
    "kling-v1-5": (("pro",), LENGTHS),
    "kling-v1-6": (("pro",), LENGTHS),
    "kling-v2-1": (("pro",), LENGTHS),
    "kling-v2-5-turbo": (("pro",), LENGTHS),
    "kling-v2-6": (MODES, LENGTHS),
    "kling-v3": (MODES, LONG_LENGTHS),
}
"""The modes and lengths in which a model takes a last frame."""

MULTI_MODELS = ("kling-v1-6",)


def check_text_order(body: dict[str, Json], _videos: Videos) -> KlingOrder:
    """Check every field of a text2video request. Raises KlingRefused, 1200 or 1201."""
    model, mode, length = _read_kind(body, TEXT_MODES)
    words = _read_words(body, model=model, length=length, required=True)
    check_camera(body, model=model)
    ratio = read_one_of(body, "aspect_ratio", RATIOS, default=RATIOS[0])
    return _order("text2video", body, model=model, mode=mode, length=length, words=words, ratio=ratio_of(ratio))


def check_image_video_order(body: dict[str, Json], _videos: Videos) -> KlingOrder:
    """Check every field of an image2video request. Raises KlingRefused, 1200 or 1201."""
    model, mode, length = _read_kind(body, IMAGE_MODES)
    words = _read_words(body, model=model, length=length, required=False)
    image, tail = read_image(body, "image"), read_image(body, "image_tail")
    if image is None and tail is None:
        raise KlingRefused(1201, "image and image_tail can not both be empty")
    if tail is not None and model in IMAGE_MODES:
        modes, lengths = TAILS.get(model, ((), ()))
        if mode not in modes or length not in lengths:
            raise KlingRefused(1201, f"image_tail is not supported by {model} with mode {mode} and duration {length}")
    masked = check_masks(body, model=model, length=length, size=image.size if image else None)
    filmed = check_camera(body, model=model)
    if (tail is not None) + masked + filmed > 1:
        raise KlingRefused(1201, "image_tail, dynamic_masks/static_mask and camera_control can not be used together")
    voices = read_objects(body, "voice_list", most=MAX_VOICES)
    if voices and model not in (*SOUND_MODELS, *MAGIC_MODELS):
        raise KlingRefused(1201, f"voice_list is not supported by {model}")
    for voice in voices:
        read_text(voice, "voice_id", most=200, required=True)
    shown = image or tail
    return _order("image2video", body, model=model, mode=mode, length=length, words=words, shown=shown)


def check_multi_image_order(body: dict[str, Json], _videos: Videos) -> KlingOrder:
    """Check every field of a multi-image2video request. Raises KlingRefused, 1200 or 1201."""
    model = read_one_of(body, "model_name", (*MULTI_MODELS, *MAGIC_MODELS), default=MULTI_MODELS[0])
    items = read_objects(body, "image_list", most=MAX_IMAGES)
    if not items:
        raise KlingRefused(1201, f"image_list must have 1 to {MAX_IMAGES} items")
    images = [read_image(item, "image", required=True) for item in items]
    words = read_text(body, "prompt", most=MAX_PROMPT, required=True)
    read_text(body, "negative_prompt", most=MAX_PROMPT)
    mode = read_one_of(body, "mode", MODES, default="std")
    length = read_one_of(body, "duration", LENGTHS, default=LENGTHS[0])
    ratio = read_one_of(body, "aspect_ratio", RATIOS, default=RATIOS[0])
    return _order("multi-image2video", body, model=model, mode=mode, length=length, words=words, ratio=ratio_of(ratio), shown=images[0])


def _read_kind(body: dict[str, Json], modes: dict[str, tuple[str, ...]]) -> tuple[str, str, str]:
    """Return model, mode and length, if they go together."""
    model = read_one_of(body, "model_name", (*modes, *MAGIC_MODELS), default=DEFAULT_MODEL)
    mode = read_one_of(body, "mode", MODES, default="std")
    if mode not in modes.get(model, MODES):
        raise KlingRefused(1201, f"mode '{mode}' is not supported by {model}")
    lengths = LONG_LENGTHS if model in SHOT_MODELS else LENGTHS
    return model, mode, read_one_of(body, "duration", lengths, default=LENGTHS[0])


def _read_words(body: dict[str, Json], *, model: str, length: str, required: bool) -> str:
    """Check what else every kind of video may say, and return its words; several shots have their own."""
    shots = check_shots(body, is_able=model in SHOT_MODELS, length=int(length))
    words = read_text(body, "prompt", most=MAX_PROMPT, required=required and not shots)
    read_text(body, "negative_prompt", most=MAX_PROMPT)
    scale = read_number(body, "cfg_scale", low=0, high=1)
    if scale is not None and model not in (*FIRST_MODELS, *MAGIC_MODELS):
        raise KlingRefused(1201, f"cfg_scale is not supported by {model}")
    if read_one_of(body, "sound", ("on", "off"), default="off") == "on" and model not in (*SOUND_MODELS, *MAGIC_MODELS):
        raise KlingRefused(1201, f"sound is not supported by {model}")
    return " / ".join(shots) or words


def _order(
    kind: str,
    body: dict[str, Json],
    *,
    model: str,
    mode: str,
    length: str,
    words: str,
    ratio: tuple[int, int] = (16, 9),
    shown: GivenImage | None = None,
) -> KlingOrder:
    """Return the order; the ratio is that of the picture shown, where it is known and the request has none of its own."""
    size = shown.size if shown is not None and kind == "image2video" else None
    width, height = frame_size(size or ratio, mode)
    return KlingOrder(
        kind=kind,
        model=model,
        prompt=words,
        reference=shown.thumbnail if shown else None,
        mode=mode,
        seconds=float(length),
        width=width,
        height=height,
        sound=body.get("sound") == "on",
        watermark=read_flag(read_object(body, "watermark_info") or {}, "enabled"),
        **read_tail(body),
    )
