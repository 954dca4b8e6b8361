"""What Black Forest Labs refuses: a key that is not its own, and the fields of each model with their limits."""

import math
import re

import msgspec

from modelgate.core.records import Json
from modelgate.sandbox.vision import NotAPicture, decode_base64, open_picture, shrink

KEY = "bfl-sandbox"
MAX_PROMPT = 100_000
MAX_SEED = 2**32 - 1
MAX_IMAGE_BYTES = 20 * 1024 * 1024
MAX_IMAGE_PIXELS = 20_000_000
MAX_PIXELS = 4 * 1024 * 1024
MAX_RATIO = 21 / 9
FORMATS = ("jpeg", "png")
_RATIO = re.compile(r"^([1-9]\d{0,2}):([1-9]\d{0,2})$")


class BflRefused(Exception):
    """The make-believe vendor refuses; `detail` is what stands under that name in its answer."""

    def __init__(self, status: int, detail: Json) -> None:
        super().__init__(str(detail))
        self.status = status
        self.detail = detail


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


_FLUX_1 = ModelRules(step=32, low=256, high=1440)
_KONTEXT = ModelRules(pictures=_inputs(4), default_format="png", default_ratio="1:1", needs_prompt=True)
_FLUX_2 = ModelRules(step=16, low=64, high=4096, pictures=_inputs(8), tolerance=5, needs_prompt=True)
_KLEIN = msgspec.structs.replace(_FLUX_2, pictures=_inputs(4))

MODELS: dict[str, ModelRules] = {
    "flux-pro": _FLUX_1,
    "flux-dev": _FLUX_1,
    "flux-pro-1.1": _FLUX_1,
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


def check_key(given: str | None) -> None:
    """Check the header `x-key` as the vendor does. Raises BflRefused 403."""
    if not given:
        raise BflRefused(403, "Not authenticated")
    if given != KEY:
        raise BflRefused(403, "Not authenticated - Invalid Authentication")


def check_order(model: str, body: Json) -> PictureOrder:
    """Check every field that the model knows; unknown ones are ignored, as the vendor does.

    Raises:
        BflRefused: 404 for a model that is not there, 422 naming the field.
    """
    rules = MODELS.get(model)
    if rules is None:
        raise BflRefused(404, "Not Found")
    if not isinstance(body, dict):
        raise invalid("", "Input should be a valid dictionary", kind="dict_type")
    prompt = _text(body, "prompt", most=MAX_PROMPT) or ""
    if "prompt" not in body and rules.needs_prompt:
        raise invalid("prompt", "Field required", kind="missing")
    pictures = [thumbnail for name in rules.pictures if (thumbnail := _picture(body, name)) is not None]
    if not prompt.strip() and not any(body.get(name) for name in rules.pictures):
        raise invalid("prompt", "Either prompt or an input image is needed", kind="value_error")
    width, height = _size(body, rules)
    _number(body, "safety_tolerance", low=0, high=rules.tolerance)
    seed = _number(body, "seed", low=0, high=MAX_SEED)
    if not isinstance(body.get("prompt_upsampling", False), bool):
        raise invalid("prompt_upsampling", "Input should be a valid boolean", kind="bool_type")
    chosen = _text(body, "output_format", most=20) or rules.default_format
    if chosen not in FORMATS:
        raise invalid("output_format", "Input should be 'jpeg' or 'png'", kind="enum")
    return PictureOrder(
        model=model,
        prompt=prompt,
        width=width,
        height=height,
        format=chosen,
        seed=seed if seed is not None else 42,
        reference=pictures[0] if pictures else None,
    )


def invalid(field: str, message: str, *, kind: str) -> BflRefused:
    """Return the refusal of a field in FastAPI's form."""
    place = ["body", field] if field else ["body"]
    return BflRefused(422, [{"type": kind, "loc": place, "msg": message}])


def _text(body: dict[str, Json], name: str, *, most: int) -> str | None:
    value = body.get(name)
    if value is None:
        return None
    if not isinstance(value, str):
        raise invalid(name, "Input should be a valid string", kind="string_type")
    if len(value) > most:
        raise invalid(name, f"String should have at most {most} characters", kind="string_too_long")
    return value


def _number(body: dict[str, Json], name: str, *, low: int, high: int) -> int | None:
    value = body.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int):
        raise invalid(name, "Input should be a valid integer", kind="int_type")
    if value < low:
        raise invalid(name, f"Input should be greater than or equal to {low}", kind="greater_than_equal")
    if value > high:
        raise invalid(name, f"Input should be less than or equal to {high}", kind="less_than_equal")
    return value


def _size(body: dict[str, Json], rules: ModelRules) -> tuple[int, int]:
    """Return width and height of the picture: as asked in pixels, or of the asked ratio."""
    if not rules.step:
        return _sides_of(_text(body, "aspect_ratio", most=20) or rules.default_ratio, rules.long_side)
    sides = []
    for name, default in (("width", 1024), ("height", 768 if rules is _FLUX_1 else 1024)):
        side = _number(body, name, low=rules.low, high=rules.high)
        side = default if side is None else side
        if side % rules.step:
            raise invalid(name, f"Input should be a multiple of {rules.step}", kind="multiple_of")
        sides.append(side)
    if sides[0] * sides[1] > MAX_PIXELS:
        raise invalid("width", "The picture should have at most 4 megapixels", kind="value_error")
    return sides[0], sides[1]


def _sides_of(ratio: str, long_side: int) -> tuple[int, int]:
    found = _RATIO.match(ratio)
    across, down = (int(found[1]), int(found[2])) if found else (0, 1)
    if not found or max(across / down, down / across) > MAX_RATIO + 0.001:
        raise invalid("aspect_ratio", "Aspect ratio should lie between 21:9 and 9:21", kind="value_error")
    shared = math.gcd(across, down)
    across, down = across // shared, down // shared
    unit = long_side / max(across, down)
    return round(across * unit / 8) * 8, round(down * unit / 8) * 8


def _picture(body: dict[str, Json], name: str) -> bytes | None:
    """Return a thumbnail of a picture in base64; None without one, and for an address, which is not fetched here."""
    value = _text(body, name, most=2 * MAX_IMAGE_BYTES)
    if not value or value.startswith(("http://", "https://")):
        return None
    try:
        data = decode_base64(value.partition(",")[2] if value.startswith("data:") else value)
        picture = open_picture(data)
        if len(data) > MAX_IMAGE_BYTES or picture.width * picture.height > MAX_IMAGE_PIXELS:
            raise invalid(name, "Image should have at most 20 MB and 20 megapixels", kind="value_error")
        return shrink(picture)
    except NotAPicture:
        raise invalid(name, "Input should be the base64 of a picture, or a URL", kind="value_error") from None
