"""Luma's Dream Machine: videos, extensions, larger and sounding versions of them, and pictures.

Source: docs.lumalabs.ai (Dream Machine API v1), read 2026-11. Pictures go as addresses only, which the vendor fetches: the gateway's public
URL must be one that it can reach. A prompt that is moderated is a 400 at once or a failed generation later.
"""

import math
from typing import Any
from urllib.parse import quote

import msgspec

from modelgate.core.errors import InvalidRequest
from modelgate.core.providers import MediaOperation, Provider, Twin, UpstreamCall, VendorState, bearer
from modelgate.core.records import TaskOutput
from modelgate.formats.luma.schema import CONCEPTS, MAX_CONCEPTS
from modelgate.formats.media import refusals
from modelgate.formats.media.fields import broken, listed, missing
from modelgate.formats.media.limits import cannot, check_flags, check_most, check_one_of, list_in, need_prompt
from modelgate.formats.media.requests import Earlier, ImageRequest, VideoRequest, inputs_in
from modelgate.formats.media.vendor_answers import failed, finished, parse_deleted, reader_of, taken
from modelgate.formats.media.vendor_calls import address_of, encode_json, first_in, parent_of, post_json
from modelgate.formats.media.vendor_status import poll_refused, submit_refused
from modelgate.providers.luma import schema
from modelgate.providers.luma.schema import MAX_PICTURES, RATIOS, RESOLUTIONS, SECONDS, VIDEO, WEIGHTS, Assets, Generation, Refused

_read_generation = reader_of(Generation)
_read_refused = reader_of(Refused)


def check_video(request: VideoRequest, model: str) -> None:
    """Raise InvalidRequest for what the models of videos cannot do."""
    if not request.inputs and request.parent is None:
        need_prompt(request)
    check_most(request, {"first_frame": 1, "last_frame": 1})
    check_one_of(request, "aspect_ratio", RATIOS, model)
    check_one_of(request, "resolution", RESOLUTIONS, model)
    check_one_of(request, "seconds", SECONDS, model)
    _check_options(request.options)


def check_extension(request: VideoRequest, model: str) -> None:
    """Raise InvalidRequest for what cannot go on from an earlier video."""
    _need_parent(request)
    check_video(request, model)
    place = "last_frame" if request.options.get("luma_backwards") else "first_frame"
    if inputs_in(request, place):
        raise cannot(place, "the earlier video is in its place")


def check_made_of(request: VideoRequest, model: str) -> None:
    """Raise InvalidRequest for what cannot be made of an earlier video: it larger, or with sound."""
    _need_parent(request)
    check_one_of(request, "resolution", RESOLUTIONS, model)


def check_audio(request: VideoRequest, model: str) -> None:
    """Raise InvalidRequest for sound that nobody says anything about."""
    check_made_of(request, model)
    need_prompt(request, "say what is heard")


def _need_parent(request: VideoRequest) -> None:
    if request.parent is None:
        raise missing("parent", "the earlier video")


def check_image(request: ImageRequest, model: str) -> None:
    """Raise InvalidRequest for what the models of pictures cannot do."""
    need_prompt(request)
    check_one_of(request, "aspect_ratio", RATIOS, model)
    check_most(request, MAX_PICTURES)
    _check_options(request.options)


def _check_options(options: dict[str, Any]) -> None:
    check_flags(options, "luma_loop", "luma_backwards")
    concepts = list_in(options, "luma_concepts")
    if len(concepts) > MAX_CONCEPTS or not all(key in CONCEPTS for key in concepts):
        rule = f"luma_concepts must be at most {MAX_CONCEPTS} of {listed(CONCEPTS)}."
        raise InvalidRequest(rule, param="luma_concepts", code="invalid_value")
    for name in ("luma_image_weights", "luma_reference_weights", "luma_style_weights"):
        if not all(weight is None or _is_weight(weight) for weight in list_in(options, name)):
            raise broken(name, options[name], "it must hold numbers from 0 to 1")


def _is_weight(value: object) -> bool:
    return not isinstance(value, bool) and isinstance(value, int | float) and 0 <= value <= 1


def complete_video(request: VideoRequest, model: str) -> VideoRequest:
    """Return the request with the length and resolution that are made when none is said."""
    del model
    resolution = request.resolution or schema.DEFAULT_RESOLUTION
    return msgspec.structs.replace(request, seconds=request.seconds or SECONDS[0], resolution=resolution)


def inherit_video(request: VideoRequest, earlier: Earlier) -> VideoRequest:
    """Return the request with the earlier video's length: what is made of it is as long, and made by its model, which is not asked for.

    Raises:
        InvalidRequest: it says another.
    """
    if request.model != earlier.model:
        raise broken("model", request.model, f"the earlier video decides: {earlier.model}")
    seconds = math.ceil(earlier.length_ms / 1000 - 0.05)
    if request.seconds not in (0, seconds or SECONDS[0]):
        raise broken("seconds", request.seconds, "the length is that of the earlier video: leave it out")
    return msgspec.structs.replace(request, seconds=seconds)


def complete_audio(request: VideoRequest, model: str) -> VideoRequest:
    """Return the request with the length of the video that gets its sound: the usual one where its task does not tell."""
    del model
    return msgspec.structs.replace(request, seconds=request.seconds or SECONDS[0])


# Calls. The vendor has no place for our task id. All raise ValueError for an input that is not an address.


def encode_video_submit(request: VideoRequest, task_id: str, model: str, *, callback_url: str = "") -> UpstreamCall:
    """Return the call that starts a video, or one that goes on from an earlier one."""
    del task_id
    frames: dict[str, Any] = {}
    for frame, role in (("frame0", "first_frame"), ("frame1", "last_frame")):
        if (item := first_in(request, role)) is not None:
            frames[frame] = {"type": "image", "url": address_of(item)}
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
    return post_json("/generations/video", fields)


def encode_upscale_submit(request: VideoRequest, task_id: str, model: str, *, callback_url: str = "") -> UpstreamCall:
    """Return the call that makes a video larger."""
    del task_id, model
    fields = {"resolution": request.resolution, "callback_url": callback_url or None}
    return post_json(f"{_place_of(parent_of(request))}/upscale", fields)


def encode_audio_submit(request: VideoRequest, task_id: str, model: str, *, callback_url: str = "") -> UpstreamCall:
    """Return the call that gives a video sound."""
    del task_id, model
    fields = {"prompt": request.prompt, "negative_prompt": request.negative_prompt or None, "callback_url": callback_url or None}
    return post_json(f"{_place_of(parent_of(request))}/audio", fields)


def encode_image_submit(request: ImageRequest, task_id: str, model: str, *, callback_url: str = "") -> UpstreamCall:
    """Return the call that starts a picture."""
    del task_id
    characters = [address_of(item) for item in inputs_in(request, "character")]
    fields: dict[str, Any] = {
        "model": model,
        "prompt": request.prompt,
        "aspect_ratio": request.aspect_ratio or None,
        "format": {"jpeg": "jpg", "png": "png"}.get(request.output_format),
        "image_ref": _weighted(request, "reference") or None,
        "style_ref": _weighted(request, "style") or None,
        "character_ref": {"identity0": {"images": characters}} if characters else None,
        "modify_image_ref": next(iter(_weighted(request, "image")), None),
        "callback_url": callback_url or None,
    }
    return post_json("/generations/image", fields)


def _weighted(request: ImageRequest, role: str) -> list[dict[str, Any]]:
    """Return the pictures of a role, each with its weight where one was said."""
    weights: list[Any] = request.options.get(f"luma_{role}_weights") or []
    found: list[dict[str, Any]] = [{"url": address_of(item)} for item in inputs_in(request, role)]
    for reference, weight in zip(found, weights, strict=False):
        if weight is not None:
            reference["weight"] = weight
    return found


def _place_of(vendor_task: str) -> str:
    return f"/generations/{quote(vendor_task, safe='')}"


def encode_poll(vendor_task: str) -> UpstreamCall:
    """Return the call that asks how a generation stands."""
    return UpstreamCall(method="GET", path=_place_of(vendor_task))


def encode_cancel(vendor_task: str) -> UpstreamCall:
    """Return the call that deletes a generation."""
    return UpstreamCall(method="DELETE", path=_place_of(vendor_task))


def parse_submit(status: int, body: bytes) -> VendorState:
    """Read the answer to a submit: taken, refused, or neither (then the generation may exist)."""
    if status not in (200, 201):
        return _content_refused(submit_refused(status, _message(body)))
    made = _read_generation(body)
    if made is None or not made.id:
        return VendorState()
    state = _state_of(made)
    return state if state.state else taken(made.id)


def _content_refused(state: VendorState) -> VendorState:
    """Tell a moderated prompt, which has no status of its own, by the vendor's words."""
    moderated = state.error_code == refusals.INVALID_REQUEST and "moderat" in state.error_message.lower()
    return msgspec.structs.replace(state, error_code=refusals.CONTENT_REFUSED) if moderated else state


def parse_poll(status: int, body: bytes) -> VendorState:
    """Read the answer to a poll. Whatever is no generation leaves the task as it is, but for one that is not known there."""
    if status != 200:
        return poll_refused(status, _message(body))
    made = _read_generation(body)
    return _state_of(made) if made is not None else VendorState()


def _state_of(made: Generation) -> VendorState:
    match made.state.lower():
        case "queued":
            return VendorState(state="running", vendor_task=made.id)
        case "dreaming":
            return VendorState(state="running", vendor_task=made.id, progress=schema.DREAMING_PERCENT)
        case "completed":
            assets = made.assets or Assets()
            outputs = (TaskOutput(kind="video", url=assets.video or ""), TaskOutput(kind="image", url=assets.image or ""))
            first = tuple(msgspec.structs.replace(one, vendor_id=made.id) for one in outputs if one.url)[:1]
            return finished(first, job=made.id)
        case "failed":
            reason = made.failure_reason or ""
            word = refusals.CONTENT_REFUSED if "moderat" in reason.lower() else refusals.GENERATION_FAILED
            return failed(reason, word=word, job=made.id)
        case _:
            return VendorState()  # a new word must not end a task


def _message(body: bytes) -> str | None:
    """Return the vendor's words of a refusal, None when the answer is not of its form."""
    refused = _read_refused(body)
    if refused is None:
        return None
    return refused.detail if isinstance(refused.detail, str) else encode_json(refused.detail).decode() if refused.detail else ""


def _operation(*takes: str, **more: Any) -> MediaOperation:
    """Return an operation with what all of this vendor's have in common."""
    return MediaOperation(
        parse_submit=parse_submit,
        encode_poll=encode_poll,
        parse_poll=parse_poll,
        encode_cancel=encode_cancel,
        parse_cancel=parse_deleted,
        inputs_by_url=True,
        has_callbacks=True,
        poll_interval_s=3.0,
        takes=frozenset(takes),
        **more,
    )


PROVIDER = Provider(
    name="luma",
    title="Luma Dream Machine",
    base_url="https://api.lumalabs.ai/dream-machine/v1",
    media={
        "video": _operation(*VIDEO, encode_submit=encode_video_submit, check=check_video, complete=complete_video),
        "video.extend": _operation(
            *(*VIDEO, "parent", "luma_backwards"), encode_submit=encode_video_submit, check=check_extension, complete=complete_video
        ),
        "video.upscale": _operation(
            *("parent", "resolution", "seconds"),
            encode_submit=encode_upscale_submit,
            check=check_made_of,
            inherit=inherit_video,
            complete=complete_video,
        ),
        "video.audio": _operation(
            *("parent", "negative_prompt", "seconds"),
            encode_submit=encode_audio_submit,
            check=check_audio,
            inherit=inherit_video,
            complete=complete_audio,
        ),
        "image": _operation(*("output_format", *MAX_PICTURES, *WEIGHTS), encode_submit=encode_image_submit, check=check_image),
    },
    sign=bearer,
    environment={"LUMAAI_API_KEY": "secret"},
    probe_path="/credits",
    twin=Twin(key="luma-sandbox"),
    documentation="https://docs.lumalabs.ai/docs/api, read 2026-11",
)
