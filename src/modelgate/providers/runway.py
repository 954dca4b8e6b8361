"""Runway: videos, pictures and performances by its native API, with its version header on every call.

Source: docs.dev.runwayml.com (API reference, inputs, task failures), read 2026-11. A safety failure is charged by Runway and can cost the
account; our caller is not charged. Deleting a finished task deletes its output, so only a caller's own wish to cancel makes that call.
"""

import base64
from typing import Any, cast
from urllib.parse import quote

import msgspec

from modelgate.core.errors import InvalidRequest
from modelgate.core.providers import MediaOperation, Provider, UpstreamCall, VendorState, bearer
from modelgate.core.records import TaskOutput
from modelgate.formats.media import refusals
from modelgate.formats.media.requests import ImageRequest, MediaInput, VideoRequest, inputs_in
from modelgate.formats.media.vendor_status import poll_refused, submit_refused

VERSION_HEADER = ("x-runway-version", "2024-11-06")
MAX_PROMPT_UNITS = 1_000
"""UTF-16 code units."""
MAX_SEED = 2**32 - 1
MAX_REFERENCES = 3
PERCENT = 100
MAX_OUTPUTS = 4

_HEADERS = (VERSION_HEADER, ("content-type", "application/json"))
_LARGE = {"16:9": "1280:720", "9:16": "720:1280", "4:3": "1104:832", "3:4": "832:1104", "1:1": "960:960", "21:9": "1584:672"}
_LEGACY = {"16:9": "1280:768", "9:16": "768:1280"}
_UPRIGHT_OR_WIDE = {"16:9": "1280:720", "9:16": "720:1280"}
_FULL_HD = {"16:9": "1920:1080", "9:16": "1080:1920"}
_PICTURE_SIZES = (
    *("1024x1024", "1080x1080", "1168x880", "1360x768", "1440x1080", "1080x1440", "1808x768", "1920x1080", "1080x1920"),
    *("2112x912", "1280x720", "720x1280", "720x720", "960x720", "720x960", "1680x720"),
)
_PICTURES = {"1:1": "1024:1024", "16:9": "1920:1080", "9:16": "1080:1920", "4:3": "1440:1080", "3:4": "1080:1440", "21:9": "2112:912"}


class _Model(msgspec.Struct, frozen=True, kw_only=True):
    """What a model of videos can do. `seconds` holds the default first."""

    ratios: dict[str, str] = msgspec.field(default_factory=_LARGE.copy)
    text_ratios: dict[str, str] = {}
    full_hd: bool = False
    seconds: tuple[int, ...] = (5, 2, 3, 4, 6, 7, 8, 9, 10)
    needs_prompt: bool = False
    takes_last: bool = False
    last_alone: bool = False
    takes_image: bool = True
    has_sound: bool = False
    has_seed: bool = True


_GEN_4_5 = _Model(text_ratios=_UPRIGHT_OR_WIDE, needs_prompt=True)
_VEO = _Model(
    ratios=_UPRIGHT_OR_WIDE,
    text_ratios=_UPRIGHT_OR_WIDE,
    full_hd=True,
    seconds=(8, 4, 6),
    takes_last=True,
    has_sound=True,
    has_seed=False,
)
_MODELS: dict[str, _Model] = {
    "gen4_turbo": _Model(),
    "gen4.5": _GEN_4_5,
    "gen3a_turbo": _Model(ratios=_LEGACY, seconds=(5, 10), needs_prompt=True, takes_last=True, last_alone=True),
    "veo3.1": _VEO,
    "veo3.1_fast": _VEO,
    "veo3": msgspec.structs.replace(_VEO, seconds=(8,), takes_last=False),
}


class _Created(msgspec.Struct):
    id: str = ""


class _Polled(msgspec.Struct, rename="camel"):
    status: str
    progress: float | None = None
    output: list[str] | None = None
    failure: str | None = None
    failure_code: str | None = None


class _Refused(msgspec.Struct):
    error: str | None = None


_GARBLED = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_decode_created = msgspec.json.Decoder(_Created).decode
_decode_polled = msgspec.json.Decoder(_Polled).decode
_decode_refused = msgspec.json.Decoder(_Refused).decode
_encode = msgspec.json.Encoder().encode


def _model_of(model: str) -> _Model:
    return _MODELS.get(model, _GEN_4_5)


def _first(request: VideoRequest) -> tuple[MediaInput, ...]:
    return inputs_in(request, "first_frame") + inputs_in(request, "image")


def _broken(param: str, value: object, rule: str) -> InvalidRequest:
    return InvalidRequest(f"{param} is {value}, but {rule}.", param=param, code="invalid_value")


def check_video(request: VideoRequest, model: str) -> None:
    """Raise InvalidRequest for what a model of videos cannot do."""
    kind, first, last = _model_of(model), _first(request), inputs_in(request, "last_frame")
    _check_words(request, needed=kind.needs_prompt or not (first or last))
    if not (first or last) and not kind.text_ratios:
        raise InvalidRequest(f"first_frame is required: {model} makes videos from a picture only.", param="first_frame")
    if len(first) > 1 or len(last) > 1:
        raise InvalidRequest("first_frame and last_frame may each be given once.", param="first_frame", code="invalid_value")
    if last and not kind.takes_last:
        raise InvalidRequest(f"last_frame cannot be used with {model}: it takes a first picture only.", param="last_frame")
    if last and not first and not kind.last_alone:
        raise InvalidRequest(f"last_frame cannot be used alone with {model}: it needs a first picture too.", param="last_frame")
    ratios = kind.ratios if first or last else kind.text_ratios
    if request.aspect_ratio and request.aspect_ratio not in ratios:
        raise _broken("aspect_ratio", request.aspect_ratio, f"{model} makes {', '.join(ratios)} of this")
    if request.resolution and request.resolution not in (("720p", "1080p") if kind.full_hd else ("720p",)):
        raise _broken("resolution", request.resolution, f"{model} makes {'720p or 1080p' if kind.full_hd else '720p only'}")
    if request.seconds and request.seconds not in kind.seconds:
        raise _broken("seconds", request.seconds, f"{model} makes {', '.join(map(str, sorted(kind.seconds)))} seconds")
    if request.sound and not kind.has_sound:
        raise InvalidRequest(f"sound cannot be used with {model}: its videos are silent.", param="sound", code="unsupported_parameter")
    if request.negative_prompt and not kind.has_sound:
        raise InvalidRequest(f"negative_prompt cannot be used with {model}.", param="negative_prompt", code="unsupported_parameter")
    if request.seed is not None and not kind.has_seed:
        raise InvalidRequest(f"seed cannot be used with {model}.", param="seed", code="unsupported_parameter")


def _check_words(request: VideoRequest | ImageRequest, *, needed: bool) -> None:
    if needed and not request.prompt.strip():
        raise InvalidRequest("prompt is required: say what it shows.", param="prompt", code="missing_required_parameter")
    if len(request.prompt.encode("utf-16-le", "surrogatepass")) // 2 > MAX_PROMPT_UNITS:
        raise InvalidRequest(f"prompt must have at most {MAX_PROMPT_UNITS} characters.", param="prompt", code="invalid_value")
    if request.seed is not None and not 0 <= request.seed <= MAX_SEED:
        raise _broken("seed", request.seed, f"it must lie between 0 and {MAX_SEED}")
    threshold = request.options.get("runway_public_figure_threshold", "auto")
    if threshold not in ("auto", "low"):
        raise _broken("runway_public_figure_threshold", threshold, "it must be auto or low")
    tags = request.options.get("runway_tags", [])
    if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in cast(list[object], tags)):
        raise InvalidRequest("runway_tags must be a list of texts.", param="runway_tags", code="invalid_value")


def complete_video(request: VideoRequest, model: str) -> VideoRequest:
    """Return the request with the length that the model makes when none is said."""
    return request if request.seconds else msgspec.structs.replace(request, seconds=_model_of(model).seconds[0])


def encode_video_submit(request: VideoRequest, task_id: str, model: str) -> UpstreamCall:
    """Return the call that starts a video, from words alone or from pictures. The vendor has no place for our task id.

    Raises:
        ValueError: an input is still a blob's key.
    """
    del task_id
    kind, frames = _model_of(model), [(item, "first") for item in _first(request)]
    frames += [(item, "last") for item in inputs_in(request, "last_frame")]
    ratios = _FULL_HD if request.resolution == "1080p" else (kind.ratios if frames else kind.text_ratios)
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


def check_image(request: ImageRequest, model: str) -> None:
    """Raise InvalidRequest for what a model of pictures cannot do."""
    _check_words(request, needed=True)
    references = request.inputs
    if len(references) > MAX_REFERENCES:
        raise _broken("reference", f"{len(references)} pictures", f"at most {MAX_REFERENCES} can be shown")
    if not references and model.endswith("_turbo"):
        raise InvalidRequest(f"reference is required: {model} needs a picture.", param="reference", code="missing_required_parameter")
    if request.size and request.size not in _PICTURE_SIZES:
        raise _broken("size", request.size, f"it must be one of {', '.join(_PICTURE_SIZES)}")
    if not request.size and request.aspect_ratio and request.aspect_ratio not in _PICTURES:
        raise _broken("aspect_ratio", request.aspect_ratio, f"it must be one of {', '.join(_PICTURES)}")


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
        "ratio": request.size.replace("x", ":") or _PICTURES.get(request.aspect_ratio) or _PICTURES["16:9"],
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


def encode_poll(vendor_task: str) -> UpstreamCall:
    """Return the call that asks how a task stands."""
    return UpstreamCall(method="GET", path=f"/v1/tasks/{quote(vendor_task, safe='')}", headers=(VERSION_HEADER,))


def encode_cancel(vendor_task: str) -> UpstreamCall:
    """Return the call that ends a task."""
    return UpstreamCall(method="DELETE", path=f"/v1/tasks/{quote(vendor_task, safe='')}", headers=(VERSION_HEADER,))


def parse_cancel(status: int, body: bytes) -> VendorState:
    """Read the answer to a cancel: 204 ends the task, whatever it was."""
    del body
    return VendorState(state="canceled" if status in (200, 204) else None)


def parse_submit(status: int, body: bytes) -> VendorState:
    """Read the answer to a submit: taken, refused, or neither (then the task may exist)."""
    if status != 200:
        return submit_refused(status, _message(body))
    try:
        created = _decode_created(body)
    except _GARBLED:
        return VendorState()
    return VendorState(state="running", vendor_task=created.id) if created.id else VendorState()


def parse_poll(status: int, body: bytes) -> VendorState:
    """Read the answer to a poll. Whatever is no task leaves ours as it is, but for a task that is not known there."""
    try:
        polled = _decode_polled(body)
    except _GARBLED:
        return poll_refused(status, _message(body))
    match polled.status.upper():
        case "PENDING" | "THROTTLED":
            return VendorState(state="running")
        case "RUNNING":
            progress = polled.progress if polled.progress is not None and 0 <= polled.progress <= 1 else 0
            return VendorState(state="running", progress=int(progress * PERCENT))
        case "SUCCEEDED":
            return _succeeded(polled)
        case "FAILED":
            return _failed(polled)
        case "CANCELLED":
            return VendorState(state="canceled", error_code=refusals.GENERATION_FAILED, error_message="The vendor cancelled the task.")
        case _:
            return VendorState()  # a new word must not end a task


def _succeeded(polled: _Polled) -> VendorState:
    outputs = tuple(TaskOutput(kind=_kind_of(url), url=url) for url in (polled.output or [])[:MAX_OUTPUTS] if url)
    if not outputs:
        message = "The vendor finished without a result."
        return VendorState(state="failed", error_code=refusals.GENERATION_FAILED, error_message=message)
    return VendorState(state="succeeded", progress=PERCENT, outputs=outputs)


def _kind_of(url: str) -> Any:
    path = url.partition("?")[0].lower()
    return "image" if path.endswith((".png", ".jpg", ".jpeg", ".webp")) else "video"


def _failed(polled: _Polled) -> VendorState:
    """Return a failure in our own words: the vendor asks not to show its text raw."""
    code = polled.failure_code or ""
    if "SAFETY" in code.split("."):
        word, message = refusals.CONTENT_REFUSED, "The vendor's content policy refuses the prompt, the picture or the result."
    elif code.startswith("ASSET.INVALID"):
        word, message = refusals.INVALID_REQUEST, "The vendor cannot read an input file."
    else:
        word, message = refusals.GENERATION_FAILED, "The vendor could not make this."
    return VendorState(state="failed", error_code=word, error_message=message, details={"runway_failure_code": code} if code else {})


def _message(body: bytes) -> str | None:
    """Return the vendor's words of a refusal, None when the answer is not of its form."""
    try:
        return _decode_refused(body).error or ""
    except _GARBLED:
        return None


PROVIDER = Provider(
    name="runway",
    title="Runway",
    base_url="https://api.dev.runwayml.com",
    media={
        "video": MediaOperation(
            encode_submit=encode_video_submit,
            parse_submit=parse_submit,
            encode_poll=encode_poll,
            parse_poll=parse_poll,
            encode_cancel=encode_cancel,
            parse_cancel=parse_cancel,
            check=check_video,
            complete=complete_video,
            poll_interval_s=5.0,
            takes=frozenset(
                (
                    *("seconds", "resolution", "sound", "seed", "negative_prompt"),
                    *("image", "first_frame", "last_frame", "runway_public_figure_threshold"),
                )
            ),
        ),
        "image": MediaOperation(
            encode_submit=encode_image_submit,
            parse_submit=parse_submit,
            encode_poll=encode_poll,
            parse_poll=parse_poll,
            encode_cancel=encode_cancel,
            parse_cancel=parse_cancel,
            check=check_image,
            poll_interval_s=5.0,
            takes=frozenset(("size", "seed", "image", "reference", "runway_tags", "runway_public_figure_threshold")),
        ),
    },
    sign=bearer,
    environment={"RUNWAYML_API_SECRET": "secret"},
    probe_headers=(VERSION_HEADER,),
    probe_path="/v1/organization",
    documentation="https://docs.dev.runwayml.com/api, read 2026-11",
)
