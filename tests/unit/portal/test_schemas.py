from typing import Annotated

import msgspec
import pytest
from msgspec import Meta

from modelgate.portal.schemas import describe_types, short_name


class Inner(msgspec.Struct):
    a: int


class Outer(msgspec.Struct):
    inner: Inner
    count: Annotated[int, Meta(ge=1, description="How many.", examples=[2])] | None = None
    either: Annotated[int, Meta(description="A number.")] | Annotated[str, Meta(description="A word.")] | None = None
    empty: str = ""
    below: Annotated[int, Meta(ge=1)] = 0
    zero: int = 0
    enough: Annotated[int, Meta(ge=1)] = 3
    default: str = "x"
    """A field may be called like a word of the schema."""


@pytest.fixture(scope="module")
def properties() -> dict[str, dict[str, object]]:
    _, components = describe_types([Outer])
    return dict(components["Outer"]["properties"])


def test_words_about_an_optional_field_stand_at_the_field(properties: dict[str, dict[str, object]]) -> None:
    assert properties["count"] == {
        "anyOf": [{"type": "integer", "minimum": 1}, {"type": "null"}],
        "description": "How many.",
        "examples": [2],
    }
    assert "description" not in properties["either"]


def test_defaults_that_say_nothing_are_left_out(properties: dict[str, dict[str, object]]) -> None:
    assert {name for name, schema in properties.items() if "default" in schema} == {"zero", "enough", "default"}
    assert (properties["zero"]["default"], properties["enough"]["default"], properties["default"]["default"]) == (0, 3, "x")


def test_references_lead_to_short_names(properties: dict[str, dict[str, object]]) -> None:
    assert properties["inner"] == {"$ref": "#/components/schemas/Inner"}


@pytest.mark.parametrize(
    ("name", "short"),
    [
        ("Inner", "Inner"),
        ("modelgate.formats.kling.schema.TaskObject", "KlingTaskObject"),
        ("modelgate.formats.openai_chat.reference.ErrorAnswer", "OpenaiChatErrorAnswer"),
        ("modelgate.control.keys.Key", "KeysKey"),
    ],
)
def test_short_names(name: str, short: str) -> None:
    assert short_name(name) == short


def test_types_of_one_name_in_one_place_are_an_error() -> None:
    one = msgspec.defstruct("Same", [("a", int)], module="modelgate.formats.x.schema")
    other = msgspec.defstruct("Same", [("b", int)], module="modelgate.formats.x.response")
    third = msgspec.defstruct("Same", [("b", int)], module="modelgate.formats.y.response")
    assert set(describe_types([one, third])[1]) == {"XSame", "YSame"}
    with pytest.raises(ValueError, match="share a name"):
        describe_types([one, other])
