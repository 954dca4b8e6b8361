"""What Black Forest Labs take, as structs and tables: every field's own shape, and what each model makes of it."""

from typing import Annotated, Literal, Self

import msgspec

from modelgate.core.records import Json
from modelgate.sandbox.given_files import GivenPicture

MAX_PROMPT = 100_000
MAX_SEED = 2**32 - 1
COMMON = ("prompt", "prompt_upsampling", "seed", "safety_tolerance", "output_format")
"""What every model takes."""


class Picture(GivenPicture):
    """A picture at an address, or in base64."""

    most_bytes = 20 * 1024 * 1024
    most_pixels = 20_000_000

    @classmethod
    def read(cls, value: Json) -> Self:
        """Return what it shows; an empty text is as good as none. Raises WrongField."""
        return cls() if value == "" else super().read(value)


class Body(msgspec.Struct, frozen=True, kw_only=True):
    """The fields of all models. Which of them a model takes is in its rules; what it does not know it ignores."""

    prompt: Annotated[str, msgspec.Meta(max_length=MAX_PROMPT)] = ""
    prompt_upsampling: bool = False
    seed: Annotated[int, msgspec.Meta(ge=0, le=MAX_SEED)] = 42
    safety_tolerance: Annotated[int, msgspec.Meta(ge=0)] = 0
    output_format: Literal["jpeg", "png", ""] = ""
    width: int | None = None
    height: int | None = None
    aspect_ratio: str = ""
    image_prompt: Picture | None = None
    input_image: Picture | None = None
    input_image_2: Picture | None = None
    input_image_3: Picture | None = None
    input_image_4: Picture | None = None
    input_image_5: Picture | None = None
    input_image_6: Picture | None = None
    input_image_7: Picture | None = None
    input_image_8: Picture | None = None


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
