from typing import Any

import jsonschema
import pytest

from modelgate.sandbox.schema_instance import MAX_DEPTH, Hints, Unsatisfiable, make_instance

TREE = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "children": {"type": "array", "items": {"$ref": "#"}}},
    "required": ["name", "children"],
    "additionalProperties": False,
}
LINKED = {
    "$defs": {
        "node": {
            "type": "object",
            "properties": {"value": {"type": "integer"}, "next": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]}},
            "required": ["value", "next"],
            "additionalProperties": False,
        }
    },
    "type": "object",
    "properties": {"head": {"$ref": "#/$defs/node"}},
    "required": ["head"],
}
SCHEMAS: list[dict[str, Any]] = [
    {"type": "object", "properties": {"city": {"type": "string"}, "unit": {"enum": ["c", "f"]}}, "required": ["city"]},
    {
        "type": "object",
        "properties": {"n": {"type": "integer", "minimum": 5, "maximum": 7}, "x": {"type": "number", "exclusiveMinimum": 2.5}},
    },
    {"type": "object", "properties": {"k": {"const": {"a": [1]}}}, "required": ["k", "undeclared"]},
    {"type": "array", "items": {"type": "integer"}, "minItems": 3, "uniqueItems": True},
    {"type": "array", "items": {"enum": ["a", "b", "c"]}, "minItems": 3, "uniqueItems": True},
    {
        "type": "array",
        "items": {"type": "object", "properties": {"id": {"type": "string"}}, "required": ["id"]},
        "minItems": 2,
        "uniqueItems": True,
    },
    {"type": "array", "prefixItems": [{"type": "string"}, {"type": "boolean"}], "items": False, "minItems": 2},
    {"type": "array", "items": {"type": "null"}, "maxItems": 0},
    {"oneOf": [{"type": "integer", "multipleOf": 2}, {"type": "integer", "multipleOf": 3}]},
    {"oneOf": [{"type": "object"}, {"type": "object", "required": ["a"]}, {"type": "string"}]},
    {
        "type": "object",
        "properties": {"a": {"type": "integer"}},
        "if": {"properties": {"a": {"minimum": 0}}},
        "then": {"required": ["b"], "properties": {"b": {"type": "string"}}},
        "else": {"required": ["c"]},
    },
    {"type": "object", "properties": {"a": {"type": "string"}}, "if": {"required": ["z"]}, "then": False, "else": {"minProperties": 2}},
    {"type": "object", "properties": {"a": {"type": "string", "pattern": "^(?=.*x).{3}$"}, "b": {"const": 1}}, "required": ["b"]},
    {"type": "string", "minLength": 12, "maxLength": 14},
    {"type": "string", "maxLength": 2},
    {"type": "string", "minLength": 100},
    {"type": "string", "pattern": "^[A-Z]{3}-[0-9]{4}$"},
    {"type": "string", "pattern": r"^(\+\d{1,3} )?\d{3}-\d{4}$"},
    {"type": "string", "pattern": "^(red|green)$"},
    {"type": "string", "format": "date-time"},
    {"type": "string", "format": "email"},
    {"type": "string", "format": "uuid"},
    {"type": "integer", "multipleOf": 7, "minimum": 20},
    {"type": "integer", "exclusiveMinimum": 3, "exclusiveMaximum": 5},
    {"type": "number", "minimum": -3, "maximum": -1},
    {"type": "number", "maximum": -10},
    {"type": ["string", "null"]},
    {"type": ["null", "integer"]},
    {"enum": [3, "three", None]},
    {"type": "string", "enum": [3, "three"]},
    {"anyOf": [{"type": "null"}, {"type": "object", "properties": {"a": {"type": "boolean"}}, "required": ["a"]}]},
    {"oneOf": [{"type": "string", "maxLength": 3}, {"type": "integer"}]},
    {
        "allOf": [
            {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]},
            {"properties": {"b": {"type": "integer"}}, "required": ["b"]},
        ]
    },
    {"type": "object", "allOf": [{"required": ["a"]}], "properties": {"a": {"type": "string", "minLength": 9}}},
    {"type": "object", "additionalProperties": {"type": "integer"}, "minProperties": 2},
    {
        "type": "object",
        "properties": {
            "deep": {
                "type": "object",
                "properties": {"er": {"type": "array", "items": {"type": "number"}, "minItems": 1}},
                "required": ["er"],
            }
        },
        "required": ["deep"],
    },
    {"properties": {"untyped": {}}},
    {"type": "boolean"},
    {"type": "null"},
    TREE,
    LINKED,
]


@pytest.mark.parametrize(
    "hints", [Hints(), Hints(("Paris", "a longer hint text"), (6.0, 2.75, -2.0), frozenset(("f", "green", "c")))], ids=["bare", "hints"]
)
@pytest.mark.parametrize("schema", SCHEMAS, ids=str)
def test_instances_are_valid(schema: dict[str, Any], hints: Hints) -> None:
    made = make_instance(schema, hints)
    jsonschema.validate(made, schema, cls=jsonschema.Draft202012Validator)
    assert made == make_instance(schema, hints)  # deterministic


def test_the_callers_words_are_used() -> None:
    schema = {
        "type": "object",
        "properties": {
            "city": {"type": "string"},
            "days": {"type": "integer"},
            "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]},
        },
    }
    hints = Hints(("Paris",), (3.0,), frozenset(("weather", "fahrenheit")))
    assert make_instance(schema, hints) == {"city": "Paris", "days": 3, "unit": "fahrenheit"}


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "string", "minLength": 1_000_000},
        {"type": "array", "items": {"type": "null"}, "minItems": 1_000_000},
        {"not": {}},
        {"type": "string", "enum": [1, 2]},
        {"type": "string", "pattern": "^a{100000}$"},
        {"type": "string", "pattern": "^(?=.*x).{3}$"},
        {"oneOf": [{"type": "null"}, {"type": "null"}]},
        {"type": "object", "properties": {"a": {"not": {"type": "string"}}}, "required": ["a"]},
    ],
)
def test_symptom_an_answer_that_was_not_valid_for_its_schema(schema: dict[str, Any]) -> None:
    """What is beyond this generator is refused: it gave a shorter text, or what was forbidden, and said that all was well."""
    with pytest.raises(Unsatisfiable):
        make_instance(schema, Hints(texts=("Anna",), numbers=(42.0,)))


def test_endless_recursion_and_contradictions_are_refused() -> None:
    endless = {"$defs": {"a": {"type": "object", "properties": {"a": {"$ref": "#/$defs/a"}}, "required": ["a"]}}, "$ref": "#/$defs/a"}
    loop = {"$defs": {"a": {"$ref": "#/$defs/a"}}, "$ref": "#/$defs/a"}
    for schema in (endless, loop, {"$ref": "#/$defs/missing"}, {"type": "integer", "minimum": 5, "maximum": 4}, False):
        with pytest.raises(Unsatisfiable):
            make_instance(schema)


def test_hostile_schemas_stay_small() -> None:
    """Wide arrays inside wide arrays would take for ever without a bound on the whole."""
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(MAX_DEPTH - 2):
        schema = {"type": "array", "items": schema, "minItems": 1_000_000}
    with pytest.raises(Unsatisfiable):
        make_instance(schema)


def test_nonsense_in_a_schema_is_survived() -> None:
    for schema in (
        {"type": 7},
        {"properties": []},
        {"required": "a"},
        {"type": "array", "items": 3, "minItems": -1},
        {"pattern": "(("},
        {"enum": []},
    ):
        make_instance(schema)
