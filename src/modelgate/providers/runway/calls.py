"""Neutral requests to Runway's calls."""

import base64
from typing import Any
from urllib.parse import quote

import msgspec

from modelgate.core.providers import UpstreamCall
from modelgate.formats.media.requests import ImageRequest, MediaInput, VideoRequest, inputs_in
from modelgate.providers.runway.limits import FULL_HD, LARGE, PICTURES, first_of, model_of

VERSION_HEADER = ("x-runway-version", "2024-11-06")
_HEADERS = (VERSION_HEADER, ("content-type", "application/json"))
_encode = msgspec.json.Encoder().encode


def encode_video_submit(request: VideoRequest, task_id: str, model: str) -> UpstreamCall:
    """Return the call that starts a video, from words alone or from pictures. The vendor has no place for our task id.

    Raises:
        ValueError: an input is still a blob's key.
    """
    del task_id
    kind, frames = model_of(model), [(item, "first") for item in first_of(request)]
    frames += [(item, "last") for item in inputs_in(request, "last_frame")]
    ratios = FULL_HD if request.resolution == "1080p" else (kind.ratios if frames else kind.text_ratios)
    images = [{"uri": _uri(item), "position": position} for item, position in frames]
    fields: dict[str, Any] = {
        "model": model,
        "promptText": request.prompt or None,
        "promptImage": (images[0]["uri"] if [each for _, each in frames] == ["first"] else images) or None,
        "ratio": ratios.get(request.aspect_ratio) or next(iter(ratios.values())),
        "duration": request.seconds or kind.seconds[0],
        "seed": request.seed,
        "negativePrompt": request.negative_prompt or None,
        "audio": request.sound if kind.has_sound else None,
        "contentModeration": _moderation(request.options),
    }
    return _call("/v1/image_to_video" if frames else "/v1/text_to_video", fields)


def encode_image_submit(request: ImageRequest, task_id: str, model: str) -> UpstreamCall:
    """Return the call that starts a picture. Raises ValueError: an input is still a blob's key."""
    del task_id
    tags: list[str] = request.options.get("runway_tags") or []
    references = [
        {"uri": _uri(item), **({"tag": tags[index]} if index < len(tags) and tags[index] else {})}
        for index, item in enumerate(request.inputs)
    ]
    fields: dict[str, Any] = {
        "model": model,
        "promptText": request.prompt,
        "ratio": request.size.replace("x", ":") or PICTURES.get(request.aspect_ratio) or PICTURES["16:9"],
        "seed": request.seed,
        "referenceImages": references or None,
        "contentModeration": _moderation(request.options),
    }
    return _call("/v1/text_to_image", fields)


def _moderation(options: dict[str, Any]) -> dict[str, Any] | None:
    threshold = options.get("runway_public_figure_threshold")
    return {"publicFigureThreshold": threshold} if threshold else None


def _uri(item: MediaInput) -> str:
    if item.url:
        return item.url
    if not item.data:
        raise ValueError("an input is neither an address nor bytes")
    return f"data:{item.content_type or 'image/png'};base64,{base64.b64encode(item.data).decode()}"


def _call(path: str, fields: dict[str, Any]) -> UpstreamCall:
    body = _encode({name: value for name, value in fields.items() if value is not None})
    return UpstreamCall(method="POST", path=path, headers=_HEADERS, body=body)


def encode_edit_submit(request: VideoRequest, task_id: str, model: str) -> UpstreamCall:
    """Return the call that changes a clip. Raises ValueError: an input is still a blob's key."""
    del task_id
    fields: dict[str, Any] = {
        "model": model,
        "videoUri": _uri(inputs_in(request, "video")[0]),
        "promptText": request.prompt or None,
        "targetAspectRatio": request.aspect_ratio or None,
        "seed": request.seed,
        "contentModeration": _moderation(request.options),
    }
    return _call("/v1/video_to_video", fields)


def encode_performance_submit(request: VideoRequest, task_id: str, model: str) -> UpstreamCall:
    """Return the call that lets a character act as a clip shows. Raises ValueError: an input is still a blob's key."""
    del task_id
    pictures, clips = inputs_in(request, "character"), inputs_in(request, "character_video")
    fields: dict[str, Any] = {
        "model": model,
        "character": {"type": "image" if pictures else "video", "uri": _uri((*pictures, *clips)[0])},
        "reference": {"type": "video", "uri": _uri(inputs_in(request, "video")[0])},
        "ratio": LARGE.get(request.aspect_ratio),
        "bodyControl": request.options.get("runway_body_control"),
        "expressionIntensity": request.options.get("runway_expression_intensity"),
        "seed": request.seed,
        "contentModeration": _moderation(request.options),
    }
    return _call("/v1/character_performance", fields)


def encode_poll(vendor_task: str) -> UpstreamCall:
    """Return the call that asks how a task stands."""
    return UpstreamCall(method="GET", path=f"/v1/tasks/{quote(vendor_task, safe='')}", headers=(VERSION_HEADER,))


def encode_cancel(vendor_task: str) -> UpstreamCall:
    """Return the call that ends a task."""
    return UpstreamCall(method="DELETE", path=f"/v1/tasks/{quote(vendor_task, safe='')}", headers=(VERSION_HEADER,))
