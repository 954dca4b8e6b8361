"""What a midjourney-proxy refuses, and the job it makes of what it takes."""

import hmac
import re
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from msgspec.structs import replace

from modelgate.sandbox.midjourney.jobs import DIALOGS, GRIDS, KEYCAPS, MidjourneyJob, buttons_of, read_custom_id
from modelgate.sandbox.midjourney.schema import (
    INVALID,
    Action,
    Blend,
    Change,
    Describe,
    Edits,
    Imagine,
    MidjourneyRefused,
    Modal,
    SimpleChange,
    Submit,
    Swap,
    Video,
)
from modelgate.sandbox.midjourney.words import needed, picture_of, picture_or_address, ratio_size
from modelgate.sandbox.pictures import size_of
from modelgate.sandbox.vision import look_at, open_picture, shrink

KEY = "mj-sandbox"
CLIP_S = 5.2
EXTENSION_S = 4.0
MAX_CLIP_S = 21.2
DIMENSIONS = {"PORTRAIT": "2:3", "SQUARE": "1:1", "LANDSCAPE": "3:2"}
VIDEO_HEIGHTS = {"vid_1.1_i2v_480": 480, "vid_1.1_i2v_720": 720}
_SPEED = re.compile(r"--(fast|relax|turbo)\b", re.IGNORECASE)
_SIMPLE = re.compile(r"(\d{1,64}) (?:([UV])([1-4])|(R))", re.IGNORECASE)


Parent = Callable[[str | None], MidjourneyJob]
"""Finds the parent of a job. Raises MidjourneyRefused: it is missing or has not succeeded."""


def check_secret(secret: str | None, authorization: str | None) -> bool:
    """Say whether `mj-api-secret`, or a bearer token in its place, opens the proxy."""
    given = secret if secret is not None else (authorization or "").removeprefix("Bearer ")
    return hmac.compare_digest(given.encode(), KEY.encode())


def speed_of(prefix: str, modes: list[str], prompt: str) -> str:
    """Return the speed: of the path, else of the account filter, else of a flag in the prompt."""
    flag = _SPEED.search(prompt)
    asked = prefix.removeprefix("mj").removeprefix("-") or (modes[0] if modes else "") or (flag[1] if flag else "fast")
    return asked.upper()


def plan_imagine(body: Imagine) -> MidjourneyJob:
    """Return the job of a prompt, with pictures put in front of it."""
    prompt = needed(body.prompt, "prompt")
    pictures = [picture_of(text, "base64Array") for text in body.base64_array or []]
    width, height = ratio_size(prompt)
    plan = MidjourneyJob(action="IMAGINE", prompt=prompt, description=f"/imagine {prompt}", width=width, height=height)
    return _with(plan, pictures)


def plan_blend(body: Blend) -> MidjourneyJob:
    """Return the job that merges pictures."""
    pictures = [picture_of(text, "base64Array") for text in body.base64_array or []]
    if not 2 <= len(pictures) <= 5:
        raise MidjourneyRefused(INVALID, "base64Array must hold 2 to 5 pictures")
    dimensions = body.dimensions or "SQUARE"
    width, height = size_of(DIMENSIONS[dimensions])
    return _with(MidjourneyJob(action="BLEND", description=f"/blend {dimensions}", width=width, height=height), pictures)


def plan_describe(body: Describe) -> MidjourneyJob:
    """Return the job that says what would make such a picture."""
    data = picture_of(needed(body.base64, "base64"), "base64")
    seen = look_at(data)
    looks = ("a study", "an oil painting", "a photograph", "a paper collage")
    colours = " and ".join(seen.colours)
    said = (
        f"{keycap} {look} in {colours}, calm light --ar {seen.width}:{seen.height}" for keycap, look in zip(KEYCAPS, looks, strict=False)
    )
    plan = MidjourneyJob(action="DESCRIBE", description="/describe", answer="\n\n".join(said), width=seen.width, height=seen.height)
    return _with(plan, [data])


def plan_shorten(body: Imagine) -> MidjourneyJob:
    """Return the job that tells which words of a prompt matter."""
    prompt = needed(body.prompt, "prompt")
    words = prompt.split()
    told = (f"{keycap} {' '.join(words[: max(1, len(words) * (5 - n) // 5)])}" for n, keycap in enumerate(KEYCAPS))
    return MidjourneyJob(action="SHORTEN", prompt=prompt, description=f"/shorten {prompt}", answer="\n\n".join(told))


def plan_edits(body: Edits) -> MidjourneyJob:
    """Return the job that edits a picture."""
    prompt = needed(body.prompt, "prompt")
    pictures = picture_or_address(needed(body.image, "image"), "image")
    if body.mask_base64:
        picture_of(body.mask_base64, "maskBase64")
    width, height = ratio_size(prompt)
    return _with(MidjourneyJob(action="EDITS", prompt=prompt, description=f"/edits {prompt}", width=width, height=height), pictures)


def plan_swap(body: Swap) -> MidjourneyJob:
    """Return the job that puts one picture's face into another."""
    source = picture_of(needed(body.source_base64, "sourceBase64"), "sourceBase64")
    target = look_at(picture_of(needed(body.target_base64, "targetBase64"), "targetBase64"))
    even = (max(64, side // 2 * 2) for side in (min(target.width, 2_048), min(target.height, 2_048)))
    width, height = even
    return _with(MidjourneyJob(action="SWAP_FACE", description="swap face", width=width, height=height), [source])


def plan_video(body: Video, parent: Parent) -> MidjourneyJob:
    """Return the job that animates a picture or goes on with a video."""
    prompt = body.prompt or ""
    if body.action:
        earlier = parent(body.task_id)
        if not earlier.videos or body.index is None or body.index >= earlier.videos:
            raise MidjourneyRefused(INVALID, "index does not name a video of the task")
        if earlier.seconds + EXTENSION_S > MAX_CLIP_S + 0.01:
            raise MidjourneyRefused(INVALID, "the video cannot be extended further")
        return MidjourneyJob(
            action="VIDEO_EXTEND",
            prompt=prompt or earlier.prompt,
            description="extend",
            parent=earlier.id,
            index=body.index,
            width=earlier.width,
            height=earlier.height,
            seconds=earlier.seconds + EXTENSION_S,
            videos=body.batch_size or 4,
            reference=earlier.reference,
        )
    pictures = picture_or_address(needed(body.image, "image"), "image")
    if body.end_image:
        picture_or_address(body.end_image, "endImage")
    height = VIDEO_HEIGHTS[body.video_type or "vid_1.1_i2v_480"]
    seen = look_at(pictures[0]) if pictures else None
    width = round(height * min(4.0, max(0.25, seen.width / seen.height if seen else 1.0)) / 2) * 2
    plan = MidjourneyJob(action="VIDEO", prompt=prompt, description=f"/video {prompt}", width=width, height=height, seconds=CLIP_S)
    return _with(replace(plan, videos=body.batch_size or 4), pictures)


def plan_change(body: Change, parent: Parent) -> MidjourneyJob:
    """Return the job that makes more of one of four pictures."""
    needed(body.task_id, "taskId")
    if body.action is None:
        raise MidjourneyRefused(INVALID, "action must not be empty")
    if body.action != "REROLL" and body.index is None:
        raise MidjourneyRefused(INVALID, "index must be 1 to 4")
    earlier = parent(body.task_id)
    if earlier.action not in ("IMAGINE", "VARIATION", "REROLL", "BLEND"):
        raise MidjourneyRefused(INVALID, "the related task does not allow changes")
    return plan_child(earlier, body.action, index=body.index or 0)


def read_simple(body: SimpleChange) -> Change:
    """Return what `<id> U1` says at length."""
    match = _SIMPLE.fullmatch((body.content or "").strip())
    if match is None:
        raise MidjourneyRefused(INVALID, "content must be like `1320098173412546 U2`")
    action = {"U": "UPSCALE", "V": "VARIATION"}.get((match[2] or "").upper(), "REROLL")
    index = int(match[3]) if match[3] else None
    return Change(task_id=match[1], action=action, index=index, state=body.state, notify_hook=body.notify_hook)  # type: ignore[arg-type]  # one of three


def plan_action(body: Action, parent: Parent) -> MidjourneyJob:
    """Return the job of a button; its dialog is open when the button opens one."""
    needed(body.task_id, "taskId")
    custom_id = needed(body.custom_id, "customId")
    earlier = parent(body.task_id)
    if custom_id not in (button["customId"] for button in buttons_of(earlier)):
        raise MidjourneyRefused(INVALID, "customId is not a button of the task")
    action, index = read_custom_id(custom_id)
    if not action:
        raise MidjourneyRefused(INVALID, "this button starts no job")
    has_dialog = action in DIALOGS.values() or (body.enable_remix and action in ("VARIATION", "REROLL", "PAN"))
    plan = replace(plan_child(earlier, action, index=index), custom_id=custom_id)
    return replace(plan, starts_at=None) if has_dialog else plan


def plan_child(earlier: MidjourneyJob, action: str, *, index: int) -> MidjourneyJob:
    """Return the job that makes something new out of a finished one."""
    suffix = {"UPSCALE": f"U{index}", "VARIATION": f"V{index}", "REROLL": "R"}.get(action, action.lower())
    prompt = earlier.prompt
    if earlier.action in ("DESCRIBE", "SHORTEN") and action in ("PIC_READER", "IMAGINE"):
        prompt = earlier.answer.split("\n\n")[max(0, index - 1)].partition(" ")[2]
    variant = earlier.variant * 8 + index
    if action == "UPSCALE" and earlier.action in GRIDS:
        variant = earlier.variant * 4 + index - 1
    elif action == "UPSCALE":
        variant = earlier.variant
    is_video = action == "VIDEO"
    width, height = size_of("1:1") if earlier.action in ("DESCRIBE", "SHORTEN") else (earlier.width, earlier.height)
    return replace(
        earlier,
        id="",
        uuid="",
        starts_at=0.0,
        action="IMAGINE" if action == "PIC_READER" else action,
        prompt=prompt,
        description=f"/up {earlier.id} {suffix}",
        parent=earlier.id,
        index=index,
        variant=variant,
        width=width // 4 * 2 if is_video else width,
        height=height // 4 * 2 if is_video else height,
        custom_id="",
        state="",
        answer=earlier.answer if action == "DESCRIBE" else "",
        seconds=CLIP_S if is_video else 0.0,
        videos=4 if is_video else 0,
    )


def plan_modal(body: Modal, waiting: MidjourneyJob) -> MidjourneyJob:
    """Return a job whose dialog was filled in."""
    if waiting.action == "INPAINT":
        mask = open_picture(picture_of(needed(body.mask_base64, "maskBase64"), "maskBase64"))
        if mask.size != (waiting.width, waiting.height):
            raise MidjourneyRefused(INVALID, f"maskBase64 must be as large as the picture, {waiting.width}x{waiting.height}")
    if waiting.action == "CUSTOM_ZOOM" and not re.search(r"--zoom (?:1(?:\.\d+)?|2(?:\.0+)?)(?!\S)", body.prompt or ""):
        raise MidjourneyRefused(INVALID, "prompt must hold --zoom with 1 to 2")
    return replace(waiting, prompt=body.prompt or waiting.prompt)


def _with(plan: MidjourneyJob, pictures: list[bytes]) -> MidjourneyJob:
    """Return a plan with a thumbnail of the first picture that was given."""
    return replace(plan, reference=shrink(open_picture(pictures[0])) if pictures else None)


Planner = Callable[[bytes, Parent], tuple[Submit, MidjourneyJob]]


def _planner(kind: type, plan: Callable[..., MidjourneyJob], *, has_parent: bool = False) -> Planner:
    decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(kind)

    def planned(body: bytes, parent: Parent) -> tuple[Submit, MidjourneyJob]:
        asked = decoder.decode(body)
        return asked, plan(asked, parent) if has_parent else plan(asked)

    return planned


PLANNERS: Mapping[str, Planner] = {
    "submit/imagine": _planner(Imagine, plan_imagine),
    "submit/blend": _planner(Blend, plan_blend),
    "submit/describe": _planner(Describe, plan_describe),
    "submit/shorten": _planner(Imagine, plan_shorten),
    "submit/edits": _planner(Edits, plan_edits),
    "submit/video": _planner(Video, plan_video, has_parent=True),
    "submit/change": _planner(Change, plan_change, has_parent=True),
    "submit/simple-change": _planner(SimpleChange, lambda body, parent: plan_change(read_simple(body), parent), has_parent=True),
    "submit/action": _planner(Action, plan_action, has_parent=True),
    "insight-face/swap": _planner(Swap, plan_swap),
}
"""How each path's body becomes a job."""
