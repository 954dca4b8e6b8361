from typing import Annotated, Any, Literal, Self

import msgspec
import pytest

from modelgate.sandbox.body_shape import MAX_NAMED, WrongField, check_names, one_of, read_shape, without_nulls


class Even(int):
    """A type that msgspec has no word for."""

    @classmethod
    def read(cls, value: Any) -> Self:
        if not isinstance(value, int) or value % 2:
            raise WrongField("", "must be even", kind="odd")
        return cls(value)


class Pair(tuple[Even, ...]):
    """A type that reads what is in it by a schema of its own."""

    @classmethod
    def read(cls, value: Any) -> Self:
        return cls(read_shape(value, Annotated[tuple[Even, ...], msgspec.Meta(min_length=2, max_length=2)]))


class Inner(msgspec.Struct, forbid_unknown_fields=True):
    side: Literal["left", "right"]
    ratio: Annotated[str, one_of(("1:1", "a.b"))] = "1:1"
    weight: Annotated[float, msgspec.Meta(ge=0, le=1)] = 1
    even: Even = Even(0)


class Body(msgspec.Struct, rename="camel", forbid_unknown_fields=True, kw_only=True):
    model_name: Annotated[str, msgspec.Meta(max_length=8)]
    inners: Annotated[list[Inner], msgspec.Meta(max_length=2)] = []
    pair: Pair = Pair()
    by_name: dict[str, Even] = {}


def test_a_body_in_shape_is_read() -> None:
    body = read_shape({"modelName": "m", "inners": [{"side": "left", "even": 4}], "pair": [2, 4]}, Body)
    assert (body.model_name, body.inners[0].even, body.pair) == ("m", 4, (2, 4))


@pytest.mark.parametrize(
    ("body", "field", "kind"),
    [
        ([], "", "dict_type"),
        ({}, "modelName", "missing"),
        ({"modelName": 1}, "modelName", "string_type"),
        ({"modelName": None}, "modelName", "missing"),
        ({"modelName": "x" * 9}, "modelName", "string_too_long"),
        ({"modelName": "m", "x.y `z`": 1}, "x.y `z`", "unknown"),
        ({"modelName": "m", "x" * 200: 1}, "x" * MAX_NAMED, "unknown"),
        ({"modelName": "m", "inners": [{}]}, "inners.0.side", "missing"),
        ({"modelName": "m", "inners": [{"side": "up"}]}, "inners.0.side", "literal_error"),
        ({"modelName": "m", "inners": [{"side": "left"}, {"side": "left", "weight": 2}]}, "inners.1.weight", "value_error"),
        ({"modelName": "m", "inners": [{"side": "left", "weight": True}]}, "inners.0.weight", "float_type"),
        ({"modelName": "m", "inners": [{"side": "left"}] * 3}, "inners", "value_error"),
        ({"modelName": "m", "inners": [{"side": "left", "more": 1}]}, "inners.0.more", "unknown"),
        ({"modelName": "m", "inners": [{"side": "left", "even": 3}]}, "inners.0.even", "odd"),
        ({"modelName": "m", "inners": [{"side": "left", "ratio": "1:1\n"}]}, "inners.0.ratio", "literal_error"),
        ({"modelName": "m", "pair": [2]}, "pair", "value_error"),
        ({"modelName": "m", "pair": [2, 3]}, "pair.1", "odd"),
    ],
)
def test_what_does_not_fit_is_named(body: Any, field: str, kind: str) -> None:
    with pytest.raises(WrongField) as caught:
        read_shape(body, Body)
    assert (caught.value.field, caught.value.kind) == (field, kind)
    assert caught.value.reason
    assert "`$" not in caught.value.reason


def test_the_words_of_a_table_are_told() -> None:
    with pytest.raises(WrongField) as caught:
        read_shape({"side": "left", "ratio": "axb"}, Inner)
    assert caught.value.reason == "Input should be 1:1, a.b"


def test_a_part_is_named_from_the_top() -> None:
    with pytest.raises(WrongField) as caught:
        read_shape({"side": 1}, Inner, within="inners.0")
    assert (caught.value.field, caught.value.reason) == ("inners.0.side", "Expected `str`, got `int`")


@pytest.mark.parametrize(
    ("body", "field", "kind"),
    [
        ({"b": 1}, "a", "missing"),
        ({"a": None}, "a", "missing"),
        ({"b": 1, "c": 1}, "a", "missing"),
        ({"a": 0, "x" * 200: 1}, "x" * MAX_NAMED, "unknown"),
    ],
)
def test_names_are_checked_before_what_they_hold(body: Any, field: str, kind: str) -> None:
    check_names({"a": False, "b": []}, needs=("a",), takes=("a", "b"))
    with pytest.raises(WrongField) as caught:
        check_names(body, needs=("a",), takes=("a", "b"))
    assert (caught.value.field, caught.value.kind) == (field, kind)


def test_nulls_can_be_as_good_as_absent() -> None:
    assert without_nulls({"a": None, "b": [{"c": None, "d": 0}, None], "e": ""}) == {"b": [{"d": 0}, None], "e": ""}
    assert without_nulls(None) is None


def test_a_body_that_is_nested_without_end_is_no_trouble() -> None:
    deep: Any = None
    for _ in range(5_000):
        deep = {"input": [deep]}
    assert without_nulls({"a": None, "b": deep}).keys() == {"b"}
    with pytest.raises(WrongField):
        read_shape(without_nulls(deep), Body)
