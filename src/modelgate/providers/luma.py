"""Luma's Dream Machine: videos, extensions, larger and sounding versions of them, and pictures.

Source: docs.lumalabs.ai (Dream Machine API v1), read 2026-11. Pictures go as addresses only, which the vendor fetches: the gateway's public
URL must be one that it can reach. A prompt that is moderated is a 400 at once or a failed generation later.
"""

from typing import Any, cast
from urllib.parse import quote

import msgspec

from modelgate.core.errors import InvalidRequest
from modelgate.core.providers import MediaOperation, Provider, UpstreamCall, VendorState, bearer
from modelgate.core.records import TaskOutput
from modelgate.formats.luma.schema import CONCEPTS, MAX_CONCEPTS
from modelgate.formats.media import refusals
from modelgate.formats.media.requests import ImageRequest, MediaInput, VideoRequest, inputs_in
from modelgate.formats.media.vendor_status import MAX_MESSAGE_CHARACTERS, poll_refused, submit_refused

RATIOS = ("1:1", "16:9", "9:16", "4:3", "3:4", "21:9", "9:21")
RESOLUTIONS = ("540p", "720p", "1080p", "4k")
SECONDS = (5, 9)
DEFAULT_RESOLUTION = "720p"
MAX_REFERENCES = 4
DREAMING_PERCENT = 50
PERCENT = 100

_HEADERS = (("content-type", "application/json"),)
_GARBLED = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_encode = msgspec.json.Encoder().encode


class _Assets(msgspec.Struct):
    video: str | None = None
    image: str | None = None


class _Generation(msgspec.Struct):
    id: str
    state: str = ""
    failure_reason: str | None = None
    assets: _Assets | None = None


class _Refused(msgspec.Struct):
    detail: Any = None


_decode_generation = msgspec.json.Decoder(_Generation).decode
_decode_refused = msgspec.json.Decoder(_Refused).decode


def _broken(param: str, value: object, rule: str) -> InvalidRequest:
    return InvalidRequest(f"{param} is {value}, but {rule}.", param=param, code="invalid_value")


def check_video(request: VideoRequest, model: str) -> None:
    """Raise InvalidRequest for what the models of videos cannot do."""
    first, last = inputs_in(request, "first_frame"), inputs_in(request, "last_frame")
    if not request.prompt.strip() and not request.inputs and request.parent is None:
        raise InvalidRequest("prompt is required: say what it shows.", param="prompt", code="missing_required_parameter")
    if len(first) > 1 or len(last) > 1:
        raise InvalidRequest("first_frame and last_frame may each be given once.", param="first_frame", code="invalid_value")
    if request.aspect_ratio and request.aspect_ratio not in RATIOS:
        raise _broken("aspect_ratio", request.aspect_ratio, f"{model} makes {', '.join(RATIOS)}")
    if request.resolution and request.resolution not in RESOLUTIONS:
        raise _broken("resolution", request.resolution, f"{model} makes {', '.join(RESOLUTIONS)}")
    if request.seconds and request.seconds not in SECONDS:
        raise _broken("seconds", request.seconds, f"{model} makes 5 or 9 seconds")
    _check_options(request.options)


def _check_options(options: dict[str, Any]) -> None:
    for name in ("luma_loop", "luma_backwards"):
        if not isinstance(options.get(name, False), bool):
            raise _broken(name, options[name], "it must be true or false")
    concepts = _list_of(options, "luma_concepts", f"at most {MAX_CONCEPTS} of {', '.join(CONCEPTS)}")
    if len(concepts) > MAX_CONCEPTS or not all(key in CONCEPTS for key in concepts):
        raise InvalidRequest(f"luma_concepts must be at most {MAX_CONCEPTS} of {', '.join(CONCEPTS)}.", param="luma_concepts")
    for role in ("image", "reference", "style"):
        name = f"luma_{role}_weights"
        if not all(weight is None or _is_weight(weight) for weight in _list_of(options, name, "numbers from 0 to 1")):
            raise InvalidRequest(f"{name} must be a list of numbers from 0 to 1.", param=name, code="invalid_value")


def _list_of(options: dict[str, Any], name: str, what: str) -> list[object]:
    value = options.get(name, [])
    if not isinstance(value, list):
        raise InvalidRequest(f"{name} must be a list: {what}.", param=name, code="invalid_value")
    return cast(list[object], value)


def _is_weight(value: object) -> bool:
    return not isinstance(value, bool) and isinstance(value, int | float) and 0 <= value <= 1


def check_extension(request: VideoRequest, model: str) -> None:
    """Raise InvalidRequest for what cannot be done with an earlier video."""
    check_video(request, model)
    taken = "last_frame" if request.options.get("luma_backwards") else "first_frame"
    if inputs_in(request, taken):
        raise InvalidRequest(f"{taken} cannot be given: the earlier video is in its place.", param=taken, code="invalid_value")


def complete_video(request: VideoRequest, model: str) -> VideoRequest:
    """Return the request with the length and resolution that are made when none is said."""
    del model
    return msgspec.structs.replace(request, seconds=request.seconds or SECONDS[0], resolution=request.resolution or DEFAULT_RESOLUTION)


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


def check_image(request: ImageRequest, model: str) -> None:
    """Raise InvalidRequest for what the models of pictures cannot do."""
    if not request.prompt.strip():
        raise InvalidRequest("prompt is required: say what it shows.", param="prompt", code="missing_required_parameter")
    if request.aspect_ratio and request.aspect_ratio not in RATIOS:
        raise _broken("aspect_ratio", request.aspect_ratio, f"{model} makes {', '.join(RATIOS)}")
    for role, most in (("reference", MAX_REFERENCES), ("style", MAX_REFERENCES), ("character", MAX_REFERENCES), ("image", 1)):
        if len(inputs_in(request, role)) > most:
            raise _broken(role, f"{len(inputs_in(request, role))} pictures", f"{model} takes at most {most}")
    _check_options(request.options)


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


def parse_cancel(status: int, body: bytes) -> VendorState:
    """Read the answer to a deletion."""
    del body
    return VendorState(state="canceled" if status in (200, 204) else None)


def parse_submit(status: int, body: bytes) -> VendorState:
    """Read the answer to a submit: taken, refused, or neither (then the generation may exist)."""
    if status not in (200, 201):
        return _content_refused(submit_refused(status, _message(body)))
    try:
        made = _decode_generation(body)
    except _GARBLED:
        return VendorState()
    state = _state_of(made) if made.id else VendorState()
    return state if state.state or not made.id else VendorState(state="running", vendor_task=made.id)


def _content_refused(state: VendorState) -> VendorState:
    """Tell a moderated prompt, which has no status of its own, by the vendor's words."""
    moderated = state.error_code == refusals.INVALID_REQUEST and "moderat" in state.error_message.lower()
    return msgspec.structs.replace(state, error_code=refusals.CONTENT_REFUSED) if moderated else state


def parse_poll(status: int, body: bytes) -> VendorState:
    """Read the answer to a poll. Whatever is no generation leaves the task as it is, but for one that is not known there."""
    if status == 200:
        try:
            return _state_of(_decode_generation(body))
        except _GARBLED:
            return VendorState()
    return poll_refused(status, _message(body))


def _state_of(made: _Generation) -> VendorState:
    match made.state.lower():
        case "queued":
            return VendorState(state="running", vendor_task=made.id)
        case "dreaming":
            return VendorState(state="running", vendor_task=made.id, progress=DREAMING_PERCENT)
        case "completed":
            return _completed(made)
        case "failed":
            reason = (made.failure_reason or "")[:MAX_MESSAGE_CHARACTERS]
            moderated = "moderat" in reason.lower()
            word = refusals.CONTENT_REFUSED if moderated else refusals.GENERATION_FAILED
            message = reason or "The vendor could not make this."
            return VendorState(state="failed", vendor_task=made.id, error_code=word, error_message=message)
        case _:
            return VendorState()  # a new word must not end a task


def _completed(made: _Generation) -> VendorState:
    assets = made.assets or _Assets()
    found = (TaskOutput(kind="video", url=assets.video or ""), TaskOutput(kind="image", url=assets.image or ""))
    outputs = tuple(msgspec.structs.replace(one, vendor_id=made.id) for one in found if one.url)[:1]
    if not outputs:
        message = "The vendor finished without a result."
        return VendorState(state="failed", vendor_task=made.id, error_code=refusals.GENERATION_FAILED, error_message=message)
    return VendorState(state="succeeded", vendor_task=made.id, progress=PERCENT, outputs=outputs)


def _message(body: bytes) -> str | None:
    """Return the vendor's words of a refusal, None when the answer is not of its form."""
    try:
        detail = _decode_refused(body).detail
    except _GARBLED:
        return None
    return detail if isinstance(detail, str) else _encode(detail).decode() if detail is not None else ""


def _operation(**more: Any) -> MediaOperation:
    """Return an operation with what all of this vendor's have in common."""
    return MediaOperation(
        parse_submit=parse_submit,
        encode_poll=encode_poll,
        parse_poll=parse_poll,
        encode_cancel=encode_cancel,
        parse_cancel=parse_cancel,
        inputs_by_url=True,
        has_callbacks=True,
        poll_interval_s=3.0,
        **more,
    )


_VIDEO = frozenset(("seconds", "resolution", "first_frame", "last_frame", "luma_loop", "luma_concepts"))

PROVIDER = Provider(
    name="luma",
    title="Luma Dream Machine",
    base_url="https://api.lumalabs.ai/dream-machine/v1",
    media={
        "video": _operation(encode_submit=encode_video_submit, check=check_video, complete=complete_video, takes=_VIDEO),
        "video.extend": _operation(
            encode_submit=encode_video_submit,
            check=check_extension,
            complete=complete_video,
            takes=_VIDEO | {"parent", "luma_backwards"},
        ),
        "video.upscale": _operation(
            encode_submit=encode_upscale_submit,
            check=check_video,
            complete=complete_video,
            takes=frozenset(("parent", "resolution", "seconds")),
        ),
        "video.audio": _operation(
            encode_submit=encode_audio_submit, complete=complete_video, takes=frozenset(("parent", "negative_prompt", "seconds"))
        ),
        "image": _operation(
            encode_submit=encode_image_submit,
            check=check_image,
            takes=frozenset(
                (
                    *("output_format", "image", "reference", "style", "character"),
                    *("luma_image_weights", "luma_reference_weights", "luma_style_weights"),
                )
            ),
        ),
    },
    sign=bearer,
    environment={"LUMAAI_API_KEY": "secret"},
    probe_path="/credits",
    documentation="https://docs.lumalabs.ai/docs/api, read 2026-11",
)
