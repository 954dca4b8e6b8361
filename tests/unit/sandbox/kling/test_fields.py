from typing import Any

import pytest

from modelgate.sandbox.kling.fields import (
    KlingRefused,
    read_flag,
    read_image,
    read_number,
    read_object,
    read_objects,
    read_one_of,
    read_text,
)


@pytest.mark.parametrize(
    ("read", "code"),
    [
        (lambda: read_text({"a": 1}, "a", most=3), 1200),
        (lambda: read_text({"a": "four"}, "a", most=3), 1201),
        (lambda: read_text({}, "a", most=3, required=True), 1201),
        (lambda: read_one_of({"a": "c"}, "a", ("b",), default="b"), 1201),
        (lambda: read_number({"a": True}, "a", low=0, high=1), 1200),
        (lambda: read_number({"a": 2}, "a", low=0, high=1), 1201),
        (lambda: read_flag({"a": "yes"}, "a"), 1200),
        (lambda: read_object({"a": []}, "a"), 1200),
        (lambda: read_object({}, "a", required=True), 1200),
        (lambda: read_objects({"a": ["b"]}, "a", most=3), 1200),
        (lambda: read_objects({"a": [{}, {}]}, "a", most=1), 1201),
        (lambda: read_image({"a": "x"}, "a"), 1201),
    ],
)
def test_wrong_shapes_and_values_are_told_apart(read: Any, code: int) -> None:
    with pytest.raises(KlingRefused, match="a ") as caught:
        read()
    assert caught.value.code == code


def test_what_is_absent() -> None:
    nothing: dict[str, Any] = {"a": None}
    assert read_text(nothing, "a", most=1) == ""
    assert read_one_of(nothing, "a", ("b",), default="b") == "b"
    assert (read_number(nothing, "a", low=0, high=1), read_flag(nothing, "a"), read_object(nothing, "a")) == (None, False, None)
    assert (read_objects(nothing, "a", most=1), read_image(nothing, "a")) == ([], None)
