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
_Prompt = Annotated[
    str,
    Meta(
        max_length=MAX_PROMPT_UNITS,
        description="What it shows: at most 1,000 characters, counted as UTF-16.",
        examples=["a red kite over the sea"],
    ),
]
_Ratio = Annotated[
    str,
    Meta(
        description="Width to height, or width and height in pixels; the model's own when left out.",
        extra_json_schema={"enum": ["", *RATIOS]},
        examples=["1280:720"],
    ),
]
_Duration = Annotated[int, Meta(ge=MIN_SECONDS, le=MAX_SECONDS, description="Seconds; which there are depends on the model.", examples=[5])]
_NegativePrompt = Annotated[
    str,
    Meta(max_length=MAX_PROMPT_UNITS, description="What it must not show, where the model takes that.", examples=["clouds"]),
]
_Audio = Annotated[bool, Meta(description="With sound, where the model can; veo models do unless told otherwise.")]
_Seed = Annotated[int, Meta(ge=0, le=MAX_SEED, description="The same seed makes nearly the same; any when left out.", examples=[7])]
_Model = Annotated[str, Meta(max_length=MAX_MODEL_CHARACTERS, description="The model.", examples=["gen4_turbo"])]


class Frame(Struct, kw_only=True):
    """One picture and its place in the video."""

    uri: Annotated[
        str,
        Meta(
            description="An http(s) address, base64, or a data URI; JPEG, PNG or WebP of at most 5 MB.",
            examples=["https://example.com/cat.png"],
        ),
    ]
    position: Annotated[
        Literal["first", "last"], Meta(description="First or last frame, each once; gen4 models take the first only.", examples=["first"])
    ] = "first"


class Moderation(Struct, kw_only=True, rename="camel"):
    """How strictly the vendor judges."""

    public_figure_threshold: Annotated[
        Literal["auto", "low"], Meta(description="How readily public figures are recognised; `low` is less strict.", examples=["low"])
    ] = "auto"


_Moderation = Annotated[Moderation | None, Meta(description="How strictly the vendor judges.")]


class ImageToVideoBody(Struct, kw_only=True, omit_defaults=True, rename="camel"):
    """Body of `POST /runwayml/v1/image_to_video`. An empty string means that the field is absent."""

    model: _Model
    prompt_image: Annotated[
        str | list[Frame],
        Meta(
            description="The picture to begin with: an http(s) address, base64, or a data URI; or a list with `position` first or last. "
            "JPEG, PNG or WebP of at most 5 MB.",
            examples=["https://example.com/cat.png"],
        ),
    ]
    prompt_text: _Prompt = ""
    ratio: _Ratio = ""
    duration: _Duration = 5
    seed: _Seed | None = None
    audio: _Audio = False
    negative_prompt: _NegativePrompt = ""
    content_moderation: _Moderation = None
    watermark: Annotated[bool, Meta(description="Taken and ignored.")] = False


class TextToVideoBody(Struct, kw_only=True, omit_defaults=True, rename="camel"):
    """Body of `POST /runwayml/v1/text_to_video`."""

    model: _Model
    prompt_text: _Prompt
    ratio: _Ratio = ""
    duration: _Duration = 5
    seed: _Seed | None = None
    audio: _Audio = False
    negative_prompt: _NegativePrompt = ""
    content_moderation: _Moderation = None


class Reference(Struct, kw_only=True, omit_defaults=True):
    """A picture to be guided by; the prompt speaks of it as `@tag`."""

    uri: Annotated[
        str,
        Meta(
            description="An http(s) address, base64, or a data URI; JPEG, PNG or WebP of at most 5 MB.",
            examples=["https://example.com/cat.png"],
        ),
    ]
    tag: Annotated[
        str,
        Meta(
            min_length=MIN_TAG_CHARACTERS,
            max_length=MAX_TAG_CHARACTERS,
            description="Its name in the prompt: letters, digits and `_`, a letter first.",
            examples=["cat"],
        ),
    ] = ""


class TextToImageBody(Struct, kw_only=True, omit_defaults=True, rename="camel"):
    """Body of `POST /runwayml/v1/text_to_image`."""

    model: _Model
    prompt_text: _Prompt
    ratio: Annotated[
        str,
        Meta(
            description="Width and height in pixels; the model's own when left out.",
            extra_json_schema={"enum": ["", *SIZES]},
            examples=["1920:1080"],
        ),
    ] = ""
    seed: _Seed | None = None
    reference_images: Annotated[list[Reference], Meta(max_length=MAX_REFERENCES, description="Pictures to be guided by.")] = []
    content_moderation: _Moderation = None


class VideoToVideoBody(Struct, kw_only=True, omit_defaults=True, rename="camel"):
    """Body of `POST /runwayml/v1/video_to_video`."""

    model: _Model
    video_uri: Annotated[
        str,
        Meta(
            description="The clip to change: an http(s) address, base64, or a data URI; MP4 of at most 16 MB.",
            examples=["https://example.com/cat.mp4"],
        ),
    ]
    prompt_text: _Prompt = ""
    target_aspect_ratio: Annotated[
        str,
        Meta(description="Width to height; the clip's own when left out.", extra_json_schema={"enum": ["", *TARGETS]}, examples=["16:9"]),
    ] = ""
    seed: _Seed | None = None
    content_moderation: _Moderation = None


class Actor(Struct, kw_only=True):
    """Who acts, or what is acted after."""

    type: Annotated[Literal["image", "video"], Meta(description="What it is.", examples=["image"])]
    uri: Annotated[
        str,
        Meta(
            description="An http(s) address, base64, or a data URI: a picture of at most 5 MB, or an MP4 of at most 16 MB.",
            examples=["https://example.com/cat.png"],
        ),
    ]


class CharacterPerformanceBody(Struct, kw_only=True, omit_defaults=True, rename="camel"):
    """Body of `POST /runwayml/v1/character_performance`."""

    model: _Model
    character: Annotated[Actor, Meta(description="Who acts: a picture or an MP4.")]
    reference: Annotated[Actor, Meta(description="The performance to act after: an MP4 of 3 to 30 seconds.")]
    ratio: _Ratio = ""
    body_control: Annotated[bool, Meta(description="The body moves too, not only the face.")] = False
    expression_intensity: Annotated[int, Meta(ge=1, le=MAX_INTENSITY, description="How strongly the face shows it.", examples=[3])] = 3
    seed: _Seed | None = None
    content_moderation: _Moderation = None


class Created(Struct, kw_only=True):
    """A task just taken."""

    id: Annotated[str, Meta(description="Id of the task; fetch it by this.", examples=["task_4fK2mQpX7cVbN1sLr8YwZd"])]
    status: Annotated[Status, Meta(description="`PENDING`, unless it has ended already.", examples=["PENDING"])]


class Cost(Struct, kw_only=True):
    """Money as the vendor counts it: one credit is 0.01 USD, here of this gateway's prices."""

    credits: Annotated[float, Meta(description="How many; 0 of a task that failed.", examples=[25])]


class TaskDetail(Struct, kw_only=True, rename="camel"):
    """A task as it stands. `output` is there once it is `SUCCEEDED`, `failure` and `failureCode` when it is `FAILED`."""

    id: Annotated[str, Meta(description="Id of the task.", examples=["task_4fK2mQpX7cVbN1sLr8YwZd"])]
    status: Annotated[Status, Meta(description="How far it is; `SUCCEEDED` and `FAILED` are the end.", examples=["SUCCEEDED"])]
    created_at: Annotated[str, Meta(description="When it was taken, ISO 8601.", examples=["2026-11-27T10:00:00.000Z"])]
    progress: Annotated[float | UnsetType, Meta(description="With `RUNNING`: from 0 to 1.", examples=[0.5])] = UNSET
    output: Annotated[list[str] | UnsetType, Meta(description="With `SUCCEEDED`: signed addresses of the files; they need no key.")] = UNSET
    failure: Annotated[str | UnsetType, Meta(description="With `FAILED`: why; nothing is charged then.")] = UNSET
    failure_code: Annotated[
        str | UnsetType | None, Meta(description="With `FAILED`: the vendor's word for it, or one of its kind.", examples=["SAFETY.INPUT"])
    ] = UNSET
    estimated_cost: Annotated[Cost | UnsetType, Meta(description="Before the end: what it will cost when it succeeds.")] = UNSET
    cost: Annotated[Cost | UnsetType, Meta(description="In the end: what it cost.")] = UNSET


class ErrorBody(Struct, kw_only=True):
    """An error: `error.message` is what this family's clients show."""

    error: Annotated[ErrorTwin, Meta(description="What went wrong.")]
