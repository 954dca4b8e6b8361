"""What Ideogram's operations take, as structs and tables: the shape of every part of a form, and which parts an operation has."""

from typing import Annotated, Self

import msgspec

from modelgate.core.records import Json
from modelgate.sandbox.body_shape import WrongField, one_of, read_shape
from modelgate.sandbox.forms import Upload
from modelgate.sandbox.given_files import GivenPicture
from modelgate.sandbox.request_body import UNREADABLE
from modelgate.sandbox.vision import NotAPicture

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
LISTS = frozenset(("style_codes", "style_reference_images", "character_reference_images_mask"))
"""Parts that may come more than once."""
NUMBERS = frozenset(("num_images", "seed", "image_weight"))


class Picture(GivenPicture):
    """A file of a form that must be a picture."""

    formats = ("JPEG", "PNG", "WEBP")
    most_bytes = MAX_FILE_BYTES

    @classmethod
    def read(cls, value: Json) -> Self:
        """Return what it shows. Raises WrongField."""
        if not isinstance(value, Upload):
            raise WrongField("", "must be one file")
        try:
            return cls.seen(value.data)
        except NotAPicture:
            raise WrongField("", "is not a picture that can be read") from None


class Colour(msgspec.Struct, frozen=True):
    """A colour of a palette, and how much there should be of it."""

    color_hex: Annotated[str, msgspec.Meta(pattern=r"^#[0-9A-Fa-f]{6}\Z")]
    color_weight: Annotated[float, msgspec.Meta(ge=0.05, le=1)] = 1


class NamedPalette(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One of the vendor's own palettes."""

    name: Annotated[str, one_of(PALETTES)]


class OwnPalette(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Colours of one's own."""

    members: Annotated[list[Colour], msgspec.Meta(min_length=1, max_length=MAX_PALETTE_COLOURS)]


class Palette:
    """A palette, which is JSON in a form."""

    @classmethod
    def read(cls, value: Json) -> Self:
        """Check it. Raises WrongField."""
        try:
            palette: Json = msgspec.json.decode(value if isinstance(value, str) else "")
        except UNREADABLE:
            raise WrongField("", "must be JSON") from None
        read_shape(palette, NamedPalette if isinstance(palette, dict) and "name" in palette else OwnPalette)
        return cls()


class Body(msgspec.Struct, frozen=True, kw_only=True):
    """The parts of all operations. Which of them an operation takes is in `FIELDS`."""

    prompt: str = ""
    negative_prompt: str = ""
    num_images: Annotated[int, msgspec.Meta(ge=1, le=MAX_PICTURES)] = 1
    seed: Annotated[int, msgspec.Meta(ge=0, le=MAX_SEED)] | None = None
    image_weight: Annotated[int, msgspec.Meta(ge=1, le=100)] = 50
    resolution: Annotated[str, one_of(("", *RESOLUTIONS))] = ""
    aspect_ratio: Annotated[str, one_of(RATIOS)] | None = None
    rendering_speed: Annotated[str, one_of(SPEEDS)] = "DEFAULT"
    magic_prompt: Annotated[str, one_of(("AUTO", "ON", "OFF"))] = "AUTO"
    style_type: Annotated[str, one_of(STYLE_TYPES)] = ""
    style_preset: Annotated[str, one_of(("", *STYLE_PRESETS))] = ""
    style_codes: list[Annotated[str, msgspec.Meta(pattern=r"^[0-9A-Fa-f]{8}\Z")]] = []
    color_palette: Palette | None = None
    custom_model_uri: str | None = None
    image: Picture | None = None
    mask: Picture | None = None
    style_reference_images: list[Picture] = []
    character_reference_images: Picture | None = None
    character_reference_images_mask: list[Picture] = []


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
