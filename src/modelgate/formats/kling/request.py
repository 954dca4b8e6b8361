"""What a Kling client sends, checked rule by rule and made neutral."""

import base64
import binascii
from typing import Any, cast

import msgspec

from modelgate.core.errors import InvalidRequest, UnsupportedMediaType
from modelgate.formats.kling import schema
from modelgate.formats.media.requests import ImageRequest, MediaInput

MAX_SHOWN_CHARACTERS = 60
"""No message repeats more of a value than this."""

_Body = dict[str, Any]  # JSON as it came


class TaskFacts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the dialect keeps beside the neutral request, to answer and to call back with (`Task.facts`)."""

    external_task_id: str = ""
    callback_url: str = ""


def decode_image_request(body: bytes | bytearray, content_type: str = "") -> tuple[ImageRequest, TaskFacts]:
    """Return the neutral request of `POST /kling/v1/images/generations`, an inline picture still as bytes.

    The content type is not insisted on: clients of this family send any.

    Raises:
        InvalidRequest: names the field, its value (shortened) and the rule it breaks.
        UnsupportedMediaType: the body is a form, which this endpoint does not take.
    """
    fields = _object_of(body, content_type)
    model = (
        _text(fields, "model_name", schema.MAX_MODEL_CHARACTERS)
        or _text(fields, "model", schema.MAX_MODEL_CHARACTERS)
        or schema.DEFAULT_IMAGE_MODEL
    )
    prompt = _text(fields, "prompt", schema.MAX_PROMPT_CHARACTERS)
    if not prompt.strip():
        raise InvalidRequest("prompt is required: say what the picture shows.", param="prompt", code="missing_required_parameter")
    request = ImageRequest(
        model=model,
        prompt=prompt,
        negative_prompt=_text(fields, "negative_prompt", schema.MAX_NEGATIVE_PROMPT_CHARACTERS),
        n=_whole_number(fields, "n", low=1, high=schema.MAX_IMAGES, default=1),
        aspect_ratio=_choice(fields, "aspect_ratio", schema.ASPECT_RATIOS),
        images=_image(fields, "image"),
        kling_resolution=_choice(fields, "resolution", schema.RESOLUTIONS),
        kling_image_reference=_choice(fields, "image_reference", schema.IMAGE_REFERENCES),
        kling_image_fidelity=_fraction(fields, "image_fidelity"),
        kling_human_fidelity=_fraction(fields, "human_fidelity"),
    )
    _check_together(request)
    facts = TaskFacts(
        external_task_id=_text(fields, "external_task_id", schema.MAX_EXTERNAL_ID_CHARACTERS),
        callback_url=_text(fields, "callback_url", schema.MAX_URL_CHARACTERS),
    )
    return request, facts


def _check_together(request: ImageRequest) -> None:
    if request.images and request.negative_prompt:
        raise InvalidRequest("negative_prompt cannot be used together with image.", param="negative_prompt")
    if request.images and request.model in schema.REFERENCE_REQUIRED_MODELS and not request.kling_image_reference:
        raise InvalidRequest(
            f"image_reference is required with image on {request.model}: one of {_listed(schema.IMAGE_REFERENCES)}.",
            param="image_reference",
            code="missing_required_parameter",
        )


def _object_of(body: bytes | bytearray, content_type: str) -> _Body:
    try:
        fields = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        if content_type.lower().startswith("multipart/"):
            raise UnsupportedMediaType("This endpoint takes a JSON body, not a form.") from None
        raise InvalidRequest("The request body is not valid JSON.", code="invalid_json") from None
    if not isinstance(fields, dict):
        raise InvalidRequest("The request body must be a JSON object.", code="invalid_json")
    return cast(dict[str, Any], fields)


def _shown(value: object) -> str:
    text = msgspec.json.encode(value[: MAX_SHOWN_CHARACTERS + 1] if isinstance(value, str) else value).decode()
    return text if len(text) <= MAX_SHOWN_CHARACTERS else text[: MAX_SHOWN_CHARACTERS - 1] + "…"


def _listed(choices: tuple[str, ...]) -> str:
    return ", ".join(choices)


def _broken(name: str, value: object, rule: str) -> InvalidRequest:
    return InvalidRequest(f"{name} is {_shown(value)}, but {rule}.", param=name, code="invalid_value")


def _text(fields: _Body, name: str, max_characters: int) -> str:
    value = fields.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise _broken(name, value, "it must be a string")
    if len(value) > max_characters:
        raise _broken(name, value, f"it must have at most {max_characters} characters; it has {len(value)}")
    return value


def _choice(fields: _Body, name: str, choices: tuple[str, ...]) -> str:
    value = fields.get(name)
    if value is None or value == "":
        return ""
    if not isinstance(value, str) or value not in choices:
        raise _broken(name, value, f"it must be one of {_listed(choices)}")
    return value


def _whole_number(fields: _Body, name: str, *, low: int, high: int, default: int) -> int:
    value = fields.get(name)
    if value is None or value == "":
        return default
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise _broken(name, value, f"it must be a whole number from {low} to {high}")
    return value


def _fraction(fields: _Body, name: str) -> float | None:
    value = fields.get(name)
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise _broken(name, value, "it must be a number from 0 to 1")
    return float(value)


def _image(fields: _Body, name: str) -> tuple[MediaInput, ...]:
    """Return the picture of a field: none, an address, or its bytes out of base64 or a data URI."""
    value = fields.get(name)
    if value is None or value == "":
        return ()
    if not isinstance(value, str):
        raise _broken(name, value, "it must be a string: an address, base64, or a data URI")
    if value[:8].lower().startswith(("http://", "https://")):
        if len(value) > schema.MAX_URL_CHARACTERS:
            raise _broken(name, value, f"an address must have at most {schema.MAX_URL_CHARACTERS} characters")
        return (MediaInput(url=value),)
    return (MediaInput(data=_decoded_base64(name, value)),)


def _decoded_base64(name: str, value: str) -> bytes:
    encoded = value
    if value[:5].lower() == "data:":
        head, comma, encoded = value.partition(",")
        if not comma or not head.lower().endswith(";base64"):
            raise _broken(name, value, "a data URI must read data:image/png;base64,…")
    if "\n" in encoded or "\r" in encoded or " " in encoded:
        encoded = "".join(encoded.split())
    if len(encoded) > schema.MAX_IMAGE_BYTES * 4 // 3 + 4:
        raise _broken(name, value, f"the picture must have at most {schema.MAX_IMAGE_BYTES} bytes")
    try:
        data = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raise _broken(name, value, "it must be an http(s) address, base64, or a data URI") from None
    if not data:
        raise _broken(name, value, "the picture is empty")
    if len(data) > schema.MAX_IMAGE_BYTES:
        raise _broken(name, value, f"the picture must have at most {schema.MAX_IMAGE_BYTES} bytes; it has {len(data)}")
    return data
