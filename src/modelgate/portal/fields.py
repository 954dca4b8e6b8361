"""Rows of a table of fields out of the types of an endpoint, by way of their JSON schema."""

from collections.abc import Iterable
from typing import Any

import msgspec

from modelgate.core.records import Json
from modelgate.portal.components import schema_components
from modelgate.portal.pages import Field

MAX_DEPTH = 6
"""How far fields are told within fields. Types that hold themselves stop where they come again."""
MAX_QUOTED_VALUES = 4
"""More values than these are not named in the words of a type that takes other things too."""

_REF = "#/$defs/"
_NULL = "null"
_NOTHING: tuple[Json, ...] = (None, "", [], (), {})
"""Defaults that say no more than that a field may be left out."""
Schema = dict[str, Any]  # JSON


class Shape:
    """One of the things that a field may be: a schema without references and unions, and which named types lead to it."""

    def __init__(self, schema: Schema, within: tuple[str, ...]) -> None:
        self.schema = schema
        self.within = within

    @property
    def type(self) -> str:
        """Return the JSON type, empty for any."""
        return str(self.schema.get("type", ""))


class FieldReader:
    """Makes rows of the types it is given."""

    def __init__(self, types: Iterable[Any]) -> None:
        unique = list(dict.fromkeys(types))
        schemas, self._named = schema_components(unique, ref_template=_REF + "{name}")
        self._schema_of = dict(zip(unique, schemas, strict=True))
        self._made: dict[Any, tuple[Field, ...]] = {}

    def fields_of(self, kind: Any) -> tuple[Field, ...]:
        """Return the fields of a type: of a struct its own, of a list those of its items, of a union those of each shape."""
        if kind not in self._made:
            self._made[kind] = self._children(self._shapes(self._schema_of[kind], ()), depth=0)
        return self._made[kind]

    def _shapes(self, schema: Schema, within: tuple[str, ...]) -> list[Shape]:
        if "$ref" in schema:
            name = schema["$ref"].removeprefix(_REF)
            return self._shapes(self._named[name], (*within, name)) if name not in within else [Shape({"type": "object"}, within)]
        if "anyOf" in schema:
            return [shape for one in schema["anyOf"] for shape in self._shapes(one, within)]
        return [Shape(schema, within)]

    def _field(self, name: str, schema: Schema, *, required: bool, within: tuple[str, ...], depth: int) -> Field:
        shapes = self._shapes(schema, within)
        present = [shape for shape in shapes if shape.type != _NULL]
        values = [value for shape in present for value in shape.schema.get("enum", ())]
        is_closed = bool(present) and all("enum" in shape.schema for shape in present)
        return Field(
            name=name,
            type=self._words(present, is_closed=is_closed) or _NULL,
            required=required,
            nullable=len(present) < len(shapes) or None in values,
            description=schema.get("description") or _first([shape.schema.get("description") for shape in present]) or "",
            default=default if (default := schema.get("default")) not in _NOTHING else None,
            enum=tuple(value for value in values if value not in _NOTHING) if is_closed else (),
            minimum=_bound(present, "minimum", "exclusiveMinimum"),
            maximum=_bound(present, "maximum", "exclusiveMaximum"),
            min_length=_bound(present, "minLength", "minItems"),
            max_length=_bound(present, "maxLength", "maxItems"),
            example=_first([example for one in (schema, *(shape.schema for shape in present)) for example in one.get("examples", ())]),
            children=self._children(present, depth=depth + 1),
        )

    def _children(self, shapes: list[Shape], *, depth: int) -> tuple[Field, ...]:
        if depth > MAX_DEPTH:
            return ()
        with_fields = [shape for shape in self._objects(shapes) if shape.schema.get("properties")]
        if len(with_fields) == 1:
            return self._properties(with_fields[0], depth=depth)
        return tuple(
            Field(
                name=_name_of(shape),
                type="object",
                description=shape.schema.get("description", ""),
                children=self._properties(shape, depth=depth + 1),
            )
            for shape in with_fields
        )

    def _objects(self, shapes: list[Shape]) -> list[Shape]:
        """Return the objects among these, and among what lists and mappings of these hold."""
        objects: list[Shape] = []
        for shape in shapes:
            inner = shape.schema.get("items") if shape.type == "array" else shape.schema.get("additionalProperties")
            if isinstance(inner, dict) and inner:
                objects += self._objects(self._shapes(inner, shape.within))
            elif shape.type == "object":
                objects.append(shape)
        return objects

    def _properties(self, shape: Shape, *, depth: int) -> tuple[Field, ...]:
        required = shape.schema.get("required", ())
        return tuple(
            self._field(name, schema, required=name in required, within=shape.within, depth=depth)
            for name, schema in shape.schema["properties"].items()
        )

    def _words(self, shapes: list[Shape], *, is_closed: bool) -> str:
        return " or ".join(dict.fromkeys(self._word(shape, is_closed=is_closed) for shape in shapes))

    def _word(self, shape: Shape, *, is_closed: bool) -> str:
        values: list[Json] = shape.schema.get("enum", [])
        if values:
            quoted = " or ".join(msgspec.json.encode(value).decode() for value in values)
            return _type_of(values) if is_closed or len(values) > MAX_QUOTED_VALUES else quoted
        if shape.type == "array":
            inner = [one for one in self._shapes(shape.schema.get("items") or {}, shape.within) if one.type != _NULL]
            words = self._words(inner, is_closed=False)
            return "array" if words == "any" else f"array of ({words})" if " or " in words else f"array of {words}"
        return shape.type or "any"


def _type_of(values: list[Json]) -> str:
    kinds = {bool: "boolean", int: "integer", float: "number", str: "string"}
    return " or ".join(dict.fromkeys(kinds.get(type(value), "any") for value in values if value is not None))


def _name_of(shape: Shape) -> str:
    """Return what tells one object of a union from the others: a field with one value, or the type's name."""
    for name, schema in shape.schema["properties"].items():
        if len(values := schema.get("enum", ())) == 1:
            return f"{name}: {values[0]}"
    return str(shape.schema.get("title", "object"))


def _bound(shapes: list[Shape], *names: str) -> Any:
    return _first([shape.schema.get(name) for shape in shapes for name in names])


def _first(values: Iterable[Any]) -> Any:
    return next((value for value in values if value is not None), None)
