from typing import Any

import pytest

from modelgate.sandbox.forms import MAX_PARTS, NotAForm, Upload, read_form

KIND = "multipart/form-data; boundary=xyz"


def _part(disposition: str, data: bytes, kind: str = "") -> bytes:
    head = f"Content-Disposition: form-data; {disposition}" + (f"\r\nContent-Type: {kind}" if kind else "")
    return b"--xyz\r\n" + head.encode() + b"\r\n\r\n" + data + b"\r\n"


def _read(*parts: bytes, kind: str = KIND) -> dict[str, Any]:
    return read_form(b"".join(parts) + b"--xyz--\r\n", content_type=kind)


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
    with pytest.raises(NotAForm):
        read_form(data, content_type=kind)


def test_many_fields_are_read() -> None:
    assert len(_read(*(_part(f'name="{number}"', b"") for number in range(MAX_PARTS)))) == MAX_PARTS


def test_a_part_that_is_no_text_is_named() -> None:
    with pytest.raises(NotAForm) as caught:
        _read(_part('name="a"', b"\xff"))
    assert (caught.value.field, "UTF-8" in caught.value.message) == ("a", True)
