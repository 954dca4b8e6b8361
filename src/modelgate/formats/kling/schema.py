"""Bodies of the Kling dialect as published, and their bounds. Source: Kling's API documentation, read 2026-11.

The structs make the OpenAPI document; `request.py` checks by the same constants and says which rule broke.
"""

from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

from modelgate.formats.media.error_twin import ErrorTwin

DEFAULT_IMAGE_MODEL: Final = "kling-v1"
DEFAULT_TRY_ON_MODEL: Final = "kolors-virtual-try-on-v1"
MAX_PROMPT_CHARACTERS: Final = 500
MAX_NEGATIVE_PROMPT_CHARACTERS: Final = 200
MAX_MODEL_CHARACTERS: Final = 100
MAX_EXTERNAL_ID_CHARACTERS: Final = 200
MAX_URL_CHARACTERS: Final = 8192
MAX_IMAGES: Final = 9
MAX_IMAGE_BYTES: Final = 10 * 1024 * 1024
MIN_IMAGE_SIDE_PIXELS: Final = 300
MAX_IMAGE_RATIO: Final = 2.5
ASPECT_RATIOS: Final = ("16:9", "9:16", "1:1", "4:3", "3:4", "3:2", "2:3", "21:9")
IMAGE_REFERENCES: Final = ("subject", "face")
RESOLUTIONS: Final = ("1k", "2k")
REFERENCE_REQUIRED_MODELS: Final = frozenset(("kling-v1-5",))

TaskStatus = Literal["submitted", "processing", "succeed", "failed"]
_Fraction = Annotated[float, Meta(ge=0, le=1)]
_TaskId = Annotated[str, Meta(description="Id of the task; fetch it by this.", examples=["task_4fK2mQpX7cVbN1sLr8YwZd"])]
_Status = Annotated[
    TaskStatus,
    Meta(description="`submitted`: waits; `processing`: is being made; `succeed` and `failed` are the end.", examples=["submitted"]),
]
_CreatedAt = Annotated[int, Meta(description="When it was taken, unix milliseconds.", examples=[1764237600000])]
_UpdatedAt = Annotated[int, Meta(description="When it last changed, unix milliseconds.", examples=[1764237632000])]
_Code = Annotated[int, Meta(description="Always 0: no error.", examples=[0])]
_Message = Annotated[str, Meta(description="One sentence for people; holds `SUCCEED`.", examples=["SUCCEED"])]
_RequestId = Annotated[str, Meta(description="Id of this request; name it when you ask for help.", examples=["req_9f2c"])]


class ImageBody(Struct, kw_only=True, omit_defaults=True):
    """Body of `POST /kling/v1/images/generations`. An empty string means that the field is absent."""

    prompt: Annotated[
        str,
        Meta(min_length=1, max_length=MAX_PROMPT_CHARACTERS, description="What the picture shows.", examples=["a red kite over the sea"]),
    ]
    model_name: Annotated[
        str, Meta(max_length=MAX_MODEL_CHARACTERS, description="The model; `model` is read when this is absent.", examples=["kling-v2"])
    ] = DEFAULT_IMAGE_MODEL
    model: Annotated[
        str, Meta(max_length=MAX_MODEL_CHARACTERS, description="Another name of `model_name`, which wins.", examples=["kling-v2"])
    ] = ""
    negative_prompt: Annotated[
        str,
        Meta(
            max_length=MAX_NEGATIVE_PROMPT_CHARACTERS, description="What it must not show; not together with `image`.", examples=["clouds"]
        ),
    ] = ""
    image: Annotated[
        str,
        Meta(
            description="A reference picture: an http(s) address, base64, or a data URI. JPEG or PNG, at most 10 MB, both sides at least "
            "300 pixels, between 1:2.5 and 2.5:1.",
            examples=["https://example.com/cat.png"],
        ),
    ] = ""
    image_reference: Annotated[
        Literal["", "subject", "face"],
        Meta(description="What to take from the picture; needed with `image` on kling-v1-5.", examples=["subject"]),
    ] = ""
    image_fidelity: Annotated[_Fraction, Meta(description="How closely to follow the picture.")] = 0.5
    human_fidelity: Annotated[_Fraction, Meta(description="How closely to follow the face; with `image_reference: subject`.")] = 0.45
    resolution: Annotated[Literal["", "1k", "2k"], Meta(description="Size of the result.")] = "1k"
    n: Annotated[int, Meta(ge=1, le=MAX_IMAGES, description="How many pictures.")] = 1
    aspect_ratio: Annotated[
        Literal["", "16:9", "9:16", "1:1", "4:3", "3:4", "3:2", "2:3", "21:9"],
        Meta(description="Width to height; 21:9 from kling-v2 on.", examples=["16:9"]),
    ] = "16:9"
    external_task_id: Annotated[
        str, Meta(max_length=MAX_EXTERNAL_ID_CHARACTERS, description="A name of your own, given back with the task.", examples=["order-17"])
    ] = ""
    callback_url: Annotated[
        str,
        Meta(
            max_length=MAX_URL_CHARACTERS,
            description="Where changes of the task are posted to; never sent to the vendor.",
            examples=["https://example.com/kling"],
        ),
    ] = ""


class SubmittedTask(Struct, kw_only=True):
    """A task just taken. Times are Unix milliseconds."""

    task_id: _TaskId
    task_status: _Status
    created_at: _CreatedAt
    updated_at: _UpdatedAt


class SubmitEnvelope(Struct, kw_only=True):
    """The answer to a submit; `code` 0 means taken."""

    code: _Code
    message: _Message
    request_id: _RequestId
    data: Annotated[SubmittedTask, Meta(description="The task.")]


class ResultImage(Struct, kw_only=True):
    """One picture; `url` is signed and good for a long while, and each fetch of the task makes a fresh one."""

    index: Annotated[int, Meta(description="Number of the picture, from 0.")]
    url: Annotated[str, Meta(description="Signed address of the file, kept here; needs no key.")]


class ResultVideo(Struct, kw_only=True, omit_defaults=True):
    """One video. `id` is its name for extending it and for lip sync; `duration` is in seconds."""

    id: Annotated[str, Meta(description="Name of the video for `video_id`, to extend it or make it speak.")]
    url: Annotated[str, Meta(description="Signed address of the file, kept here; needs no key.")]
    duration: Annotated[str, Meta(description="Length in seconds, as text; empty where it is not known.", examples=["5.1"])]
    watermark_url: Annotated[str, Meta(description="The copy with a watermark, where `watermark_info` asked for one.")] = ""


class TaskResult(Struct, kw_only=True, omit_defaults=True):
    """What was made: pictures, or videos."""

    images: Annotated[list[ResultImage], Meta(description="The pictures.")] = []
    videos: Annotated[list[ResultVideo], Meta(description="The videos.")] = []


class TaskInfo(Struct, kw_only=True):
    """What the caller said about the task."""

    external_task_id: Annotated[str, Meta(description="The caller's own name for it.")] = ""


class FetchedTask(Struct, kw_only=True, omit_defaults=True):
    """A task as it stands. `task_result` is there once it is `succeed`, `task_status_msg` says why when it is `failed`."""

    task_id: _TaskId
    task_status: _Status
    task_status_msg: Annotated[str, Meta(description="With `failed`: why; else empty.")]
    task_info: Annotated[TaskInfo, Meta(description="What the caller said about it.")]
    created_at: _CreatedAt
    updated_at: _UpdatedAt
    task_result: Annotated[TaskResult | None, Meta(description="With `succeed`: what was made.")] = None


class FetchEnvelope(Struct, kw_only=True):
    """The answer to a fetch."""

    code: _Code
    message: _Message
    request_id: _RequestId
    data: Annotated[FetchedTask, Meta(description="The task.")]


class ErrorEnvelope(Struct, kw_only=True):
    """An error: Kling's number beside the twin that OpenAI's clients read."""

    code: Annotated[
        int,
        Meta(
            description="Kling's number: 1200 or 1201 a field is wrong, 1203 no such task, 1102 no money, 1301 refused for what it says.",
            examples=[1200],
        ),
    ]
    message: Annotated[str, Meta(description="One sentence for people.", examples=["prompt is required: say what the picture shows."])]
    request_id: _RequestId
    error: Annotated[ErrorTwin, Meta(description="The same error where OpenAI's clients look for it.")]
