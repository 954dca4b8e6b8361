"""The bodies that a midjourney-proxy takes, field by field, and its refusals. Unknown fields are passed over, as its JSON reader does."""

from typing import Annotated, Literal

import msgspec

from modelgate.sandbox.front import VendorRefused

NOT_FOUND, INVALID, FAILED, EXISTS, QUEUED, QUEUE_FULL, BANNED = 3, 4, 9, 21, 22, 23, 24
MAX_PROMPT = 6_000
MAX_IMAGE_TEXT = 40 * 1024 * 1024
MAX_IMAGES = 5
MAX_STATE = 255
MAX_HOOK = 2_000
MAX_LISTED_IDS = 1_000

Text = Annotated[str, msgspec.Meta(max_length=MAX_PROMPT)]
Image = Annotated[str, msgspec.Meta(max_length=MAX_IMAGE_TEXT)]
Images = Annotated[list[Image], msgspec.Meta(max_length=MAX_IMAGES)]
Id = Annotated[str, msgspec.Meta(max_length=64)]
Mode = Literal["RELAX", "FAST", "TURBO"]


class MidjourneyRefused(VendorRefused):
    """The proxy refuses with a code of its own; the status is 200 for most of these."""

    def __init__(self, code: int, description: str, *, status: int = 200, properties: dict[str, str] | None = None) -> None:
        said = {"code": code, "description": description, "result": None, "properties": properties or {}}
        super().__init__(status, None if status == 401 else said, description)
        self.code = code


class AccountFilter(msgspec.Struct, frozen=True, rename="camel"):
    """Which of the proxy's accounts may do it."""

    modes: list[Mode] = []
    channel_id: str | None = None
    instance_id: str | None = None
    remark: str | None = None
    remix: bool | None = None
    niji_remix: bool | None = None
    remix_auto_considered: bool | None = None


class Submit(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What every submit may carry."""

    notify_hook: Annotated[str, msgspec.Meta(max_length=MAX_HOOK)] | None = None
    state: Annotated[str, msgspec.Meta(max_length=MAX_STATE)] | None = None
    bot_type: Literal["MID_JOURNEY", "NIJI_JOURNEY", ""] | None = None
    account_filter: AccountFilter | None = None


class Imagine(Submit, frozen=True, kw_only=True, rename="camel"):
    """`/submit/imagine`, and `/submit/shorten`, which looks at the prompt alone."""

    prompt: Text | None = None
    base64_array: Images | None = None


class Blend(Submit, frozen=True, kw_only=True, rename="camel"):
    """`/submit/blend`."""

    base64_array: Images | None = None
    dimensions: Literal["PORTRAIT", "SQUARE", "LANDSCAPE", ""] | None = None


class Describe(Submit, frozen=True, kw_only=True, rename="camel"):
    """`/submit/describe`."""

    base64: Image | None = None
    language: str | None = None


class Change(Submit, frozen=True, kw_only=True, rename="camel"):
    """`/submit/change`."""

    task_id: Id | None = None
    action: Literal["UPSCALE", "VARIATION", "REROLL"] | None = None
    index: Annotated[int, msgspec.Meta(ge=1, le=4)] | None = None


class SimpleChange(Submit, frozen=True, kw_only=True, rename="camel"):
    """`/submit/simple-change`."""

    content: str | None = None


class Action(Submit, frozen=True, kw_only=True, rename="camel"):
    """`/submit/action`."""

    task_id: Id | None = None
    custom_id: Annotated[str, msgspec.Meta(max_length=200)] | None = None
    choose_same_channel: bool | None = None
    enable_remix: bool | None = None


class Modal(Submit, frozen=True, kw_only=True, rename="camel"):
    """`/submit/modal`."""

    task_id: Id | None = None
    prompt: Text | None = None
    mask_base64: Image | None = None


class Edits(Submit, frozen=True, kw_only=True, rename="camel"):
    """`/submit/edits`."""

    prompt: Text | None = None
    image: Image | None = None
    mask_base64: Image | None = None


class Video(Submit, frozen=True, kw_only=True, rename="camel"):
    """`/submit/video`."""

    prompt: Text | None = None
    motion: Literal["low", "high", ""] | None = None
    image: Image | None = None
    end_image: Image | None = None
    loop: bool | None = None
    batch_size: Literal[1, 2, 4] | None = None
    video_type: Literal["vid_1.1_i2v_480", "vid_1.1_i2v_720", ""] | None = None
    action: Literal["extend", ""] | None = None
    task_id: Id | None = None
    index: Annotated[int, msgspec.Meta(ge=0, le=3)] | None = None


class Swap(Submit, frozen=True, kw_only=True, rename="camel"):
    """`/insight-face/swap`."""

    source_base64: Image | None = None
    target_base64: Image | None = None


class Upload(Submit, frozen=True, kw_only=True, rename="camel"):
    """`/submit/upload-discord-images`."""

    base64_array: Images | None = None


class Listing(msgspec.Struct, frozen=True):
    """`/task/list-by-condition`."""

    ids: Annotated[list[Id], msgspec.Meta(max_length=MAX_LISTED_IDS)] = []
