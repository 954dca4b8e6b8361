import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelgate.core.errors import InvalidRequest
from modelgate.formats.gemini_content.schema_subset import MAX_NODES, clean_schema, to_json_schema

ANY_OBJECT = {"type": "STRING", "description": "A JSON object, as text."}
"""The classic fields refuse objects without properties below the top."""


@pytest.mark.parametrize(
    ("schema", "cleaned"),
    [
        ({"type": "string", "title": "T", "$id": "x", "strict": True}, {"type": "STRING", "title": "T"}),
        ({"type": ["string", "null"]}, {"type": "STRING", "nullable": True}),
        ({"type": ["string", "integer", "null"]}, {"anyOf": [{"type": "STRING"}, {"type": "INTEGER"}], "nullable": True}),
        ({"const": "a"}, {"type": "STRING", "enum": ["a"]}),
        ({"type": "integer", "enum": [1, 2]}, {"type": "STRING", "enum": ["1", "2"]}),
        ({"enum": ["a", None]}, {"type": "STRING", "enum": ["a"], "nullable": True}),
        ({"oneOf": [{"type": "string"}, {"type": "null"}]}, {"type": "STRING", "nullable": True}),
        ({"anyOf": [{"type": "string"}, {"type": "number"}]}, {"anyOf": [{"type": "STRING"}, {"type": "NUMBER"}]}),
        ({"type": "array"}, {"type": "ARRAY", "items": {"type": "STRING"}}),
        (
            {"prefixItems": [{"type": "string"}, {"type": "integer"}]},
            {"type": "ARRAY", "items": {"anyOf": [{"type": "STRING"}, {"type": "INTEGER"}]}},
        ),
        ({"type": "string", "format": "email"}, {"type": "STRING"}),
        ({"type": "string", "format": "date-time"}, {"type": "STRING", "format": "date-time"}),
        ({"type": "number", "exclusiveMinimum": 0, "minimum": 1}, {"type": "NUMBER", "minimum": 1}),
        (
            {"properties": {"a": {}}, "required": ["a", "b", 1, ["c"]]},
            {"type": "OBJECT", "properties": {"a": {"type": "STRING"}}, "required": ["a"]},
        ),
        ({"type": "object", "additionalProperties": False}, {"type": "OBJECT"}),
        ({"properties": {"a": {"type": "object"}}}, {"type": "OBJECT", "properties": {"a": ANY_OBJECT}}),
        (True, {"type": "STRING"}),
        ({"type": "null"}, {"type": "NULL"}),
        (
            {"allOf": [{"type": "object", "properties": {"a": {"type": "string"}}}, {"properties": {"b": True}, "required": ["b"]}]},
            {"type": "OBJECT", "properties": {"b": {"type": "STRING"}, "a": {"type": "STRING"}}, "required": ["b"]},
        ),
    ],
    ids=lambda value: json.dumps(value)[:40],
)
def test_each_word_is_said_geminis_way(schema: Any, cleaned: Any) -> None:
    assert clean_schema(schema, param="tools") == cleaned


def test_references_are_written_out_once() -> None:
    schema = {
        "$defs": {"a/b": {"type": "object", "properties": {"self": {"$ref": "#/$defs/a~1b"}}, "description": "old"}},
        "properties": {"x": {"$ref": "#/$defs/a~1b", "description": "new"}, "y": {"$ref": "#/$defs/a~1b"}},
    }
    node = {"type": "OBJECT", "properties": {"self": ANY_OBJECT}}
    assert clean_schema(schema, param="tools")["properties"] == {
        "x": {"description": "new", **node},
        "y": {"description": "old", **node},
    }


def test_a_reference_to_the_whole_ends() -> None:
    assert clean_schema({"type": "object", "properties": {"child": {"$ref": "#"}}}, param="p") == {
        "type": "OBJECT",
        "properties": {"child": {"type": "OBJECT", "properties": {"child": ANY_OBJECT}}},
    }


def test_a_reference_to_nowhere_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="not in it") as caught:
        clean_schema({"$ref": "#/$defs/gone"}, param="output")
    assert caught.value.param == "output"


def test_a_schema_that_grows_beyond_all_bounds_is_refused() -> None:
    doubling: dict[str, Any] = {"n0": {"type": "string"}}
    for at in range(1, 40):
        doubling[f"n{at}"] = {"properties": {"a": {"$ref": f"#/$defs/n{at - 1}"}, "b": {"$ref": f"#/$defs/n{at - 1}"}}}
    assert MAX_NODES < 2**39
    with pytest.raises(InvalidRequest, match="too often"):
        clean_schema({"$defs": doubling, "$ref": "#/$defs/n39"}, param="tools")


def test_deep_nesting_is_refused_both_ways() -> None:
    deep: dict[str, Any] = {}
    for _ in range(200):
        deep = {"items": deep, "type": "array"}
    for turn in (clean_schema, to_json_schema):
        with pytest.raises(InvalidRequest, match="deeply"):
            turn(deep, param="tools")


def test_geminis_own_becomes_json_schema() -> None:
    schema = {
        "type": "OBJECT",
        "properties": {"a_b": {"type": "STRING", "nullable": True, "min_length": "2", "enum": ["x"], "format": "enum"}},
        "property_ordering": ["a_b"],
        "anyOf": [{"type": "TYPE_UNSPECIFIED"}],
        "nullable": True,
        "example": 1,
    }
    assert to_json_schema(schema, param="p") == {
        "type": ["object", "null"],
        "properties": {"a_b": {"type": ["string", "null"], "minLength": 2, "enum": ["x", None]}},
        "anyOf": [{}, {"type": "null"}],
        "examples": [1],
    }


@pytest.mark.parametrize("name", ["anyOf", "enum"])
def test_a_list_that_is_none_beside_nullable_ended_in_a_fault(name: str) -> None:
    assert to_json_schema({name: None, "nullable": True}, param="p") == {name: None}


SCHEMAS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["string", "null", "object", "array", "#", "#/properties/a", "x"]),
    lambda inside: (
        st.lists(inside, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "type",
                    "$ref",
                    "allOf",
                    "anyOf",
                    "oneOf",
                    "properties",
                    "a",
                    "items",
                    "prefixItems",
                    "enum",
                    "const",
                    "required",
                    "format",
                    "nullable",
                    "minLength",
                    "$defs",
                ]
            ),
            inside,
            max_size=4,
        )
    ),
    max_leaves=25,
)


@given(SCHEMAS)
def test_no_schema_breaks_it(schema: Any) -> None:
    for turn in (clean_schema, to_json_schema):
        with suppress(InvalidRequest):
            turn(schema, param="tools")
