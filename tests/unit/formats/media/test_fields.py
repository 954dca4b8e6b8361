"""Readers of JSON fields: what they take, and how they say what they do not."""

import base64
from collections.abc import Callable
from typing import Any

import pytest

from modelgate.core.errors import InvalidRequest, UnsupportedMediaType
from modelgate.formats.media import fields as read

BREAKING: list[tuple[Callable[[dict[str, Any]], object], object, str]] = [
    (lambda f: read.text(f, "x", 3), 7, "must be a string"),
    (lambda f: read.text(f, "x", 3), "four", "at most 3 characters; it has 4"),
    (lambda f: read.choice(f, "x", ("a", "b")), "c", "one of a, b"),
    (lambda f: read.choice(f, "x", ("a", "b")), ["a"], "one of a, b"),
    (lambda f: read.whole_number(f, "x", low=1, high=4, default=1), 5, "a whole number from 1 to 4"),
    (lambda f: read.whole_number(f, "x", low=1, high=4, default=1), 1.5, "a whole number"),
    (lambda f: read.whole_number(f, "x", low=1, high=4, default=1), True, "a whole number"),
    (lambda f: read.whole_number(f, "x", low=1, high=4, default=1), "9" * 30, "a whole number"),
    (lambda f: read.number(f, "x", low=0, high=1), 1.01, "a number from 0 to 1"),
    (lambda f: read.number(f, "x", low=0, high=1), "0.5", "a number"),
    (lambda f: read.flag(f, "x"), "yes", "true or false"),
    (lambda f: read.inner(f, "x"), [1], "an object"),
    (lambda f: read.items(f, "x", low=1, high=2), [1, 2, 3], "a list of 1 to 2 items; it has 3"),
    (lambda f: read.items(f, "x", low=1, high=2), {}, "a list"),
    (lambda f: read.file(f, "x"), 3, "an address, base64"),
    (lambda f: read.file(f, "x"), "data:image/png,xx", "data:image/png;base64"),
    (lambda f: read.file(f, "x"), "!!!", "an http(s) address, base64"),
    (lambda f: read.file(f, "x", max_bytes=3), base64.b64encode(b"four").decode(), "at most 3 bytes"),
    (lambda f: read.file(f, "x"), "https://" + "a" * read.MAX_URL_CHARACTERS, "an address must have at most"),
]


@pytest.mark.parametrize(("reader", "value", "rule"), BREAKING)
def test_a_broken_rule_names_the_field_the_value_and_the_rule(reader: Callable[[dict[str, Any]], object], value: object, rule: str) -> None:
    with pytest.raises(InvalidRequest) as broken:
        reader({"x": value})
    assert broken.value.param == "x"
    assert broken.value.message.startswith("x is ")
    assert rule in broken.value.message
    assert len(broken.value.message) < 300


@pytest.mark.parametrize("fields", [{}, {"x": None}, {"x": ""}])
def test_an_empty_string_is_an_absent_field(fields: dict[str, Any]) -> None:
    assert read.text(fields, "x", 3) == ""
    assert read.choice(fields, "x", ("a",), default="a") == "a"
    assert read.whole_number(fields, "x", low=1, high=4, default=2) == 2
    assert read.number(fields, "x", low=0, high=1) is None
    assert read.flag(fields, "x", default=True) is True
    assert read.inner(fields, "x") is None
    assert read.items(fields, "x", low=1, high=2) == []
    assert read.file(fields, "x") == ()


def test_what_is_there_is_read() -> None:
    assert read.whole_number({"x": "3"}, "x", low=1, high=4, default=1) == 3
    assert read.whole_number({"x": 3.0}, "x", low=1, high=4, default=1) == 3
    assert read.number({"x": 1}, "x", low=0, high=1) == 1.0
    (by_data,) = read.file({"x": "data:image/png;base64," + base64.b64encode(b"abc").decode()}, "x", role="mask")
    assert (by_data.data, by_data.role) == (b"abc", "mask")
    (by_address,) = read.file({"x": "HTTPS://pictures.example/a.png"}, "x")
    assert (by_address.url, by_address.role) == ("HTTPS://pictures.example/a.png", "image")


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"7", b"[" * 100_000, b'{"x":"\\ud800"}'])
def test_a_body_that_is_no_object(body: bytes) -> None:
    with pytest.raises(InvalidRequest) as refused:
        read.object_of(body)
    assert refused.value.code == "invalid_json"


def test_a_form_is_no_json() -> None:
    with pytest.raises(UnsupportedMediaType):
        read.object_of(b"--x", "multipart/form-data; boundary=x")


def test_a_field_inside_another_is_told_by_its_whole_path() -> None:
    with pytest.raises(InvalidRequest) as refused, read.within("frames[1]"):
        read.choice({"position": "middle"}, "position", ("first", "last"))
    assert (refused.value.param, refused.value.code) == ("frames[1].position", "invalid_value")
    assert refused.value.message == 'frames[1].position is "middle", but it must be one of first, last.'
    with pytest.raises(InvalidRequest) as refused, read.within("frames"):
        raise read.missing("frames.first", "a picture")
    assert refused.value.param == "frames.first"
