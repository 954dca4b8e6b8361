"""What the make-believe Kling refuses of a request for pictures: generation, and the virtual try-on."""

from modelgate.core.records import Json
from modelgate.sandbox.kling.fields import (
    MAGIC_MODELS,
    MAX_PROMPT,
    KlingRefused,
    read_image,
    read_number,
    read_one_of,
    read_text,
)
from modelgate.sandbox.kling.order import KlingOrder, Videos, read_tail

MAX_PICTURES = 9
DEFAULT_MODEL = "kling-v1"
DEFAULT_RATIO = "16:9"
MODELS = ("kling-v1", "kling-v1-5", "kling-v2", "kling-v2-new", "kling-v2-1", "kling-v3")
NEWER_MODELS = ("kling-v2", "kling-v2-new", "kling-v2-1", "kling-v3")
RATIOS = ("16:9", "9:16", "1:1", "4:3", "3:4", "3:2", "2:3", "21:9")
NEWER_RATIOS = ("21:9",)
TRY_ON_MODELS = ("kolors-virtual-try-on-v1", "kolors-virtual-try-on-v1-5")
TRY_ON_RATIO = "3:4"


def check_image_order(body: dict[str, Json], _videos: Videos) -> KlingOrder:
    """Check every field of an image request; unknown fields are ignored, as `model` is.

    Raises:
        KlingRefused: 1200 for a wrong shape, 1201 for a wrong value.
    """
    model = read_one_of(body, "model_name", (*MODELS, *MAGIC_MODELS), default=DEFAULT_MODEL)
    prompt = read_text(body, "prompt", most=MAX_PROMPT, required=True)
    negative = read_text(body, "negative_prompt", most=MAX_PROMPT)
    image = read_image(body, "image")
    ratio = read_one_of(body, "aspect_ratio", RATIOS, default=DEFAULT_RATIO)
    resolution = read_one_of(body, "resolution", ("1k", "2k"), default="1k")
    _check_newer(model, ratio=ratio, resolution=resolution)
    _check_reference(body, model=model, has_image=image is not None, has_negative=bool(negative))
    read_number(body, "image_fidelity", low=0, high=1)
    read_number(body, "human_fidelity", low=0, high=1)
    return KlingOrder(
        model=model,
        prompt=prompt,
        reference=image.thumbnail if image else None,
        resolution=resolution,
        n=_count(body),
        ratio=ratio,
        **read_tail(body),
    )


def check_try_on_order(body: dict[str, Json], _videos: Videos) -> KlingOrder:
    """Check a try-on. Raises KlingRefused, as above."""
    model = read_one_of(body, "model_name", (*TRY_ON_MODELS, *MAGIC_MODELS), default=TRY_ON_MODELS[0])
    human = read_image(body, "human_image", required=True)
    cloth = read_image(body, "cloth_image", required=True)
    worn = (cloth and cloth.thumbnail) or (human and human.thumbnail)
    return KlingOrder(
        kind="kolors-virtual-try-on", model=model, prompt="Virtual try-on", reference=worn, ratio=TRY_ON_RATIO, **read_tail(body)
    )


def _count(body: dict[str, Json]) -> int:
    value = body.get("n")
    if value is None:
        return 1
    if not isinstance(value, int) or isinstance(value, bool):
        raise KlingRefused(1200, "n must be an integer")
    if not 1 <= value <= MAX_PICTURES:
        raise KlingRefused(1201, f"n value must be in [1, {MAX_PICTURES}]")
    return value


def _check_newer(model: str, *, ratio: str, resolution: str) -> None:
    if model in NEWER_MODELS:
        return
    if ratio in NEWER_RATIOS:
        raise KlingRefused(1201, f"aspect_ratio '{ratio}' is not supported by {model}")
    if resolution != "1k":
        raise KlingRefused(1201, f"resolution '{resolution}' is not supported by {model}")


def _check_reference(body: dict[str, Json], *, model: str, has_image: bool, has_negative: bool) -> None:
    reference = read_one_of(body, "image_reference", ("subject", "face"), default="")
    if has_image and has_negative:
        raise KlingRefused(1201, "negative_prompt is not supported together with image")
    if has_image and model == "kling-v1-5" and not reference:
        raise KlingRefused(1201, "image_reference is required with image for kling-v1-5")
    if reference and not has_image:
        raise KlingRefused(1201, "image_reference needs image")
    if body.get("human_fidelity") is not None and reference != "subject":
        raise KlingRefused(1201, "human_fidelity is only valid when image_reference is subject")
