"""Bodies of `/v1/videos` as published. Source: OpenAI's API reference of videos, read 2026-11; its own service has closed."""

from typing import Annotated, Any, Final, Literal

from msgspec import Meta, Struct

MAX_MODEL_CHARACTERS: Final = 200
MAX_PROMPT_CHARACTERS: Final = 32_000
MAX_SECONDS: Final = 3_600
MAX_FILE_BYTES: Final = 20 * 1024 * 1024
MAX_IMAGES: Final = 4
MAX_SIDE_PIXELS: Final = 8_192
MAX_LISTED: Final = 100
DEFAULT_LISTED: Final = 20
MAX_SHORT_CHARACTERS: Final = 40
MAX_METADATA: Final = 32

Status = Literal["queued", "in_progress", "completed", "failed"]
OlderStatus = Literal["QUEUED", "IN_PROGRESS", "SUCCESS", "FAILURE"]


class VideoBody(Struct, kw_only=True, omit_defaults=True):
    """Body of `POST /v1/videos`, as JSON or as a form. An empty string means that the field is absent."""

    model: Annotated[str, Meta(max_length=MAX_MODEL_CHARACTERS, description="Any model of videos.")]
    prompt: Annotated[str, Meta(max_length=MAX_PROMPT_CHARACTERS, description="What happens in the video.")]
    seconds: Annotated[
        str, Meta(description="Its length, a whole number in a string; `duration`, a number, is read when this is absent.")
    ] = ""
    duration: Annotated[int, Meta(ge=1, le=MAX_SECONDS, description="Another name of `seconds`, which wins.")] = 0
    size: Annotated[str, Meta(description="Width and height, such as `1280x720`: it chooses the aspect ratio.")] = ""
    mode: Annotated[str, Meta(description="A step of the vendor's, such as `std` or `pro`.")] = ""
    input_reference: Annotated[
        Any, Meta(description="The picture to start from: a file of the form, or in JSON an address, base64, a data URI, or `{image_url}`.")
    ] = None
    image: Annotated[str, Meta(description="Another name of `input_reference`, which wins.")] = ""
    images: Annotated[list[str], Meta(max_length=MAX_IMAGES, description="Several pictures: the first frame, then the last one.")] = []
    metadata: Annotated[dict[str, Any], Meta(description="Options of the model's vendor, such as `kling_cfg_scale`.")] = {}


class RemixBody(Struct, kw_only=True):
    """Body of `POST /v1/videos/{task_id}/remix`."""

    prompt: Annotated[str, Meta(min_length=1, max_length=MAX_PROMPT_CHARACTERS, description="The new words.")]


class VideoError(Struct, kw_only=True):
    """Why a video was not made."""

    code: str
    message: str


class Video(Struct, kw_only=True):
    """A video and how it stands. Times are Unix seconds. `metadata.url` is its address once it is completed."""

    id: str
    task_id: str
    object: Literal["video"]
    model: str
    status: Status
    progress: int
    created_at: int
    completed_at: int | None
    expires_at: int | None
    prompt: str | None
    seconds: str
    size: str | None
    remixed_from_video_id: str | None
    error: VideoError | None
    metadata: dict[str, str]


class VideoList(Struct, kw_only=True):
    """Videos, newest first."""

    object: Literal["list"]
    data: list[Video]
    first_id: str | None
    last_id: str | None
    has_more: bool


class OlderTask(Struct, kw_only=True):
    """The task in `data` of the older fetch: the words of new-api beside the plain ones."""

    task_id: str
    action: str
    status: OlderStatus
    fail_reason: str
    submit_time: int
    start_time: int
    finish_time: int
    progress: str
    result_url: str
    url: str
    format: str
    error: VideoError | None
    data: None = None


class OlderEnvelope(Struct, kw_only=True):
    """What `GET /v1/video/generations/{task_id}` answers."""

    code: Literal["success"]
    message: str
    data: OlderTask


class ListQuery(Struct, frozen=True, kw_only=True):
    """Which videos a list shows."""

    limit: Annotated[int, Meta(ge=1, le=MAX_LISTED, description="How many.")] = DEFAULT_LISTED
    after: Annotated[str, Meta(description="The id of the last one of the page before.", examples=["task_4fK2mQpX7cVbN1sLr8YwZd"])] = ""
    order: Annotated[Literal["desc"], Meta(description="Always the newest first.")] = "desc"
