"""What the vendor's families of picture models take, as data, so that what it would refuse is refused here, by the field's name.

A model of no family is somebody else's, or has a name of the operator's: its requests are passed on unchecked.
"""

import re

import msgspec

from modelgate.core.errors import InvalidRequest
from modelgate.formats.openai_chat.request import say
from modelgate.formats.openai_images.schema import Ask, Drawing

_COMMON = frozenset(("model", "prompt", "n", "size", "quality", "user", "images", "mask"))
_DALL_E = _COMMON | {"response_format"}
_GPT = _COMMON | {"background", "moderation", "output_format", "output_compression", "stream", "partial_images", "input_fidelity"}
_SIZE = re.compile(r"([1-9]\d{1,4})x([1-9]\d{1,4})\Z")


class SizeRule(msgspec.Struct, frozen=True, kw_only=True):
    """Sizes that are free within bounds: sides are multiples of `step_px`, the longer one at most `max_ratio` times the other."""

    step_px: int
    max_ratio: int
    max_pixels: int
    max_side_px: int


class Family(msgspec.Struct, frozen=True, kw_only=True):
    """One family. `models` are the beginnings of its names. Empty `sizes` without `size_rule`, or empty `qualities` and `fields`: any.

    `default_size` is what it makes when none is said, where that is certain. `counts_tokens`: it is paid by them. `takes_json_edits`: edits
    may come as JSON, not only as a form.
    """

    models: tuple[str, ...] = ()
    max_prompt_characters: int = 32_000
    max_pictures: int = 10
    max_shown: int = 16
    sizes: tuple[str, ...] = ()
    size_rule: SizeRule | None = None
    qualities: tuple[str, ...] = ()
    fields: frozenset[str] = frozenset()
    default_size: str = ""
    counts_tokens: bool = False
    takes_json_edits: bool = True


_GPT_IMAGE = Family(
    models=("gpt-image-", "chatgpt-image-"),
    sizes=("1024x1024", "1536x1024", "1024x1536", "auto"),
    qualities=("low", "medium", "high", "auto"),
    fields=_GPT,
    counts_tokens=True,
)

FAMILIES = (
    Family(
        models=("dall-e-2",),
        max_prompt_characters=1_000,
        max_shown=1,
        sizes=("256x256", "512x512", "1024x1024"),
        qualities=("standard",),
        fields=_DALL_E,
        default_size="1024x1024",
        takes_json_edits=False,
    ),
    Family(
        models=("dall-e-3",),
        max_prompt_characters=4_000,
        max_pictures=1,
        sizes=("1024x1024", "1792x1024", "1024x1792"),
        qualities=("standard", "hd"),
        fields=_DALL_E | {"style"},
        default_size="1024x1024",
        takes_json_edits=False,
    ),
    msgspec.structs.replace(
        _GPT_IMAGE,
        models=("gpt-image-2",),
        sizes=(),
        size_rule=SizeRule(step_px=16, max_ratio=3, max_pixels=3_840 * 2_160, max_side_px=3_840),
    ),
    _GPT_IMAGE,
)
ANY = Family(max_prompt_characters=1_000_000)
"""Any other model."""


def family_of(model: str) -> Family:
    """Return the family of a model."""
    return next((family for family in FAMILIES if model.startswith(family.models)), ANY)


def size_px(size: str) -> tuple[int, int] | None:
    """Return width and height of a size that is one."""
    found = _SIZE.match(size)
    return (int(found[1]), int(found[2])) if found else None


def check_ask(ask: Ask, family: Family) -> None:
    """Raise InvalidRequest for what the family does not take."""
    if family.fields:
        for name in ask.__struct_fields__:
            if getattr(ask, name) is not None and name not in family.fields:
                raise InvalidRequest(f"'{name}' is not supported by this model.", param=name, code="unsupported_parameter")
    if ask.n is not None and ask.n > family.max_pictures:
        raise _invalid("n", f"this model makes at most {family.max_pictures} at once")
    if ask.size is not None:
        _check_size(ask.size, family)
    if isinstance(ask, Drawing):
        if len(ask.prompt) > family.max_prompt_characters:
            longest = f"at most {family.max_prompt_characters} characters, not {len(ask.prompt)}"
            raise InvalidRequest(say("prompt", longest), param="prompt", code="string_above_max_length")
        if ask.quality is not None and family.qualities and ask.quality not in family.qualities:
            raise _invalid("quality", f"this model has {', '.join(family.qualities)}")


def _check_size(size: str, family: Family) -> None:
    if family.sizes and size not in family.sizes:
        raise _invalid("size", f"this model has {', '.join(family.sizes)}")
    rule = family.size_rule
    if rule is None or size == "auto":
        return
    found = size_px(size)
    if found is None:
        raise _invalid("size", "WIDTHxHEIGHT or auto is expected")
    width, height = found
    if width % rule.step_px or height % rule.step_px:
        raise _invalid("size", f"both sides must be multiples of {rule.step_px}")
    if max(found) > rule.max_ratio * min(found) or width * height > rule.max_pixels or max(found) > rule.max_side_px:
        raise _invalid("size", f"at most {rule.max_side_px} wide or high, {rule.max_pixels} pixels and {rule.max_ratio}:1 are made")


def _invalid(param: str, reason: str) -> InvalidRequest:
    return InvalidRequest(say(param, reason), param=param, code="invalid_value")
