"""fal: Pika's videos, by its queue (`formats/fal_queue`).

Source: fal.ai, the pages of Pika's endpoints, read 2026-11. What `pikascenes` calls its pictures is taken from there and not tried.
"""

from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from modelgate.core.providers import MediaOperation, Provider, Twin, UpstreamCall
from modelgate.formats.fal_queue import (
    APP,
    CALLBACK_PROOF,
    encode_cancel,
    encode_poll,
    encode_queued,
    parse_cancel,
    parse_poll,
    parse_result,
    parse_submit,
)
from modelgate.formats.media.fields import broken, listed, missing
from modelgate.formats.media.requests import VideoRequest, inputs_in
from modelgate.formats.media.vendor_calls import uri_of
from modelgate.formats.pika.schema import EFFECTS, RATIOS

DEFAULT_SECONDS = 5
DEFAULT_RESOLUTION = "720p"
RESOLUTIONS = ("720p", "1080p")
SECONDS = (5, 10)
MODES = ("creative", "precise")
MAX_FRAMES_SECONDS = 25
MAX_REFERENCES = 5
VERSIONS = {"pika-2.2": "v2.2", "pika-2.1": "v2.1", "pika-turbo": "v2/turbo", "pika-2.0": "v2.2", "pika-1.5": "v2.2"}
"""Of 1.5 and 2.0 the vendor has only effects left: their successor makes the rest."""
EFFECT_MODELS = ("pika-1.5",)


def sign(secret: str, now: float) -> tuple[tuple[str, str], ...]:
    """Return the authentication header; the scheme is the vendor's own."""
    del now  # such a key does not age
    return (("authorization", f"Key {secret}"),)


def check(request: VideoRequest, model: str) -> None:
    """Raise InvalidRequest for what Pika's endpoints here cannot make."""
    if model not in VERSIONS:
        raise broken("model", model, _rule(VERSIONS))
    pictures, ends, references = (inputs_in(request, role) for role in ("image", "last_frame", "reference"))
    begins = (*pictures, *inputs_in(request, "first_frame"))
    if len(begins) > 1 or len(ends) > 1:
        raise broken("inputs", len(request.inputs), "a video begins with one picture and ends with one")
    if ends and not begins:
        raise broken("last_frame", "there", "it needs a first_frame too")
    if references and begins:
        raise broken("reference", "there", "it cannot be used together with a picture to begin with")
    if len(references) > MAX_REFERENCES:
        raise broken("reference", len(references), f"at most {MAX_REFERENCES} pictures can be shown")
    if (ends or references) and VERSIONS[model] != "v2.2":
        raise broken("last_frame" if ends else "reference", "there", f"{model} takes one picture to begin with, or none")
    if not request.prompt.strip() and not ends:
        raise missing("prompt", "say what the video shows")
    _check_form(request, is_between=bool(ends), is_shaped=bool(begins))


def _check_form(request: VideoRequest, *, is_between: bool, is_shaped: bool) -> None:
    if request.resolution and request.resolution not in RESOLUTIONS:
        raise broken("resolution", request.resolution, _rule(RESOLUTIONS))
    if request.aspect_ratio and is_shaped:
        raise broken("aspect_ratio", request.aspect_ratio, "the video has the shape of its picture: leave it out")
    if request.aspect_ratio and request.aspect_ratio not in RATIOS:
        raise broken("aspect_ratio", request.aspect_ratio, _rule(RATIOS))
    if is_between and request.seconds and not DEFAULT_SECONDS <= request.seconds <= MAX_FRAMES_SECONDS:
        raise broken("seconds", request.seconds, f"a video between two pictures has {DEFAULT_SECONDS} to {MAX_FRAMES_SECONDS}")
    if not is_between and request.seconds and request.seconds not in SECONDS:
        raise broken("seconds", request.seconds, _rule(SECONDS))
    mode = request.options.get("pika_ingredients_mode")
    if mode is not None and mode not in MODES:
        raise broken("pika_ingredients_mode", mode, _rule(MODES))


def check_effect(request: VideoRequest, model: str) -> None:
    """Raise InvalidRequest for what the endpoint of effects cannot make."""
    if model not in EFFECT_MODELS:
        raise broken("model", model, f"effects are made by {listed(EFFECT_MODELS)}")
    effect = request.options.get("pika_effect")
    if effect not in EFFECTS:
        raise broken("pika_effect", effect, _rule(EFFECTS))
    if len(inputs_in(request, "image")) != 1:
        raise broken("image", len(request.inputs), "an effect is put on one picture")
    if request.aspect_ratio:
        raise broken("aspect_ratio", request.aspect_ratio, "the video has the shape of its picture: leave it out")
    if request.resolution not in ("", DEFAULT_RESOLUTION):
        raise broken("resolution", request.resolution, f"effects have {DEFAULT_RESOLUTION}")
    if request.seconds not in (0, DEFAULT_SECONDS):
        raise broken("seconds", request.seconds, f"effects last {DEFAULT_SECONDS}")


def _rule(choices: Iterable[object]) -> str:
    return f"it must be one of {listed(choices)}"


def complete(request: VideoRequest, model: str) -> VideoRequest:
    """Return the request with the vendor's defaults."""
    del model
    return msgspec.structs.replace(request, seconds=request.seconds or DEFAULT_SECONDS, resolution=request.resolution or DEFAULT_RESOLUTION)


def encode_submit(request: VideoRequest, task_id: str, model: str, *, callback_url: str = "") -> UpstreamCall:
    """Return the call that queues a video.

    Raises:
        ValueError: an input is still a blob's key.
    """
    del task_id  # the vendor has no place for it
    fields: dict[str, Any] = {"prompt": request.prompt, "negative_prompt": request.negative_prompt, "seed": request.seed}
    begins = (*inputs_in(request, "image"), *inputs_in(request, "first_frame"))
    ends, references = inputs_in(request, "last_frame"), inputs_in(request, "reference")
    fields |= {"resolution": request.resolution, "duration": request.seconds or None, "aspect_ratio": request.aspect_ratio}
    kind = "text-to-video"
    if ends:
        kind = "pikaframes"
        fields["image_urls"] = [uri_of(item) for item in (*begins, *ends)]
        fields["transitions"] = [{"duration": fields.pop("duration") or DEFAULT_SECONDS}]
    elif references:
        kind = "pikascenes"
        fields["image_urls"] = [uri_of(item) for item in references]
        fields["ingredients_mode"] = request.options.get("pika_ingredients_mode")
    elif begins:
        kind, fields["image_url"] = "image-to-video", uri_of(begins[0])
    return encode_queued(f"{APP}/{VERSIONS.get(model, 'v2.2')}/{kind}", fields, callback_url=callback_url)


def encode_effect(request: VideoRequest, task_id: str, model: str, *, callback_url: str = "") -> UpstreamCall:
    """Return the call that queues an effect on a picture. Raises ValueError as `encode_submit` does."""
    del task_id, model
    fields: dict[str, Any] = {
        "prompt": request.prompt,
        "negative_prompt": request.negative_prompt,
        "seed": request.seed,
        "image_url": uri_of(request.inputs[0]),
        "pikaffect": request.options.get("pika_effect"),
    }
    return encode_queued(f"{APP}/v1.5/pikaffects", fields, callback_url=callback_url)


def _operation(encode: Callable[..., UpstreamCall], check: Callable[[Any, str], None], takes: tuple[str, ...]) -> MediaOperation:
    return MediaOperation(
        encode_submit=encode,
        parse_submit=parse_submit,
        encode_poll=encode_poll,
        parse_poll=parse_poll,
        parse_result=parse_result,
        encode_cancel=encode_cancel,
        parse_cancel=parse_cancel,
        check=check,
        complete=complete,
        has_callbacks=True,
        poll_interval_s=3.0,
        deadline_s=3600.0,
        takes=frozenset(("negative_prompt", "seed", "seconds", "resolution", "image", *takes)),
    )


PROVIDER = Provider(
    name="fal",
    title="fal (Pika)",
    base_url="https://queue.fal.run",
    media={
        "video": _operation(encode_submit, check, ("first_frame", "last_frame", "reference", "pika_ingredients_mode")),
        "video.effects": _operation(encode_effect, check_effect, ("pika_effect",)),
    },
    sign=sign,
    callback_proof=CALLBACK_PROOF,
    environment={"FAL_KEY": "secret"},
    twin=Twin(key="sandbox-key-id:sandbox-key-secret"),
    documentation="https://docs.fal.ai/model-apis/model-endpoints/queue, read 2026-11",
)
