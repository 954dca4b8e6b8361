"""JSON schemas with words in the order in which they are declared."""

from typing import Annotated, Literal

import msgspec

from modelgate.portal.components import schema_components


class Inner(msgspec.Struct):
    size: Literal["small", "large", "huge"] | None = None


class Outer(msgspec.Struct):
    level: Annotated[Literal["low", "medium", "high"], msgspec.Meta(description="How much.")]
    enum: str
    inner: list[Inner] = []


def test_words_stand_in_the_order_of_their_declaration() -> None:
    """They were sorted: `high, low, medium`."""
    (reference,), components = schema_components((Outer,), ref_template="#/{name}")
    properties = components["Outer"]["properties"]
    assert reference == {"$ref": "#/Outer"}
    assert properties["level"] == {"enum": ["low", "medium", "high"], "description": "How much."}
    assert properties["enum"] == {"type": "string"}
    assert components["Inner"]["properties"]["size"]["anyOf"][0] == {"enum": ["small", "large", "huge"]}


def test_other_words_stay_as_they_are() -> None:
    given = Annotated[str, msgspec.Meta(extra_json_schema={"enum": ["b", "a"]})]
    (schema,), _ = schema_components((given,), ref_template="#/{name}")
    assert schema["enum"] == ["b", "a"]
