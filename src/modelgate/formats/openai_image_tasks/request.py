"""What a client asks for, checked rule by rule and made neutral."""

import base64
import binascii
import re
from math import log
from typing import Final

import msgspec

from modelgate.core.errors import InvalidRequest
from modelgate.formats.json_fields import decode_fields, top_level
from modelgate.formats.media.family import InputRules
from modelgate.formats.media.requests import ImageRequest, MediaInput
from modelgate.formats.openai_chat.request import say
from modelgate.formats.openai_image_tasks import schema

FIELD_NAMES: Final = {"bfl_safety_tolerance": "safety_tolerance", "bfl_prompt_upsampling": "prompt_upsampling"}
"""Fields of the neutral request that are called otherwise here."""

INPUT_RULES: Final = {
    "image": InputRules(
        field="image",
        content_types=("image/jpeg", "image/png"),
        max_bytes=schema.MAX_INPUT_BYTES,
        min_side_pixels=schema.MIN_INPUT_SIDE_PIXELS,
        max_ratio=schema.MAX_INPUT_RATIO,
    )
}
MAX_SHOWN_CHARACTERS = 60
_IGNORED: Final = ("quality", "style", "user")
_SIZE = re.compile(r"([1-9]\d{0,4})x([1-9]\d{0,4})\Z")

_decoder = msgspec.json.Decoder(schema.ImageBody)


class ImageAsk(msgspec.Struct, frozen=True, kw_only=True):
    """A decoded body. `wanted.n` pictures are asked for; `inline`: as base64 in the answer. `ignored` names fields that do nothing here."""

    wanted: ImageRequest
    inline: bool
    ignored: tuple[str, ...]


def decode_ask(body: bytes | bytearray) -> ImageAsk:
    """Return what a body asks for, an inline picture still as bytes.

    Raises:
        InvalidRequest: names the field and the rule it breaks.
    """
    found = decode_fields(_decoder, body, say=say)
    if not found.prompt.strip():
        raise InvalidRequest("'prompt' is required: say what the picture shows.", param="prompt", code="missing_required_parameter")
    if len(found.prompt) > schema.MAX_PROMPT_CHARACTERS:
        message = f"'prompt' has {len(found.prompt)} characters; at most {schema.MAX_PROMPT_CHARACTERS} are taken for this model."
        raise InvalidRequest(message, param="prompt", code="string_above_max_length")
    if found.stream:
        raise InvalidRequest("'stream' is not for this model: its pictures come whole.", param="stream", code="unsupported_parameter")
    options = {"bfl_safety_tolerance": found.safety_tolerance, "bfl_prompt_upsampling": found.prompt_upsampling}
    wanted = ImageRequest(
        model=found.model,
        prompt=found.prompt,
        n=found.n or 1,
        aspect_ratio=_ratio_of(found),
        inputs=_images_of(found.image),
        output_format=_choice("output_format", found.output_format, schema.OUTPUT_FORMATS),
        seed=found.seed,
        options={name: value for name, value in options.items() if value is not None},
    )
    inline = _choice("response_format", found.response_format, schema.RESPONSE_FORMATS) == "b64_json"
    known = set(schema.ImageBody.__struct_fields__) - set(_IGNORED)
    return ImageAsk(wanted=wanted, inline=inline, ignored=tuple(name for name in top_level(body) if name not in known))


def _choice(name: str, value: str | None, choices: tuple[str, ...]) -> str:
    if not value:
        return ""
    if value not in choices:
        raise _broken(name, value, f"it must be one of {', '.join(choices)}", code="invalid_value")
    return value


def _ratio_of(found: schema.ImageBody) -> str:
    """Return the asked ratio, or the one nearest to the asked size; equally wide and equally tall sizes are equally far."""
    chosen = _choice("aspect_ratio", found.aspect_ratio, schema.ASPECT_RATIOS)
    if chosen or not found.size or found.size == "auto":
        return chosen or schema.DEFAULT_ASPECT_RATIO
    size = _SIZE.match(found.size)
    if size is None:
        raise _broken("size", found.size, "it must read WIDTHxHEIGHT, such as 1024x768, or auto", code="invalid_value")
    asked = log(int(size[1])) - log(int(size[2]))
    return min(schema.ASPECT_RATIOS, key=lambda ratio: abs(_width_of(ratio) - asked))


def _width_of(ratio: str) -> float:
    across, _, down = ratio.partition(":")
    return log(int(across)) - log(int(down))


def _images_of(image: str | None) -> tuple[MediaInput, ...]:
    """Return the picture of `image`: none, an address, or its bytes out of base64 or a data URI."""
    if not image:
        return ()
    if image[:8].lower().startswith(("http://", "https://")):
        if len(image) > schema.MAX_URL_CHARACTERS:
            raise _broken("image", image, f"an address has at most {schema.MAX_URL_CHARACTERS} characters", code="invalid_image_url")
        return (MediaInput(url=image),)
    payload = image.partition(",")[2] if image[:5].lower() == "data:" else image
    if len(payload) > schema.MAX_INPUT_BYTES * 4 // 3 + 4:
        raise _broken("image", image, f"the picture must have at most {schema.MAX_INPUT_BYTES} bytes", code="image_parse_error")
    try:
        data = base64.b64decode("".join(payload.split()), validate=True)
    except (binascii.Error, ValueError):
        data = b""
    if not data:
        raise _broken("image", image, "it must be an http(s) address, base64, or a data URI", code="image_parse_error")
    return (MediaInput(data=data),)


def _broken(name: str, value: str, rule: str, *, code: str) -> InvalidRequest:
    shown = value if len(value) <= MAX_SHOWN_CHARACTERS else value[: MAX_SHOWN_CHARACTERS - 1] + "…"
    return InvalidRequest(f"'{name}' is {msgspec.json.encode(shown).decode()}, but {rule}.", param=name, code=code)
