import gzip
import json
import zlib
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelgate.core.errors import InvalidRequest
from modelgate.formats.json_fields import (
    MISSING,
    TWICE,
    convert_field,
    count_quoted,
    decode_fields,
    object_of,
    refuse_twins,
    replace_field,
    top_level,
)


class Inner(msgspec.Struct):
    name: str


class Body(msgspec.Struct):
    model: str
    inner: Inner | None = None
    many: list[Inner] = []


DECODER = msgspec.json.Decoder(Body)
FORM = b'--x\r\nContent-Disposition: form-data; name="model"\r\n\r\nm\r\n--x--\r\n'
HALF = "a text holds half a character: a surrogate escape (\\ud800 to \\udbff) without its second half"


def say(param: str | None, reason: str) -> str:
    return f"{param}|{reason}"


@pytest.mark.parametrize(
    ("body", "param", "code", "message"),
    [
        (b"{}", "model", "missing_required_parameter", f"model|{MISSING}"),
        (b'{"model":"m","inner":{}}', "inner.name", "missing_required_parameter", f"inner.name|{MISSING}"),
        (b'{"model":"m","many":[{"name":1}]}', "many[0].name", "invalid_type", "many[0].name|Expected str, got int"),
        (b'{"model":', None, "invalid_json", "None|JSON: Input data was truncated"),
        (b'{"model":"\xff"}', None, "invalid_json", "None|JSON: it is not UTF-8"),
        (b" \n", None, "invalid_json", "None|JSON: it is empty"),
        (
            gzip.compress(b'{"model":"m"}', mtime=0),
            None,
            "invalid_json",
            "None|JSON: it is compressed; send it as it is, without Content-Encoding",
        ),
        (zlib.compress(b'{"model":"m"}'), None, "invalid_json", "None|JSON: it is compressed; send it as it is, without Content-Encoding"),
        (FORM, None, "invalid_json", "None|JSON: it is a form; this endpoint takes JSON"),
        (b"--x", None, "invalid_json", "None|JSON: JSON is malformed: invalid character (byte 1)"),
        (b'{"model":"a\\uD83D b"}', None, "invalid_json", f"None|JSON: {HALF}"),
        (b'{"model":"m","x":%b}' % (b"[" * 100_000), None, "invalid_json", "None|JSON: it is nested too deeply"),
        (b"[]", None, "invalid_type", "None|Expected object, got array"),
    ],
)
def test_a_fault_names_its_field(body: bytes, param: str | None, code: str, message: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        decode_fields(DECODER, body, say=say)
    assert (refused.value.param, refused.value.code, refused.value.message) == (param, code, message)


@pytest.mark.parametrize(
    "body", [b'{"model":"a","model":"b"}', b'{"x":1,"mod\\u0065l":"a","model":"b"}', b'{"x":1,"x":2,"model":"\\u0061"}']
)
def test_a_field_said_twice_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidRequest, match=TWICE):
        refuse_twins(body, "model", say=say)


@pytest.mark.parametrize("body", [b'{"model":"a","n":1,"n":2}', b'{"n":1,"model":"a","\\u006e":2}'])
def test_more_than_one_field_is_looked_after(body: bytes) -> None:
    with pytest.raises(InvalidRequest, match=TWICE):
        refuse_twins(body, "model", "n", say=say)
    refuse_twins(b'{"model":"a","n":1}', "model", "n", say=say)


def test_twins_elsewhere_are_no_matter() -> None:
    refuse_twins(b'{"model":"m","inner":{"x":1,"x":2}}', "model", say=say)


def test_only_an_object_is_one() -> None:
    assert object_of({"a": 1}) == {"a": 1}
    assert [object_of(value) for value in ([], "x", None, 1)] == [None] * 4


def test_quoted_words_are_counted_alike_in_small_and_large_bodies() -> None:
    body = b'{"model":"x","y":"' + b"A" * 200_000 + b'","z":"model"}'
    assert count_quoted(body, b"model") == count_quoted(body[:10] + body[-10:], b"model") == 2


def test_values_at_the_top_stay_as_they_are() -> None:
    assert {name: bytes(value) for name, value in top_level(b'{"a": 1.0, "b":[ 2 ]}').items()} == {"a": b"1.0", "b": b"[ 2 ]"}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(
    fields=st.dictionaries(st.text(max_size=6), JSON, max_size=6),
    value=JSON,
    indent=st.none() | st.integers(0, 3),
    ascii_only=st.booleans(),
)
def test_replacing_a_field_of_any_object_means_just_that(fields: dict[str, Any], value: Any, indent: int | None, ascii_only: bool) -> None:
    fields["model"] = "old"
    body = json.dumps(fields, indent=indent, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
    try:
        body.decode()
    except UnicodeDecodeError:
        return  # a lone surrogate is no JSON text on the wire
    replaced = replace_field(body, "model", json.dumps(value).encode())
    assert json.loads(replaced) == {**fields, "model": value}


@pytest.mark.parametrize(
    ("value", "param"),
    [
        ({"model": 1}, "input[2].model"),
        ({}, "input[2].model"),
        ([], "input[2]"),
        ({"model": "m", "many": [{"name": 1}]}, "input[2].many[0].name"),
    ],
)
def test_a_part_of_a_body_is_named_by_its_whole_path(value: Any, param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        convert_field(value, Body, at="input[2]", say=say)
    assert caught.value.param == param
    with pytest.raises(InvalidRequest) as caught:
        convert_field([{"model": 1}], list[Body], at="input", say=say)
    assert caught.value.param == "input[0].model"


def test_symptom_a_body_of_many_fields_and_one_twin_held_the_loop_for_minutes() -> None:
    """Each field was counted among all others: 20 s for 16,000 of them, in 200 KB."""
    body = b"{%b" % b"".join(b'"k%d":1,' % number for number in range(200_000)) + b'"model":"m","model":"m"}'
    with pytest.raises(InvalidRequest, match="more than 1024 fields"):
        refuse_twins(body, "model", say=say)


@given(
    st.lists(st.tuples(st.sampled_from(("model", "a", "é", '"')), st.sampled_from((1, 12, "m", {"a": 1}, [])), st.booleans()), max_size=4)
)
def test_a_twin_is_found_however_it_is_spelled(fields: list[tuple[str, Any, bool]]) -> None:
    said = ", ".join(f"{json.dumps(name, ensure_ascii=ascii)} :{json.dumps(value)}" for name, value, ascii in fields)
    body = f' {{"model":"m", "x": "\\u00e9"{", " if said else ""}{said} }}'.encode()
    names = ["model", *(name for name, _, _ in fields)]
    if len(set(names)) == len(names):
        refuse_twins(body, "model", say=say)
    else:
        with pytest.raises(InvalidRequest) as refused:
            refuse_twins(body, "model", say=say)
        assert names.count(refused.value.param or "") > 1
