"""The vendor's own kind of schema: what it refuses about one, and the JSON Schema that means the same."""

from collections.abc import Iterator

from modelgate.core.records import Json
from modelgate.sandbox.gemini.fields import snake

_FORMATS = {
    "STRING": ("enum", "date-time", "date", "time", "duration"),
    "NUMBER": ("float", "double"),
    "INTEGER": ("int32", "int64"),
}
_NESTED = ("properties", "items", "anyOf", "required", "propertyOrdering", "nullable", "type", "example", "default", "format")


def faults_of(schema: dict[str, Json], *, place: str) -> Iterator[str]:
    """Yield what is wrong with a schema whose fields are known ones, as `place: complaint`."""
    yield from _own_faults(schema, place=place)
    for name, inner in schema.get("properties", {}).items():
        yield from faults_of(inner, place=f"{place}.properties[{name}]")
    if "items" in schema:
        yield from faults_of(schema["items"], place=f"{place}.items")
    for index, inner in enumerate(schema.get("anyOf", ())):
        yield from faults_of(inner, place=f"{place}.any_of[{index}]")


def _own_faults(schema: dict[str, Json], *, place: str) -> Iterator[str]:
    """Yield what is wrong with one level of a schema."""
    kind = schema.get("type")
    if kind is None and not schema.get("anyOf"):
        yield f"{place}.type: must be specified"
    if kind == "OBJECT" and not schema.get("properties"):
        yield f"{place}.properties: should be non-empty for OBJECT type"
    if kind == "ARRAY" and "items" not in schema:
        yield f"{place}.items: missing field"
    if schema.get("enum") is not None and kind != "STRING":
        yield f"{place}.enum: only allowed for STRING type"
    if schema.get("enum") == [] or "" in schema.get("enum", ()):
        yield f"{place}.enum: cannot be empty"
    if schema.get("format") and kind in _FORMATS and schema["format"] not in _FORMATS[kind]:
        yield f"{place}.format: only {' and '.join(repr(name) for name in _FORMATS[kind])} are supported for {kind} type"
    for field in ("required", "propertyOrdering"):
        for index, name in enumerate(schema.get(field, ())):
            if name not in schema.get("properties", {}):
                yield f"{place}.{snake(field)}[{index}]: property is not defined"


def to_json_schema(schema: dict[str, Json]) -> dict[str, Json]:
    """Return the JSON Schema that means the same; properties in the order the schema wishes."""
    made = {name: value for name, value in schema.items() if name not in _NESTED}
    if "type" in schema:
        kind = schema["type"].lower()
        made["type"] = [kind, "null"] if schema.get("nullable") else kind
    if schema.get("format") not in (None, "enum"):
        made["format"] = schema["format"]
    if schema.get("properties"):
        order = [*schema.get("propertyOrdering", ()), *schema["properties"]]
        made["properties"] = {name: to_json_schema(schema["properties"][name]) for name in dict.fromkeys(order)}
    if "items" in schema:
        made["items"] = to_json_schema(schema["items"])
    if schema.get("anyOf"):
        made["anyOf"] = [to_json_schema(inner) for inner in schema["anyOf"]]
    if schema.get("required"):
        made["required"] = schema["required"]
    return made
