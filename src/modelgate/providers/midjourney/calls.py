"""What is asked of a midjourney-proxy: a call for each kind of work.

All of them raise ValueError when an input has no bytes, or the job to build on is not known.
"""

import base64
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import msgspec

from modelgate.core.providers import UpstreamCall
from modelgate.formats.media.requests import ImageRequest, MediaInput, MediaRequest, VideoRequest, inputs_in

DIMENSIONS = {"": "", "2:3": "PORTRAIT", "1:1": "SQUARE", "3:2": "LANDSCAPE"}
VIDEO_TYPES = {"": "", "480p": "vid_1.1_i2v_480", "720p": "vid_1.1_i2v_720"}
_JSON_HEADERS = (("content-type", "application/json"),)
_encode = msgspec.json.Encoder().encode


def _submit(request: MediaRequest, path: str, fields: Mapping[str, Any]) -> UpstreamCall:
    """Return a submit; the speed is in the path, as gateways read it, and in the account filter, as proxies do."""
    options, speed = request.options, getattr(request, "quality", "")
    prefix = f"/mj-{speed}/mj" if speed else "/mj"
    said = {
        **fields,
        "botType": options.get("midjourney_bot_type"),
        "state": options.get("midjourney_state"),
        "accountFilter": {"modes": [speed.upper()]} if speed else None,
    }
    body = _encode({name: value for name, value in said.items() if value is not None and value != "" and value != []})
    return UpstreamCall(method="POST", path=f"{prefix}/{path}", headers=_JSON_HEADERS, body=body)


def _inline(item: MediaInput) -> str:
    if not item.data:
        raise ValueError("an input has no bytes")
    return f"data:{item.content_type or 'image/png'};base64,{base64.b64encode(item.data).decode()}"


def _all(request: MediaRequest, role: str = "image") -> list[str]:
    return [_inline(item) for item in inputs_in(request, role)]


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


def _parent_of(request: MediaRequest) -> str:
    if request.parent is None or not request.parent.vendor_task:
        raise ValueError("the job to build on is not known")
    return request.parent.vendor_task


def encode_imagine(request: ImageRequest, task_id: str, model: str) -> UpstreamCall:
    """Return the call for four pictures."""
    return _submit(request, "submit/imagine", {"prompt": _prompt_of(request), "base64Array": _all(request)})


def encode_blend(request: ImageRequest, task_id: str, model: str) -> UpstreamCall:
    """Return the call that merges pictures."""
    fields = {"base64Array": _all(request), "dimensions": DIMENSIONS.get(request.aspect_ratio)}
    return _submit(request, "submit/blend", fields)


def encode_describe(request: ImageRequest, task_id: str, model: str) -> UpstreamCall:
    """Return the call that describes a picture."""
    return _submit(request, "submit/describe", {"base64": _first(request), "language": request.options.get("midjourney_language")})


def encode_shorten(request: ImageRequest, task_id: str, model: str) -> UpstreamCall:
    """Return the call that shortens a prompt."""
    return _submit(request, "submit/shorten", {"prompt": request.prompt})


def encode_edit(request: ImageRequest, task_id: str, model: str) -> UpstreamCall:
    """Return the call that edits a picture."""
    fields = {"prompt": _prompt_of(request), "image": _first(request), "maskBase64": _first(request, "mask")}
    return _submit(request, "submit/edits", fields)


def encode_swap(request: ImageRequest, task_id: str, model: str) -> UpstreamCall:
    """Return the call that puts a face into a picture."""
    fields = {"sourceBase64": _first(request, "reference"), "targetBase64": _first(request)}
    return _submit(request, "insight-face/swap", fields)


def encode_upload(request: ImageRequest, task_id: str, model: str) -> UpstreamCall:
    """Return the call that keeps pictures."""
    return _submit(request, "submit/upload-discord-images", {"base64Array": _all(request)})


def encode_change(request: ImageRequest, task_id: str, model: str) -> UpstreamCall:
    """Return the call that makes more of one of four pictures."""
    index = request.parent.index if request.parent is not None else 0
    fields = {"taskId": _parent_of(request), "action": request.options.get("midjourney_action"), "index": index or None}
    return _submit(request, "submit/change", fields)


def encode_action(request: MediaRequest, task_id: str, model: str) -> UpstreamCall:
    """Return the call that presses a button, at the account that has the parent."""
    fields = {
        "taskId": _parent_of(request),
        "customId": request.options.get("midjourney_custom_id"),
        "chooseSameChannel": True,
        "enableRemix": request.options.get("midjourney_remix"),
    }
    return _submit(request, "submit/action", fields)


def encode_modal(request: ImageRequest, task_id: str, model: str) -> UpstreamCall:
    """Return the call that fills in a dialog."""
    fields = {"taskId": _parent_of(request), "prompt": request.prompt, "maskBase64": _first(request, "mask")}
    return _submit(request, "submit/modal", fields)


def encode_video(request: VideoRequest, task_id: str, model: str) -> UpstreamCall:
    """Return the call that makes a picture move, or a video go on."""
    options = request.options
    fields: dict[str, Any] = {
        "prompt": request.prompt,
        "motion": options.get("midjourney_motion"),
        "batchSize": options.get("midjourney_batch_size"),
        "loop": options.get("midjourney_loop"),
        "videoType": VIDEO_TYPES.get(request.resolution),
    }
    if request.parent is not None:
        fields |= {"action": "extend", "taskId": _parent_of(request), "index": max(0, request.parent.index - 1)}
    else:
        fields |= {"image": _first(request, "first_frame"), "endImage": _first(request, "last_frame")}
    return _submit(request, "submit/video", fields)


def encode_poll(vendor_task: str) -> UpstreamCall:
    """Return the call that asks how a job stands, by the list: asked for one alone, proxies answer a missing one in too many ways."""
    return encode_poll_many([vendor_task])


def encode_poll_many(vendor_tasks: list[str]) -> UpstreamCall:
    """Return the call that asks how many jobs stand."""
    return UpstreamCall(method="POST", path="/mj/task/list-by-condition", headers=_JSON_HEADERS, body=_encode({"ids": vendor_tasks}))


def encode_cancel(vendor_task: str) -> UpstreamCall:
    """Return the call that stops a job, which only some proxies know."""
    return UpstreamCall(method="POST", path=f"/mj/task/{quote(vendor_task, safe='')}/cancel", headers=_JSON_HEADERS, body=b"{}")
