"""Bodies of the Midjourney dialect as published, and their bounds. Source: the midjourney-proxy protocol as relays serve it, read 2026-11.

The structs make the OpenAPI document; `request.py` checks by the same constants and says which rule broke.
"""

from typing import Annotated, Any, Final, Literal

from msgspec import Meta, Struct

from modelgate.formats.media.error_twin import ErrorTwin

MAX_PROMPT_CHARACTERS: Final = 6_000
MAX_STATE_CHARACTERS: Final = 255
MAX_HOOK_CHARACTERS: Final = 2_000
MAX_ID_CHARACTERS: Final = 200
MAX_CUSTOM_ID_CHARACTERS: Final = 200
MAX_LANGUAGE_CHARACTERS: Final = 20
MAX_REMARK_CHARACTERS: Final = 200
MIN_BLENDED: Final = 2
MAX_IMAGES: Final = 5
MAX_IMAGE_BYTES: Final = 10 * 1024 * 1024
MAX_LISTED: Final = 100
IMAGE_TYPES: Final = ("image/png", "image/jpeg", "image/webp")
BOT_TYPES: Final = ("MID_JOURNEY", "NIJI_JOURNEY")
MODES: Final = ("FAST", "RELAX", "TURBO")
DIMENSIONS: Final = {"PORTRAIT": "2:3", "SQUARE": "1:1", "LANDSCAPE": "3:2"}
CHANGES: Final = ("UPSCALE", "VARIATION", "REROLL")
MOTIONS: Final = ("low", "high")
BATCH_SIZES: Final = (1, 2, 4)
VIDEO_TYPES: Final = {"vid_1.1_i2v_480": "480p", "vid_1.1_i2v_720": "720p"}

Mode = Literal["FAST", "RELAX", "TURBO"]
TaskStatus = Literal["NOT_START", "SUBMITTED", "IN_PROGRESS", "MODAL", "SUCCESS", "FAILURE"]
_Prompt = Annotated[
    str,
    Meta(
        max_length=MAX_PROMPT_CHARACTERS,
        description="What the picture shows, with Midjourney's `--` parameters.",
        examples=["a red kite over the sea --ar 16:9"],
    ),
]
_Image = Annotated[
    str,
    Meta(
        description="A data URI, base64, or an http(s) address of a picture of at most 10 MB.",
        examples=["https://example.com/cat.png"],
    ),
]
_Images = Annotated[list[_Image], Meta(max_length=MAX_IMAGES)]
_TaskId = Annotated[
    str, Meta(max_length=MAX_ID_CHARACTERS, description="A task of your account.", examples=["task_4fK2mQpX7cVbN1sLr8YwZd"])
]


class AccountFilter(Struct, kw_only=True, omit_defaults=True, rename="camel"):
    """Which accounts of a proxy may do it. One single mode counts as the speed; the rest steers nothing here."""

    modes: Annotated[
        list[Mode], Meta(max_length=len(MODES), description="Speeds; a single one counts as `mode`.", examples=[["FAST"]])
    ] = []
    channel_id: Annotated[str, Meta(max_length=MAX_REMARK_CHARACTERS, description="Steers nothing here.")] = ""
    instance_id: Annotated[str, Meta(max_length=MAX_REMARK_CHARACTERS, description="Steers nothing here.")] = ""
    remark: Annotated[str, Meta(max_length=MAX_REMARK_CHARACTERS, description="Steers nothing here.")] = ""
    remix: Annotated[bool, Meta(description="Steers nothing here.")] = False
    niji_remix: Annotated[bool, Meta(description="Steers nothing here.")] = False
    remix_auto_considered: Annotated[bool, Meta(description="Steers nothing here.")] = False


class SubmitBody(Struct, kw_only=True, omit_defaults=True, rename="camel"):
    """What every submit may carry. An empty string means that the field is absent."""

    bot_type: Annotated[
        Literal["", "MID_JOURNEY", "NIJI_JOURNEY"], Meta(description="Which bot; `MID_JOURNEY` unless said.", examples=["MID_JOURNEY"])
    ] = ""
    state: Annotated[
        str, Meta(max_length=MAX_STATE_CHARACTERS, description="Words of your own, given back with the task.", examples=["order-17"])
    ] = ""
    notify_hook: Annotated[
        str,
        Meta(
            max_length=MAX_HOOK_CHARACTERS,
            description="An address that is told when the task changes; never sent to the vendor.",
            examples=["https://example.com/mj"],
        ),
    ] = ""
    mode: Annotated[
        Literal["", "FAST", "RELAX", "TURBO"],
        Meta(description="The speed, where the path (`/mj-fast/mj/…`) does not say it; the price depends on it.", examples=["FAST"]),
    ] = ""
    account_filter: Annotated[AccountFilter | None, Meta(description="Which accounts of a proxy may do it; only a single mode counts.")] = (
        None
    )


class ImagineBody(SubmitBody, kw_only=True, omit_defaults=True, rename="camel"):
    """Body of `POST /mj/submit/imagine`."""

    prompt: _Prompt
    base64_array: Annotated[_Images, Meta(description="Pictures that go in front of the prompt.")] = []


class BlendBody(SubmitBody, kw_only=True, omit_defaults=True, rename="camel"):
    """Body of `POST /mj/submit/blend`."""

    base64_array: Annotated[list[_Image], Meta(min_length=MIN_BLENDED, max_length=MAX_IMAGES, description="The pictures to merge.")]
    dimensions: Annotated[
        Literal["", "PORTRAIT", "SQUARE", "LANDSCAPE"], Meta(description="2:3, 1:1 (the default) or 3:2.", examples=["SQUARE"])
    ] = ""


class DescribeBody(SubmitBody, kw_only=True, omit_defaults=True, rename="camel"):
    """Body of `POST /mj/submit/describe`; `base64` or `link` is needed."""

    base64: _Image = ""
    link: Annotated[
        str, Meta(description="The address of the picture, in place of `base64`.", examples=["https://example.com/cat.png"])
    ] = ""
    language: Annotated[str, Meta(max_length=MAX_LANGUAGE_CHARACTERS, description="Also translate into this.", examples=["zh_cn"])] = ""


class ChangeBody(SubmitBody, kw_only=True, omit_defaults=True, rename="camel"):
    """Body of `POST /mj/submit/change`."""

    task_id: _TaskId
    action: Annotated[
        Literal["UPSCALE", "VARIATION", "REROLL"],
        Meta(description="Enlarge one, vary one, or make all four anew.", examples=["UPSCALE"]),
    ]
    index: Annotated[int, Meta(ge=1, le=4, description="Which of the four; not needed for REROLL.")] = 1


class SimpleChangeBody(SubmitBody, kw_only=True, omit_defaults=True, rename="camel"):
    """Body of `POST /mj/submit/simple-change`."""

    content: Annotated[
        str, Meta(description="A task and what to do, `<task> U2`, `<task> V1` or `<task> R`.", examples=["task_4fK2mQpX7cVbN1sLr8YwZd U2"])
    ]


class ActionBody(SubmitBody, kw_only=True, omit_defaults=True, rename="camel"):
    """Body of `POST /mj/submit/action`."""

    task_id: _TaskId
    custom_id: Annotated[
        str,
        Meta(
            max_length=MAX_CUSTOM_ID_CHARACTERS,
            description="The `customId` of one of the task's buttons.",
            examples=["MJ::JOB::upsample::1::3f1c"],
        ),
    ]
    choose_same_channel: Annotated[bool, Meta(description="Always so here.")] = True
    enable_remix: Annotated[bool, Meta(description="Open the dialog, so that the prompt can be changed.")] = False


class ModalBody(SubmitBody, kw_only=True, omit_defaults=True, rename="camel"):
    """Body of `POST /mj/submit/modal`: the second half of an action that opened a dialog."""

    task_id: Annotated[str, Meta(max_length=MAX_ID_CHARACTERS, description="The `result` of the action, which is `MODAL`.")]
    prompt: _Prompt = ""
    mask_base64: Annotated[str, Meta(description="For a region: a picture of the same size, white where to draw anew.")] = ""


class ShortenBody(SubmitBody, kw_only=True, omit_defaults=True, rename="camel"):
    """Body of `POST /mj/submit/shorten`."""

    prompt: _Prompt


class EditsBody(SubmitBody, kw_only=True, omit_defaults=True, rename="camel"):
    """Body of `POST /mj/submit/edits`."""

    prompt: _Prompt
    image: _Image
    mask_base64: Annotated[str, Meta(description="Which part of the picture to draw anew.")] = ""


class VideoBody(SubmitBody, kw_only=True, omit_defaults=True, rename="camel"):
    """Body of `POST /mj/submit/video`; `image`, or `action` with `taskId` and `index`, is needed."""

    prompt: _Prompt = ""
    motion: Annotated[Literal["", "low", "high"], Meta(description="How much moves.", examples=["low"])] = "low"
    image: Annotated[str, Meta(description="The first frame, as a data URI, base64 or an http(s) address.")] = ""
    end_image: Annotated[str, Meta(description="The last frame, likewise.")] = ""
    loop: Annotated[bool, Meta(description="The end joins the beginning.")] = False
    batch_size: Annotated[Literal[1, 2, 4], Meta(description="How many videos; the price is the same.")] = 4
    video_type: Annotated[
        Literal["", "vid_1.1_i2v_480", "vid_1.1_i2v_720"],
        Meta(description="480p or 720p; the vendor's own when left out.", examples=["vid_1.1_i2v_480"]),
    ] = ""
    action: Annotated[Literal["", "extend"], Meta(description="`extend`: go on from a video of yours.", examples=["extend"])] = ""
    task_id: Annotated[str, Meta(max_length=MAX_ID_CHARACTERS, description="With `extend`, required: the video task to go on from.")] = ""
    index: Annotated[int, Meta(ge=0, le=3, description="With `extend`: which of its videos.")] = 0


class UploadBody(SubmitBody, kw_only=True, omit_defaults=True, rename="camel"):
    """Body of `POST /mj/submit/upload-discord-images`."""

    base64_array: Annotated[list[_Image], Meta(min_length=1, max_length=MAX_IMAGES, description="The pictures to keep.")]


class SwapBody(SubmitBody, kw_only=True, omit_defaults=True, rename="camel"):
    """Body of `POST /mj/insight-face/swap`."""

    source_base64: Annotated[str, Meta(description="The picture with the face, as a data URI or base64; this or `sourceUrl`.")] = ""
    target_base64: Annotated[str, Meta(description="The picture that gets it, likewise; this or `targetUrl`.")] = ""
    source_url: Annotated[str, Meta(description="Its address, in place of `sourceBase64`.", examples=["https://example.com/face.png"])] = ""
    target_url: Annotated[str, Meta(description="Its address, in place of `targetBase64`.", examples=["https://example.com/cat.png"])] = ""


class ListBody(Struct, kw_only=True):
    """Body of `POST /mj/task/list-by-condition`."""

    ids: Annotated[list[str], Meta(max_length=MAX_LISTED, description="The tasks' ids.", examples=[["task_4fK2mQpX7cVbN1sLr8YwZd"]])]


class Submitted(Struct, kw_only=True):
    """The answer to a submit. `code` 1: taken; 21: a dialog waits for `/mj/submit/modal` with this `result`."""

    code: Annotated[int, Meta(description="1: done or taken; 21: a dialog waits to be filled in by `/mj/submit/modal`.", examples=[1])]
    description: Annotated[str, Meta(description="One sentence for people; holds `confirm` when a dialog waits.")]
    result: Annotated[str, Meta(description="Id of the task. Of a seed: the seed.", examples=["task_4fK2mQpX7cVbN1sLr8YwZd"])]
    properties: Annotated[
        dict[str, Any],
        Meta(
            description="With 21: `finalPrompt`, the prompt as it stands in the dialog, and `remix`.",
            examples=[{"finalPrompt": "a red kite", "remix": True}],
        ),
    ] = {}


class Uploaded(Struct, kw_only=True):
    """The answer to an upload: addresses."""

    code: Annotated[int, Meta(description="1: they are kept.", examples=[1])]
    description: Annotated[str, Meta(description="One sentence for people.", examples=["success"])]
    result: Annotated[list[str], Meta(description="Addresses of the pictures, in their order; they can go into a prompt.")]


class Button(Struct, kw_only=True, rename="camel"):
    """What can be done next; `customId` goes into `/mj/submit/action`."""

    custom_id: Annotated[str, Meta(description="What it does; goes into `/mj/submit/action`.", examples=["MJ::JOB::upsample::1::3f1c"])]
    emoji: Annotated[str, Meta(description="Its picture, if it has one.", examples=["🔄"])] = ""
    label: Annotated[str, Meta(description="Its words.", examples=["U1"])] = ""
    type: Annotated[int, Meta(description="2: a button.")] = 2
    style: Annotated[int, Meta(description="2: not pressed yet; 3: pressed.")] = 2


class VideoAddress(Struct, kw_only=True):
    """One video."""

    url: Annotated[str, Meta(description="Signed address of the file, kept here; needs no key.")]


class TaskProperties(Struct, kw_only=True, rename="camel"):
    """`finalPrompt` holds what a describe or shorten found."""

    final_prompt: Annotated[
        str, Meta(description="What a describe or shorten found: prompts, parted by empty lines; else the prompt as drawn.")
    ] = ""
    final_zh_prompt: Annotated[str, Meta(description="Always empty here.")] = ""


class TaskObject(Struct, kw_only=True, rename="camel"):
    """A task as it stands. Times are Unix milliseconds, 0 while not known."""

    id: Annotated[str, Meta(description="Id of the task.", examples=["task_4fK2mQpX7cVbN1sLr8YwZd"])]
    action: Annotated[
        str,
        Meta(
            description="What it does: `IMAGINE`, `UPSCALE`, `VARIATION`, `REROLL`, `BLEND`, `DESCRIBE`, `VIDEO`, …", examples=["IMAGINE"]
        ),
    ]
    custom_id: Annotated[str, Meta(description="The button that began it; else empty.")]
    bot_type: Annotated[str, Meta(description="`MID_JOURNEY` or `NIJI_JOURNEY`.", examples=["MID_JOURNEY"])]
    prompt: Annotated[str, Meta(description="The prompt.", examples=["a red kite over the sea"])]
    prompt_en: Annotated[str, Meta(description="The same: nothing is translated here.")]
    description: Annotated[
        str,
        Meta(
            description="What was asked for, in short; of a shorten that is done, what it found.",
            examples=["/imagine a red kite over the sea"],
        ),
    ]
    state: Annotated[str, Meta(description="The words of your own that were sent with it.")]
    submit_time: Annotated[int, Meta(description="When it was taken, unix milliseconds.", examples=[1764237600000])]
    start_time: Annotated[int, Meta(description="When the vendor took it, unix milliseconds; 0 before.")]
    finish_time: Annotated[int, Meta(description="When it ended, unix milliseconds; 0 before.")]
    image_url: Annotated[str, Meta(description="Signed address of the picture, kept here; empty until there is one.")]
    video_url: Annotated[str, Meta(description="Signed address of the first video; empty where there is none.")]
    video_urls: Annotated[list[VideoAddress] | None, Meta(description="All videos; null where there is none.")]
    status: Annotated[
        TaskStatus, Meta(description="How far it is. `MODAL`: a dialog waits to be filled in; `SUCCESS` and `FAILURE` are the end.")
    ]
    progress: Annotated[str, Meta(description="In percent.", examples=["100%"])]
    fail_reason: Annotated[str, Meta(description="With `FAILURE`: why; nothing is charged then.")]
    buttons: Annotated[list[Button], Meta(description="With `SUCCESS`: what can be done next.")]
    mask_base64: Annotated[str, Meta(description="Always empty here.")]
    properties: Annotated[TaskProperties, Meta(description="What was found out about prompts.")]


PictureWord = Literal["midjourney_task_not_found", "http_get_image_failed"]


class PictureError(Struct, kw_only=True):
    """Why there is no picture, as the family's image proxy says it."""

    error: Annotated[PictureWord, Meta(description="The family's word: no such task, or no file.")]
    description: Annotated[str, Meta(description="One sentence for people.")]


class ErrorEnvelope(Struct, kw_only=True):
    """An error: the family's word and number, and the twin that OpenAI's clients read."""

    description: Annotated[
        str, Meta(description="The family's word, and one sentence for people.", examples=["prompt_is_required prompt is required."])
    ]
    type: Annotated[str, Meta(description="Always `upstream_error`, as the family has it.")]
    code: Annotated[
        int,
        Meta(
            description="3: no such task or model; 4: a field is wrong, or no money; 5: failed; 24: a banned word; 30: too busy.",
            examples=[4],
        ),
    ]
    error: Annotated[ErrorTwin, Meta(description="The same error where OpenAI's clients look for it.")]
