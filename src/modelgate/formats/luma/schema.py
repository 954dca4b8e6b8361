"""Bodies of both Luma dialects as published, and their bounds. Sources: the family's documentation and docs.lumalabs.ai, read 2026-11.

The structs make the OpenAPI document; the decoders check by the same constants and say which rule broke.
"""

from typing import Annotated, Any, Final, Literal

from msgspec import Meta, Struct

from modelgate.formats.media.error_twin import ErrorTwin

DEFAULT_MODEL: Final = "ray-2"
MODEL_NAMES: Final = {"ray-v1": "ray-1-6", "ray-v2": "ray-2", "ray-v3": "ray-3.2"}
"""The family's names of models, and the vendor's own."""

MAX_PROMPT_CHARACTERS: Final = 6_000
MAX_MODEL_CHARACTERS: Final = 100
MAX_IMAGE_BYTES: Final = 20 * 1024 * 1024
MAX_REFERENCES: Final = 4
MAX_CONCEPTS: Final = 8
MAX_FETCHED: Final = 100
MAX_LISTED: Final = 100
DEFAULT_LISTED: Final = 10
MAX_OFFSET: Final = 1_000_000
MAX_ID_CHARACTERS: Final = 100
IMAGE_TYPES: Final = ("image/jpeg", "image/png", "image/webp")
ASPECT_RATIOS: Final = ("1:1", "16:9", "9:16", "4:3", "3:4", "21:9", "9:21")
RESOLUTIONS: Final = ("360p", "540p", "720p", "1080p", "4k")
DURATIONS: Final = ("5s", "9s", "10s")
FORMATS: Final = ("jpg", "png")
CONCEPTS: Final = (
    *("truck_left", "truck_right", "pan_left", "pan_right", "pedestal_up", "pedestal_down", "tilt_up", "tilt_down", "roll_left"),
    *("roll_right", "zoom_in", "zoom_out", "push_in", "pull_out", "crane_up", "crane_down", "orbit_left", "orbit_right", "dolly_zoom"),
    *("static", "handheld", "selfie", "pov", "over_the_shoulder", "overhead", "eye_level", "low_angle", "high_angle", "ground_level"),
    *("aerial", "aerial_drone", "bolt_cam", "tiny_planet", "elevator_doors"),
)

_Prompt = Annotated[str, Meta(max_length=MAX_PROMPT_CHARACTERS)]
_Picture = Annotated[
    str, Meta(description="An http(s) address, base64, or a data URI: JPEG, PNG or WebP of at most 20 MB. An empty string is none.")
]
_Ratio = Literal["", "1:1", "16:9", "9:16", "4:3", "3:4", "21:9", "9:21"]
_Resolution = Literal["", "360p", "540p", "720p", "1080p", "4k"]
_Duration = Annotated[str, Meta(description="`5s`; `9s` or `10s` where the model makes that.")]
_Json = dict[str, Any]


class GenerationBody(Struct, kw_only=True, omit_defaults=True):
    """Body of `POST /luma/generations`. An empty string means that the field is absent."""

    user_prompt: Annotated[str, Meta(max_length=MAX_PROMPT_CHARACTERS, description="What it shows; `prompt` is read too.")]
    model_name: Annotated[str, Meta(description="`ray-v1`, `ray-v2`, `ray-v3`, or any model of videos.")] = "ray-v2"
    expand_prompt: Annotated[bool, Meta(description="Taken; the vendor's API has no such switch any more.")] = False
    loop: bool = False
    image_url: _Picture = ""
    image_end_url: _Picture = ""
    aspect_ratio: _Ratio = "16:9"
    resolution: _Resolution = "720p"
    duration: _Duration = "5s"
    notify_hook: Annotated[str, Meta(description="Where you want to hear of the end.")] = ""


class ExtensionBody(Struct, kw_only=True, omit_defaults=True):
    """Body of `POST /luma/generations/{task_id}/extend`; what is not said is as in the earlier task."""

    user_prompt: _Prompt
    model_name: str = ""
    expand_prompt: bool = False
    image_end_url: _Picture = ""
    resolution: _Resolution = ""
    duration: _Duration = "5s"
    notify_hook: str = ""


class BatchBody(Struct, kw_only=True):
    """Body of `POST /luma/tasks`."""

    ids: Annotated[list[str], Meta(max_length=MAX_FETCHED)]


class FamilyTask(Struct, kw_only=True):
    """A task in the family's shape. `video` and `video_raw` are there once it is `completed`, with one and the same file."""

    id: str
    prompt: str
    state: Literal["pending", "processing", "completed", "failed"]
    queue_state: _Json | None = None
    created_at: str
    batch_id: str = ""
    video: _Json | None = None
    video_raw: _Json | None = None
    assets: _Json = {}
    artifact: _Json | None = None
    thumbnail: _Json | None = None
    last_frame: _Json | None = None
    request: _Json = {}
    liked: bool | None = None
    estimate_wait_seconds: float | None = None
    failure_reason: str | None = None
    message: str = ""


class VideoAddress(Struct, kw_only=True):
    """Where the video is."""

    url: str


class DreamVideoBody(Struct, kw_only=True, omit_defaults=True):
    """Body of `POST /luma/dream-machine/v1/generations` and `…/generations/video`."""

    model: Annotated[str, Meta(max_length=MAX_MODEL_CHARACTERS)]
    prompt: _Prompt = ""
    generation_type: Literal["video"] = "video"
    aspect_ratio: _Ratio = "16:9"
    resolution: _Resolution = "720p"
    duration: _Duration = "5s"
    loop: bool = False
    keyframes: Annotated[
        _Json,
        Meta(description='`frame0`, `frame1`: `{"type": "image", "url": …}` or `{"type": "generation", "id": …}`, one of the latter.'),
    ] = {}
    concepts: Annotated[list[_Json], Meta(description='`[{"key": …}]` of the vendor\'s list.', max_length=MAX_CONCEPTS)] = []
    callback_url: str = ""


class DreamImageBody(Struct, kw_only=True, omit_defaults=True):
    """Body of `POST /luma/dream-machine/v1/generations/image`."""

    model: Annotated[str, Meta(max_length=MAX_MODEL_CHARACTERS)]
    prompt: _Prompt
    generation_type: Literal["image"] = "image"
    aspect_ratio: _Ratio = "16:9"
    format: Literal["", "jpg", "png"] = "jpg"
    image_ref: Annotated[list[_Json], Meta(max_length=MAX_REFERENCES)] = []
    style_ref: Annotated[list[_Json], Meta(max_length=MAX_REFERENCES)] = []
    character_ref: _Json = {}
    modify_image_ref: _Json = {}
    sync: Annotated[bool, Meta(description="Must be false: pictures are made in the background here.")] = False
    callback_url: str = ""


class UpscaleBody(Struct, kw_only=True, omit_defaults=True):
    """Body of `POST …/generations/{task_id}/upscale`."""

    resolution: Literal["540p", "720p", "1080p", "4k"]
    callback_url: str = ""


class AudioBody(Struct, kw_only=True, omit_defaults=True):
    """Body of `POST …/generations/{task_id}/audio`."""

    prompt: _Prompt
    negative_prompt: _Prompt = ""
    callback_url: str = ""


class Generation(Struct, kw_only=True):
    """A task in Dream Machine's shape."""

    id: str
    generation_type: Literal["video", "image"]
    state: Literal["queued", "dreaming", "completed", "failed"]
    failure_reason: str | None
    created_at: str
    assets: _Json | None
    model: str
    request: _Json


class GenerationList(Struct, kw_only=True):
    """Some of the account's tasks, the newest first. `count` is how many are shown here."""

    has_more: bool
    count: int
    limit: int
    offset: int
    generations: list[Generation]


class Pong(Struct, kw_only=True):
    """The answer to a ping."""

    message: str


class ErrorBody(Struct, kw_only=True):
    """An error: the family's clients read `error.message`, the official one `detail`."""

    error: ErrorTwin
    detail: str


class ListQuery(Struct, frozen=True, kw_only=True):
    """Which generations a list shows."""

    limit: Annotated[int, Meta(ge=1, le=MAX_LISTED, description="How many.")] = DEFAULT_LISTED
    offset: Annotated[int, Meta(ge=0, le=MAX_OFFSET, description="How many to pass over first.")] = 0
