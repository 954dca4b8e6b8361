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
_Prompt = Annotated[str, Meta(max_length=MAX_PROMPT_CHARACTERS, description="What the picture shows, with Midjourney's `--` parameters.")]
_Image = Annotated[str, Meta(description="A data URI, base64, or an http(s) address of a picture of at most 10 MB.")]
_Images = Annotated[list[_Image], Meta(max_length=MAX_IMAGES)]
_TaskId = Annotated[str, Meta(max_length=MAX_ID_CHARACTERS, description="A task of your account.")]


class AccountFilter(Struct, kw_only=True, omit_defaults=True, rename="camel"):
    """Which accounts of a proxy may do it. One single mode counts as the speed; the rest steers nothing here."""

    modes: list[Mode] = []
    channel_id: str = ""
    instance_id: str = ""
    remark: str = ""
    remix: bool = False
    niji_remix: bool = False
    remix_auto_considered: bool = False


class SubmitBody(Struct, kw_only=True, omit_defaults=True, rename="camel"):
    """What every submit may carry. An empty string means that the field is absent."""

    bot_type: Annotated[Literal["", "MID_JOURNEY", "NIJI_JOURNEY"], Meta(description="Which bot; `MID_JOURNEY` unless said.")] = ""
    state: Annotated[str, Meta(max_length=MAX_STATE_CHARACTERS, description="Words of your own, given back with the task.")] = ""
    notify_hook: Annotated[
        str, Meta(max_length=MAX_HOOK_CHARACTERS, description="An address that is told when the task changes; never sent to the vendor.")
    ] = ""
    mode: Annotated[Literal["", "FAST", "RELAX", "TURBO"], Meta(description="The speed, where the path does not say it.")] = ""
    account_filter: AccountFilter | None = None


class ImagineBody(SubmitBody, kw_only=True, omit_defaults=True, rename="camel"):
    """Body of `POST /mj/submit/imagine`."""

    prompt: _Prompt
    base64_array: Annotated[_Images, Meta(description="Pictures that go in front of the prompt.")] = []


class BlendBody(SubmitBody, kw_only=True, omit_defaults=True, rename="camel"):
    """Body of `POST /mj/submit/blend`."""

    base64_array: Annotated[list[_Image], Meta(min_length=MIN_BLENDED, max_length=MAX_IMAGES, description="The pictures to merge.")]
    dimensions: Annotated[Literal["", "PORTRAIT", "SQUARE", "LANDSCAPE"], Meta(description="2:3, 1:1 (the default) or 3:2.")] = ""


class DescribeBody(SubmitBody, kw_only=True, omit_defaults=True, rename="camel"):
    """Body of `POST /mj/submit/describe`; `base64` or `link` is needed."""

    base64: _Image = ""
    link: Annotated[str, Meta(description="The address of the picture, in place of `base64`.")] = ""
    language: Annotated[str, Meta(max_length=MAX_LANGUAGE_CHARACTERS, description="Also translate into this, such as `zh_cn`.")] = ""


class ChangeBody(SubmitBody, kw_only=True, omit_defaults=True, rename="camel"):
    """Body of `POST /mj/submit/change`."""

    task_id: _TaskId
    action: Literal["UPSCALE", "VARIATION", "REROLL"]
    index: Annotated[int, Meta(ge=1, le=4, description="Which of the four; not needed for REROLL.")] = 1


class SimpleChangeBody(SubmitBody, kw_only=True, omit_defaults=True, rename="camel"):
    """Body of `POST /mj/submit/simple-change`."""

    content: Annotated[str, Meta(description="A task and what to do, `<task> U2`, `<task> V1` or `<task> R`.")]


class ActionBody(SubmitBody, kw_only=True, omit_defaults=True, rename="camel"):
    """Body of `POST /mj/submit/action`."""

    task_id: _TaskId
    custom_id: Annotated[str, Meta(max_length=MAX_CUSTOM_ID_CHARACTERS, description="The `customId` of one of the task's buttons.")]
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
    motion: Literal["", "low", "high"] = "low"
    image: Annotated[str, Meta(description="The first frame.")] = ""
    end_image: Annotated[str, Meta(description="The last frame.")] = ""
    loop: bool = False
    batch_size: Annotated[Literal[1, 2, 4], Meta(description="How many videos; the price is the same.")] = 4
    video_type: Literal["", "vid_1.1_i2v_480", "vid_1.1_i2v_720"] = ""
    action: Literal["", "extend"] = ""
    task_id: Annotated[str, Meta(max_length=MAX_ID_CHARACTERS, description="The video task to go on from.")] = ""
    index: Annotated[int, Meta(ge=0, le=3, description="Which of its videos.")] = 0


class UploadBody(SubmitBody, kw_only=True, omit_defaults=True, rename="camel"):
    """Body of `POST /mj/submit/upload-discord-images`."""

    base64_array: Annotated[list[_Image], Meta(min_length=1, max_length=MAX_IMAGES)]


class SwapBody(SubmitBody, kw_only=True, omit_defaults=True, rename="camel"):
    """Body of `POST /mj/insight-face/swap`."""

    source_base64: Annotated[str, Meta(description="The picture with the face.")] = ""
    target_base64: Annotated[str, Meta(description="The picture that gets it.")] = ""
    source_url: Annotated[str, Meta(description="In place of `sourceBase64`.")] = ""
    target_url: Annotated[str, Meta(description="In place of `targetBase64`.")] = ""


class ListBody(Struct, kw_only=True):
    """Body of `POST /mj/task/list-by-condition`."""

    ids: Annotated[list[str], Meta(max_length=MAX_LISTED)]


class Submitted(Struct, kw_only=True):
    """The answer to a submit. `code` 1: taken; 21: a dialog waits for `/mj/submit/modal` with this `result`."""

    code: int
    description: str
    result: str
    properties: dict[str, Any] = {}


class Uploaded(Struct, kw_only=True):
    """The answer to an upload: addresses."""

    code: int
    description: str
    result: list[str]


class Button(Struct, kw_only=True, rename="camel"):
    """What can be done next; `customId` goes into `/mj/submit/action`."""

    custom_id: str
    emoji: str = ""
    label: str = ""
    type: int = 2
    style: int = 2


class VideoAddress(Struct, kw_only=True):
    """One video."""

    url: str


class TaskProperties(Struct, kw_only=True, rename="camel"):
    """`finalPrompt` holds what a describe or shorten found."""

    final_prompt: str = ""
    final_zh_prompt: str = ""


class TaskObject(Struct, kw_only=True, rename="camel"):
    """A task as it stands. Times are Unix milliseconds, 0 while not known."""

    id: str
    action: str
    custom_id: str
    bot_type: str
    prompt: str
    prompt_en: str
    description: str
    state: str
    submit_time: int
    start_time: int
    finish_time: int
    image_url: str
    video_url: str
    video_urls: list[VideoAddress] | None
    status: TaskStatus
    progress: str
    fail_reason: str
    buttons: list[Button]
    mask_base64: str
    properties: TaskProperties


class ErrorEnvelope(Struct, kw_only=True):
    """An error: the family's word and number, and the twin that OpenAI's clients read."""

    description: str
    type: str
    code: int
    error: ErrorTwin
