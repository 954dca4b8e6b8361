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
    "character_video",
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

    role: Annotated[
        str,
        Meta(
            description="Its place in the work; left out, `first_frame` of a video and `image` of anything else.",
            extra_json_schema={"enum": list(ROLES)},
            examples=["first_frame"],
        ),
    ] = ""
    file: Annotated[
        str,
        Meta(description="An http(s) address, base64, or a data URI; at most 25 MB.", examples=["https://example.com/cat.png"]),
    ]


class ParentBody(Struct, kw_only=True, omit_defaults=True):
    """The earlier work that this builds on."""

    task: Annotated[str, Meta(description="The id of a task of yours.", examples=["task_4fK2mQpX7cVbN1sLr8YwZd"])] = ""
    output: Annotated[str, Meta(description="The `id` of one of its outputs.")] = ""
    index: Annotated[int, Meta(ge=0, le=16, description="The number of the output, from 1, where the vendor counts.")] = 0


class InputBody(Struct, kw_only=True, omit_defaults=True):
    """The neutral media request. Which fields a model understands depends on its vendor; one it does not is refused by name."""

    prompt: Annotated[str, Meta(max_length=MAX_PROMPT_CHARACTERS, description="What to make.", examples=["a red kite over the sea"])] = ""
    negative_prompt: Annotated[str, Meta(max_length=MAX_PROMPT_CHARACTERS, description="What not to show.", examples=["clouds"])] = ""
    n: Annotated[int, Meta(ge=1, le=MAX_N, description="How many results; each is charged.")] = 1
    aspect_ratio: Annotated[str, Meta(description="Width to height, of a picture or a video.", examples=["16:9"])] = ""
    size: Annotated[str, Meta(description="Width and height of a picture in pixels.", examples=["1024x1024"])] = ""
    resolution: Annotated[str, Meta(description="Height of a video.", examples=["720p"])] = ""
    quality: Annotated[
        str, Meta(description="A step of the vendor's that the price depends on, such as `std` or `pro`.", examples=["std"])
    ] = ""
    seconds: Annotated[
        int, Meta(ge=0, le=MAX_SECONDS, description="Length of a video or song; 0 is the vendor's default.", examples=[5])
    ] = 0
    sound: Annotated[bool, Meta(description="A video with a sound track.")] = False
    seed: Annotated[
        Annotated[int, Meta(ge=0, le=MAX_SEED)] | None, Meta(description="The same seed makes the same result.", examples=[7])
    ] = None
    output_format: Annotated[
        str, Meta(description="`png` or `jpeg`, of a picture, where the vendor lets one choose.", examples=["png"])
    ] = ""
    lyrics: Annotated[
        str, Meta(max_length=MAX_LYRICS_CHARACTERS, description="The words of a song.", examples=["[Verse]\nThe city sleeps"])
    ] = ""
    title: Annotated[str, Meta(max_length=MAX_NAME_CHARACTERS, description="Title of a song.", examples=["City Lights"])] = ""
    style: Annotated[str, Meta(max_length=MAX_PROMPT_CHARACTERS, description="Styles of a song.", examples=["emotional punk"])] = ""
    negative_style: Annotated[str, Meta(max_length=MAX_PROMPT_CHARACTERS, description="Styles that a song avoids.", examples=["jazz"])] = ""
    instrumental: Annotated[bool, Meta(description="A song without words.")] = False
    image: Annotated[
        str,
        Meta(
            description="A picture to start from, of a video its first frame: the same as an input of that role.",
            examples=["https://example.com/cat.png"],
        ),
    ] = ""
    inputs: Annotated[list[InputFile], Meta(max_length=MAX_FILES, description="Every file that the work starts from.")] = []
    parent: Annotated[ParentBody | None, Meta(description="Earlier work of yours that this builds on.")] = None
    options: Annotated[
        dict[str, Any], Meta(description="Options of one vendor, by names with its prefix.", examples=[{"kling_cfg_scale": 0.7}])
    ] = {}


class TaskBody(Struct, kw_only=True, omit_defaults=True):
    """Body of `POST /v1/tasks` and of `POST /v1/tasks/quote`."""

    model: Annotated[str, Meta(min_length=1, max_length=MAX_MODEL_CHARACTERS, description="The model.", examples=["kling-v1-6"])]
    input: Annotated[InputBody, Meta(description="What is asked of it.")]
    operation: Annotated[
        str, Meta(description="What to do, where a model can do several things: `image`, `video`, `video.extend`, …", examples=["video"])
    ] = ""
    callback_url: Annotated[
        str,
        Meta(max_length=MAX_URL_CHARACTERS, description="Where changes of the task are posted to.", examples=["https://example.com/hook"]),
    ] = ""


class Output(Struct, kw_only=True):
    """One result. `id` is its vendor's name, by which later work can build on it; `url` is good for some months."""

    kind: Annotated[Literal["image", "video", "audio", "text"], Meta(description="What it is.", examples=["video"])]
    id: Annotated[str, Meta(description="Its vendor's name for it: `parent.output` of work that builds on it.")]
    url: Annotated[str | None, Meta(description="Signed address of the file, kept here; needs no key. Null of a text.")]
    text: Annotated[str | None, Meta(description="Of a text: the text.")]
    content_type: Annotated[str | None, Meta(description="Content type of the file.", examples=["video/mp4"])]
    size_bytes: Annotated[int, Meta(description="Size of the file.", examples=[1048576])]
    duration_ms: Annotated[int, Meta(description="Length of a video or song, 0 where it is not known.", examples=[5100])]
    details: Annotated[
        dict[str, Any],
        Meta(description="What its vendor says about it, by names that the vendor's dialect here gives them.", examples=[{"seed": 7}]),
    ]


class TaskError(Struct, kw_only=True):
    """Why a task made nothing."""

    code: Annotated[str, Meta(description="What programs go by; `canceled` and `expired` are states.", examples=["content_refused"])]
    message: Annotated[str, Meta(description="One sentence for people.")]


class TaskObject(Struct, kw_only=True):
    """A task. Times are Unix seconds; `amount_usd` is what it costs when it succeeds."""

    id: Annotated[str, Meta(description="Id of the task.", examples=["task_4fK2mQpX7cVbN1sLr8YwZd"])]
    object: Annotated[Literal["task"], Meta(description="Always `task`.")]
    model: Annotated[str, Meta(description="Name of the model.", examples=["kling-v1-6"])]
    operation: Annotated[str, Meta(description="What it does.", examples=["video"])]
    state: Annotated[
        State,
        Meta(
            description=(
                "How far it is. `unknown`: the vendor did not answer, it is looked into; `waiting_input`: it waits for you (Midjourney's "
                "dialogs). `succeeded`, `failed`, `canceled` and `expired` are the end."
            ),
            examples=["succeeded"],
        ),
    ]
    progress: Annotated[int, Meta(description="In percent.", examples=[100])]
    created_at: Annotated[int, Meta(description="When it was taken, unix seconds.", examples=[1764237600])]
    finished_at: Annotated[int | None, Meta(description="When it ended, unix seconds.", examples=[1764237669])]
    amount_usd: Annotated[
        str, Meta(description="What it costs when it succeeds, in US dollars; nothing is charged otherwise.", examples=["0.14"])
    ]
    parent: Annotated[str | None, Meta(description="The task that it builds on.")]
    outputs: Annotated[list[Output], Meta(description="With `succeeded`: what was made.")]
    error: Annotated[TaskError | None, Meta(description="With `failed`, `canceled` and `expired`: why.")]
    details: Annotated[
        dict[str, Any],
        Meta(
            description="What its vendor says about the job beside its results, such as Midjourney's `buttons`.",
            examples=[{"buttons": [{"customId": "MJ::JOB::upsample::1::3ad5e2b8", "emoji": "", "label": "U1"}]}],
        ),
    ]


class TaskList(Struct, kw_only=True):
    """Tasks, newest first. `has_more`: ask again with `after` the last one's id."""

    object: Annotated[Literal["list"], Meta(description="Always `list`.")]
    data: Annotated[list[TaskObject], Meta(description="The tasks, newest first.")]
    has_more: Annotated[bool, Meta(description="Whether more follow; give the last one's id as `after`.")]


class Quote(Struct, kw_only=True):
    """What a request would cost. Nothing is held."""

    object: Annotated[Literal["quote"], Meta(description="Always `quote`.")]
    model: Annotated[str, Meta(description="Name of the model.", examples=["kling-v1-6"])]
    operation: Annotated[str, Meta(description="What it would do.", examples=["video"])]
    amount_usd: Annotated[str, Meta(description="What it would cost, in US dollars.", examples=["0.14"])]
    price: Annotated[str, Meta(description="The model's rates. Of those of one unit, that counts whose variants (`second:pro`) fit best.")]


class ListQuery(Struct, frozen=True, kw_only=True):
    """Which tasks a list shows."""

    limit: Annotated[int, Meta(ge=1, le=MAX_LISTED, description="How many.")] = DEFAULT_LISTED
    after: Annotated[str, Meta(description="The id of the last one of the page before.", examples=["task_4fK2mQpX7cVbN1sLr8YwZd"])] = ""
