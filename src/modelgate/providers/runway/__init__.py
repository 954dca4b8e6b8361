"""Runway: videos, pictures and performances by its native API, with its version header on every call. `schema`: its answers, and what each
model can do.

Source: docs.dev.runwayml.com (API reference, inputs, task failures), read 2026-11. A safety failure is charged by Runway and can cost the
account; our caller is not charged. Deleting a finished task deletes its output, so only a caller's own wish to cancel makes that call.
"""

import re
from functools import partial
from typing import Any
from urllib.parse import quote

import msgspec

from modelgate.core.errors import InvalidRequest
from modelgate.core.providers import MediaOperation, Provider, Twin, UpstreamCall, VendorState, bearer
from modelgate.core.records import TaskOutput
from modelgate.formats.media import refusals
from modelgate.formats.media.clips import ByClip, seconds_of_mp4
from modelgate.formats.media.fields import broken, listed, missing
from modelgate.formats.media.limits import cannot, check_flags, check_most, check_one_of, check_option, list_in, need_prompt
from modelgate.formats.media.requests import ImageRequest, MediaInput, VideoRequest, inputs_in
from modelgate.formats.media.vendor_answers import failed, finished, parse_deleted, percent_of, reader_of, taken
from modelgate.formats.media.vendor_calls import post_json, uri_of
from modelgate.formats.media.vendor_status import poll_refused, submit_refused
from modelgate.providers.runway import schema

VERSION_HEADER = ("x-runway-version", "2024-11-06")
MAX_OUTPUTS = 4
MODERATION = "runway_public_figure_threshold"
_TAG = re.compile(r"(?:[A-Za-z][A-Za-z0-9_]{2,15})?")


_read_created = reader_of(schema.Created)
_read_polled = reader_of(schema.Polled)
_read_refused = reader_of(schema.Refused)

# What the models cannot do: all raise InvalidRequest. And their defaults.


def check_video(request: VideoRequest, model: str) -> None:
    """Check a video from words or pictures."""
    kind, first, last = schema.model_of(model), _first_of(request), inputs_in(request, "last_frame")
    _check_words(request, needed=kind.needs_prompt or not (first or last))
    if not (first or last) and not kind.text_ratios:
        raise missing("first_frame", f"{model} makes videos from a picture only")
    check_most(request, {"first_frame": 1, "image": 1 - len(inputs_in(request, "first_frame")), "last_frame": 1})
    if last and not kind.takes_last:
        raise cannot("last_frame", f"{model} takes a first picture only")
    if last and not first and not kind.last_alone:
        raise cannot("last_frame", f"with {model} it needs a first picture too")
    check_one_of(request, "aspect_ratio", kind.ratios if first or last else kind.text_ratios, model)
    if request.resolution and request.resolution not in kind.resolutions:
        raise cannot("resolution", f"{model} makes {listed(kind.resolutions)}, not {request.resolution}")
    check_one_of(request, "seconds", sorted(kind.seconds), model)
    unable = {"sound": not kind.has_sound, "negative_prompt": not kind.has_sound, "seed": not kind.has_seed}
    unable[MODERATION] = not kind.has_moderation
    for name, is_unable in unable.items():
        if is_unable and getattr(request, name, request.options.get(name)) not in (None, "", False):
            raise InvalidRequest(f"{name} cannot be used with {model}.", param=name, code="unsupported_parameter")


def _first_of(request: VideoRequest) -> tuple[MediaInput, ...]:
    """Return the picture that a video begins with."""
    return inputs_in(request, "first_frame") + inputs_in(request, "image")


def _check_words(request: VideoRequest | ImageRequest, *, needed: bool) -> None:
    if needed:
        need_prompt(request)
    if len(request.prompt.encode("utf-16-le", "surrogatepass")) // 2 > schema.MAX_PROMPT_UNITS:
        raise broken("prompt", request.prompt, f"it must have at most {schema.MAX_PROMPT_UNITS} characters")
    if request.seed is not None and not 0 <= request.seed <= schema.MAX_SEED:
        raise broken("seed", request.seed, f"it must lie between 0 and {schema.MAX_SEED}")
    check_option(request.options, MODERATION, ("auto", "low"))
    if not all(isinstance(tag, str) and _TAG.fullmatch(tag) for tag in list_in(request.options, "runway_tags")):
        rule = "each tag must be empty or have 3 to 16 letters, digits or underscores, a letter first"
        raise broken("runway_tags", request.options["runway_tags"], rule)


def check_image(request: ImageRequest, model: str) -> None:
    """Check a picture."""
    _check_words(request, needed=True)
    if len(request.inputs) > schema.MAX_REFERENCES:
        raise broken("reference", len(request.inputs), f"at most {schema.MAX_REFERENCES} pictures can be shown")
    if not request.inputs and model.endswith("_turbo"):
        raise missing("reference", f"{model} needs a picture")
    check_one_of(request, "size", schema.PICTURE_SIZES)
    if not request.size:
        check_one_of(request, "aspect_ratio", schema.PICTURES)


def check_edit(request: VideoRequest, model: str) -> None:
    """Check a clip that is to be changed."""
    _check_clip(request, schema.EDITED, what=model)
    check_one_of(request, "aspect_ratio", schema.TARGETS, model)


def check_performance(request: VideoRequest, model: str) -> None:
    """Check a performance that is to be acted."""
    _check_clip(request, schema.ACTED, what=model)
    if len(inputs_in(request, "character")) + len(inputs_in(request, "character_video")) != 1:
        raise missing("character", "one picture or video of who acts")
    check_one_of(request, "aspect_ratio", schema.LARGE, model)
    check_option(request.options, "runway_expression_intensity", range(1, schema.MAX_INTENSITY + 1))
    check_flags(request.options, "runway_body_control")


def _check_clip(request: VideoRequest, charged: ByClip, *, what: str) -> None:
    _check_words(request, needed=False)
    clips = inputs_in(request, "video")
    if len(clips) != 1:
        raise missing("video", "the clip to work on, once")
    length_s = seconds_of_mp4(clips[0].data)
    if length_s is not None and not charged.shortest_s <= length_s <= charged.longest_s + 0.1:
        raise broken("video", f"{length_s:.1f} s", f"{what} takes {charged.shortest_s} to {charged.longest_s} seconds")
    # A gateway that has not seen the clip says the longest.
    if request.seconds not in (0, charged.longest_s, charged.seconds(request)):
        raise broken("seconds", request.seconds, "the length is that of the clip: leave it out")


def complete_video(request: VideoRequest, model: str) -> VideoRequest:
    """Return the request with the length that the model makes when none is said."""
    return request if request.seconds else msgspec.structs.replace(request, seconds=schema.model_of(model).seconds[0])


# Calls. The vendor has no place for our task id. All raise ValueError for an input that is still a blob's key.


def encode_video_submit(request: VideoRequest, task_id: str, model: str) -> UpstreamCall:
    """Return the call that starts a video, from words alone or from pictures."""
    del task_id
    kind, frames = schema.model_of(model), [(item, "first") for item in _first_of(request)]
    frames += [(item, "last") for item in inputs_in(request, "last_frame")]
    ratios = schema.FULL_HD if request.resolution == "1080p" else (kind.ratios if frames else kind.text_ratios)
    images = [{"uri": uri_of(item), "position": position} for item, position in frames]
    fields: dict[str, Any] = {
        "promptText": request.prompt or None,
        "promptImage": (images[0]["uri"] if [each for _, each in frames] == ["first"] else images) or None,
        "ratio": ratios.get(request.aspect_ratio) or next(iter(ratios.values())),
        "duration": request.seconds or kind.seconds[0],
        "negativePrompt": request.negative_prompt or None,
        "audio": request.sound if kind.has_sound else None,
    }
    return _submit("image_to_video" if frames else "text_to_video", request, model, fields)


def encode_image_submit(request: ImageRequest, task_id: str, model: str) -> UpstreamCall:
    """Return the call that starts a picture."""
    del task_id
    tags: list[str] = request.options.get("runway_tags") or []
    references = [
        {"uri": uri_of(item), **({"tag": tags[index]} if index < len(tags) and tags[index] else {})}
        for index, item in enumerate(request.inputs)
    ]
    ratio = request.size.replace("x", ":") or schema.PICTURES.get(request.aspect_ratio) or schema.PICTURES["16:9"]
    return _submit("text_to_image", request, model, {"promptText": request.prompt, "ratio": ratio, "referenceImages": references or None})


def encode_edit_submit(request: VideoRequest, task_id: str, model: str) -> UpstreamCall:
    """Return the call that changes a clip."""
    del task_id
    fields: dict[str, Any] = {
        "videoUri": uri_of(inputs_in(request, "video")[0]),
        "promptText": request.prompt or None,
        "targetAspectRatio": request.aspect_ratio or None,
    }
    return _submit("video_to_video", request, model, fields)


def encode_performance_submit(request: VideoRequest, task_id: str, model: str) -> UpstreamCall:
    """Return the call that lets a character act as a clip shows."""
    del task_id
    pictures, clips = inputs_in(request, "character"), inputs_in(request, "character_video")
    fields: dict[str, Any] = {
        "character": {"type": "image" if pictures else "video", "uri": uri_of((*pictures, *clips)[0])},
        "reference": {"type": "video", "uri": uri_of(inputs_in(request, "video")[0])},
        "ratio": schema.LARGE.get(request.aspect_ratio),
        "bodyControl": request.options.get("runway_body_control"),
        "expressionIntensity": request.options.get("runway_expression_intensity"),
    }
    return _submit("character_performance", request, model, fields)


def _submit(endpoint: str, request: ImageRequest | VideoRequest, model: str, fields: dict[str, Any]) -> UpstreamCall:
    threshold = request.options.get(MODERATION)
    moderation = {"publicFigureThreshold": threshold} if threshold else None
    whole = {"model": model, **fields, "seed": request.seed, "contentModeration": moderation}
    return post_json(f"/v1/{endpoint}", whole, headers=(VERSION_HEADER,))


def call_task(method: str, vendor_task: str) -> UpstreamCall:
    """Return the call that asks how a task stands (GET), or ends it, whatever it was (DELETE)."""
    return UpstreamCall(method=method, path=f"/v1/tasks/{quote(vendor_task, safe='')}", headers=(VERSION_HEADER,))


# Answers.


def parse_submit(status: int, body: bytes) -> VendorState:
    """Read the answer to a submit: taken, refused, or neither (then the task may exist)."""
    if status != 200:
        return submit_refused(status, _message(body))
    return taken((_read_created(body) or schema.Created()).id)


def parse_poll(status: int, body: bytes) -> VendorState:
    """Read the answer to a poll. Whatever is no task leaves ours as it is, but for a task that is not known there."""
    polled = _read_polled(body)
    if polled is None:
        return poll_refused(status, _message(body))
    match polled.status.upper():
        case "PENDING" | "THROTTLED":
            return VendorState(state="running")
        case "RUNNING":
            return VendorState(state="running", progress=percent_of(polled.progress))
        case "SUCCEEDED":
            return finished(tuple(TaskOutput(kind=_kind_of(url), url=url) for url in (polled.output or [])[:MAX_OUTPUTS] if url))
        case "FAILED":
            return _failed(polled.failure_code or "")
        case "CANCELLED":
            return VendorState(state="canceled", error_code=refusals.GENERATION_FAILED, error_message="The vendor cancelled the task.")
        case _:
            return VendorState()  # a new word must not end a task


def _kind_of(url: str) -> Any:
    path = url.partition("?")[0].lower()
    return "image" if path.endswith((".png", ".jpg", ".jpeg", ".webp")) else "video"


def _failed(code: str) -> VendorState:
    """Return a failure in our own words: the vendor asks not to show its text raw."""
    word, message = refusals.GENERATION_FAILED, ""
    if "SAFETY" in code.split("."):
        word, message = refusals.CONTENT_REFUSED, "The vendor's content policy refuses the prompt, the picture or the result."
    elif code.startswith("ASSET.INVALID"):
        word, message = refusals.INVALID_REQUEST, "The vendor cannot read an input file."
    return failed(message, word=word, details={"runway_failure_code": code} if code else {})


def _message(body: bytes) -> str | None:
    """Return the vendor's words of a refusal, None when the answer is not of its form."""
    if (refused := _read_refused(body)) is None:
        return None
    return refused.error.message if isinstance(refused.error, schema.Said) else refused.error or ""


def _operation(*takes: str, by: ByClip | None = None, **more: Any) -> MediaOperation:
    """Return an operation with what all of this vendor's have in common, `by` with that of work on a clip."""
    clip = schema.CLIP
    if by is not None:
        clip = msgspec.structs.replace(clip, shortest_s=by.shortest_s, longest_s=by.longest_s)
        more |= {"complete": by.complete, "measure": by.measure}
    return MediaOperation(
        parse_submit=parse_submit,
        encode_poll=partial(call_task, "GET"),
        parse_poll=parse_poll,
        encode_cancel=partial(call_task, "DELETE"),
        parse_cancel=parse_deleted,
        poll_interval_s=5.0,
        takes=frozenset((*takes, "seed", MODERATION)),
        inputs={**{role: schema.PICTURE for role in schema.PICTURE_ROLES}, "character_video": schema.CLIP, "video": clip},
        **more,
    )


PROVIDER = Provider(
    name="runway",
    title="Runway",
    base_url="https://api.dev.runwayml.com",
    media={
        "video": _operation(
            *("seconds", "resolution", "sound", "negative_prompt", "image", "first_frame", "last_frame"),
            encode_submit=encode_video_submit,
            check=check_video,
            complete=complete_video,
        ),
        "video.edit": _operation(
            *("seconds", "video"),
            encode_submit=encode_edit_submit,
            check=check_edit,
            by=schema.EDITED,
        ),
        "video.performance": _operation(
            *("seconds", "video", "character", "character_video", "runway_body_control", "runway_expression_intensity"),
            encode_submit=encode_performance_submit,
            check=check_performance,
            by=schema.ACTED,
        ),
        "image": _operation(*("size", "image", "reference", "runway_tags"), encode_submit=encode_image_submit, check=check_image),
    },
    sign=bearer,
    environment={"RUNWAYML_API_SECRET": "secret"},
    probe_headers=(VERSION_HEADER,),
    probe_path="/v1/organization",
    twin=Twin(key="key_sandbox"),
    documentation="https://docs.dev.runwayml.com/api, read 2026-11",
)
