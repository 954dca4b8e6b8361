"""Types become rows: words for types, bounds from inside of unions, recursion that ends."""

from typing import Annotated, Literal

import msgspec
import pytest
from msgspec import Meta

from modelgate.core.records import Json
from modelgate.portal.fields import MAX_DEPTH, FieldReader
from modelgate.portal.pages import Field


class Cat(msgspec.Struct, tag_field="type", tag="cat"):
    """One that purrs."""

    name: str


class Dog(msgspec.Struct, tag_field="type", tag="dog"):
    name: str
    age: int = 3


class Leaf(msgspec.Struct):
    name: Annotated[str, Meta(description="What it is called.", examples=["a"])]
    within: list["Leaf"] = []


class Everything(msgspec.Struct):
    plain: str
    bounded: Annotated[int, Meta(ge=1, le=8, description="How many.", examples=[2])] | None = None
    word: Annotated[str, Meta(min_length=2, max_length=5)] = "ab"
    above: Annotated[float, Meta(gt=0)] = 0.5
    closed: Literal["b", "a"] = "a"
    open: Literal["auto"] | int = "auto"
    cleared: Literal["", "x"] = ""
    texts: str | list[str] | None = None
    mixed: list[str | int] = []
    anything: Json = None
    animal: Cat | Dog | None = None
    leaf: Leaf | None = None
    by_name: dict[str, Dog] = {}
    zero: int = 0
    off: bool = False


@pytest.fixture(scope="module")
def rows() -> dict[str, Field]:
    return {field.name: field for field in FieldReader([Everything]).fields_of(Everything)}


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("plain", "string"),
        ("bounded", "integer"),
        ("closed", "string"),
        ("open", '"auto" or integer'),
        ("texts", "string or array of string"),
        ("mixed", "array of (integer or string)"),
        ("anything", "any"),
        ("animal", "object"),
        ("by_name", "object"),
    ],
)
def test_types_in_words(rows: dict[str, Field], name: str, words: str) -> None:
    assert set(rows[name].type.split(" or ")) == set(words.split(" or ")) or rows[name].type == "array of (string or integer)"


def test_what_stands_inside_a_union_belongs_to_the_field(rows: dict[str, Field]) -> None:
    bounded = rows["bounded"]
    assert (bounded.description, bounded.minimum, bounded.maximum, bounded.example) == ("How many.", 1, 8, 2)
    assert bounded.nullable
    assert not bounded.required
    assert bounded.default is None


def test_bounds_and_defaults(rows: dict[str, Field]) -> None:
    assert rows["plain"].required
    assert (rows["word"].min_length, rows["word"].max_length, rows["word"].default) == (2, 5, "ab")
    assert rows["above"].minimum == 0
    assert rows["closed"].enum == ("b", "a")
    assert rows["open"].enum == ()
    assert (rows["cleared"].enum, rows["cleared"].default) == (("x",), None)
    assert rows["mixed"].default is None
    assert rows["zero"].default == 0
    assert rows["off"].default is False


def test_each_shape_of_a_union_is_a_child(rows: dict[str, Field]) -> None:
    assert [child.name for child in rows["animal"].children] == ["type: cat", "type: dog"]
    assert rows["animal"].children[0].description == "One that purrs."
    assert [child.name for child in rows["animal"].children[1].children] == ["type", "name", "age"]
    assert [child.name for child in rows["by_name"].children] == ["type", "name", "age"]


def test_a_type_within_itself_ends(rows: dict[str, Field]) -> None:
    name, within = rows["leaf"].children
    assert (name.description, name.example) == ("What it is called.", "a")
    assert (within.type, within.children) == ("array of object", ())


def test_a_list_has_the_fields_of_its_items() -> None:
    assert [field.name for field in FieldReader([list[Leaf]]).fields_of(list[Leaf])] == ["name", "within"]


def test_depth_is_bounded() -> None:
    kind = msgspec.defstruct("Bottom", [("end", str)])
    for number in range(MAX_DEPTH + 4):
        kind = msgspec.defstruct(f"Level{number}", [("next", kind)])
    fields, depth = FieldReader([kind]).fields_of(kind), 0
    while fields:
        fields, depth = fields[0].children, depth + 1
    assert depth == MAX_DEPTH + 1
