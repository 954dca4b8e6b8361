from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelgate.formats.anthropic_messages.closed_schema import close_schema
from modelgate.sandbox.anthropic.tool_checks import check_strict


def test_objects_are_closed_and_bounds_become_words() -> None:
    schema = {
        "type": "object",
        "properties": {
            "n": {"type": "integer", "minimum": 1, "maximum": 5, "description": "A number"},
            "maximum": {"type": "array", "maxItems": 2, "items": {"properties": {"x": {"type": "string", "minLength": 1}}}},
            "either": {"oneOf": [{"type": "null"}, {"$ref": "#/$defs/d"}]},
        },
        "$defs": {"d": {"type": "object", "properties": {"y": True}, "required": ["y"]}},
    }
    assert close_schema(schema) == {
        "type": "object",
        "properties": {
            "n": {"type": "integer", "description": "A number (minimum: 1, maximum: 5)"},
            "maximum": {
                "type": "array",
                "items": {
                    "properties": {"x": {"type": "string", "description": "minLength: 1"}},
                    "additionalProperties": False,
                },
                "description": "maxItems: 2",
            },
            "either": {"anyOf": [{"type": "null"}, {"$ref": "#/$defs/d"}]},
        },
        "$defs": {"d": {"type": "object", "properties": {"y": True}, "required": ["y"], "additionalProperties": False}},
        "additionalProperties": False,
    }


def test_what_is_closed_already_stays_as_it_is() -> None:
    schema = {
        "type": "object",
        "properties": {"a": {"enum": [1]}, "e": {"type": "object", "additionalProperties": False}},
        "additionalProperties": False,
    }
    assert close_schema(schema) == schema


def deep(levels: int) -> Any:
    schema: Any = {"type": "string"}
    for _ in range(levels):
        schema = {"type": "array", "items": schema}
    return schema


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object"},
        {"type": "object", "additionalProperties": True, "properties": {"a": {}}},
        {"type": "object", "additionalProperties": {"type": "string"}},
        {"items": {"type": "object", "properties": {}}},
        {"type": "object", "properties": {"a": {}}, "patternProperties": {"x": {}}},
        deep(900),
    ],
)
def test_what_is_open_ended_cannot_be_closed(schema: Any) -> None:
    assert close_schema(schema) is None


SCHEMAS = st.recursive(
    st.sampled_from(
        [
            {"type": "string", "minLength": 2},
            {"type": "number", "multipleOf": 2},
            True,
            {"type": "object"},
            {"type": "object", "additionalProperties": False},
        ]
    ),
    lambda inner: (
        st.builds(
            lambda fields: {"type": "object", "properties": fields}, st.dictionaries(st.sampled_from(["a", "minimum"]), inner, max_size=2)
        )
        | st.builds(lambda item: {"type": "array", "items": item, "maxItems": 3}, inner)
        | st.builds(lambda one, kind: {kind: [one]}, inner, st.sampled_from(["anyOf", "allOf", "oneOf"]))
    ),
    max_leaves=8,
)


@given(SCHEMAS)
def test_the_vendor_takes_every_closed_schema(schema: Any) -> None:
    closed = close_schema(schema)
    if closed is not None:
        check_strict(closed, where="schema")
