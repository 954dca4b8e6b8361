from collections.abc import Callable
from typing import Any

import pytest

from modelgate.sandbox.anthropic.errors import Refused
from modelgate.sandbox.anthropic.fields import must_be, one_of, only, optional, required, tagged, within


@pytest.mark.parametrize(
    ("check", "message"),
    [
        (lambda: must_be("1", int, where="a"), "a: Input should be a valid integer"),
        (lambda: must_be(True, int, where="a"), "a: Input should be a valid integer"),
        (lambda: must_be(True, float, where="a"), "a: Input should be a valid number"),
        (lambda: must_be(1, bool, where="a"), "a: Input should be a valid boolean"),
        (lambda: required({}, "b", str, where="a.0."), "a.0.b: Field required"),
        (lambda: required({"b": None}, "b", str), "b: Input should be a valid string"),
        (lambda: optional({"b": 1}, "b", list), "b: Input should be a valid list"),
        (lambda: only({"b": 1, "c": 2}, ("b",), where="a."), "a.c: Extra inputs are not permitted"),
        (lambda: within(0, low=1, where="a"), "a: Input should be greater than or equal to 1"),
        (lambda: within(1.5, low=0, high=1, where="a"), "a: Input should be less than or equal to 1"),
        (lambda: one_of("x", ("b", "c", "d"), where="a"), "a: Input should be 'b', 'c' or 'd'"),
        (lambda: one_of({}, ("b",), where="a"), "a: Input should be 'b'"),
        (lambda: tagged([], ("b",), where="a"), "a: Input should be a valid dictionary"),
        (
            lambda: tagged({"type": "x"}, ("b", "c"), where="a"),
            "a: Input tag 'x' found using 'type' does not match any of the expected tags: 'b', 'c'",
        ),
    ],
)
def test_what_is_wrong_is_said(check: Callable[[], Any], message: str) -> None:
    with pytest.raises(Refused) as caught:
        check()
    assert (caught.value.message, caught.value.status) == (message, 400)


def test_what_is_right_passes() -> None:
    must_be(1, float, where="a")
    within(1, low=0, high=1, where="a")
    one_of("b", ("b", "c"), where="a")
    only({"b": 1}, ("b", "c"))
    assert required({"b": [1]}, "b", list) == [1]
    assert optional({"b": None}, "b", str) is None
    assert tagged({"type": "b"}, {"b": 1}, where="a") == "b"
