"""Luma's Agents API: videos by ray-3.2, from words, pictures and earlier videos.

Source: docs.lumalabs.ai (Agents API, version 2026-04-01), read 2026-11. Pictures go inline. A result's address is good for an hour; polling
again makes a new one, so a file that could not be copied is simply asked for again.
"""

import base64
from typing import Any
from urllib.parse import quote

import msgspec

from modelgate.core.errors import InvalidRequest
from modelgate.core.providers import MediaOperation, Provider, Twin, UpstreamCall, VendorState, bearer
from modelgate.core.records import TaskOutput
from modelgate.formats.media import refusals
from modelgate.formats.media.requests import MediaInput, VideoRequest, inputs_in
from modelgate.formats.media.vendor_status import MAX_MESSAGE_CHARACTERS, poll_refused, submit_refused

RATIOS = ("9:16", "3:4", "1:1", "4:3", "16:9", "21:9")
RESOLUTIONS = ("360p", "540p", "720p", "1080p")
SECONDS = (5, 10)
DEFAULT_RESOLUTION = "720p"
MAX_PROMPT_CHARACTERS = 6_000
PROCESSING_PERCENT = 50
PERCENT = 100
MAX_OUTPUTS = 4

_HEADERS = (("content-type", "application/json"),)
_GARBLED = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_FAILURES = {
    "content_moderated": (refusals.CONTENT_REFUSED, "The vendor's content policy refuses the prompt, the picture or the result."),
    "image_too_large": (refusals.INVALID_REQUEST, "An input picture is too large for the vendor."),
    "unsupported_format": (refusals.INVALID_REQUEST, "The vendor cannot read an input file."),
    "corrupt_input": (refusals.INVALID_REQUEST, "The vendor cannot read an input file."),
    "invalid_request": (refusals.INVALID_REQUEST, "The vendor refuses this request as not valid."),
    "budget_exhausted": (refusals.VENDOR_BALANCE, "The vendor could not make this."),
    "rate_limited": (refusals.RATE_LIMITED, "The vendor is busy."),
}
_encode = msgspec.json.Encoder().encode


class _Output(msgspec.Struct):
    type: str = "video"
    url: str = ""


class _Generation(msgspec.Struct):
    id: str
    state: str = ""
    failure_code: str | None = None
    output: list[_Output] | None = None


class _Refused(msgspec.Struct):
    detail: Any = None
    message: str | None = None


_decode_generation = msgspec.json.Decoder(_Generation).decode
_decode_refused = msgspec.json.Decoder(_Refused).decode


def _broken(param: str, value: object, rule: str) -> InvalidRequest:
    return InvalidRequest(f"{param} is {value}, but {rule}.", param=param, code="invalid_value")


def check_video(request: VideoRequest, model: str) -> None:
    """Raise InvalidRequest for what the model cannot do."""
    first, last = inputs_in(request, "first_frame"), inputs_in(request, "last_frame")
    if not request.prompt.strip():
        raise InvalidRequest("prompt is required: say what it shows.", param="prompt", code="missing_required_parameter")
    if len(request.prompt) > MAX_PROMPT_CHARACTERS:
        raise InvalidRequest(f"prompt must have at most {MAX_PROMPT_CHARACTERS} characters.", param="prompt", code="invalid_value")
    if len(first) > 1 or len(last) > 1:
        raise InvalidRequest("first_frame and last_frame may each be given once.", param="first_frame", code="invalid_value")
    if first and request.parent is not None:
        raise InvalidRequest("first_frame cannot be given: the earlier video is in its place.", param="first_frame", code="invalid_value")
    if request.aspect_ratio and request.aspect_ratio not in RATIOS:
        raise _broken("aspect_ratio", request.aspect_ratio, f"{model} makes {', '.join(RATIOS)}")
    if request.resolution and request.resolution not in RESOLUTIONS:
        raise _broken("resolution", request.resolution, f"{model} makes {', '.join(RESOLUTIONS)}")
    if request.seconds and request.seconds not in SECONDS:
        raise _broken("seconds", request.seconds, f"{model} makes 5 or 10 seconds")
    if request.seconds == 10 and request.inputs:
        raise _broken("seconds", request.seconds, f"{model} makes 5 seconds from a picture")
    if not isinstance(request.options.get("luma_loop", False), bool):
        raise _broken("luma_loop", request.options["luma_loop"], "it must be true or false")
    if request.options.get("luma_loop") and (request.seconds == 10 or last):
        raise InvalidRequest("luma_loop cannot be used with 10 seconds or a last picture.", param="luma_loop", code="invalid_value")


def complete_video(request: VideoRequest, model: str) -> VideoRequest:
    """Return the request with the length and resolution that are made when none is said."""
    del model
    return msgspec.structs.replace(request, seconds=request.seconds or SECONDS[0], resolution=request.resolution or DEFAULT_RESOLUTION)


def encode_video_submit(request: VideoRequest, task_id: str, model: str) -> UpstreamCall:
    """Return the call that starts a video, or one that goes on from an earlier one. The vendor has no place for our task id.

    Raises:
        ValueError: an input is still a blob's key.
    """
    del task_id
    first: dict[str, str] | None = next((_reference(item) for item in inputs_in(request, "first_frame")), None)
    if request.parent is not None:
        first = {"generation_id": request.parent.vendor_task}
    video: dict[str, Any] = {
        "resolution": request.resolution or None,
        "duration": f"{request.seconds}s" if request.seconds else None,
        "start_frame": first,
        "end_frame": next((_reference(item) for item in inputs_in(request, "last_frame")), None),
        "loop": request.options.get("luma_loop") or None,
    }
    fields: dict[str, Any] = {
        "model": model,
        "type": "video",
        "prompt": request.prompt,
        "aspect_ratio": request.aspect_ratio or None,
        "video": {name: value for name, value in video.items() if value is not None} or None,
    }
    body = _encode({name: value for name, value in fields.items() if value is not None})
    return UpstreamCall(method="POST", path="/generations", headers=_HEADERS, body=body)


def _reference(item: MediaInput) -> dict[str, str]:
    if item.url:
        return {"url": item.url}
    if not item.data:
        raise ValueError("an input is neither an address nor bytes")
    return {"data": base64.b64encode(item.data).decode(), "media_type": item.content_type or "image/png"}


def encode_poll(vendor_task: str) -> UpstreamCall:
    """Return the call that asks how a generation stands."""
    return UpstreamCall(method="GET", path=f"/generations/{quote(vendor_task, safe='')}")


def parse_submit(status: int, body: bytes) -> VendorState:
    """Read the answer to a submit: taken, refused, or neither (then the generation may exist)."""
    if status not in (200, 201):
        return submit_refused(status, _message(body))
    try:
        made = _decode_generation(body)
    except _GARBLED:
        return VendorState()
    return VendorState(state="running", vendor_task=made.id) if made.id else VendorState()


def parse_poll(status: int, body: bytes) -> VendorState:
    """Read the answer to a poll. Whatever is no generation leaves the task as it is, but for one that is not known there."""
    if status != 200:
        return poll_refused(status, _message(body))
    try:
        made = _decode_generation(body)
    except _GARBLED:
        return VendorState()
    match made.state.lower():
        case "queued":
            return VendorState(state="running", vendor_task=made.id)
        case "processing":
            return VendorState(state="running", vendor_task=made.id, progress=PROCESSING_PERCENT)
        case "completed":
            return _completed(made)
        case "failed":
            word, message = _FAILURES.get(made.failure_code or "", (refusals.GENERATION_FAILED, "The vendor could not make this."))
            return VendorState(state="failed", vendor_task=made.id, error_code=word, error_message=message)
        case _:
            return VendorState()  # a new word must not end a task


def _completed(made: _Generation) -> VendorState:
    outputs = tuple(
        TaskOutput(kind="image" if output.type == "image" else "video", url=output.url, vendor_id=made.id)
        for output in (made.output or [])[:MAX_OUTPUTS]
        if output.url
    )
    if not outputs:
        message = "The vendor finished without a result."
        return VendorState(state="failed", vendor_task=made.id, error_code=refusals.GENERATION_FAILED, error_message=message)
    return VendorState(state="succeeded", vendor_task=made.id, progress=PERCENT, outputs=outputs)


def _message(body: bytes) -> str | None:
    """Return the vendor's words of a refusal, None when the answer is not of its form."""
    try:
        refused = _decode_refused(body)
    except _GARBLED:
        return None
    detail = refused.detail if isinstance(refused.detail, str) else refused.message
    return (detail or "")[:MAX_MESSAGE_CHARACTERS]


_TAKES = frozenset(("seconds", "resolution", "first_frame", "last_frame", "luma_loop"))


def _operation(takes: frozenset[str]) -> MediaOperation:
    return MediaOperation(
        encode_submit=encode_video_submit,
        parse_submit=parse_submit,
        encode_poll=encode_poll,
        parse_poll=parse_poll,
        check=check_video,
        complete=complete_video,
        poll_interval_s=3.0,
        takes=takes,
    )


PROVIDER = Provider(
    name="luma_agents",
    title="Luma Agents API",
    base_url="https://agents.lumalabs.ai/v1",
    media={"video": _operation(_TAKES), "video.extend": _operation(_TAKES | {"parent"})},
    sign=bearer,
    environment={"LUMA_AGENTS_API_KEY": "secret"},
    twin=Twin(key="luma-api-sandbox", path="/luma-agents/v1"),
    documentation="https://docs.lumalabs.ai/docs/agents, read 2026-11",
)
