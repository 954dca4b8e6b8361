"""JSON Schema and the subset of it that Gemini's classic fields take, both ways.

`reference`s are written out, words it does not know are left out, and what says the same otherwise is said its way. Source: the vendor's
`Schema` message and what its servers refuse, read 2026-11.
"""

from collections.abc import Callable, Mapping
from urllib.parse import unquote

import msgspec

from modelgate.core.errors import InvalidRequest
from modelgate.core.records import Json
from modelgate.formats.gemini_content.casing import camel
from modelgate.formats.gemini_content.schema import is_list, is_object, list_of

MAX_DEPTH = 64
MAX_NODES = 5_000
"""A schema that refers to itself many times over grows beyond all bounds when it is written out."""

_NUMBERS = ("minItems", "maxItems", "minProperties", "maxProperties", "minLength", "maxLength", "minimum", "maximum")
_KEPT = ("title", "description", "pattern", "default", "example", "propertyOrdering", *_NUMBERS)
_OBJECTS = ("properties", "$defs", "defs")
_SCHEMAS = ("items", "additionalProperties")
_LISTS = ("anyOf", "prefixItems")
_MAX_DIGITS = 19
_FORMATS = {
    "STRING": frozenset(("enum", "date-time", "date", "time", "duration")),
    "NUMBER": frozenset(("float", "double")),
    "INTEGER": frozenset(("int32", "int64")),
}
_TYPES = frozenset(("string", "number", "integer", "boolean", "array", "object", "null"))


class _Cleaner:
    """One schema being cleaned: its definitions, the way of references into it, and how much was written."""

    def __init__(self, root: Json, param: str) -> None:
        self._root = root
        self._param = param
        self._following: list[str] = []
        self._nodes = 0

    def clean(self, schema: Json, depth: int) -> dict[str, Json]:
        self._nodes += 1
        if depth > MAX_DEPTH or self._nodes > MAX_NODES:
            raise InvalidRequest(f"'{self._param}' is nested too deeply or refers to itself too often.", param=self._param)
        if not is_object(schema):
            return {"type": "STRING"}  # `true`: anything goes, which cannot be said
        reference = schema.get("$ref")
        if isinstance(reference, str):
            return self._follow(reference, schema, depth)
        if is_list(schema.get("allOf")):
            return self.clean(_merged(schema, self._resolve), depth + 1)
        return self._cleaned(schema, depth)

    def _follow(self, reference: str, schema: dict[str, Json], depth: int) -> dict[str, Json]:
        if reference in self._following:
            return _any_object(schema)  # deeper than this it is told nothing
        target = self._resolve(schema)
        self._following.append(reference)
        try:
            return self.clean(target, depth + 1)
        finally:
            self._following.pop()

    def _resolve(self, schema: Json) -> Json:
        """Return what a reference leads to, with the words beside it; a schema without one as it is."""
        reference = schema.get("$ref") if is_object(schema) else None
        if not isinstance(reference, str):
            return schema
        found: Json = self._root
        for step in reference.removeprefix("#").split("/")[1:]:
            name = unquote(step).replace("~1", "/").replace("~0", "~")
            found = found.get(name) if is_object(found) else None
        if not is_object(found):
            raise InvalidRequest(f"'{self._param}' refers to {reference[:100]!r}, which is not in it.", param=self._param)
        return {**found, **{name: value for name, value in schema.items() if name != "$ref"}}

    def _cleaned(self, schema: dict[str, Json], depth: int) -> dict[str, Json]:
        made: dict[str, Json] = {name: schema[name] for name in _KEPT if schema.get(name) is not None}
        kinds, nullable = _kinds_of(schema)
        choices = [*list_of(schema.get("anyOf")), *list_of(schema.get("oneOf"))]
        if len(kinds) > 1 and not choices:
            choices, kinds = [{**schema, "type": kind} for kind in kinds], []
        values = [schema["const"]] if "const" in schema else list_of(schema.get("enum"))
        if choices:
            nullable = self._add_choices(made, choices, depth) or nullable
        elif values:
            nullable = None in values or nullable
            made |= {"type": "STRING", "enum": [_as_text(value) for value in values if value is not None]}
        if "type" not in made and "anyOf" not in made:
            made["type"] = (kinds[0] if kinds else _guessed(schema)).upper()
        self._add_inside(made, schema, depth)
        if depth and made.get("type") == "OBJECT" and not made.get("properties"):
            made = _any_object(schema)
        wanted = schema.get("format")
        if isinstance(wanted, str) and wanted in _FORMATS.get(made.get("type", ""), ()):
            made["format"] = wanted
        if nullable:
            made["nullable"] = True
        return made

    def _add_choices(self, made: dict[str, Json], choices: list[Json], depth: int) -> bool:
        """Put alternatives in; return whether null is one of them."""
        others = [choice for choice in choices if not (is_object(choice) and choice.get("type") == "null")]
        cleaned = [self.clean(choice, depth + 1) for choice in others]
        if len(cleaned) == 1:
            for name, value in cleaned[0].items():
                made.setdefault(name, value)
        elif cleaned:
            made["anyOf"] = cleaned
        return len(others) < len(choices)

    def _add_inside(self, made: dict[str, Json], schema: dict[str, Json], depth: int) -> None:
        properties = schema.get("properties")
        if made.get("type") == "OBJECT" and is_object(properties):
            made["properties"] = {name: self.clean(inside, depth + 1) for name, inside in properties.items()}
            required = [name for name in list_of(schema.get("required")) if isinstance(name, str) and name in properties]
            if required:
                made["required"] = required
        if made.get("type") == "ARRAY" and "items" not in made:
            items = schema.get("items")
            several = [*list_of(schema.get("prefixItems")), *list_of(items)]
            if several:
                inside: dict[str, Json] = {}
                self._add_choices(inside, several, depth)
                made["items"] = inside
            else:
                made["items"] = {"type": "STRING"} if items is None else self.clean(items, depth + 1)


def _any_object(schema: Mapping[str, Json]) -> dict[str, Json]:
    """Return how an object of any shape is said: the classic fields refuse one without properties."""
    return {"type": "STRING", "description": schema.get("description") or "A JSON object, as text."}


def clean_schema(schema: Json, *, param: str) -> dict[str, Json]:
    """Return a JSON Schema in Gemini's subset.

    Raises:
        InvalidRequest: it refers to what is not in it, or grows beyond all bounds; `param` names the field.
    """
    return _Cleaner(schema, param).clean(schema, 0)


def _merged(schema: dict[str, Json], resolve: Callable[[Json], Json]) -> dict[str, Json]:
    """Return a schema with all of its `allOf` put into it; only properties and required names add up, else the first word stands."""
    merged = {name: value for name, value in schema.items() if name != "allOf"}
    for part in schema["allOf"]:
        resolved = resolve(part)
        if not is_object(resolved):
            continue
        for name, value in resolved.items():
            before = merged.get(name)
            if name == "properties" and is_object(before) and is_object(value):
                merged[name] = {**value, **before}
            elif name in ("required", "allOf") and is_list(value):
                merged[name] = [*list_of(before), *(word for word in value if word not in list_of(before))]
            else:
                merged.setdefault(name, value)
    return merged


def _kinds_of(schema: Mapping[str, Json]) -> tuple[list[str], bool]:
    """Return the types in lower case without null, and whether null is one of them."""
    said = schema.get("type")
    names = [name.lower() for name in (said if is_list(said) else [said]) if isinstance(name, str)]
    kinds = [name for name in names if name in _TYPES and (name != "null" or len(names) == 1)]
    return kinds, (len(names) > 1 and "null" in names) or schema.get("nullable") is True


def _guessed(schema: Mapping[str, Json]) -> str:
    if "properties" in schema:
        return "object"
    return "array" if "items" in schema or "prefixItems" in schema else "string"


def _as_text(value: Json) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def to_json_schema(schema: Json, *, param: str, depth: int = 0) -> Json:
    """Return a schema of Gemini's as JSON Schema: types in lower case, `nullable` as a type, counts as numbers.

    Raises:
        InvalidRequest: nested too deeply; `param` names the field.
    """
    if depth > MAX_DEPTH:
        raise InvalidRequest(f"'{param}' is nested too deeply.", param=param)
    if not is_object(schema):
        return schema
    made: dict[str, Json] = {}
    for name, value in schema.items():
        _put(made, camel(name), value, param=param, depth=depth)
    if made.pop("nullable", None) is True:
        if isinstance(made.get("type"), str):
            made["type"] = [made["type"], "null"]
        if is_list(made.get("anyOf")):
            made["anyOf"] = [*made["anyOf"], {"type": "null"}]
        if is_list(made.get("enum")):
            made["enum"] = [*made["enum"], None]
    return made


def _put(made: dict[str, Json], name: str, value: Json, *, param: str, depth: int) -> None:
    def inner(schema: Json) -> Json:
        return to_json_schema(schema, param=param, depth=depth + 1)

    if name in _OBJECTS and is_object(value):
        made[name] = {key: inner(inside) for key, inside in value.items()}
    elif name in _SCHEMAS and is_object(value):
        made[name] = inner(value)
    elif name in _LISTS and is_list(value):
        made[name] = [inner(inside) for inside in value]
    elif name == "type" and isinstance(value, str):
        made |= {} if value == "TYPE_UNSPECIFIED" else {"type": value.lower()}
    elif name in _NUMBERS and isinstance(value, str):
        made[name] = int(value) if value.isascii() and value.isdigit() and len(value) <= _MAX_DIGITS else value
    elif name == "example":
        made["examples"] = [value]
    elif name != "propertyOrdering" and (name, value) != ("format", "enum"):
        made[name] = value
