import pytest

from modelgate.sandbox.openai.errors import Refused
from modelgate.sandbox.openai.fields import NAME, invalid, missing, wants, wrong_type


def test_absent_and_null_fields_are_not_given() -> None:
    assert not wants({}, "n", int)
    assert not wants({"n": None}, "n", int)
    assert wants({"n": 1}, "n", int)
    assert wants({"x": 1}, "x", float)


@pytest.mark.parametrize(
    ("value", "kind", "word"),
    [("1", int, "a string"), (True, int, "a boolean"), (1.5, int, "a decimal"), ([], str, "an array"), ({}, bool, "an object")],
)
def test_wrong_types_are_told(value: object, kind: type, word: str) -> None:
    with pytest.raises(Refused, match=f"but got {word} instead") as caught:
        wants({"n": value}, "n", kind, where="outer.")
    assert (caught.value.param, caught.value.code) == ("outer.n", "invalid_type")


def test_refusals_name_the_field() -> None:
    assert missing("a.b").param == "a.b"
    assert "'x', 'y'" in invalid("a", "z" * 500, ("x", "y")).message
    assert len(invalid("a", "z" * 500, ("x", "y")).message) < 200
    assert "but got null" in wrong_type("a", wanted="a string", value=None).message


def test_names() -> None:
    assert NAME.match("get_weather-2")
    assert not NAME.match("get weather")
