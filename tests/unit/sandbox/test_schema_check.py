from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelgate.sandbox.schema_check import MAX_DEPTH, is_valid, referred

VALUES: list[Any] = [
    None,
    True,
    False,
    0,
    1,
    1.5,
    -2,
    10**20,
    "",
    "a",
    "ABC-1",
    [],
    [1],
    [1, 1],
    ["a", 2],
    {},
    {"a": 1},
    {"a": "x", "b": None},
]
SCHEMAS: list[Any] = [
    True,
    False,
    {},
    {"type": "integer"},
    {"type": "number", "minimum": 0, "exclusiveMaximum": 2},
    {"type": ["string", "null"]},
    {"multipleOf": 0.5, "exclusiveMinimum": -2},
    {"const": 1},
    {"enum": [True, "a", None]},
    {"minLength": 1, "maxLength": 3, "pattern": "^a"},
    {"type": "array", "items": {"type": "integer"}, "minItems": 1, "uniqueItems": True},
    {"prefixItems": [{"type": "string"}], "items": {"const": 2}, "maxItems": 2},
    {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"], "additionalProperties": False},
    {"patternProperties": {"^b": {"type": "string"}}, "minProperties": 1, "maxProperties": 1},
    {"dependentRequired": {"a": ["b"]}},
    {"anyOf": [{"type": "string"}, {"type": "object"}]},
    {"oneOf": [{"type": "integer"}, {"minimum": 1}]},
    {"allOf": [{"type": "number"}, {"maximum": 1}]},
    {"not": {"type": "string"}},
    {"if": {"type": "object"}, "then": {"required": ["a"]}, "else": {"type": "string"}},
    {"$ref": "#/$defs/word", "$defs": {"word": {"type": "string"}}},
]


@pytest.mark.parametrize("schema", SCHEMAS, ids=str)
def test_it_says_what_jsonschema_says(schema: Any) -> None:
    judge = jsonschema.Draft202012Validator(schema)
    assert [is_valid(value, schema) for value in VALUES] == [judge.is_valid(value) for value in VALUES]


def test_what_cannot_be_told_holds() -> None:
    for schema in ({"pattern": "("}, {"pattern": r"^\p{L}+$"}, {"pattern": "^(a+)+$"}, {"type": "TYPE"}, {"enum": []}, {"unknown": 1}):
        assert is_valid("1", schema)


def test_a_schema_that_is_its_own_is_ended() -> None:
    for schema in ({"$ref": "#"}, {"anyOf": [{"$ref": "#"}, {"$ref": "#"}]}, {"oneOf": [{"$ref": "#"}, {"not": {"$ref": "#"}}]}):
        is_valid(1, schema)
    deep: Any = {"const": 1}
    for _ in range(MAX_DEPTH * 2):
        deep = {"allOf": [deep]}
    assert is_valid(2, deep)


def test_references_are_followed_within_the_schema_alone() -> None:
    assert referred({"$defs": {"a/b": {"type": "null"}}}, "#/$defs/a~1b") == {"type": "null"}
    for reference in ("#/$defs/none", "http://127.0.0.1/x.json", "#/$defs/a~1b/type"):
        assert referred({"$defs": {"a/b": {"type": "null"}}}, reference) is None
        assert not is_valid(1, {"$ref": reference})


@given(
    st.recursive(st.none() | st.integers() | st.text() | st.booleans(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner))
)
def test_no_schema_is_beyond_it(schema: Any) -> None:
    is_valid(schema, schema)
    words = ("type", "enum", "required", "properties", "items", "anyOf", "minimum", "pattern", "dependentRequired", "multipleOf", "if")
    nonsense = dict.fromkeys(words, schema)
    for value in VALUES:
        is_valid(value, nonsense)
