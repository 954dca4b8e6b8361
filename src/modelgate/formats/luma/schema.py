"""Bodies of both Luma dialects as published, and their bounds. Sources: the family's documentation and docs.lumalabs.ai, read 2026-11.

The structs make the OpenAPI document; the decoders check by the same constants and say which rule broke.
"""

from typing import Annotated, Any, Final, Literal

from msgspec import Meta, Struct

from modelgate.formats.media.error_twin import ErrorTwin
from modelgate.formats.media.fields import MAX_URL_CHARACTERS

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

_Prompt = Annotated[str, Meta(max_length=MAX_PROMPT_CHARACTERS, description="What it shows.", examples=["a red kite over the sea"])]
PICTURE: Final = "An http(s) address, base64, or a data URI: JPEG, PNG or WebP of at most 20 MB."
_Picture = Annotated[str, Meta(description=PICTURE, examples=["https://example.com/cat.png"])]
_FirstFrame = Annotated[_Picture, Meta(description=f"The first frame. {PICTURE}")]
_LastFrame = Annotated[_Picture, Meta(description=f"The last frame. {PICTURE}")]
_Model = Annotated[
    str, Meta(max_length=MAX_MODEL_CHARACTERS, description="The model: `ray-2`, `ray-flash-2`, or any other of videos.", examples=["ray-2"])
]
_Ratio = Annotated[
    Literal["", "1:1", "16:9", "9:16", "4:3", "3:4", "21:9", "9:21"], Meta(description="Width to height.", examples=["16:9"])
]
_Resolution = Annotated[
    Literal["", "360p", "540p", "720p", "1080p", "4k"],
    Meta(description="Height of the video; which there are depends on the model, and the price on it.", examples=["720p"]),
]
_Duration = Annotated[
    Literal["", "5s", "9s", "10s"],
    Meta(description="Length; `9s` or `10s` where the model makes that. A bare `5` is taken too.", examples=["5s"]),
]
_Loop = Annotated[bool, Meta(description="The video ends as it begins.")]
_Expand = Annotated[bool, Meta(description="Taken; the vendor's API has no such switch any more.")]
_Hook = Annotated[
    str,
    Meta(
        max_length=MAX_URL_CHARACTERS,
        description="Where changes of the task are posted to; never sent to the vendor.",
        examples=["https://example.com/luma"],
    ),
]
_CreatedAt = Annotated[str, Meta(description="When it was taken, ISO 8601.", examples=["2026-11-27T10:00:00Z"])]
_TaskId = Annotated[str, Meta(description="Id of the task; fetch it by this.", examples=["task_4fK2mQpX7cVbN1sLr8YwZd"])]
_FailureReason = Annotated[str | None, Meta(description="With `failed`: why; nothing is charged then.")]
_Json = dict[str, Any]


class GenerationBody(Struct, kw_only=True, omit_defaults=True):
    """Body of `POST /luma/generations`. An empty string means that the field is absent."""

    user_prompt: Annotated[
        str,
        Meta(
            max_length=MAX_PROMPT_CHARACTERS,
            description="What it shows; `prompt` is read too. May be empty with a picture.",
            examples=["a red kite over the sea"],
        ),
    ]
    model_name: Annotated[
        str, Meta(max_length=MAX_MODEL_CHARACTERS, description="`ray-v1`, `ray-v2`, `ray-v3`, or any model of videos.", examples=["ray-v2"])
    ] = "ray-v2"
    expand_prompt: _Expand = False
    loop: _Loop = False
    image_url: _FirstFrame = ""
    image_end_url: _LastFrame = ""
    aspect_ratio: _Ratio = "16:9"
    resolution: _Resolution = "720p"
    duration: _Duration = "5s"
    notify_hook: _Hook = ""


class ExtensionBody(Struct, kw_only=True, omit_defaults=True):
    """Body of `POST /luma/generations/{task_id}/extend`; what is not said is as in the earlier task."""

    user_prompt: Annotated[_Prompt, Meta(description="How it goes on; `prompt` is read too.", examples=["the kite comes down"])]
    model_name: Annotated[
        str, Meta(max_length=MAX_MODEL_CHARACTERS, description="The earlier video's when left out.", examples=["ray-v2"])
    ] = ""
    expand_prompt: _Expand = False
    image_end_url: _LastFrame = ""
    resolution: _Resolution = ""
    duration: _Duration = "5s"
    notify_hook: _Hook = ""


class BatchBody(Struct, kw_only=True):
    """Body of `POST /luma/tasks`."""

    ids: Annotated[list[str], Meta(max_length=MAX_FETCHED, description="The tasks' ids.", examples=[["task_4fK2mQpX7cVbN1sLr8YwZd"]])]


class FamilyVideo(Struct, kw_only=True):
    """The video."""

    url: Annotated[str, Meta(description="Signed address of the file, kept here; needs no key.")]
    download_url: Annotated[str, Meta(description="The same address.")]
    width: Annotated[int | None, Meta(description="Always null here.")] = None
    height: Annotated[int | None, Meta(description="Always null here.")] = None
    thumbnail: Annotated[str | None, Meta(description="Always null here.")] = None


class RawVideo(Struct, kw_only=True):
    """The video once more, as newer clients read it."""

    url: Annotated[str, Meta(description="Signed address of the file, kept here; needs no key.")]
    width: Annotated[int | None, Meta(description="Always null here.")] = None
    height: Annotated[int | None, Meta(description="Always null here.")] = None
    duration: Annotated[float | None, Meta(description="Length in seconds as asked; null where nothing was.", examples=[5])] = None
    media_type: Annotated[str, Meta(description="Its content type.", examples=["video/mp4"])] = "video/mp4"


class Artifact(Struct, kw_only=True):
    """The video once more, with what belongs to it."""

    created_at: _CreatedAt
    thumbnail: Annotated[None, Meta(description="Always null here.")] = None
    video_raw: Annotated[RawVideo, Meta(description="The video.")]
    last_frame: Annotated[None, Meta(description="Always null here.")] = None


class FamilyTask(Struct, kw_only=True):
    """A task in the family's shape. `video` and `video_raw` are there once it is `completed`, with one and the same file."""

    id: _TaskId
    prompt: Annotated[str, Meta(description="The prompt.", examples=["a red kite over the sea"])]
    state: Annotated[
        Literal["pending", "processing", "completed", "failed"],
        Meta(description="How far it is; `completed` and `failed` are the end.", examples=["completed"]),
    ]
    queue_state: Annotated[_Json | None, Meta(description="Always null here.")] = None
    created_at: _CreatedAt
    batch_id: Annotated[str, Meta(description="Always empty here.")] = ""
    video: Annotated[FamilyVideo | None, Meta(description="With `completed`: the video.")] = None
    video_raw: Annotated[RawVideo | None, Meta(description="With `completed`: the same video.")] = None
    assets: Annotated[
        dict[str, str],
        Meta(
            description="With `completed`: the same address as `video`.",
            examples=[{"video": "https://gateway.example/files/task_4fK2-0.mp4"}],
        ),
    ] = {}
    artifact: Annotated[Artifact | None, Meta(description="With `completed`: the same video.")] = None
    thumbnail: Annotated[_Json | None, Meta(description="Always null here.")] = None
    last_frame: Annotated[_Json | None, Meta(description="Always null here.")] = None
    request: Annotated[
        _Json,
        Meta(
            description="What was asked for.",
            examples=[{"prompt": "a red kite over the sea", "aspect_ratio": "16:9", "model": "ray-2"}],
        ),
    ] = {}
    liked: Annotated[bool | None, Meta(description="Always null here.")] = None
    estimate_wait_seconds: Annotated[float | None, Meta(description="Always null here.")] = None
    failure_reason: _FailureReason = None
    message: Annotated[str, Meta(description="One sentence for people; holds `SUCCEED`.")] = ""


class VideoAddress(Struct, kw_only=True):
    """Where the video is."""

    url: Annotated[str, Meta(description="Signed address of the file, kept here; empty until there is one.")]


class Keyframe(Struct, kw_only=True, omit_defaults=True):
    """One end of a video: a picture, or an earlier video of yours."""

    type: Annotated[Literal["image", "generation"], Meta(description="What it is.", examples=["image"])]
    url: Annotated[str, Meta(description=f"With `image`: {PICTURE[0].lower()}{PICTURE[1:]}", examples=["https://example.com/cat.png"])] = ""
    id: Annotated[
        str, Meta(max_length=MAX_ID_CHARACTERS, description="With `generation`: its id.", examples=["task_4fK2mQpX7cVbN1sLr8YwZd"])
    ] = ""


class Keyframes(Struct, kw_only=True, omit_defaults=True):
    """Both ends of a video; only one of them may be a `generation`."""

    frame0: Annotated[Keyframe | None, Meta(description="The first frame, or the video to go on from.")] = None
    frame1: Annotated[Keyframe | None, Meta(description="The last frame, or the video to lead up to.")] = None


class Concept(Struct, kw_only=True):
    """A way to move the camera."""

    key: Annotated[str, Meta(description="Its name.", extra_json_schema={"enum": list(CONCEPTS)}, examples=["dolly_zoom"])]


class WeightedImage(Struct, kw_only=True, omit_defaults=True):
    """A picture, and how much it counts."""

    url: _Picture
    weight: Annotated[float, Meta(ge=0, le=1, description="How much it counts; the vendor's own when left out.", examples=[0.8])] | None = (
        None
    )


class Identity(Struct, kw_only=True):
    """A person."""

    images: Annotated[list[_Picture], Meta(min_length=1, max_length=MAX_REFERENCES, description=f"Pictures of the person. {PICTURE}")]


class Characters(Struct, kw_only=True, omit_defaults=True):
    """Who is to be seen."""

    identity0: Annotated[Identity | None, Meta(description="The person.")] = None


class DreamVideoBody(Struct, kw_only=True, omit_defaults=True):
    """Body of `POST /luma/dream-machine/v1/generations` and `…/generations/video`."""

    model: _Model
    prompt: Annotated[_Prompt, Meta(description="What it shows; may be empty with keyframes.")] = ""
    generation_type: Annotated[Literal["video"], Meta(description="Always `video`.")] = "video"
    aspect_ratio: _Ratio = "16:9"
    resolution: _Resolution = "720p"
    duration: _Duration = "5s"
    loop: _Loop = False
    keyframes: Annotated[Keyframes | None, Meta(description="What it begins and ends with.")] = None
    concepts: Annotated[
        list[Concept],
        Meta(description="Ways to move the camera; `GET …/generations/concepts/list` lists them.", max_length=MAX_CONCEPTS),
    ] = []
    callback_url: _Hook = ""


class DreamImageBody(Struct, kw_only=True, omit_defaults=True):
    """Body of `POST /luma/dream-machine/v1/generations/image`."""

    model: Annotated[_Model, Meta(description="The model: `photon-1`, `photon-flash-1`, or any other of pictures.", examples=["photon-1"])]
    prompt: _Prompt
    generation_type: Annotated[Literal["image"], Meta(description="Always `image`.")] = "image"
    aspect_ratio: _Ratio = "16:9"
    format: Annotated[Literal["", "jpg", "png"], Meta(description="Encoding of the picture.", examples=["png"])] = "jpg"
    image_ref: Annotated[list[WeightedImage], Meta(max_length=MAX_REFERENCES, description="Pictures to be guided by.")] = []
    style_ref: Annotated[list[WeightedImage], Meta(max_length=MAX_REFERENCES, description="Pictures whose style is taken.")] = []
    character_ref: Annotated[Characters | None, Meta(description="Who is to be seen.")] = None
    modify_image_ref: Annotated[WeightedImage | None, Meta(description="The picture to change.")] = None
    sync: Annotated[bool, Meta(description="Must be false: pictures are made in the background here.")] = False
    callback_url: _Hook = ""


class UpscaleBody(Struct, kw_only=True, omit_defaults=True):
    """Body of `POST …/generations/{task_id}/upscale`."""

    resolution: Annotated[Literal["540p", "720p", "1080p", "4k"], Meta(description="Height of the larger video.", examples=["1080p"])]
    callback_url: _Hook = ""


class AudioBody(Struct, kw_only=True, omit_defaults=True):
    """Body of `POST …/generations/{task_id}/audio`."""

    prompt: Annotated[_Prompt, Meta(description="What is heard.", examples=["wind and gulls"])]
    negative_prompt: Annotated[_Prompt, Meta(description="What is not heard.", examples=["voices"])] = ""
    callback_url: _Hook = ""


class GenerationAssets(Struct, kw_only=True):
    """What was made; the other address is null."""

    video: Annotated[str | None, Meta(description="Signed address of the video, kept here; needs no key.")]
    image: Annotated[str | None, Meta(description="Signed address of the picture, kept here; needs no key.")]
    progress_video: Annotated[str | None, Meta(description="Always null here.")] = None


class Generation(Struct, kw_only=True):
    """A task in Dream Machine's shape."""

    id: _TaskId
    generation_type: Annotated[Literal["video", "image"], Meta(description="What is made.")]
    state: Annotated[
        Literal["queued", "dreaming", "completed", "failed"],
        Meta(description="How far it is; `completed` and `failed` are the end.", examples=["completed"]),
    ]
    failure_reason: _FailureReason
    created_at: _CreatedAt
    assets: Annotated[GenerationAssets | None, Meta(description="With `completed`: what was made.")]
    model: Annotated[str, Meta(description="Name of the model.", examples=["ray-2"])]
    request: Annotated[
        _Json,
        Meta(
            description="What was asked for, without files.",
            examples=[{"generation_type": "video", "model": "ray-2", "prompt": "a red kite over the sea", "duration": "5s"}],
        ),
    ]


class GenerationList(Struct, kw_only=True):
    """Some of the account's tasks, the newest first. `count` is how many are shown here."""

    has_more: Annotated[bool, Meta(description="Whether more follow; ask for them with a larger `offset`.")]
    count: Annotated[int, Meta(description="How many are shown.", examples=[1])]
    limit: Annotated[int, Meta(description="How many were asked for, at most.", examples=[1])]
    offset: Annotated[int, Meta(description="How many newer ones were passed over.")]
    generations: Annotated[list[Generation], Meta(description="The tasks.")]


class Pong(Struct, kw_only=True):
    """The answer to a ping."""

    message: Annotated[str, Meta(description="Always `pong`.", examples=["pong"])]


class ErrorBody(Struct, kw_only=True):
    """An error: the family's clients read `error.message`, the official one `detail`."""

    error: Annotated[ErrorTwin, Meta(description="What went wrong.")]
    detail: Annotated[str, Meta(description="One sentence for people, as in `error.message`.")]


class ListQuery(Struct, frozen=True, kw_only=True):
    """Which generations a list shows."""

    limit: Annotated[int, Meta(ge=1, le=MAX_LISTED, description="How many.", examples=[10])] = DEFAULT_LISTED
    offset: Annotated[int, Meta(ge=0, le=MAX_OFFSET, description="How many to pass over first.", examples=[0])] = 0
