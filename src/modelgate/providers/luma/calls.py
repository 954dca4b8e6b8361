"""Neutral requests to Dream Machine's calls."""

from typing import Any
from urllib.parse import quote

import msgspec

from modelgate.core.providers import UpstreamCall
from modelgate.formats.media.requests import ImageRequest, MediaInput, VideoRequest, inputs_in

_HEADERS = (("content-type", "application/json"),)
_encode = msgspec.json.Encoder().encode


def encode_video_submit(request: VideoRequest, task_id: str, model: str, *, callback_url: str = "") -> UpstreamCall:
    """Return the call that starts a video, or one that goes on from an earlier one. The vendor has no place for our task id.

    Raises:
        ValueError: an input is not an address.
    """
    del task_id
    frames: dict[str, Any] = {}
    for frame, role in (("frame0", "first_frame"), ("frame1", "last_frame")):
        for item in inputs_in(request, role):
            frames[frame] = {"type": "image", "url": _address(item)}
    if request.parent is not None:
        frames["frame1" if request.options.get("luma_backwards") else "frame0"] = {"type": "generation", "id": request.parent.vendor_task}
    concepts: list[str] = request.options.get("luma_concepts") or []
    fields: dict[str, Any] = {
        "model": model,
        "prompt": request.prompt or None,
        "aspect_ratio": request.aspect_ratio or None,
        "resolution": request.resolution or None,
        "duration": f"{request.seconds}s" if request.seconds else None,
        "loop": request.options.get("luma_loop"),
        "keyframes": frames or None,
        "concepts": [{"key": key} for key in concepts] or None,
        "callback_url": callback_url or None,
    }
    return _call("/generations/video", fields)


def encode_upscale_submit(request: VideoRequest, task_id: str, model: str, *, callback_url: str = "") -> UpstreamCall:
    """Return the call that makes a video larger."""
    del task_id, model
    return _call(f"{_path_of_parent(request)}/upscale", {"resolution": request.resolution, "callback_url": callback_url or None})


def encode_audio_submit(request: VideoRequest, task_id: str, model: str, *, callback_url: str = "") -> UpstreamCall:
    """Return the call that gives a video sound."""
    del task_id, model
    fields = {"prompt": request.prompt, "negative_prompt": request.negative_prompt or None, "callback_url": callback_url or None}
    return _call(f"{_path_of_parent(request)}/audio", fields)


def _path_of_parent(request: VideoRequest) -> str:
    if request.parent is None or not request.parent.vendor_task:
        raise ValueError("an earlier video is needed")
    return f"/generations/{quote(request.parent.vendor_task, safe='')}"


def encode_image_submit(request: ImageRequest, task_id: str, model: str, *, callback_url: str = "") -> UpstreamCall:
    """Return the call that starts a picture. Raises ValueError: an input is not an address."""
    del task_id
    characters = [_address(item) for item in inputs_in(request, "character")]
    changed = _weighted(request, "image")
    fields: dict[str, Any] = {
        "model": model,
        "prompt": request.prompt,
        "aspect_ratio": request.aspect_ratio or None,
        "format": {"jpeg": "jpg", "png": "png"}.get(request.output_format),
        "image_ref": _weighted(request, "reference") or None,
        "style_ref": _weighted(request, "style") or None,
        "character_ref": {"identity0": {"images": characters}} if characters else None,
        "modify_image_ref": changed[0] if changed else None,
        "callback_url": callback_url or None,
    }
    return _call("/generations/image", fields)


def _weighted(request: ImageRequest, role: str) -> list[dict[str, Any]]:
    """Return the pictures of a role, each with its weight where one was said."""
    weights: list[Any] = request.options.get(f"luma_{role}_weights") or []
    found: list[dict[str, Any]] = [{"url": _address(item)} for item in inputs_in(request, role)]
    for reference, weight in zip(found, weights, strict=False):
        if weight is not None:
            reference["weight"] = weight
    return found


def _address(item: MediaInput) -> str:
    if not item.url:
        raise ValueError("an input is not an address")
    return item.url


def _call(path: str, fields: dict[str, Any]) -> UpstreamCall:
    body = _encode({name: value for name, value in fields.items() if value is not None})
    return UpstreamCall(method="POST", path=path, headers=_HEADERS, body=body)


def encode_poll(vendor_task: str) -> UpstreamCall:
    """Return the call that asks how a generation stands."""
    return UpstreamCall(method="GET", path=f"/generations/{quote(vendor_task, safe='')}")


def encode_cancel(vendor_task: str) -> UpstreamCall:
    """Return the call that deletes a generation."""
    return UpstreamCall(method="DELETE", path=f"/generations/{quote(vendor_task, safe='')}")
