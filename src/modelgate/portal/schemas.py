"""JSON schemas of types, made fit for readers: short names, descriptions where they belong, no defaults that say nothing."""

from collections.abc import Iterable
from typing import Any

from modelgate.portal.components import schema_components

REF_PREFIX = "#/components/schemas/"

Schema = dict[str, Any]  # JSON
_ROOM_SEGMENTS = 2
"""Types of one name are told apart by what follows `modelgate.formats.`, `modelgate.control.`, …"""


def describe_types(types: Iterable[Any]) -> tuple[dict[Any, Schema], dict[str, Schema]]:
    """Return the schema of each type, and the named schemas that they refer to.

    Raises:
        ValueError: two named types would have the same name.
    """
    unique = list(dict.fromkeys(types))
    schemas, components = schema_components(unique, ref_template=REF_PREFIX + "{name}")
    names = {name: short_name(name) for name in components}
    if len(set(names.values())) < len(names):
        raise ValueError("two types of the documentation share a name")
    schema_of = {kind: _tidied(schema, names) for kind, schema in zip(unique, schemas, strict=True)}
    return schema_of, {names[name]: _tidied(schema, names) for name, schema in components.items()}


def short_name(name: str) -> str:
    """Return how a type is called: `modelgate.formats.kling.schema.TaskObject`, where there are several, is `KlingTaskObject`."""
    segments = name.split(".")
    if len(segments) <= _ROOM_SEGMENTS:
        return name
    return "".join(word.capitalize() for word in segments[_ROOM_SEGMENTS].split("_")) + segments[-1]


def _tidied(schema: Any, names: dict[str, str]) -> Any:
    if isinstance(schema, list):
        return [_tidied(one, names) for one in schema]
    if not isinstance(schema, dict):
        return schema
    made: Schema = {
        key: {name: _tidied(one, names) for name, one in value.items()} if key == "properties" else _tidied(value, names)
        for key, value in schema.items()
        if key not in ("default", "enum", "examples")
    }
    made |= {key: schema[key] for key in ("enum", "examples") if key in schema}
    if "$ref" in made:
        full = made["$ref"].removeprefix(REF_PREFIX)
        made["$ref"] = REF_PREFIX + names.get(full, full)
    if "default" in schema and not _says_nothing(schema):
        made["default"] = schema["default"]
    return _lifted(made)


def _says_nothing(schema: Schema) -> bool:
    """Return whether a default stands for a field that is left out: nothing at all, or what the field's own bounds forbid."""
    default = schema["default"]
    if default is None or (isinstance(default, str | list | tuple | dict) and not default):
        return True
    return isinstance(default, int | float) and default < schema.get("minimum", default)


def _lifted(schema: Schema) -> Schema:
    """Put the words about an optional field to the field: they stand in the one alternative that is not null."""
    present = [one for one in schema.get("anyOf", ()) if one.get("type") != "null"]
    if len(present) == 1:
        for key in ("description", "examples"):
            if key in present[0] and key not in schema:
                schema[key] = present[0].pop(key)
    return schema
