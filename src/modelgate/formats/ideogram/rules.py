"""What Ideogram 3.0 takes, said of a neutral request: the dialect checks by it in its own words, the vendor in neutral ones."""

import re
from collections.abc import Mapping
from typing import Any, Final

from modelgate.core.errors import InvalidRequest
from modelgate.formats.ideogram import schema
from modelgate.formats.json_fields import object_of
from modelgate.formats.media.fields import broken, listed, missing
from modelgate.formats.media.requests import ImageRequest, inputs_in

GENERATE: Final = "image"
EDIT: Final = "image.edit"
REMIX: Final = "image.remix"
REFRAME: Final = "image.reframe"
REPLACE_BACKGROUND: Final = "image.replace_background"

FIELD_NAMES: Final[Mapping[str, str]] = {
    "n": "num_images",
    "size": "resolution",
    "quality": "rendering_speed",
    "style": "style_reference_images",
    "character": "character_reference_images",
    "character_mask": "character_reference_images_mask",
    "ideogram_magic_prompt": "magic_prompt",
    "ideogram_style_type": "style_type",
    "ideogram_style_preset": "style_preset",
    "ideogram_style_codes": "style_codes",
    "ideogram_color_palette": "color_palette",
    "ideogram_image_weight": "image_weight",
}
"""Neutral fields, options and roles -> the dialect's fields, where otherwise."""

_STYLED: Final = frozenset(("n", "seed", "quality", "style", "ideogram_style_preset", "ideogram_color_palette", "ideogram_style_codes"))
_PROMPTED: Final = frozenset(("prompt", "ideogram_magic_prompt", "ideogram_style_type", "character", "character_mask"))
_FRAMED: Final = frozenset(("aspect_ratio", "size", "negative_prompt"))
TAKES: Final[Mapping[str, frozenset[str]]] = {
    GENERATE: _STYLED | _PROMPTED | _FRAMED,
    EDIT: _STYLED | _PROMPTED | {"image", "mask"},
    REMIX: _STYLED | _PROMPTED | _FRAMED | {"image", "ideogram_image_weight"},
    REFRAME: _STYLED | {"image", "size"},
    REPLACE_BACKGROUND: _STYLED | {"image", "prompt", "ideogram_magic_prompt"},
}
"""What each operation takes beside the model, in neutral words."""

_NEEDS: Final[Mapping[str, Mapping[str, str]]] = {
    GENERATE: {"prompt": "say what the picture shows"},
    EDIT: {
        "image": "the picture to change",
        "mask": "a picture of the same size, black where it changes",
        "prompt": "say what the picture shows",
    },
    REMIX: {"image": "the picture to begin with", "prompt": "say what the picture shows"},
    REFRAME: {"image": "the picture to go on with", "size": "the size of the new picture"},
    REPLACE_BACKGROUND: {"image": "the picture of the subject", "prompt": "say what is behind the subject"},
}
_MOST: Final[Mapping[str, int]] = {
    "image": 1,
    "mask": 1,
    "style": schema.MAX_STYLE_REFERENCES,
    "character": schema.MAX_CHARACTER_REFERENCES,
    "character_mask": schema.MAX_CHARACTER_REFERENCES,
}
_CHOICES: Final[Mapping[str, tuple[str, ...]]] = {
    "aspect_ratio": tuple(ratio.replace("x", ":") for ratio in schema.ASPECT_RATIOS),
    "size": schema.RESOLUTIONS,
    "quality": tuple(speed.lower() for speed in schema.RENDERING_SPEEDS),
    "ideogram_magic_prompt": schema.MAGIC_PROMPTS,
    "ideogram_style_type": schema.STYLE_TYPES,
    "ideogram_style_preset": schema.STYLE_PRESETS,
}
_CODE = re.compile(r"[0-9A-Fa-f]{8}\Z")
_COLOUR = re.compile(r"#[0-9A-Fa-f]{6}\Z")


def check_request(request: ImageRequest, operation: str, names: Mapping[str, str]) -> None:
    """Check everything that can be said of a request without opening its pictures; `names` are those of the messages.

    Raises:
        InvalidRequest: names the field, its value and the rule it breaks.
    """
    said = _Said(request, names)
    _check_needs(said, operation)
    _check_choices(said)
    _check_bounds(said)
    _check_style(said)
    _check_character(said)


class _Said:
    """A request, its fields and options by their neutral names, and how messages call them."""

    def __init__(self, request: ImageRequest, names: Mapping[str, str]) -> None:
        self.request = request
        self._names = names

    def name(self, field: str) -> str:
        return self._names.get(field, field)

    def value(self, field: str) -> Any:
        return getattr(self.request, field) if field in ImageRequest.__struct_fields__ else self.request.options.get(field)

    def count(self, role: str) -> int:
        return len(inputs_in(self.request, role))

    def broken(self, field: str, rule: str) -> InvalidRequest:
        value = self.value(field)
        return broken(self.name(field), value.upper() if field == "quality" and self._names else value, rule)

    def clash(self, field: str, *others: str) -> InvalidRequest:
        names = " or ".join(self.name(other) for other in others)
        return InvalidRequest(f"{self.name(field)} cannot be used together with {names}.", param=self.name(field), code="invalid_value")


def _check_needs(said: _Said, operation: str) -> None:
    for field, why in _NEEDS[operation].items():
        is_there = said.count(field) if field in _MOST else str(said.value(field)).strip()
        if not is_there:
            raise missing(said.name(field), why)
    for role, most in _MOST.items():
        if said.count(role) > most:
            name = said.name(role)
            message = f"{name} has {said.count(role)} files, but at most {most} can be given."
            raise InvalidRequest(message, param=name, code="invalid_value")


def _check_choices(said: _Said) -> None:
    for field, choices in _CHOICES.items():
        value = said.value(field)
        if value not in (None, "") and value not in choices:
            raise said.broken(field, f"it must be one of {listed(choices)}")
    if said.request.size and said.request.aspect_ratio:
        raise said.clash("size", "aspect_ratio")


def _check_bounds(said: _Said) -> None:
    request = said.request
    if not 1 <= request.n <= schema.MAX_IMAGES:
        raise said.broken("n", f"it must be a whole number from 1 to {schema.MAX_IMAGES}")
    if request.seed is not None and not 0 <= request.seed <= schema.MAX_SEED:
        raise said.broken("seed", f"it must be a whole number from 0 to {schema.MAX_SEED}")
    for field in ("prompt", "negative_prompt"):
        if len(said.value(field)) > schema.MAX_PROMPT_CHARACTERS:
            rule = f"it must have at most {schema.MAX_PROMPT_CHARACTERS} characters; it has {len(said.value(field))}"
            raise said.broken(field, rule)
    weight = said.value("ideogram_image_weight")
    if weight is not None and (isinstance(weight, bool) or not isinstance(weight, int) or not 1 <= weight <= schema.MAX_IMAGE_WEIGHT):
        raise said.broken("ideogram_image_weight", f"it must be a whole number from 1 to {schema.MAX_IMAGE_WEIGHT}")


def _check_style(said: _Said) -> None:
    style_type, preset = said.value("ideogram_style_type"), said.value("ideogram_style_preset")
    if said.value("ideogram_style_codes") is not None:
        codes = _list_of(said.value("ideogram_style_codes"), schema.MAX_STYLE_CODES)
        if not codes or not all(isinstance(code, str) and _CODE.match(code) for code in codes):
            raise said.broken("ideogram_style_codes", f"it must be up to {schema.MAX_STYLE_CODES} codes of 8 hexadecimal characters")
        if said.count("style") or style_type:
            raise said.clash("ideogram_style_codes", "style", "ideogram_style_type")
    if preset and said.count("style"):
        raise said.clash("ideogram_style_preset", "style")
    if (preset or said.count("style")) and style_type and style_type not in schema.REFERENCE_STYLE_TYPES:
        with_what = said.name("ideogram_style_preset" if preset else "style")
        raise said.broken("ideogram_style_type", f"with {with_what} it must be one of {listed(schema.REFERENCE_STYLE_TYPES)}")
    if said.value("ideogram_color_palette") is not None:
        _check_palette(said)


def _check_palette(said: _Said) -> None:
    palette = object_of(said.value("ideogram_color_palette"))
    if palette is None or len(palette) != 1 or not palette.keys() <= {"name", "members"}:
        raise said.broken("ideogram_color_palette", 'it must be {"name": …} or {"members": […]}')
    if "name" in palette:
        if palette["name"] not in schema.PALETTES:
            raise said.broken("ideogram_color_palette", f"its name must be one of {listed(schema.PALETTES)}")
        return
    members = [object_of(member) or {} for member in _list_of(palette["members"], schema.MAX_PALETTE_MEMBERS)]
    if not members:
        raise said.broken("ideogram_color_palette", f"its members must be a list of 1 to {schema.MAX_PALETTE_MEMBERS}")
    for member in members:
        colour, weight = member.get("color_hex"), member.get("color_weight", 1.0)
        if not isinstance(colour, str) or not _COLOUR.match(colour):
            raise said.broken("ideogram_color_palette", "each of its members needs a color_hex such as #FFAA00")
        if isinstance(weight, bool) or not isinstance(weight, int | float) or not schema.MIN_COLOR_WEIGHT <= weight <= 1:
            raise said.broken("ideogram_color_palette", f"each color_weight must be from {schema.MIN_COLOR_WEIGHT} to 1")


def _list_of(value: Any, most: int) -> list[Any]:
    """Return JSON that is a list of at most so many items; else none."""
    found: list[Any] = value if isinstance(value, list) else []  # pyright: ignore[reportUnknownVariableType]  # JSON as it came
    return found if len(found) <= most else []


def _check_character(said: _Said) -> None:
    if said.count("character_mask") not in (0, said.count("character")):
        name, of = said.name("character_mask"), said.name("character")
        message = f"{name} has {said.count('character_mask')} files, but there must be one for each of {of}: {said.count('character')}."
        raise InvalidRequest(message, param=name, code="invalid_value")
    if not said.count("character"):
        return
    if said.request.quality == "flash":
        raise said.broken("quality", f"it cannot be used together with {said.name('character')}")
    style_type = said.value("ideogram_style_type")
    if style_type and style_type not in schema.CHARACTER_STYLE_TYPES:
        allowed = listed(schema.CHARACTER_STYLE_TYPES)
        raise said.broken("ideogram_style_type", f"with {said.name('character')} it must be one of {allowed}")
