"""What is asked of a midjourney-proxy: a call for each kind of work.

All of them raise ValueError when an input has no bytes, or the job to build on is not known.
"""

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

import msgspec

from modelgate.core.providers import UpstreamCall
from modelgate.formats.media.requests import ImageRequest, MediaRequest, VideoRequest, inputs_in
from modelgate.formats.media.vendor_calls import EMPTY, data_uri_of, parent_of, post_json

DIMENSIONS = {"": "", "2:3": "PORTRAIT", "1:1": "SQUARE", "3:2": "LANDSCAPE"}
VIDEO_TYPES = {"": "", "480p": "vid_1.1_i2v_480", "720p": "vid_1.1_i2v_720"}
Asked = tuple[str, Mapping[str, Any]]
"""The end of a path, and the fields of its body; empty ones are left out."""


def encode_submit(
    ask: Callable[..., Asked], request: ImageRequest | VideoRequest, task_id: str, model: str, *, callback_url: str = ""
) -> UpstreamCall:
    """Return a submit; the speed is in the path, as gateways read it, and in the account filter, as proxies do: some know no other path."""
    path, fields = ask(request)
    options, speed = request.options, request.quality
    said = {
        **fields,
        "botType": options.get("midjourney_bot_type"),
        "state": options.get("midjourney_state"),
        "accountFilter": {"modes": [speed.upper()]} if speed else None,
        "notifyHook": callback_url,
    }
    call = post_json(f"/mj/{path}", said, unsaid=EMPTY)
    return msgspec.structs.replace(call, path=f"/mj-{speed}{call.path}", otherwise=call.path) if speed else call


def _all(request: MediaRequest, role: str = "image") -> list[str]:
    return [data_uri_of(item) for item in inputs_in(request, role)]


def _first(request: MediaRequest, role: str = "image") -> str:
    return next(iter(_all(request, role)), "")


def _prompt_of(request: ImageRequest) -> str:
    """Return the prompt with what else is wanted in Midjourney's own parameters."""
    said = [request.prompt]
    if request.aspect_ratio:
        said.append(f"--ar {request.aspect_ratio}")
    if request.negative_prompt:
        said.append(f"--no {request.negative_prompt}")
    if request.seed is not None:
        said.append(f"--seed {request.seed}")
    return " ".join(said)


def ask_imagine(request: ImageRequest) -> Asked:
    """Return what asks for four pictures."""
    return "submit/imagine", {"prompt": _prompt_of(request), "base64Array": _all(request)}


def ask_blend(request: ImageRequest) -> Asked:
    """Return what merges pictures."""
    fields = {"base64Array": _all(request), "dimensions": DIMENSIONS.get(request.aspect_ratio)}
    return "submit/blend", fields


def ask_describe(request: ImageRequest) -> Asked:
    """Return what describes a picture."""
    return "submit/describe", {"base64": _first(request), "language": request.options.get("midjourney_language")}


def ask_shorten(request: ImageRequest) -> Asked:
    """Return what shortens a prompt."""
    return "submit/shorten", {"prompt": request.prompt}


def ask_edit(request: ImageRequest) -> Asked:
    """Return what edits a picture."""
    fields = {"prompt": _prompt_of(request), "image": _first(request), "maskBase64": _first(request, "mask")}
    return "submit/edits", fields


def ask_swap(request: ImageRequest) -> Asked:
    """Return what puts a face into a picture."""
    fields = {"sourceBase64": _first(request, "reference"), "targetBase64": _first(request)}
    return "insight-face/swap", fields


def ask_upload(request: ImageRequest) -> Asked:
    """Return what keeps pictures."""
    return "submit/upload-discord-images", {"base64Array": _all(request)}


def ask_change(request: ImageRequest) -> Asked:
    """Return what makes more of one of four pictures."""
    index = request.parent.index if request.parent is not None else 0
    fields = {"taskId": parent_of(request), "action": request.options.get("midjourney_action"), "index": index or None}
    return "submit/change", fields


def ask_action(request: MediaRequest) -> Asked:
    """Return what presses a button, at the account that has the parent."""
    fields = {
        "taskId": parent_of(request),
        "customId": request.options.get("midjourney_custom_id"),
        "chooseSameChannel": True,
        "enableRemix": request.options.get("midjourney_remix"),
    }
    return "submit/action", fields


def ask_modal(request: ImageRequest) -> Asked:
    """Return what fills in a dialog."""
    fields = {"taskId": parent_of(request), "prompt": request.prompt, "maskBase64": _first(request, "mask")}
    return "submit/modal", fields


def ask_video(request: VideoRequest) -> Asked:
    """Return what makes a picture move, or a video go on."""
    options = request.options
    fields: dict[str, Any] = {
        "prompt": request.prompt,
        "motion": options.get("midjourney_motion"),
        "batchSize": options.get("midjourney_batch_size"),
        "loop": options.get("midjourney_loop"),
        "videoType": VIDEO_TYPES.get(request.resolution),
    }
    if request.parent is not None:
        fields |= {"action": "extend", "taskId": parent_of(request), "index": max(0, request.parent.index - 1)}
    else:
        fields |= {"image": _first(request, "first_frame"), "endImage": _first(request, "last_frame")}
    return "submit/video", fields


def encode_poll(vendor_task: str) -> UpstreamCall:
    """Return the call that asks how a job stands, by the list: asked for one alone, proxies answer a missing one in too many ways."""
    return encode_poll_many([vendor_task])


def encode_poll_many(vendor_tasks: list[str]) -> UpstreamCall:
    """Return the call that asks how many jobs stand."""
    return post_json("/mj/task/list-by-condition", {"ids": vendor_tasks})


def encode_question(vendor_task: str) -> UpstreamCall:
    """Return the call that asks for the seed of a finished job."""
    return UpstreamCall(method="GET", path=f"/mj/task/{quote(vendor_task, safe='')}/image-seed")


def encode_cancel(vendor_task: str) -> UpstreamCall:
    """Return the call that stops a job, which only some proxies know."""
    return post_json(f"/mj/task/{quote(vendor_task, safe='')}/cancel", {})
