"""Luma's Agents API: videos by ray-3.2, from words, pictures and earlier videos.

Source: docs.lumalabs.ai (Agents API, version 2026-04-01), read 2026-11. Pictures go inline. A result's address is good for an hour; polling
again makes a new one, so a file that could not be copied is simply asked for again.
"""

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import msgspec

from modelgate.core.providers import MediaOperation, Provider, Twin, UpstreamCall, VendorState, bearer
from modelgate.core.records import TaskOutput
from modelgate.formats.media import refusals
from modelgate.formats.media.fields import broken, missing
from modelgate.formats.media.limits import cannot, check_flags, check_most, check_one_of, need_prompt
from modelgate.formats.media.requests import MediaInput, VideoRequest, inputs_in
from modelgate.formats.media.vendor_answers import failed, finished, reader_of, taken
from modelgate.formats.media.vendor_calls import base64_of, first_in, post_json, said
from modelgate.formats.media.vendor_status import poll_refused, submit_refused

RATIOS = ("9:16", "3:4", "1:1", "4:3", "16:9", "21:9")
RESOLUTIONS = ("360p", "540p", "720p", "1080p")
SECONDS = (5, 10)
DEFAULT_RESOLUTION = "720p"
MAX_PROMPT_CHARACTERS = 6_000
PROCESSING_PERCENT = 50
MAX_OUTPUTS = 4

_FAILURES = {
    "content_moderated": (refusals.CONTENT_REFUSED, "The vendor's content policy refuses the prompt, the picture or the result."),
    "image_too_large": (refusals.INVALID_REQUEST, "An input picture is too large for the vendor."),
    "unsupported_format": (refusals.INVALID_REQUEST, "The vendor cannot read an input file."),
    "corrupt_input": (refusals.INVALID_REQUEST, "The vendor cannot read an input file."),
    "invalid_request": (refusals.INVALID_REQUEST, "The vendor refuses this request as not valid."),
    "budget_exhausted": (refusals.VENDOR_BALANCE, "The vendor could not make this."),
    "rate_limited": (refusals.RATE_LIMITED, "The vendor is busy."),
}


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


_read_generation = reader_of(_Generation)
_read_refused = reader_of(_Refused)


def check_video(request: VideoRequest, model: str) -> None:
    """Raise InvalidRequest for what the model cannot do."""
    need_prompt(request)
    if len(request.prompt) > MAX_PROMPT_CHARACTERS:
        raise broken("prompt", request.prompt, f"it must have at most {MAX_PROMPT_CHARACTERS} characters")
    check_most(request, {"first_frame": 1, "last_frame": 1})
    if request.parent is not None and inputs_in(request, "first_frame"):
        raise cannot("first_frame", "the earlier video is in its place")
    check_one_of(request, "aspect_ratio", RATIOS, model)
    check_one_of(request, "resolution", RESOLUTIONS, model)
    check_one_of(request, "seconds", SECONDS, model)
    if request.seconds == 10 and request.inputs:
        raise broken("seconds", request.seconds, f"{model} makes 5 seconds from a picture")
    check_flags(request.options, "luma_loop")
    if request.options.get("luma_loop") and (request.seconds == 10 or inputs_in(request, "last_frame")):
        raise cannot("luma_loop", "a loop has no last picture and not 10 seconds")


def check_extension(request: VideoRequest, model: str) -> None:
    """Raise InvalidRequest for what cannot go on from an earlier video."""
    if request.parent is None:
        raise missing("parent", "the earlier video")
    check_video(request, model)


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
    parent = {"generation_id": request.parent.vendor_task} if request.parent is not None else None
    video: dict[str, Any] = {
        "resolution": request.resolution or None,
        "duration": f"{request.seconds}s" if request.seconds else None,
        "start_frame": parent or _reference(first_in(request, "first_frame")),
        "end_frame": _reference(first_in(request, "last_frame")),
        "loop": request.options.get("luma_loop") or None,
    }
    fields: dict[str, Any] = {
        "model": model,
        "type": "video",
        "prompt": request.prompt,
        "aspect_ratio": request.aspect_ratio or None,
        "video": said(video) or None,
    }
    return post_json("/generations", fields)


def _reference(item: MediaInput | None) -> dict[str, str] | None:
    if item is None:
        return None
    return {"url": item.url} if item.url else {"data": base64_of(item), "media_type": item.content_type or "image/png"}


def encode_poll(vendor_task: str) -> UpstreamCall:
    """Return the call that asks how a generation stands."""
    return UpstreamCall(method="GET", path=f"/generations/{quote(vendor_task, safe='')}")


def parse_submit(status: int, body: bytes) -> VendorState:
    """Read the answer to a submit: taken, refused, or neither (then the generation may exist)."""
    if status not in (200, 201):
        return submit_refused(status, _message(body))
    made = _read_generation(body)
    return taken(made.id) if made is not None else VendorState()


def parse_poll(status: int, body: bytes) -> VendorState:
    """Read the answer to a poll. Whatever is no generation leaves the task as it is, but for one that is not known there."""
    if status != 200:
        return poll_refused(status, _message(body))
    made = _read_generation(body)
    if made is None:
        return VendorState()
    match made.state.lower():
        case "queued":
            return VendorState(state="running", vendor_task=made.id)
        case "processing":
            return VendorState(state="running", vendor_task=made.id, progress=PROCESSING_PERCENT)
        case "completed":
            outputs = (
                TaskOutput(kind="image" if output.type == "image" else "video", url=output.url, vendor_id=made.id)
                for output in (made.output or [])[:MAX_OUTPUTS]
                if output.url
            )
            return finished(tuple(outputs), job=made.id)
        case "failed":
            word, message = _FAILURES.get(made.failure_code or "", (refusals.GENERATION_FAILED, ""))
            return failed(message, word=word, job=made.id)
        case _:
            return VendorState()  # a new word must not end a task


def _message(body: bytes) -> str | None:
    """Return the vendor's words of a refusal, None when the answer is not of its form."""
    refused = _read_refused(body)
    if refused is None:
        return None
    return (refused.detail if isinstance(refused.detail, str) else refused.message) or ""


_TAKES = frozenset(("seconds", "resolution", "first_frame", "last_frame", "luma_loop"))


def _operation(takes: frozenset[str], check: Callable[[Any, str], None]) -> MediaOperation:
    return MediaOperation(
        encode_submit=encode_video_submit,
        parse_submit=parse_submit,
        encode_poll=encode_poll,
        parse_poll=parse_poll,
        check=check,
        complete=complete_video,
        poll_interval_s=3.0,
        takes=takes,
    )


PROVIDER = Provider(
    name="luma_agents",
    title="Luma Agents API",
    base_url="https://agents.lumalabs.ai/v1",
    media={"video": _operation(_TAKES, check_video), "video.extend": _operation(_TAKES | {"parent"}, check_extension)},
    sign=bearer,
    environment={"LUMA_AGENTS_API_KEY": "secret"},
    twin=Twin(key="luma-api-sandbox", path="/luma-agents/v1"),
    documentation="https://docs.lumalabs.ai/docs/agents, read 2026-11",
)
