"""What a Kling client sends for pictures, checked rule by rule and made neutral."""

from collections.abc import Mapping

import msgspec

from modelgate.core.errors import InvalidRequest
from modelgate.core.records import Json
from modelgate.formats.kling import schema
from modelgate.formats.media import fields as read
from modelgate.formats.media.family import Ask, MediaCall
from modelgate.formats.media.requests import ImageRequest, MediaRequest


class TaskFacts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the dialect keeps beside the neutral request, to answer and to call back with (`Task.facts`)."""

    external_task_id: str = ""
    callback_url: str = ""


def decode_image(call: MediaCall) -> Ask:
    """Return what `POST /kling/v1/images/generations` asks for, an inline picture still as bytes.

    Raises:
        InvalidRequest: names the field, its value (shortened) and the rule it breaks.
        UnsupportedMediaType: the body is a form, which this endpoint does not take.
    """
    fields = read.object_of(call.body, call.content_type)
    prompt = read.text(fields, "prompt", schema.MAX_PROMPT_CHARACTERS)
    if not prompt.strip():
        raise read.missing("prompt", "say what the picture shows")
    options = {
        "kling_resolution": read.choice(fields, "resolution", schema.RESOLUTIONS),
        "kling_image_reference": read.choice(fields, "image_reference", schema.IMAGE_REFERENCES),
        "kling_image_fidelity": read.number(fields, "image_fidelity", low=0, high=1),
        "kling_human_fidelity": read.number(fields, "human_fidelity", low=0, high=1),
    }
    request = ImageRequest(
        model=model_of(fields, default=schema.DEFAULT_IMAGE_MODEL),
        prompt=prompt,
        negative_prompt=read.text(fields, "negative_prompt", schema.MAX_NEGATIVE_PROMPT_CHARACTERS),
        n=read.whole_number(fields, "n", low=1, high=schema.MAX_IMAGES, default=1),
        aspect_ratio=read.choice(fields, "aspect_ratio", schema.ASPECT_RATIOS),
        inputs=read.file(fields, "image", max_bytes=schema.MAX_IMAGE_BYTES),
        options=said(options),
    )
    _check_together(request)
    return ask_of(fields, request, "image")


def decode_try_on(call: MediaCall) -> Ask:
    """Return what `POST /kling/v1/images/kolors-virtual-try-on` asks for. Raises as `decode_image` does."""
    fields = read.object_of(call.body, call.content_type)
    human = read.file(fields, "human_image", role="human", max_bytes=schema.MAX_IMAGE_BYTES)
    cloth = read.file(fields, "cloth_image", role="cloth", max_bytes=schema.MAX_IMAGE_BYTES)
    if not human:
        raise read.missing("human_image", "it shows the person")
    if not cloth:
        raise read.missing("cloth_image", "it shows the garment")
    request = ImageRequest(model=model_of(fields, default=schema.DEFAULT_TRY_ON_MODEL), inputs=(*human, *cloth))
    return ask_of(fields, request, "image.try_on")


def model_of(fields: read.Body, *, default: str) -> str:
    """Return the model: `model_name` wins over `model`, which many clients send."""
    named = read.text(fields, "model_name", schema.MAX_MODEL_CHARACTERS)
    return named or read.text(fields, "model", schema.MAX_MODEL_CHARACTERS) or default


def ask_of(fields: read.Body, request: MediaRequest, operation: str) -> Ask:
    """Return the ask, with what every body may say beside the work itself."""
    facts = TaskFacts(
        external_task_id=read.text(fields, "external_task_id", schema.MAX_EXTERNAL_ID_CHARACTERS),
        callback_url=read.text(fields, "callback_url", schema.MAX_URL_CHARACTERS),
    )
    if facts.callback_url and not facts.callback_url.lower().startswith(("http://", "https://")):
        raise read.broken("callback_url", facts.callback_url, "it must be an http(s) address")
    return Ask(request=request, operation=operation, facts=msgspec.json.encode(facts), callback_url=facts.callback_url)


def said(options: Mapping[str, Json]) -> dict[str, Json]:
    """Return the options that say something."""
    return {name: value for name, value in options.items() if value is not None and value is not False and value != "" and value != []}


def _check_together(request: ImageRequest) -> None:
    if request.inputs and request.negative_prompt:
        raise InvalidRequest("negative_prompt cannot be used together with image.", param="negative_prompt")
    if request.inputs and request.model in schema.REFERENCE_REQUIRED_MODELS and "kling_image_reference" not in request.options:
        raise read.missing("image_reference", f"with image on {request.model} it is one of {read.listed(schema.IMAGE_REFERENCES)}")
