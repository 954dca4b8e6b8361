"""What each model of Black Forest Labs takes, as data, and what a checked request is."""

import msgspec


class ModelRules(msgspec.Struct, frozen=True, kw_only=True):
    """What one model takes. `step` 0: it is asked for a ratio, not for pixels; then `long_side` is that of its pictures."""

    step: int = 0
    low: int = 0
    high: int = 0
    long_side: int = 1024
    pictures: tuple[str, ...] = ("image_prompt",)
    default_format: str = "jpeg"
    default_ratio: str = "16:9"
    tolerance: int = 6
    needs_prompt: bool = False


def _inputs(count: int) -> tuple[str, ...]:
    return ("input_image", *(f"input_image_{number}" for number in range(2, count + 1)))


FLUX_1 = ModelRules(step=32, low=256, high=1440)
_KONTEXT = ModelRules(pictures=_inputs(4), default_format="png", default_ratio="1:1", needs_prompt=True)
_FLUX_2 = ModelRules(step=16, low=64, high=4096, pictures=_inputs(8), tolerance=5, needs_prompt=True)
_KLEIN = msgspec.structs.replace(_FLUX_2, pictures=_inputs(4))

MODELS: dict[str, ModelRules] = {
    "flux-pro": FLUX_1,
    "flux-dev": FLUX_1,
    "flux-pro-1.1": FLUX_1,
    "flux-pro-1.1-ultra": ModelRules(long_side=2048),
    "flux-kontext-pro": _KONTEXT,
    "flux-kontext-max": _KONTEXT,
    "flux-2-pro": _FLUX_2,
    "flux-2-max": _FLUX_2,
    "flux-2-flex": _FLUX_2,
    "flux-2-klein-4b": _KLEIN,
    "flux-2-klein-9b": _KLEIN,
}


class PictureOrder(msgspec.Struct, frozen=True, kw_only=True):
    """A checked request. `reference` is a thumbnail of the first given picture, None without one or when it is at an address."""

    model: str
    prompt: str
    width: int
    height: int
    format: str
    seed: int
    reference: bytes | None
