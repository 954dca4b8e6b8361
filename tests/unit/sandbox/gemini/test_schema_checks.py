from typing import Any

import pytest

from modelgate.sandbox.gemini.schema_checks import faults_of, to_json_schema

GOOD: dict[str, Any] = {
    "type": "OBJECT",
    "properties": {
        "a": {"type": "STRING", "format": "enum", "enum": ["x"]},
        "b": {"type": "ARRAY", "items": {"type": "INTEGER", "format": "int32"}},
    },
    "required": ["a"],
    "propertyOrdering": ["b", "a"],
}


def test_a_good_schema() -> None:
    assert list(faults_of(GOOD, place="here")) == []
    assert list(faults_of({"anyOf": [{"type": "STRING"}, {"type": "NULL"}]}, place="here")) == []


@pytest.mark.parametrize(
    ("schema", "fault"),
    [
        ({}, "here.type: must be specified"),
        ({"type": "OBJECT"}, "here.properties: should be non-empty for OBJECT type"),
        ({"type": "ARRAY"}, "here.items: missing field"),
        ({"type": "INTEGER", "enum": ["1"]}, "here.enum: only allowed for STRING type"),
        ({"type": "STRING", "enum": [""]}, "here.enum: cannot be empty"),
        ({"type": "STRING", "format": "email"}, "here.format: only "),
        ({"type": "OBJECT", "properties": {"a": {}}}, "here.properties[a].type: must be specified"),
        ({**GOOD, "required": ["a", "z"]}, "here.required[1]: property is not defined"),
        ({**GOOD, "propertyOrdering": ["z"]}, "here.property_ordering[0]: property is not defined"),
        ({"type": "ARRAY", "items": {"type": "ARRAY"}}, "here.items.items: missing field"),
        ({"anyOf": [{"type": "ARRAY"}]}, "here.any_of[0].items: missing field"),
    ],
)
def test_faults(schema: dict[str, Any], fault: str) -> None:
    (found,) = faults_of(schema, place="here")
    assert found.startswith(fault)


def test_the_json_schema_of_one() -> None:
    made = to_json_schema(GOOD)
    assert made == {
        "type": "object",
        "properties": {"b": {"type": "array", "items": {"type": "integer", "format": "int32"}}, "a": {"type": "string", "enum": ["x"]}},
        "required": ["a"],
    }
    assert list(made["properties"]) == ["b", "a"]
    assert to_json_schema({"type": "STRING", "nullable": True, "minLength": 2}) == {"type": ["string", "null"], "minLength": 2}
    assert to_json_schema({"anyOf": [{"type": "NULL"}]}) == {"anyOf": [{"type": "null"}]}
