"""The body and the answer as published, and their bounds."""

from typing import Annotated, Final

from msgspec import Meta, Struct

MAX_PROMPT_CHARACTERS: Final = 1000
MAX_IMAGES: Final = 10
MAX_SAFETY_TOLERANCE: Final = 6
MAX_SEED: Final = 2**31 - 1
MAX_URL_CHARACTERS: Final = 8192
MAX_INPUT_BYTES: Final = 20 * 1024 * 1024
MIN_INPUT_SIDE_PIXELS: Final = 64
MAX_INPUT_RATIO: Final = 10.0
ASPECT_RATIOS: Final = ("21:9", "16:9", "4:3", "3:2", "1:1", "2:3", "3:4", "9:16", "9:21")
DEFAULT_ASPECT_RATIO: Final = "1:1"
RESPONSE_FORMATS: Final = ("url", "b64_json")
OUTPUT_FORMATS: Final = ("png", "jpeg")

_Seed = Annotated[int, Meta(ge=0, le=MAX_SEED, description="The same seed makes the same picture; further pictures count up from it.")]
_Tolerance = Annotated[int, Meta(ge=0, le=MAX_SAFETY_TOLERANCE, description="How much moderation lets pass; 0 is strictest.")]


class ImageBody(Struct, kw_only=True, omit_defaults=True):
    """Body of `POST /v1/images/generations` for a model whose vendor works by tasks. `null` means that the field is absent."""

    model: Annotated[str, Meta(min_length=1, max_length=256, description="Such as `flux-kontext-pro`.")]
    prompt: Annotated[str, Meta(min_length=1, description=f"What the picture shows; at most {MAX_PROMPT_CHARACTERS} characters.")]
    n: Annotated[int, Meta(ge=1, le=MAX_IMAGES, description="How many pictures; each is charged.")] | None = None
    aspect_ratio: Annotated[str, Meta(description="Width to height: " + ", ".join(ASPECT_RATIOS) + ". Default 1:1.")] | None = None
    size: Annotated[str, Meta(description="`WxH`, where `aspect_ratio` is absent: the nearest ratio is taken. Or `auto`.")] | None = None
    response_format: Annotated[str, Meta(description="`url` (default) or `b64_json`.")] | None = None
    image: (
        Annotated[str, Meta(description="A picture to begin with: an http(s) address, base64, or a data URI. JPEG or PNG, at most 20 MB.")]
        | None
    ) = None
    output_format: Annotated[str, Meta(description="`png` or `jpeg`; default: the model's.")] | None = None
    seed: _Seed | None = None
    safety_tolerance: _Tolerance | None = None
    prompt_upsampling: Annotated[bool, Meta(description="Let the model embellish the prompt.")] | None = None
    stream: Annotated[bool, Meta(description="Not for these models.")] | None = None
    quality: Annotated[str, Meta(description="Ignored.")] | None = None
    style: Annotated[str, Meta(description="Ignored.")] | None = None
    user: Annotated[str, Meta(description="Ignored.")] | None = None


class Picture(Struct, kw_only=True, omit_defaults=True):
    """One picture, as `response_format` asks."""

    url: str = ""
    b64_json: str = ""


class ImagesAnswer(Struct, kw_only=True):
    """The pictures in the order of their tasks; one whose task failed is missing."""

    created: int
    data: list[Picture]
