"""What Ideogram refuses: a key that is not its own, and the parts of each operation's form with their limits."""

import hashlib
import re

import msgspec

from modelgate.core.records import Json
from modelgate.sandbox.front import VendorRefused
from modelgate.sandbox.openai.errors import Refused
from modelgate.sandbox.openai.forms import Form, Upload, read_form, texts_of, uploads_of
from modelgate.sandbox.openai.gate import Sent
from modelgate.sandbox.vision import NotAPicture, open_picture, shrink

KEY = "ideogram-sandbox"
MAX_FILE_BYTES = 10 * 1024 * 1024
MAX_PICTURES = 8
MAX_SEED = 2**31 - 1
MAX_PALETTE_COLOURS = 16
LONG_SIDE_PX = 1536
_RESOLUTIONS = """
    512x1536 576x1408 576x1472 576x1536 640x1344 640x1408 640x1472 640x1536 704x1152 704x1216 704x1280 704x1344 704x1408 704x1472
    736x1312 768x1088 768x1216 768x1280 768x1344 800x1280 832x960 832x1024 832x1088 832x1152 832x1216 832x1248 864x1152 896x960 896x1024
    896x1088 896x1120 896x1152 960x832 960x896 960x1024 960x1088 1024x832 1024x896 1024x960 1024x1024 1088x768 1088x832 1088x896 1088x960
    1120x896 1152x704 1152x832 1152x864 1152x896 1216x704 1216x768 1216x832 1248x832 1280x704 1280x768 1280x800 1312x736 1344x640 1344x704
    1344x768 1408x576 1408x640 1408x704 1472x576 1472x640 1472x704 1536x512 1536x576 1536x640"""
RESOLUTIONS = frozenset(_RESOLUTIONS.split())
RATIOS = {
    "1x3": (512, 1536),
    "3x1": (1536, 512),
    "1x2": (704, 1408),
    "2x1": (1408, 704),
    "9x16": (720, 1280),  # the ratio exactly; the real vendor answers 736x1312
    "16x9": (1280, 720),
    "10x16": (800, 1280),
    "16x10": (1280, 800),
    "2x3": (832, 1248),
    "3x2": (1248, 832),
    "3x4": (864, 1152),
    "4x3": (1152, 864),
    "4x5": (896, 1120),
    "5x4": (1120, 896),
    "1x1": (1024, 1024),
}
SPEEDS = ("FLASH", "TURBO", "DEFAULT", "QUALITY")
STYLE_TYPES = ("AUTO", "GENERAL", "REALISTIC", "DESIGN", "FICTION")
PALETTES = ("EMBER", "FRESH", "JUNGLE", "MAGIC", "MELON", "MOSAIC", "PASTEL", "ULTRAMARINE")
_STYLE_PRESETS = """
    80S_ILLUSTRATION 90S_NOSTALGIA ABSTRACT_ORGANIC ANALOG_NOSTALGIA ART_BRUT ART_DECO ART_POSTER AURA AVANT_GARDE BAUHAUS BLUEPRINT
    BLURRY_MOTION BRIGHT_ART C4D_CARTOON CHILDRENS_BOOK COLLAGE COLORING_BOOK_I COLORING_BOOK_II CUBISM DARK_AURA DOODLE DOUBLE_EXPOSURE
    DRAMATIC_CINEMA EDITORIAL EMOTIONAL_MINIMAL ETHEREAL_PARTY EXPIRED_FILM FLAT_ART FLAT_VECTOR FOREST_REVERIE GEO_MINIMALIST GLASS_PRISM
    GOLDEN_HOUR GRAFFITI_I GRAFFITI_II HALFTONE_PRINT HIGH_CONTRAST HIPPIE_ERA ICONIC JAPANDI_FUSION JAZZY LONG_EXPOSURE MAGAZINE_EDITORIAL
    MINIMAL_ILLUSTRATION MIXED_MEDIA MONOCHROME NIGHTLIFE OIL_PAINTING OLD_CARTOONS PAINT_GESTURE POP_ART RETRO_ETCHING RIVIERA_POP
    SPOTLIGHT_80S STYLIZED_RED SURREAL_COLLAGE TRAVEL_POSTER VINTAGE_GEO VINTAGE_POSTER WATERCOLOR WEIRD WOODBLOCK_PRINT"""
STYLE_PRESETS = frozenset(_STYLE_PRESETS.split())
_STYLE = frozenset(("num_images", "seed", "rendering_speed", "style_preset", "color_palette", "style_codes", "style_reference_images"))
_CHARACTER = frozenset(("magic_prompt", "style_type", "character_reference_images", "character_reference_images_mask"))
_GENERATE = _STYLE | _CHARACTER | {"prompt", "resolution", "aspect_ratio", "negative_prompt", "custom_model_uri"}
_EDIT = _STYLE | _CHARACTER | {"prompt", "image", "mask"}
FIELDS = {
    "generate": _GENERATE,
    "inpaint": _EDIT,
    "edit": _EDIT,
    "remix": _GENERATE | {"image", "image_weight"},
    "reframe": _STYLE | {"image", "resolution"},
    "replace-background": _STYLE | {"image", "prompt", "magic_prompt"},
}
"""The parts each operation takes. Another one is refused, because a vendor that ignores it does not do what was meant."""
REQUIRED = {
    "generate": ("prompt",),
    "inpaint": ("image", "mask", "prompt"),
    "edit": ("image", "mask", "prompt"),
    "remix": ("image", "prompt"),
    "reframe": ("image", "resolution"),
    "replace-background": ("image", "prompt"),
}
_FILES = frozenset(("image", "mask", "style_reference_images", "character_reference_images", "character_reference_images_mask"))
_CODE = re.compile(r"[0-9A-Fa-f]{8}\Z")
_COLOUR = re.compile(r"#[0-9A-Fa-f]{6}\Z")


class IdeogramRefused(VendorRefused):
    """The make-believe vendor refuses; `more` is what stands beside `error` in its answer."""

    def __init__(self, status: int, error: str, **more: Json) -> None:
        super().__init__(status, {"error": error, **more}, error)


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """A picture that came along: its size in pixels and a thumbnail."""

    width: int
    height: int
    thumbnail: bytes


class PictureOrder(msgspec.Struct, frozen=True, kw_only=True):
    """A checked request. `reference` is a thumbnail of the first given picture; `rewrites`: the prompt is made longer."""

    operation: str
    prompt: str
    rewrites: bool
    width: int
    height: int
    n: int
    seed: int
    style_type: str
    reference: bytes | None


def check_key(given: str | None) -> None:
    """Check the header `Api-Key` as the vendor does. Raises IdeogramRefused 401."""
    if given != KEY:
        raise IdeogramRefused(401, "Invalid or missing API key")


def check_order(operation: str, *, content_type: str, body: bytes) -> PictureOrder:
    """Check the form of an operation, part by part.

    Raises:
        IdeogramRefused: 400 naming the part, 413 for a file that is too large, 403 for somebody's own model.
    """
    try:
        form = read_form(Sent(data=body, content_type=content_type))
        return _checked(operation, form)
    except Refused as refused:
        raise IdeogramRefused(400, refused.message) from None


def _checked(operation: str, form: Form) -> PictureOrder:
    for name in form:
        if name not in FIELDS[operation]:
            raise _invalid(name, f"is not a field of {operation}")
    for name in REQUIRED[operation]:
        if not form.get(name) or (name == "prompt" and not _text(form, name).strip()):
            raise _invalid(name, "is required")
    pictures = {name: [_seen(upload, name) for upload in uploads_of(form, name)] for name in sorted(_FILES & form.keys())}
    _check_files(pictures)
    _check_style(form, has_references="style_reference_images" in pictures)
    _check_character(form, pictures)
    width, height = _size(form, pictures, in_place=operation not in ("generate", "remix"))
    prompt = _text(form, "prompt")
    _number(form, "image_weight", low=1, high=100)
    seed = _number(form, "seed", low=0, high=MAX_SEED)
    n = _number(form, "num_images", low=1, high=MAX_PICTURES)
    first = next(
        (found[0] for name in ("image", "character_reference_images", "style_reference_images") if (found := pictures.get(name))), None
    )
    return PictureOrder(
        operation=operation,
        prompt=prompt,
        rewrites=_one_of(form, "magic_prompt", ("AUTO", "ON", "OFF"), default="AUTO") != "OFF",
        width=width,
        height=height,
        n=1 if n is None else n,
        seed=_seed_of(prompt) if seed is None else seed,
        style_type=_one_of(form, "style_type", STYLE_TYPES, default="GENERAL"),
        reference=first.thumbnail if first else None,
    )


def _check_files(pictures: dict[str, list[Seen]]) -> None:
    for name in ("image", "mask", "character_reference_images"):
        if len(pictures.get(name, ())) > 1:
            raise _invalid(name, "must be one file")
    for mask, of in (("mask", "image"), ("character_reference_images_mask", "character_reference_images")):
        masks, images = pictures.get(mask, []), pictures.get(of, [])
        if masks and [(one.width, one.height) for one in masks] != [(one.width, one.height) for one in images]:
            raise _invalid(mask, f"must have the dimensions of {of}")


def _check_style(form: Form, *, has_references: bool) -> None:
    codes = texts_of(form, "style_codes")
    if not all(_CODE.match(code) for code in codes):
        raise _invalid("style_codes", "must be 8 hexadecimal characters each")
    style_type = _one_of(form, "style_type", STYLE_TYPES, default="")
    preset = _text(form, "style_preset")
    if preset and preset not in STYLE_PRESETS:
        raise _invalid("style_preset", "is not one of the presets")
    if codes and (has_references or style_type):
        raise _invalid("style_codes", "cannot be used with style_reference_images or style_type")
    if preset and has_references:
        raise _invalid("style_preset", "cannot be used with style_reference_images")
    if (preset or has_references) and style_type not in ("", "AUTO", "GENERAL"):
        raise _invalid("style_type", "must be AUTO or GENERAL with a preset or references")
    if form.get("color_palette") is not None:
        _check_palette(_text(form, "color_palette"))
    if form.get("custom_model_uri") is not None:
        raise IdeogramRefused(403, "No access to this model")


def _check_palette(text: str) -> None:
    try:
        palette: Json = msgspec.json.decode(text)
    except msgspec.DecodeError:
        raise _invalid("color_palette", "must be JSON") from None
    if not isinstance(palette, dict) or len(palette) != 1 or not palette.keys() <= {"name", "members"}:
        raise _invalid("color_palette", "must have either name or members")
    if "name" in palette:
        if palette["name"] not in PALETTES:
            raise _invalid("color_palette", "is not a known preset")
        return
    members = palette["members"]
    if not isinstance(members, list) or not 1 <= len(members) <= MAX_PALETTE_COLOURS:
        raise _invalid("color_palette", "must have members")
    for member in members:
        hexadecimal = member.get("color_hex") if isinstance(member, dict) else None
        if not isinstance(hexadecimal, str) or not _COLOUR.match(hexadecimal):
            raise _invalid("color_palette", "must have colours such as #RRGGBB")
        weight = member.get("color_weight", 1.0)
        if isinstance(weight, bool) or not isinstance(weight, int | float) or not 0.05 <= weight <= 1:
            raise _invalid("color_palette", "must have weights from 0.05 to 1.0")


def _check_character(form: Form, pictures: dict[str, list[Seen]]) -> None:
    speed = _one_of(form, "rendering_speed", SPEEDS, default="DEFAULT")
    if "character_reference_images" not in pictures:
        return
    if speed == "FLASH":
        raise _invalid("rendering_speed", "cannot be FLASH with character references")
    if _text(form, "style_type") not in ("", "AUTO", "REALISTIC", "FICTION"):
        raise _invalid("style_type", "must be AUTO, REALISTIC or FICTION with character references")


def _size(form: Form, pictures: dict[str, list[Seen]], *, in_place: bool) -> tuple[int, int]:
    """Return width and height of the pictures to make: as asked, else those of the given picture where that is changed in place."""
    resolution = _text(form, "resolution")
    ratio = _one_of(form, "aspect_ratio", tuple(RATIOS), default="")
    if resolution and ratio:
        raise _invalid("resolution", "cannot be used with aspect_ratio")
    if resolution:
        if resolution not in RESOLUTIONS:
            raise _invalid("resolution", "is not one of the resolutions")
        width, _, height = resolution.partition("x")
        return int(width), int(height)
    if ratio or not in_place:
        return RATIOS[ratio or "1x1"]
    given = pictures["image"][0]
    scale = min(1.0, LONG_SIDE_PX / max(given.width, given.height))
    return max(1, round(given.width * scale)), max(1, round(given.height * scale))


def _seen(upload: Upload, name: str) -> Seen:
    if len(upload.data) > MAX_FILE_BYTES:
        raise IdeogramRefused(413, f"{name} is larger than {MAX_FILE_BYTES // 1024**2} MB")
    try:
        picture = open_picture(upload.data)
        if picture.format not in ("JPEG", "PNG", "WEBP"):
            raise _invalid(name, "must be JPEG, PNG or WebP")
        return Seen(width=picture.width, height=picture.height, thumbnail=shrink(picture))
    except NotAPicture:
        raise _invalid(name, "is not a picture that can be read") from None


def _text(form: Form, name: str) -> str:
    texts = texts_of(form, name)
    if len(texts) > 1:
        raise _invalid(name, "must be given once")
    return texts[0] if texts else ""


def _one_of(form: Form, name: str, choices: tuple[str, ...], *, default: str) -> str:
    if form.get(name) is None:
        return default
    value = _text(form, name)
    if value not in choices:
        raise _invalid(name, f"must be one of {', '.join(choices)}")
    return value


def _number(form: Form, name: str, *, low: int, high: int) -> int | None:
    if form.get(name) is None:
        return None
    text = _text(form, name)
    if not text.isascii() or not text.isdecimal() or len(text) > len(str(MAX_SEED)) or not low <= int(text) <= high:
        raise _invalid(name, f"must be an integer from {low} to {high}")
    return int(text)


def _seed_of(prompt: str) -> int:
    """Return the seed of a request without one: the same for the same prompt, so that tests can be repeated."""
    return int.from_bytes(hashlib.sha256(prompt.encode("utf-8", "replace")).digest()[:4]) & MAX_SEED


def _invalid(field: str, reason: str) -> IdeogramRefused:
    return IdeogramRefused(400, f"Invalid request: {field[:80]} {reason}")
