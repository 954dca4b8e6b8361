"""Bodies of Runway's dialect as published, and their bounds. Source: docs.dev.runwayml.com, read 2026-11.

The structs make the OpenAPI document; `request.py` checks by the same constants and says which rule broke.
"""

from typing import Annotated, Final, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from modelgate.formats.media.error_twin import ErrorTwin

MAX_PROMPT_UNITS: Final = 1_000
MAX_MODEL_CHARACTERS: Final = 100
MAX_SEED: Final = 2**32 - 1
MIN_SECONDS: Final = 2
MAX_SECONDS: Final = 10
MAX_IMAGE_BYTES: Final = 5 * 1024 * 1024
MAX_FRAMES: Final = 2
MAX_REFERENCES: Final = 3
MIN_TAG_CHARACTERS: Final = 3
MAX_TAG_CHARACTERS: Final = 16
MAX_VIDEO_BYTES: Final = 16 * 1024 * 1024
VIDEO_TYPES: Final = ("video/mp4",)
TARGETS: Final = ("16:9", "4:3", "3:2", "1:1", "2:3", "3:4", "9:16", "21:9")
MAX_INTENSITY: Final = 5
IMAGE_TYPES: Final = ("image/jpeg", "image/png", "image/webp")
THRESHOLDS: Final = ("auto", "low")
POSITIONS: Final = ("first", "last")
MODEL_ALIASES: Final = {"gen4a_turbo": "gen4_turbo"}
"""A spelling that stands in other people's documentation."""

RATIOS: Final = {
    "1280:720": ("16:9", ""),
    "1280:768": ("16:9", ""),
    "16:9": ("16:9", ""),
    "720:1280": ("9:16", ""),
    "768:1280": ("9:16", ""),
    "9:16": ("9:16", ""),
    "1104:832": ("4:3", ""),
    "4:3": ("4:3", ""),
    "832:1104": ("3:4", ""),
    "3:4": ("3:4", ""),
    "960:960": ("1:1", ""),
    "1:1": ("1:1", ""),
    "1584:672": ("21:9", ""),
    "21:9": ("21:9", ""),
    "1920:1080": ("16:9", "1080p"),
    "1080:1920": ("9:16", "1080p"),
}
"""What each `ratio` of a video means: aspect ratio, and resolution where it is not the model's usual one."""

SIZES: Final = (
    *("1024:1024", "1080:1080", "1168:880", "1360:768", "1440:1080", "1080:1440", "1808:768", "1920:1080"),
    *("1080:1920", "2112:912", "1280:720", "720:1280", "720:720", "960:720", "720:960", "1680:720"),
)

Status = Literal["PENDING", "RUNNING", "SUCCEEDED", "FAILED"]
_Prompt = Annotated[str, Meta(description="What it shows: at most 1,000 characters, counted as UTF-16.")]
_Seed = Annotated[int, Meta(ge=0, le=MAX_SEED, description="The same seed makes nearly the same.")]
_Model = Annotated[str, Meta(max_length=MAX_MODEL_CHARACTERS)]


class Frame(Struct, kw_only=True):
    """One picture and its place in the video."""

    uri: Annotated[str, Meta(description="An http(s) address, base64, or a data URI.")]
    position: Literal["first", "last"]


class Moderation(Struct, kw_only=True, rename="camel"):
    """How strictly the vendor judges."""

    public_figure_threshold: Literal["auto", "low"] = "auto"


class ImageToVideoBody(Struct, kw_only=True, omit_defaults=True, rename="camel"):
    """Body of `POST /runwayml/v1/image_to_video`. An empty string means that the field is absent."""

    model: _Model
    prompt_image: Annotated[
        str | list[Frame],
        Meta(
            description="The picture to begin with: an http(s) address, base64, or a data URI; or a list with `position` first or last. "
            "JPEG, PNG or WebP of at most 5 MB."
        ),
    ]
    prompt_text: _Prompt = ""
    ratio: Annotated[str, Meta(description="One of " + ", ".join(RATIOS) + "; the model's own by default.")] = ""
    duration: Annotated[int, Meta(ge=MIN_SECONDS, le=MAX_SECONDS, description="Seconds; the model says which.")] = 5
    seed: _Seed = 0
    audio: Annotated[bool, Meta(description="With sound, where the model can; veo models do unless told otherwise.")] = False
    negative_prompt: Annotated[str, Meta(description="What it must not show, where the model takes that.")] = ""
    content_moderation: Moderation | None = None
    watermark: Annotated[bool, Meta(description="Taken and ignored.")] = False


class TextToVideoBody(Struct, kw_only=True, omit_defaults=True, rename="camel"):
    """Body of `POST /runwayml/v1/text_to_video`."""

    model: _Model
    prompt_text: _Prompt
    ratio: Annotated[str, Meta(description="One of " + ", ".join(RATIOS) + "; the model's own by default.")] = ""
    duration: Annotated[int, Meta(ge=MIN_SECONDS, le=MAX_SECONDS, description="Seconds; the model says which.")] = 5
    seed: _Seed = 0
    audio: bool = False
    negative_prompt: str = ""
    content_moderation: Moderation | None = None


class Reference(Struct, kw_only=True, omit_defaults=True):
    """A picture to be guided by; the prompt speaks of it as `@tag`."""

    uri: str
    tag: Annotated[str, Meta(min_length=MIN_TAG_CHARACTERS, max_length=MAX_TAG_CHARACTERS)] = ""


class TextToImageBody(Struct, kw_only=True, omit_defaults=True, rename="camel"):
    """Body of `POST /runwayml/v1/text_to_image`."""

    model: _Model
    prompt_text: _Prompt
    ratio: Annotated[str, Meta(description="Width and height in pixels: one of " + ", ".join(SIZES) + ".")] = ""
    seed: _Seed = 0
    reference_images: Annotated[list[Reference], Meta(max_length=MAX_REFERENCES)] = []
    content_moderation: Moderation | None = None


class VideoToVideoBody(Struct, kw_only=True, omit_defaults=True, rename="camel"):
    """Body of `POST /runwayml/v1/video_to_video`."""

    model: _Model
    video_uri: Annotated[str, Meta(description="The clip to change: an http(s) address, base64, or a data URI; MP4 of at most 16 MB.")]
    prompt_text: _Prompt = ""
    target_aspect_ratio: Annotated[str, Meta(description="One of " + ", ".join(TARGETS) + ".")] = ""
    seed: _Seed = 0
    content_moderation: Moderation | None = None


class Actor(Struct, kw_only=True):
    """Who acts, or what is acted after."""

    type: Literal["image", "video"]
    uri: str


class CharacterPerformanceBody(Struct, kw_only=True, omit_defaults=True, rename="camel"):
    """Body of `POST /runwayml/v1/character_performance`."""

    model: _Model
    character: Annotated[Actor, Meta(description="Who acts: a picture or an MP4.")]
    reference: Annotated[Actor, Meta(description="The performance to act after: an MP4 of 3 to 30 seconds.")]
    ratio: str = ""
    body_control: bool = False
    expression_intensity: Annotated[int, Meta(ge=1, le=MAX_INTENSITY)] = 3
    seed: _Seed = 0
    content_moderation: Moderation | None = None


class Created(Struct, kw_only=True):
    """A task just taken."""

    id: str
    status: Status


class Cost(Struct, kw_only=True):
    """Money as the vendor counts it: one credit is 0.01 USD, here of this gateway's prices."""

    credits: float


class TaskDetail(Struct, kw_only=True, rename="camel"):
    """A task as it stands. `output` is there once it is `SUCCEEDED`, `failure` and `failureCode` when it is `FAILED`."""

    id: str
    status: Status
    created_at: str
    progress: float | UnsetType = UNSET
    output: list[str] | UnsetType = UNSET
    failure: str | UnsetType = UNSET
    failure_code: str | UnsetType | None = UNSET
    estimated_cost: Cost | UnsetType = UNSET
    cost: Cost | UnsetType = UNSET


class ErrorBody(Struct, kw_only=True):
    """An error: `error.message` is what this family's clients show."""

    error: ErrorTwin
