"""JSON Schema as the API holds answers to it: every object closed, no bounds of numbers, lengths or counts.

Answers that keep to the narrower schema keep to the caller's too, but for the bounds; these stay as words in the descriptions, for the
model to read. Source: the Anthropic documentation, page "structured outputs", read 2026-11.
"""

from modelgate.core.records import Json
from modelgate.formats.json_fields import object_of

MAX_DEPTH = 100
_BOUNDS = (
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "maxItems",
    "uniqueItems",
    "minProperties",
    "maxProperties",
)
_MAPS = ("properties", "$defs", "definitions")
_LISTS = ("anyOf", "allOf", "oneOf", "prefixItems")


class _OpenEnded(Exception):
    """The schema lets an object have properties that it does not name."""


def close_schema(schema: Json) -> Json | None:
    """Return the schema closed and without bounds, None where that would change what it means: it has objects of any properties."""
    try:
        return _closed(schema, depth=0)
    except _OpenEnded:
        return None


def _closed(schema: Json, *, depth: int) -> Json:
    given = object_of(schema)
    if given is None:
        return schema
    if depth > MAX_DEPTH or "patternProperties" in given:
        raise _OpenEnded
    kept: dict[str, Json] = {name: value for name, value in given.items() if name not in _BOUNDS}
    bounds = ", ".join(f"{name}: {given[name]}" for name in _BOUNDS if name in given)
    if bounds:
        said = given.get("description")
        kept["description"] = f"{said} ({bounds})" if said else bounds
    for name in _MAPS:
        inside = object_of(given.get(name))
        if inside is not None:
            kept[name] = {field: _closed(value, depth=depth + 1) for field, value in inside.items()}
    for name in _LISTS:
        if isinstance(given.get(name), list):
            kept["anyOf" if name == "oneOf" else name] = [_closed(value, depth=depth + 1) for value in given[name]]
    kept.pop("oneOf", None)
    if "items" in given:
        kept["items"] = _closed(given["items"], depth=depth + 1)
    if given.get("type") == "object" or "properties" in given:
        if given.get("additionalProperties", False) is not False or not given.get("properties", "additionalProperties" in given):
            raise _OpenEnded
        kept["additionalProperties"] = False
    return kept
