"""What an Ideogram client sends, as a form or as JSON, made neutral and checked rule by rule."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from modelgate.core.errors import InvalidRequest
from modelgate.core.records import Json
from modelgate.formats.ideogram import rules, schema
from modelgate.formats.json_fields import TWICE
from modelgate.formats.media.family import Ask, MediaCall
from modelgate.formats.media.fields import broken, choice, file_of, object_of, text, whole_number
from modelgate.formats.media.requests import ImageRequest, MediaInput
from modelgate.formats.multipart import form_of

_FILES: Final[Mapping[str, str]] = {
    "image": "image",
    "mask": "mask",
    "style_reference_images": "style",
    "character_reference_images": "character",
    "character_reference_images_mask": "character_mask",
}
"""Fields that are files -> the roles of these."""
_LISTS: Final = frozenset(("style_codes",))
_TAKES: Final[Mapping[str, frozenset[str]]] = {
    operation: frozenset(rules.FIELD_NAMES.get(field, field) for field in takes) for operation, takes in rules.TAKES.items()
}
_KNOWN: Final = frozenset[str]().union(*_TAKES.values())
_OLD_API: Final = "image_request"

_Values = dict[str, list[Any]]  # what was given for each field: texts, bytes of files, JSON values


def decode_for(operation: str) -> Callable[[MediaCall], Ask]:
    """Return the decoder of an operation's bodies: a call -> what it asks for, its files still as bytes or addresses.

    The decoder raises InvalidRequest, naming the field, its value (shortened) and the rule it breaks.
    """

    def decode(call: MediaCall) -> Ask:
        return Ask(request=_request_of(_values_of(call), operation), operation=operation)

    return decode


def say(field: str | None, reason: str) -> str:
    """Return the sentence that tells why a form cannot be read."""
    return f"The form cannot be read: {reason}." if field is None else f"{field} cannot be read: {reason}."


def _request_of(values: _Values, operation: str) -> ImageRequest:
    _check_fields(values, operation)
    fields = {
        name: _single(name, given) for name, given in values.items() if name in _KNOWN | {"model"} and name not in _LISTS | _FILES.keys()
    }
    options: dict[str, Json] = {
        "ideogram_magic_prompt": choice(fields, "magic_prompt", schema.MAGIC_PROMPTS),
        "ideogram_style_type": choice(fields, "style_type", schema.STYLE_TYPES),
        "ideogram_style_preset": choice(fields, "style_preset", schema.STYLE_PRESETS),
        "ideogram_style_codes": _style_codes(values),
        "ideogram_color_palette": _palette(fields),
        "ideogram_image_weight": _maybe_number(fields, "image_weight", low=1, high=schema.MAX_IMAGE_WEIGHT),
    }
    request = ImageRequest(
        model=text(fields, "model", schema.MAX_MODEL_CHARACTERS) or schema.DEFAULT_MODEL,
        prompt=text(fields, "prompt", schema.MAX_PROMPT_CHARACTERS),
        negative_prompt=text(fields, "negative_prompt", schema.MAX_PROMPT_CHARACTERS),
        n=whole_number(fields, "num_images", low=1, high=schema.MAX_IMAGES, default=1),
        aspect_ratio=_ratio(fields),
        size=choice(fields, "resolution", schema.RESOLUTIONS),
        quality=choice(fields, "rendering_speed", schema.RENDERING_SPEEDS).lower(),
        inputs=_files(values),
        seed=_maybe_number(fields, "seed", low=0, high=schema.MAX_SEED),
        options={name: value for name, value in options.items() if value not in (None, "", [])},
    )
    rules.check_request(request, operation, rules.FIELD_NAMES)
    return request


def _check_fields(values: _Values, operation: str) -> None:
    """Refuse what is known and not for this; what nobody knows is left alone, as in all of these dialects."""
    if _OLD_API in values:
        message = (
            f"{_OLD_API} belongs to Ideogram's API before 3.0, which is not served here: give prompt and the other fields by themselves."
        )
        raise InvalidRequest(message, param=_OLD_API, code="unsupported_parameter")
    if "custom_model_uri" in values:
        message = "custom_model_uri is not served here: own models belong to one account at the vendor."
        raise InvalidRequest(message, param="custom_model_uri", code="unsupported_parameter")
    for name in values:
        if name in _KNOWN and name not in _TAKES[operation]:
            doing = operation.partition(".")[2].replace("_", "-") or "generate"
            raise InvalidRequest(f"{name} is not a field of {doing}.", param=name, code="unsupported_parameter")


def _values_of(call: MediaCall) -> _Values:
    """Return what was given, by field; empty texts and files, and nulls, are absent. Lists may be spelled `name[]`."""
    found: _Values = {}
    if not call.content_type.lower().startswith("multipart/"):
        for name, value in object_of(call.body).items():
            given: list[Any] = value if isinstance(value, list) else [value]  # pyright: ignore[reportUnknownVariableType]  # JSON as it came
            found.setdefault(name.removesuffix("[]"), []).extend(given)
    else:
        form = form_of(call.body, call.content_type.encode("latin-1", "replace"), say=say)
        for part in form.parts:
            data = form.bytes_of(part)
            try:
                found.setdefault(part.field, []).append(data if part.is_file else data.decode())
            except UnicodeDecodeError:
                raise InvalidRequest(say(part.field, "it is not UTF-8"), param=part.field, code="invalid_value") from None
    kept = {name: [one for one in given if one is not None and one not in ("", b"")] for name, given in found.items()}
    return {name: given for name, given in kept.items() if given}


def _single(name: str, given: list[Any]) -> Any:
    if len(given) > 1:
        raise InvalidRequest(say(name, TWICE), param=name, code="invalid_value")
    if isinstance(given[0], bytes):
        raise InvalidRequest(say(name, "a text is expected, not a file"), param=name, code="invalid_type")
    return given[0]


def _maybe_number(fields: Mapping[str, Any], name: str, *, low: int, high: int) -> int | None:
    return whole_number(fields, name, low=low, high=high, default=low) if name in fields else None


def _ratio(fields: Mapping[str, Any]) -> str:
    """Return the ratio as `W:H`; clients of other dialects write it so themselves."""
    value = fields.get("aspect_ratio")
    spelled = {"aspect_ratio": value.replace(":", "x")} if isinstance(value, str) else fields
    return choice(spelled, "aspect_ratio", schema.ASPECT_RATIOS).replace("x", ":")


def _listed(value: Any) -> list[Any]:
    """Return the items that one text tells: those of a JSON array, or those between its commas."""
    if not isinstance(value, str):
        return [value]
    if value.lstrip().startswith("["):
        try:
            return msgspec.json.decode(value, type=list[Any])
        except (msgspec.DecodeError, RecursionError):
            return [value]
    return [item.strip() for item in value.split(",")]


def _style_codes(values: _Values) -> list[Json]:
    codes = [code for value in values.get("style_codes", ()) for code in _listed(value)]
    if not all(isinstance(code, str) for code in codes):
        raise InvalidRequest(say("style_codes", "texts are expected"), param="style_codes", code="invalid_type")
    return codes


def _palette(fields: Mapping[str, Any]) -> Json:
    value = fields.get("color_palette")
    if not isinstance(value, str):
        return value
    try:
        return msgspec.json.decode(value)
    except (msgspec.DecodeError, RecursionError):
        raise broken("color_palette", value, "it must be JSON") from None


def _files(values: _Values) -> tuple[MediaInput, ...]:
    found: list[MediaInput] = []
    for name, role in _FILES.items():
        for value in values.get(name, ()):
            if isinstance(value, bytes):
                if len(value) > schema.MAX_FILE_BYTES:
                    message = f"{name} has a file of {len(value)} bytes, but it must have at most {schema.MAX_FILE_BYTES} bytes."
                    raise InvalidRequest(message, param=name, code="invalid_value")
                found.append(MediaInput(data=value, role=role))
            else:
                found += (file_of(one, name, role=role, max_bytes=schema.MAX_FILE_BYTES) for one in _places(value))
    total_bytes = sum(len(one.data) for one in found)
    if total_bytes > schema.MAX_UPLOAD_BYTES:
        message = f"The files have {total_bytes} bytes together, but at most {schema.MAX_UPLOAD_BYTES} bytes are taken."
        raise InvalidRequest(message, code="invalid_value")
    return tuple(found)


def _places(value: Any) -> list[Any]:
    """Return the files that one text tells: several by a JSON array, or by addresses between commas, which data URIs have inside."""
    items = _listed(value)
    is_array = isinstance(value, str) and value.lstrip().startswith("[")
    return (
        items if is_array or all(isinstance(one, str) and one[:8].lower().startswith(("http://", "https://")) for one in items) else [value]
    )
