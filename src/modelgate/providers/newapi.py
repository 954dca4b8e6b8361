"""New API, and gateways grown out of One API: many vendors behind one address. Of media: videos, by its `/v1/videos`.

The base URL is the other's address without a path, such as https://gateway.example.
Source: docs.newapi.pro/en/docs/api, read 2026-11.
"""

from typing import Any, Final
from urllib.parse import quote

import msgspec

from modelgate.core.providers import MediaOperation, Provider, Quirks, UpstreamCall, VendorState, bearer
from modelgate.core.records import TaskOutput
from modelgate.formats.media.fields import broken
from modelgate.formats.media.gateway_status import gateway_poll_refused, gateway_refused
from modelgate.formats.media.limits import check_one_of, need_prompt
from modelgate.formats.media.requests import VideoRequest
from modelgate.formats.media.vendor_answers import failed, reader_of
from modelgate.formats.media.vendor_calls import EMPTY, post_json, uri_of

VIDEOS_PATH: Final = "/v1/videos"
_SIZES: Final = {"16:9": "1280x720", "9:16": "720x1280", "1:1": "1024x1024"}


class _Error(msgspec.Struct):
    message: str | None = None


class _Video(msgspec.Struct):
    status: str
    id: str = ""
    task_id: str = ""
    progress: int | None = None
    metadata: dict[str, Any] | None = None
    error: _Error | None = None


_read_video = reader_of(_Video)


def check(request: VideoRequest, model: str) -> None:
    """Raise InvalidRequest for what its videos have no word for."""
    del model
    need_prompt(request)
    check_one_of(request, "aspect_ratio", _SIZES)
    if len(request.inputs) > 1:
        raise broken("first_frame", len(request.inputs), "it may be given once")


def encode_submit(request: VideoRequest, task_id: str, model: str) -> UpstreamCall:
    """Return the call that starts a video. Raises ValueError: an input is still a blob's key."""
    del task_id
    fields = {
        "model": model,
        "prompt": request.prompt,
        "seconds": str(request.seconds) if request.seconds else "",
        "size": _SIZES.get(request.aspect_ratio, ""),
        "mode": request.quality,
        "image": next((uri_of(item) for item in request.inputs), ""),
    }
    return post_json(VIDEOS_PATH, fields, unsaid=EMPTY)


def encode_poll(vendor_task: str) -> UpstreamCall:
    """Return the call that asks how a video stands."""
    return UpstreamCall(method="GET", path=f"{VIDEOS_PATH}/{quote(vendor_task, safe='')}")


def parse_submit(status: int, body: bytes) -> VendorState:
    """Read the answer to a submit: taken, refused, or neither (then the video may exist)."""
    video = _video_of(status, body)
    return gateway_refused(status, body) if video is None else _state_of(video)


def parse_poll(status: int, body: bytes) -> VendorState:
    """Read the answer to a poll. Whatever is no video leaves ours as it is, but for one that is not known there."""
    video = _video_of(status, body)
    return gateway_poll_refused(status, body) if video is None else _state_of(video)


def _video_of(status: int, body: bytes) -> _Video | None:
    return _read_video(body) if 200 <= status < 300 else None


def _state_of(video: _Video) -> VendorState:
    vendor_task = video.id or video.task_id
    match video.status.lower():
        case "queued" | "pending" | "in_progress" | "processing" | "unknown":
            return VendorState(state="running", vendor_task=vendor_task, progress=min(max(video.progress or 0, 0), 100))
        case "completed":
            url = (video.metadata or {}).get("url")
            outputs = (TaskOutput(kind="video", url=url),) if isinstance(url, str) and url else ()
            return VendorState(state="succeeded", vendor_task=vendor_task, progress=100, outputs=outputs)
        case "failed" | "cancelled":
            message = (video.error.message if video.error is not None else None) or ""
            return failed(message, job=vendor_task)
        case _:
            return VendorState()


_VIDEO = MediaOperation(
    encode_submit=encode_submit,
    parse_submit=parse_submit,
    encode_poll=encode_poll,
    parse_poll=parse_poll,
    check=check,
    takes=frozenset(("seconds", "quality", "first_frame")),
)

PROVIDER = Provider(
    name="newapi",
    title="New API",
    base_url="",  # every installation has an address of its own
    formats=("openai_chat", "anthropic_messages", "gemini_content", "openai_embeddings"),
    media={"video": _VIDEO},
    sign=bearer,
    quirks=Quirks(
        paths={
            "openai_chat": "/v1/chat/completions",
            "openai_embeddings": "/v1/embeddings",
            "models": "/v1/models",
        },
    ),
    documentation="https://docs.newapi.pro/en/docs/api (2026-11)",
)
