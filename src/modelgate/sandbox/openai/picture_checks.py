"""What OpenAI refuses about orders of pictures, which differs from family to family of models."""

import re

import msgspec

from modelgate.core.records import Json
from modelgate.sandbox.openai.errors import Refused
from modelgate.sandbox.openai.fields import check_ranges, check_words, invalid, missing, wants
from modelgate.sandbox.openai.kinds import check_kind
from modelgate.sandbox.openai.models import check_known, check_object
from modelgate.sandbox.openai.moderations import is_flagged

DEFAULT_MODEL = "dall-e-2"
MAX_SIDE_PX = 3_840
MAX_PIXELS = 3_840 * 2_160
MIN_SIDE_PX = 64
SIDE_STEP_PX = 16
MAX_RATIO = 3
RATIOS = ("21:9", "16:9", "4:3", "3:2", "1:1", "2:3", "3:4", "9:16", "9:21")
_SIZE = re.compile(r"^(\d{2,4})x(\d{2,4})$")
_COMMON = frozenset(("model", "prompt", "n", "size", "quality", "user"))
_DALL_E = frozenset(("response_format",))
_GPT = frozenset(("background", "moderation", "output_format", "output_compression", "stream", "partial_images"))
_WORDS = {
    "response_format": ("url", "b64_json"),
    "style": ("vivid", "natural"),
    "background": ("transparent", "opaque", "auto"),
    "moderation": ("low", "auto"),
    "output_format": ("png", "jpeg", "webp"),
    "input_fidelity": ("high", "low"),
    "aspect_ratio": RATIOS,
}


class Family(msgspec.Struct, frozen=True, kw_only=True):
    """What a family of models takes. `sizes` empty: any that is well formed. `counts`: has usage, and never URLs."""

    longest_prompt: int
    most: int
    sizes: tuple[str, ...]
    qualities: tuple[str, ...]
    fields: frozenset[str]
    counts: bool = False
    revises: bool = False


DALL_E_2 = Family(
    longest_prompt=1_000, most=10, sizes=("256x256", "512x512", "1024x1024"), qualities=("standard",), fields=_COMMON | _DALL_E
)
DALL_E_3 = Family(
    longest_prompt=4_000,
    most=1,
    sizes=("1024x1024", "1792x1024", "1024x1792"),
    qualities=("standard", "hd"),
    fields=_COMMON | _DALL_E | {"style"},
    revises=True,
)
GPT_IMAGE = Family(
    longest_prompt=32_000,
    most=10,
    sizes=("1024x1024", "1536x1024", "1024x1536", "auto"),
    qualities=("low", "medium", "high", "auto"),
    fields=_COMMON | _GPT,
    counts=True,
)
GPT_IMAGE_2 = msgspec.structs.replace(GPT_IMAGE, sizes=())
IMITATOR = Family(
    longest_prompt=4_000,
    most=10,
    sizes=(),
    qualities=("standard", "hd", "low", "medium", "high", "auto"),
    fields=_COMMON | _DALL_E | {"style", "aspect_ratio", "seed", "image", "output_format"},
)
"""Other vendors that speak OpenAI's image dialect: Flux, and the magic models."""


def family_of(model: str) -> Family:
    """Return the family that a model belongs to."""
    if model.startswith("gpt-image-2"):
        return GPT_IMAGE_2
    if model.startswith("gpt-image"):
        return GPT_IMAGE
    return {"dall-e-2": DALL_E_2, "dall-e-3": DALL_E_3}.get(model, IMITATOR)


def check_generation(body: Json) -> None:
    """Refuse what the vendor would about new pictures. Raises Refused."""
    check_object(body)
    model = check_picture_model(body, default=DEFAULT_MODEL)
    family = family_of(model)
    check_order(body, family=family, also=frozenset())
    check_prompt(body, family=family)
    check_stream(body)


def check_picture_model(body: dict[str, Json], *, default: str) -> str:
    """Return the name of the model, which may be left out. Raises Refused."""
    model: str = body["model"] if wants(body, "model", str) else default
    check_known(model)
    check_kind(model, "image")
    return model


def check_prompt(body: dict[str, Json], *, family: Family) -> None:
    """Check the prompt: there, not too long, and harmless. Raises Refused."""
    if not wants(body, "prompt", str) or not body["prompt"]:
        raise missing("prompt")
    if len(body["prompt"]) > family.longest_prompt:
        raise Refused(
            f"Invalid 'prompt': string too long. Expected a string with maximum length {family.longest_prompt}, but got a string with "
            f"length {len(body['prompt'])} instead.",
            param="prompt",
            code="string_above_max_length",
        )
    if is_flagged(body["prompt"], "sexual", "violence/graphic"):
        if family.counts:
            raise Refused(
                "Your request was rejected as a result of our safety system.", type="image_generation_user_error", code="moderation_blocked"
            )
        raise Refused("Your request was rejected as a result of our safety system.", code="content_policy_violation")


def check_order(body: dict[str, Json], *, family: Family, also: frozenset[str]) -> None:
    """Check all fields but model and prompt; `also` are names that this endpoint takes besides the family's. Raises Refused."""
    for name in body:
        if name not in family.fields and name not in also:
            raise Refused(f"Unknown parameter: '{name[:80]}'.", param=name[:80], code="unknown_parameter")
    check_ranges(body, ("n", int, 1, family.most), ("output_compression", int, 0, 100), ("partial_images", int, 0, 3))
    check_words(body, {**_WORDS, "quality": family.qualities})
    wants(body, "user", str)
    if wants(body, "size", str):
        _check_size(body["size"], family=family)
    kind = body.get("output_format") or "png"
    if body.get("background") == "transparent" and kind == "jpeg":
        raise Refused("Transparent background is not supported for JPEG output format.", param="background", code="invalid_value")
    if kind == "png" and body.get("output_compression") not in (None, 100):
        raise Refused("Compression less than 100 is not supported for PNG output format.", param="output_compression", code="invalid_value")


def _check_size(size: str, *, family: Family) -> None:
    if family.sizes:
        if size not in family.sizes:
            raise invalid("size", size, family.sizes)
        return
    if size == "auto":
        return
    found = _SIZE.match(size)
    width, height = (int(found[1]), int(found[2])) if found else (0, 0)
    fits = min(width, height) >= MIN_SIDE_PX and max(width, height) <= MAX_SIDE_PX and width * height <= MAX_PIXELS
    if not fits or (
        family.counts and (width % SIDE_STEP_PX or height % SIDE_STEP_PX or max(width, height) > MAX_RATIO * min(width, height))
    ):
        raise Refused(
            f"Invalid value: '{size[:80]}'. Expected WIDTHxHEIGHT: multiples of {SIDE_STEP_PX} up to {MAX_SIDE_PX}, {MAX_PIXELS} pixels "
            "in all, with a ratio from 1:3 to 3:1.",
            param="size",
            code="invalid_value",
        )


def check_stream(body: dict[str, Json]) -> None:
    """Check the fields of streaming. Raises Refused."""
    wants(body, "stream", bool)
    if body.get("stream") and (body.get("n") or 1) > 1:
        raise Refused("Streaming is only supported for one image at a time.", param="n", code="invalid_value")
    if body.get("partial_images") is not None and not body.get("stream"):
        raise Refused("The 'partial_images' parameter is only allowed when 'stream' is enabled.", param="partial_images")
