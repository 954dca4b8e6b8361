from typing import Any

import pytest

from modelgate.sandbox.openai.errors import Refused
from modelgate.sandbox.openai.forms import MAX_PARTS, Upload, as_typed, read_form, read_form_or_json, texts_of, uploads_of
from modelgate.sandbox.openai.gate import Sent

KIND = "multipart/form-data; boundary=xyz"


def _part(disposition: str, data: bytes, kind: str = "") -> bytes:
    head = f"Content-Disposition: form-data; {disposition}" + (f"\r\nContent-Type: {kind}" if kind else "")
    return b"--xyz\r\n" + head.encode() + b"\r\n\r\n" + data + b"\r\n"


def _read(*parts: bytes, kind: str = KIND) -> dict[str, Any]:
    return read_form(Sent(data=b"".join(parts) + b"--xyz--\r\n", content_type=kind))


def test_texts_files_and_lists() -> None:
    data = b"\x00\r\n--xy\r\n\xff"
    form = _read(
        _part('name="model"', b"whisper-1"),
        _part('name="file"; filename="a \\"b\\".mp3"', data, "audio/mpeg"),
        _part('name="include[]"', b"logprobs"),
        _part('name="twice"', b"1"),
        _part('name="twice"', "ü".encode()),
        _part('filename="n.bin"; name="raw"', b""),
    )
    assert form["model"] == "whisper-1"
    assert form["file"] == Upload(filename='a "b".mp3', content_type="audio/mpeg", data=data)
    assert (form["include"], form["twice"]) == (["logprobs"], ["1", "ü"])
    assert form["raw"] == Upload(filename="n.bin", content_type="application/octet-stream", data=b"")


def test_quoted_boundaries_and_empty_forms() -> None:
    assert _read(_part('name="a"', b"1"), kind='multipart/form-data; charset=utf-8; boundary="xyz"') == {"a": "1"}
    assert _read() == {}


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"", KIND),
        (b"--xyz\r\n", KIND),
        (b"--xyz\r\nno head--xyz--", KIND),
        (_part('name="a"', b"1"), KIND),
        (_part('nome="a"', b"1") + b"--xyz--", KIND),
        (_part('name="a"', b"\xff") + b"--xyz--", KIND),
        (_part('name="a"' + "x" * 5_000, b"1") + b"--xyz--", KIND),
        (b"{}", "application/json"),
        (_part('name="a"', b"1") + b"--xyz--", "multipart/form-data"),
        (_part('name="a"', b"1") + b"--xyz--", "multipart/form-data; boundary=" + "x" * 300),
        (_part('name="a"', b"1") * (MAX_PARTS + 1) + b"--xyz--", KIND),
    ],
)
def test_what_is_no_form(data: bytes, kind: str) -> None:
    with pytest.raises(Refused) as caught:
        read_form(Sent(data=data, content_type=kind))
    assert caught.value.status == 400


def test_many_fields_are_read() -> None:
    assert len(_read(*(_part(f'name="{number}"', b"") for number in range(MAX_PARTS)))) == MAX_PARTS


def test_forms_or_json() -> None:
    assert read_form_or_json(Sent(data=b'{"a": 1}', content_type="application/json")) == {"a": 1}
    assert read_form_or_json(Sent(data=b"--xyz--", content_type=KIND)) == {}


def test_numbers_and_switches_arrive_as_text() -> None:
    form = {"n": "2", "temperature": "0.5", "stream": "true", "other": "5"}
    assert as_typed(form, numbers=("n", "temperature", "missing"), switches=("stream",)) == {
        "n": 2,
        "temperature": 0.5,
        "stream": True,
        "other": "5",
    }
    for bad in ({"n": "two"}, {"n": "true"}, {"n": ["1", "2"]}, {"n": Upload(filename="a", content_type="b", data=b"")}, {"stream": "yes"}):
        with pytest.raises(Refused) as caught:
            as_typed(bad, numbers=("n",), switches=("stream",))
        assert caught.value.param in bad


def test_fields_of_one_kind() -> None:
    upload = Upload(filename="a", content_type="b", data=b"")
    assert uploads_of({"a": upload}, "a") == uploads_of({"a": [upload]}, "a") == [upload]
    assert uploads_of({}, "a") == texts_of({}, "a") == []
    assert texts_of({"a": "x"}, "a") == ["x"]
    with pytest.raises(Refused, match="expected a file"):
        uploads_of({"a": "x"}, "a")
    with pytest.raises(Refused):
        texts_of({"a": upload}, "a")
