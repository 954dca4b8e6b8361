"""Bodies of `/v1/tasks` as published. They make the OpenAPI document; `request.py` checks by the same constants."""

from typing import Annotated, Any, Final, Literal

from msgspec import Meta, Struct

MAX_MODEL_CHARACTERS: Final = 200
MAX_PROMPT_CHARACTERS: Final = 32_000
MAX_LYRICS_CHARACTERS: Final = 32_000
MAX_NAME_CHARACTERS: Final = 200
MAX_URL_CHARACTERS: Final = 2_048
MAX_N: Final = 10
MAX_SECONDS: Final = 3_600
MAX_SEED: Final = 2**32 - 1
MAX_FILES: Final = 16
MAX_FILE_BYTES: Final = 25 * 1024 * 1024
MAX_LISTED: Final = 100
DEFAULT_LISTED: Final = 20
ROLES: Final = (
    "image",
    "first_frame",
    "last_frame",
    "mask",
    "reference",
    "style",
    "character",
    "character_mask",
    "static_mask",
    "dynamic_mask",
    "human",
    "cloth",
    "video",
    "audio",
)

State = Literal["queued", "submitting", "unknown", "running", "waiting_input", "succeeded", "failed", "canceled", "expired"]


class InputFile(Struct, kw_only=True, omit_defaults=True):
    """A file that the work starts from."""

    role: Annotated[str, Meta(description=f"Its place in the work, one of {', '.join(ROLES)}.")]
    file: Annotated[str, Meta(description="An http(s) address, base64, or a data URI.")]


class ParentBody(Struct, kw_only=True, omit_defaults=True):
    """The earlier work that this builds on."""

    task: Annotated[str, Meta(description="The id of a task of yours.")] = ""
    output: Annotated[str, Meta(description="The `id` of one of its outputs.")] = ""
    index: Annotated[int, Meta(ge=0, le=16, description="The number of the output, from 1, where the vendor counts.")] = 0


class InputBody(Struct, kw_only=True, omit_defaults=True):
    """The neutral media request. Which fields a model understands depends on its vendor; one it does not is refused by name."""

    prompt: Annotated[str, Meta(max_length=MAX_PROMPT_CHARACTERS, description="What to make.")] = ""
    negative_prompt: Annotated[str, Meta(max_length=MAX_PROMPT_CHARACTERS, description="What not to show.")] = ""
    n: Annotated[int, Meta(ge=1, le=MAX_N, description="How many results.")] = 1
    aspect_ratio: Annotated[str, Meta(description="Width to height, such as `16:9`.")] = ""
    size: Annotated[str, Meta(description="Pixels of a picture, such as `1024x1024`.")] = ""
    resolution: Annotated[str, Meta(description="Of a video, such as `720p`.")] = ""
    quality: Annotated[str, Meta(description="A step of the vendor's that the price depends on, such as `std` or `pro`.")] = ""
    seconds: Annotated[int, Meta(ge=0, le=MAX_SECONDS, description="Length of a video or song; 0 is the vendor's default.")] = 0
    sound: Annotated[bool, Meta(description="A video with a sound track.")] = False
    seed: Annotated[Annotated[int, Meta(ge=0, le=MAX_SEED)] | None, Meta(description="The same seed makes the same result.")] = None
    output_format: Annotated[str, Meta(description="`png` or `jpeg`, where the vendor lets one choose.")] = ""
    lyrics: Annotated[str, Meta(max_length=MAX_LYRICS_CHARACTERS, description="The words of a song.")] = ""
    title: Annotated[str, Meta(max_length=MAX_NAME_CHARACTERS, description="Of a song.")] = ""
    style: Annotated[str, Meta(max_length=MAX_PROMPT_CHARACTERS, description="Styles of a song.")] = ""
    negative_style: Annotated[str, Meta(max_length=MAX_PROMPT_CHARACTERS, description="Styles that a song avoids.")] = ""
    instrumental: Annotated[bool, Meta(description="A song without words.")] = False
    image: Annotated[str, Meta(description="A picture to start from, of a video its first frame: the same as an input of that role.")] = ""
    inputs: Annotated[list[InputFile], Meta(max_length=MAX_FILES, description="Every file that the work starts from.")] = []
    parent: Annotated[ParentBody | None, Meta(description="Earlier work of yours that this builds on.")] = None
    options: Annotated[dict[str, Any], Meta(description="Options of one vendor, by names with its prefix, such as `kling_cfg_scale`.")] = {}


class TaskBody(Struct, kw_only=True, omit_defaults=True):
    """Body of `POST /v1/tasks` and of `POST /v1/tasks/quote`."""

    model: Annotated[str, Meta(min_length=1, max_length=MAX_MODEL_CHARACTERS, description="The model.")]
    input: Annotated[InputBody, Meta(description="What is asked of it.")]
    operation: Annotated[str, Meta(description="What to do, where a model can do several things: `image`, `video`, `video.extend`, …")] = ""
    callback_url: Annotated[str, Meta(max_length=MAX_URL_CHARACTERS, description="Where changes of the task are posted to.")] = ""


class Output(Struct, kw_only=True):
    """One result. `id` is its vendor's name, by which later work can build on it; `url` is good for some months."""

    kind: Literal["image", "video", "audio", "text"]
    id: str
    url: str | None
    text: str | None
    content_type: str | None
    size_bytes: int
    duration_ms: int


class TaskError(Struct, kw_only=True):
    """Why a task made nothing."""

    code: str
    message: str


class TaskObject(Struct, kw_only=True):
    """A task. Times are Unix seconds; `amount_usd` is what it costs when it succeeds."""

    id: str
    object: Literal["task"]
    model: str
    operation: str
    state: State
    progress: int
    created_at: int
    finished_at: int | None
    amount_usd: str
    parent: str | None
    outputs: list[Output]
    error: TaskError | None


class TaskList(Struct, kw_only=True):
    """Tasks, newest first. `has_more`: ask again with `after` the last one's id."""

    object: Literal["list"]
    data: list[TaskObject]
    has_more: bool


class Quote(Struct, kw_only=True):
    """What a request would cost. Nothing is held."""

    object: Literal["quote"]
    model: str
    operation: str
    amount_usd: str
    price: str


class ListQuery(Struct, frozen=True, kw_only=True):
    """Which tasks a list shows."""

    limit: Annotated[int, Meta(ge=1, le=MAX_LISTED, description="How many.")] = DEFAULT_LISTED
    after: Annotated[str, Meta(description="The id of the last one of the page before.", examples=["task_4fK2mQpX7cVbN1sLr8YwZd"])] = ""
