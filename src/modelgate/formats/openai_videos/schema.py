"""Bodies of `/v1/videos` as published. Source: OpenAI's API reference of videos, read 2026-11; its own service has closed."""

from typing import Annotated, Any, Final, Literal

from msgspec import Meta, Struct

from modelgate.formats.openai_chat.reference import ErrorInside

NAME: Final = "openai_videos"
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
MAX_SEED: Final = 2**32 - 1

Status = Literal["queued", "in_progress", "completed", "failed"]
OlderStatus = Literal["QUEUED", "IN_PROGRESS", "SUCCESS", "FAILURE"]
OlderAction = Literal["textGenerate", "generate", "firstTailGenerate", "referenceGenerate", "remixGenerate"]


class PictureReference(Struct, kw_only=True):
    """A picture."""

    image_url: Annotated[
        str,
        Meta(description="An http(s) address, base64, or a data URI; at most 20 MB.", examples=["https://example.com/cat.png"]),
    ]


class VideoBody(Struct, kw_only=True, omit_defaults=True):
    """Body of `POST /v1/videos`, as JSON or as a form. An empty string means that the field is absent."""

    model: Annotated[str, Meta(max_length=MAX_MODEL_CHARACTERS, description="Any model of videos.", examples=["kling-v1-6"])]
    prompt: Annotated[
        str, Meta(max_length=MAX_PROMPT_CHARACTERS, description="What happens in the video.", examples=["a red kite over the sea"])
    ]
    seconds: Annotated[
        str, Meta(description="Its length, a whole number in a string; `duration`, a number, is read when this is absent.", examples=["5"])
    ] = ""
    duration: Annotated[int, Meta(ge=1, le=MAX_SECONDS, description="Another name of `seconds`, which wins.", examples=[5])] | None = None
    size: Annotated[str, Meta(description="Width and height, up to 8192 a side: it chooses the aspect ratio.", examples=["1280x720"])] = ""
    mode: Annotated[
        str, Meta(description="A step of the vendor's that the price depends on, such as `std` or `pro`.", examples=["std"])
    ] = ""
    input_reference: Annotated[
        str | PictureReference | None,
        Meta(
            description="The picture to start from: a file of the form, or in JSON an address, base64 or a data URI.",
            examples=["https://example.com/cat.png"],
        ),
    ] = None
    image: Annotated[str, Meta(description="Another name of `input_reference`, which wins.")] = ""
    images: Annotated[list[str], Meta(max_length=MAX_IMAGES, description="Several pictures: the first frame, then the last one.")] = []
    metadata: Annotated[
        dict[str, Any],
        Meta(
            description="Options of the model's vendor, up to 32, and `negative_prompt`, `aspect_ratio`, `resolution`, `seed`, `sound`, "
            "`image_tail`; fields of the body in it count above those beside it.",
            examples=[{"cfg_scale": 0.7, "negative_prompt": "fog"}],
        ),
    ] = {}


class RemixBody(Struct, kw_only=True):
    """Body of `POST /v1/videos/{task_id}/remix`."""

    prompt: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=MAX_PROMPT_CHARACTERS,
            description="The new words; the rest is the earlier video's.",
            examples=["the same at night"],
        ),
    ]


class VideoError(Struct, kw_only=True):
    """Why a video was not made."""

    code: Annotated[str, Meta(description="What programs go by.", examples=["content_refused"])]
    message: Annotated[str, Meta(description="One sentence for people.")]


_VideoId = Annotated[str, Meta(description="Id of the video.", examples=["task_4fK2mQpX7cVbN1sLr8YwZd"])]


class Video(Struct, kw_only=True):
    """A video and how it stands. Times are Unix seconds. `metadata.url` is its address once it is completed."""

    id: _VideoId
    task_id: Annotated[str, Meta(description="The same id, where older clients look for it.")]
    object: Annotated[Literal["video"], Meta(description="Always `video`.")]
    model: Annotated[str, Meta(description="Name of the model.", examples=["kling-v1-6"])]
    status: Annotated[Status, Meta(description="How far it is; `completed` and `failed` are the end.", examples=["completed"])]
    progress: Annotated[int, Meta(description="In percent.", examples=[100])]
    created_at: Annotated[int, Meta(description="When it was taken, unix seconds.", examples=[1764237600])]
    completed_at: Annotated[int | None, Meta(description="With `completed`: when it was made, unix seconds.")]
    expires_at: Annotated[int | None, Meta(description="Always null: files are kept as long as the operator says.")]
    prompt: Annotated[str | None, Meta(description="The words.")]
    seconds: Annotated[str, Meta(description="The length asked for, as text; empty when none was.", examples=["5"])]
    size: Annotated[str | None, Meta(description="The size asked for; null when none was.", examples=["1280x720"])]
    remixed_from_video_id: Annotated[str | None, Meta(description="Of a remix: the video that it was made from.")]
    error: Annotated[VideoError | None, Meta(description="With `failed`: why; nothing is charged then.")]
    metadata: Annotated[
        dict[str, str],
        Meta(
            description="With `completed`: `url`, the signed address of the file, which needs no key.",
            examples=[{"url": "https://gateway.example/files/task_4fK2-0.mp4"}],
        ),
    ]


class VideoList(Struct, kw_only=True):
    """Videos, newest first."""

    object: Annotated[Literal["list"], Meta(description="Always `list`.")]
    data: Annotated[list[Video], Meta(description="The videos, newest first.")]
    first_id: Annotated[str | None, Meta(description="Id of the first.")]
    last_id: Annotated[str | None, Meta(description="Id of the last: give it as `after` for what follows.")]
    has_more: Annotated[bool, Meta(description="Whether more follow.")]


class OlderProperties(Struct, kw_only=True):
    """What was asked for."""

    input: Annotated[str, Meta(description="The words.")]
    origin_model_name: Annotated[str, Meta(description="Name of the model.", examples=["kling-v1-6"])]


class OlderTask(Struct, kw_only=True):
    """The task in `data` of the older fetch: the words of new-api beside the plain ones."""

    task_id: _VideoId
    created_at: Annotated[int, Meta(description="When it was taken, unix seconds.", examples=[1764237600])]
    updated_at: Annotated[int, Meta(description="When it last changed, unix seconds.", examples=[1764237726])]
    action: Annotated[
        OlderAction,
        Meta(
            description="From words, from a picture, from a first and a last one, from several, or as a remix.", examples=["textGenerate"]
        ),
    ]
    status: Annotated[OlderStatus, Meta(description="How far it is; `SUCCESS` and `FAILURE` are the end.", examples=["SUCCESS"])]
    fail_reason: Annotated[str, Meta(description="With `FAILURE`: why.")]
    submit_time: Annotated[int, Meta(description="When it was taken, unix seconds.", examples=[1764237600])]
    start_time: Annotated[int, Meta(description="When the vendor took it, unix seconds; 0 before.")]
    finish_time: Annotated[int, Meta(description="When it ended, unix seconds; 0 before.")]
    progress: Annotated[str, Meta(description="In percent.", examples=["100%"])]
    result_url: Annotated[str, Meta(description="With `SUCCESS`: signed address of the file.")]
    url: Annotated[str, Meta(description="The same address.")]
    format: Annotated[str, Meta(description="With `SUCCESS`: `mp4`.", examples=["mp4"])]
    error: Annotated[VideoError | None, Meta(description="With `FAILURE`: why.")]
    properties: Annotated[OlderProperties, Meta(description="What was asked for.")]
    data: Annotated[None, Meta(description="Always null.")] = None


class OlderEnvelope(Struct, kw_only=True):
    """What `GET /v1/video/generations/{task_id}` answers."""

    code: Annotated[Literal["success"], Meta(description="Always `success`.")]
    message: Annotated[str, Meta(description="Always empty.")]
    data: Annotated[OlderTask, Meta(description="The task.")]


class ErrorEnvelope(Struct, kw_only=True):
    """An error as OpenAI words it, and beside that as the older clients look for it."""

    code: Annotated[
        str,
        Meta(
            description="`invalid_request`, `missing_model`, `invalid_size`, `invalid_seconds`, `task_not_exist`, `quota_not_enough` or a "
            "code of the page Error codes.",
            examples=["missing_model"],
        ),
    ]
    message: Annotated[str, Meta(description="One sentence for people, as in `error.message`.")]
    data: Annotated[None, Meta(description="Always null.")]
    error: Annotated[ErrorInside, Meta(description="What went wrong.")]


class ContentQuery(Struct, frozen=True, kw_only=True):
    """Which file of a video."""

    variant: Annotated[Literal["video"], Meta(description="The video itself: no pictures of it are kept.")] = "video"


class ListQuery(Struct, frozen=True, kw_only=True):
    """Which videos a list shows."""

    limit: Annotated[int, Meta(ge=1, le=MAX_LISTED, description="How many.")] = DEFAULT_LISTED
    after: Annotated[str, Meta(description="The id of the last one of the page before.", examples=["task_4fK2mQpX7cVbN1sLr8YwZd"])] = ""
    order: Annotated[Literal["desc"], Meta(description="Always the newest first.")] = "desc"
