"""Bodies of the Ideogram dialect as published, their choices and bounds. Source: Ideogram's API reference of v3, read 2026-11.

The structs make the OpenAPI document; forms carry the same fields as parts. `request.py` and `rules.py` check by the same constants.
"""

from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

from modelgate.formats.media.error_twin import ErrorTwin

DEFAULT_MODEL: Final = "ideogram-v3"
MAX_MODEL_CHARACTERS: Final = 100
MAX_PROMPT_CHARACTERS: Final = 10_000
MAX_IMAGES: Final = 8
MAX_SEED: Final = 2_147_483_647
MAX_FILE_BYTES: Final = 10 * 1024 * 1024
MAX_UPLOAD_BYTES: Final = 25 * 1024 * 1024
"""All files of one request together."""
MAX_STYLE_REFERENCES: Final = 10
MAX_CHARACTER_REFERENCES: Final = 1
MAX_STYLE_CODES: Final = 16
MAX_PALETTE_MEMBERS: Final = 16
MIN_COLOR_WEIGHT: Final = 0.05
MAX_IMAGE_WEIGHT: Final = 100
CONTENT_TYPES: Final = ("image/jpeg", "image/png", "image/webp")

ASPECT_RATIOS: Final = ("1x3", "3x1", "1x2", "2x1", "9x16", "16x9", "10x16", "16x10", "2x3", "3x2", "3x4", "4x3", "4x5", "5x4", "1x1")
RENDERING_SPEEDS: Final = ("FLASH", "TURBO", "DEFAULT", "QUALITY")
MAGIC_PROMPTS: Final = ("AUTO", "ON", "OFF")
STYLE_TYPES: Final = ("AUTO", "GENERAL", "REALISTIC", "DESIGN", "FICTION")
REFERENCE_STYLE_TYPES: Final = ("AUTO", "GENERAL")
"""With style references or a preset."""
CHARACTER_STYLE_TYPES: Final = ("AUTO", "REALISTIC", "FICTION")
PALETTES: Final = ("EMBER", "FRESH", "JUNGLE", "MAGIC", "MELON", "MOSAIC", "PASTEL", "ULTRAMARINE")
_RESOLUTIONS: Final = """
    512x1536 576x1408 576x1472 576x1536 640x1344 640x1408 640x1472 640x1536 704x1152 704x1216 704x1280 704x1344 704x1408 704x1472
    736x1312 768x1088 768x1216 768x1280 768x1344 800x1280 832x960 832x1024 832x1088 832x1152 832x1216 832x1248 864x1152 896x960 896x1024
    896x1088 896x1120 896x1152 960x832 960x896 960x1024 960x1088 1024x832 1024x896 1024x960 1024x1024 1088x768 1088x832 1088x896 1088x960
    1120x896 1152x704 1152x832 1152x864 1152x896 1216x704 1216x768 1216x832 1248x832 1280x704 1280x768 1280x800 1312x736 1344x640 1344x704
    1344x768 1408x576 1408x640 1408x704 1472x576 1472x640 1472x704 1536x512 1536x576 1536x640"""
RESOLUTIONS: Final = tuple(_RESOLUTIONS.split())
_STYLE_PRESETS: Final = """
    80S_ILLUSTRATION 90S_NOSTALGIA ABSTRACT_ORGANIC ANALOG_NOSTALGIA ART_BRUT ART_DECO ART_POSTER AURA AVANT_GARDE BAUHAUS BLUEPRINT
    BLURRY_MOTION BRIGHT_ART C4D_CARTOON CHILDRENS_BOOK COLLAGE COLORING_BOOK_I COLORING_BOOK_II CUBISM DARK_AURA DOODLE DOUBLE_EXPOSURE
    DRAMATIC_CINEMA EDITORIAL EMOTIONAL_MINIMAL ETHEREAL_PARTY EXPIRED_FILM FLAT_ART FLAT_VECTOR FOREST_REVERIE GEO_MINIMALIST GLASS_PRISM
    GOLDEN_HOUR GRAFFITI_I GRAFFITI_II HALFTONE_PRINT HIGH_CONTRAST HIPPIE_ERA ICONIC JAPANDI_FUSION JAZZY LONG_EXPOSURE MAGAZINE_EDITORIAL
    MINIMAL_ILLUSTRATION MIXED_MEDIA MONOCHROME NIGHTLIFE OIL_PAINTING OLD_CARTOONS PAINT_GESTURE POP_ART RETRO_ETCHING RIVIERA_POP
    SPOTLIGHT_80S STYLIZED_RED SURREAL_COLLAGE TRAVEL_POSTER VINTAGE_GEO VINTAGE_POSTER WATERCOLOR WEIRD WOODBLOCK_PRINT"""
STYLE_PRESETS: Final = tuple(_STYLE_PRESETS.split())

FILE: Final = "A file as a part of a form, or a text: its http(s) address, base64, or a data URI. JPEG, PNG or WebP, at most 10 MB."
_File = Annotated[str, Meta(description=FILE, examples=["https://example.com/cat.png"])]
_Image = Annotated[_File, Meta(description=f"The picture. {FILE}")]
_NegativePrompt = Annotated[
    str,
    Meta(max_length=MAX_PROMPT_CHARACTERS, description="What it must not show; `prompt` wins over it.", examples=["clouds"]),
]
_StyleType = Annotated[
    Literal["", "AUTO", "GENERAL", "REALISTIC", "DESIGN", "FICTION"],
    Meta(
        description="The style. With `style_preset` or style references only AUTO and GENERAL, with a person AUTO, REALISTIC and FICTION.",
        examples=["REALISTIC"],
    ),
]
_Character = Annotated[
    list[_File], Meta(max_length=MAX_CHARACTER_REFERENCES, description="A person to show; raises the price. Not with FLASH.")
]
_CharacterMask = Annotated[
    list[_File], Meta(max_length=MAX_CHARACTER_REFERENCES, description="A grey picture of the same size, one for each of them.")
]
_Ratio = Annotated[str, Meta(extra_json_schema={"enum": ["", *ASPECT_RATIOS]}, examples=["16x9"])]
_Prompt = Annotated[
    str, Meta(min_length=1, max_length=MAX_PROMPT_CHARACTERS, description="What the picture shows.", examples=["a red kite over the sea"])
]
_MagicPrompt = Annotated[
    Literal["", "AUTO", "ON", "OFF"],
    Meta(description="Whether the vendor writes the prompt anew; the answer has what was used.", examples=["OFF"]),
]
_Resolution = Annotated[str, Meta(extra_json_schema={"enum": list(RESOLUTIONS)}, examples=["1280x800"])]
_MaybeResolution = Annotated[
    str,
    Meta(
        description="Width and height in pixels; not together with `aspect_ratio`.",
        extra_json_schema={"enum": ["", *RESOLUTIONS]},
        examples=["1280x800"],
    ),
]


class PaletteMember(Struct, kw_only=True):
    """One colour of a palette; the heaviest come first."""

    color_hex: Annotated[str, Meta(pattern="^#[0-9A-Fa-f]{6}$", description="The colour.", examples=["#FFAA00"])]
    color_weight: Annotated[float, Meta(ge=MIN_COLOR_WEIGHT, le=1, description="How much of it.", examples=[0.5])] = 1.0


class Palette(Struct, kw_only=True, omit_defaults=True):
    """Either the name of a palette or its colours."""

    name: Annotated[
        Literal["", "EMBER", "FRESH", "JUNGLE", "MAGIC", "MELON", "MOSAIC", "PASTEL", "ULTRAMARINE"],
        Meta(description="A palette of the vendor's.", examples=["EMBER"]),
    ] = ""
    members: Annotated[list[PaletteMember], Meta(max_length=MAX_PALETTE_MEMBERS, description="Colours, in place of `name`.")] = []


class StyledBody(Struct, kw_only=True, omit_defaults=True):
    """What all bodies share. An empty text means that the field is absent. In forms lists repeat their part."""

    model: Annotated[str, Meta(max_length=MAX_MODEL_CHARACTERS, description="Ours: another model of pictures than Ideogram 3.0.")] = (
        DEFAULT_MODEL
    )
    num_images: Annotated[int, Meta(ge=1, le=MAX_IMAGES, description="How many pictures; each is charged.")] = 1
    seed: Annotated[int, Meta(ge=0, le=MAX_SEED, description="The same seed makes the same picture.", examples=[7])] | None = None
    rendering_speed: Annotated[
        Literal["", "FLASH", "TURBO", "DEFAULT", "QUALITY"],
        Meta(description="Speed against quality; the price depends on it.", examples=["TURBO"]),
    ] = "DEFAULT"
    style_preset: Annotated[
        str,
        Meta(
            description="A style of the vendor's; `style_type` must then be AUTO or GENERAL, and no style references be given.",
            extra_json_schema={"enum": ["", *STYLE_PRESETS]},
            examples=["WATERCOLOR"],
        ),
    ] = ""
    color_palette: Annotated[
        Palette | None, Meta(description="Colours of the picture; in a form its JSON as a text.", examples=[{"name": "EMBER"}])
    ] = None
    style_codes: Annotated[
        list[Annotated[str, Meta(pattern="^[0-9A-Fa-f]{8}$")]],
        Meta(
            max_length=MAX_STYLE_CODES,
            description="Styles by their codes; not together with `style_type` or `style_reference_images`.",
            examples=[["0F3C5A7B"]],
        ),
    ] = []
    style_reference_images: Annotated[
        list[_File], Meta(max_length=MAX_STYLE_REFERENCES, description=f"Pictures whose style is taken. {FILE}")
    ] = []


class GenerateBody(StyledBody, kw_only=True, omit_defaults=True):
    """Body of `POST /ideogram/v1/ideogram-v3/generate`."""

    prompt: _Prompt
    negative_prompt: _NegativePrompt = ""
    resolution: _MaybeResolution = ""
    aspect_ratio: Annotated[_Ratio, Meta(description="Width to height; `16:9` is read as well.")] = "1x1"
    magic_prompt: _MagicPrompt = "AUTO"
    style_type: _StyleType = "GENERAL"
    character_reference_images: _Character = []
    character_reference_images_mask: _CharacterMask = []


class EditBody(StyledBody, kw_only=True, omit_defaults=True):
    """Body of `POST /ideogram/v1/ideogram-v3/edit`."""

    image: _Image
    mask: Annotated[_File, Meta(description=f"As large as `image`; black is what changes. {FILE}")]
    prompt: _Prompt
    magic_prompt: _MagicPrompt = "AUTO"
    style_type: _StyleType = "GENERAL"
    character_reference_images: _Character = []
    character_reference_images_mask: _CharacterMask = []


class RemixBody(StyledBody, kw_only=True, omit_defaults=True):
    """Body of `POST /ideogram/v1/ideogram-v3/remix`."""

    image: _Image
    prompt: _Prompt
    image_weight: Annotated[int, Meta(ge=1, le=MAX_IMAGE_WEIGHT, description="How much of the picture is kept.", examples=[70])] = 50
    negative_prompt: _NegativePrompt = ""
    resolution: _MaybeResolution = ""
    aspect_ratio: Annotated[_Ratio, Meta(description="Width to height; the picture is cut to it first.")] = "1x1"
    magic_prompt: _MagicPrompt = "AUTO"
    style_type: _StyleType = "GENERAL"
    character_reference_images: _Character = []
    character_reference_images_mask: _CharacterMask = []


class ReframeBody(StyledBody, kw_only=True, omit_defaults=True):
    """Body of `POST /ideogram/v1/ideogram-v3/reframe`."""

    image: _Image
    resolution: Annotated[_Resolution, Meta(description="Width and height of the result, in pixels.")]


class ReplaceBackgroundBody(StyledBody, kw_only=True, omit_defaults=True):
    """Body of `POST /ideogram/v1/ideogram-v3/replace-background`."""

    image: _Image
    prompt: Annotated[
        str,
        Meta(min_length=1, max_length=MAX_PROMPT_CHARACTERS, description="What is behind the subject from now on.", examples=["a beach"]),
    ]
    magic_prompt: _MagicPrompt = "AUTO"


class Picture(Struct, kw_only=True, omit_defaults=True):
    """One picture. `url` is null when the vendor withholds it because it `is_image_safe` not; such a picture is charged too."""

    url: Annotated[str | None, Meta(description="Signed address of the file, kept here; null when the vendor withholds it.")]
    prompt: Annotated[str, Meta(description="The prompt that was used.", examples=["a red kite over the sea"])]
    resolution: Annotated[str, Meta(description="Width and height in pixels.", examples=["1280x800"])]
    is_image_safe: Annotated[bool, Meta(description="Whether the vendor shows it; it is charged either way.")]
    seed: Annotated[int, Meta(description="The seed that made it.", examples=[12345])]
    style_type: Annotated[str | None, Meta(description="The style that was used.", examples=["GENERAL"])] = None
    upscaled_resolution: Annotated[str | None, Meta(description="Its size, when it was enlarged.")] = None


class Pictures(Struct, kw_only=True):
    """The answer of all operations."""

    created: Annotated[str, Meta(description="When, ISO 8601.", examples=["2026-11-27T10:00:00.000000+00:00"])]
    data: Annotated[list[Picture], Meta(description="The pictures.")]


class ErrorBody(Struct, kw_only=True):
    """An error, where OpenAI's clients look for it."""

    error: Annotated[ErrorTwin, Meta(description="What went wrong.")]
