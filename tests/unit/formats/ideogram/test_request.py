"""Bodies of Ideogram clients: every file of testdata/ideogram/decode, and what files cannot show: forms."""

import base64
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelgate.core.errors import InvalidRequest
from modelgate.formats.ideogram import rules, schema
from modelgate.formats.ideogram.request import decode_for, say
from modelgate.formats.media.family import MediaCall
from modelgate.formats.media.requests import ImageRequest, MediaInput
from modelgate.formats.multipart import Upload, render_form

FOLDER = Path(__file__).parents[3] / "testdata" / "ideogram" / "decode"
INPUTS = sorted(FOLDER.glob("*.input.json"))
URL = "https://pictures.example/a.png"
FILE = Upload(filename="a.png", content_type="image/png", data=b"ABC")


def decoded(call: MediaCall, operation: str = rules.GENERATE) -> ImageRequest:
    ask = decode_for(operation)(call)
    assert ask.operation == operation
    assert isinstance(ask.request, ImageRequest)
    return ask.request


def outcome_of(operation: str, body: Any) -> Any:
    try:
        request = decoded(MediaCall(body=msgspec.json.encode(body), content_type="application/json"), operation)
    except InvalidRequest as error:
        return {"error": {"message": error.message, "param": error.param, "code": error.code}}
    return msgspec.json.decode(msgspec.json.encode(request))


def form(*fields: tuple[str, str | Upload]) -> MediaCall:
    content_type, body = render_form(fields, seed="seed")
    return MediaCall(body=body, content_type=content_type.decode())


def test_the_folder_of_cases_is_found() -> None:
    assert len(INPUTS) > 60


@pytest.mark.parametrize("path", INPUTS, ids=lambda path: path.name.removesuffix(".input.json"))
def test_body_beside_request(path: Path) -> None:
    given = msgspec.json.decode(path.read_bytes())
    expected = path.with_name(path.name.replace(".input.", ".output."))
    assert outcome_of(given["operation"], given["body"]) == msgspec.json.decode(expected.read_bytes())


def test_a_form_says_the_same_as_json() -> None:
    call = form(
        ("prompt", "a fox"),
        ("num_images", "2"),
        ("seed", "7"),
        ("style_codes[]", "00AAff11"),
        ("style_codes[]", "12345678"),
        ("color_palette", '{"members":[{"color_hex":"#FFAA00"}]}'),
        ("aspect_ratio", ""),
    )
    body = {
        "prompt": "a fox",
        "num_images": 2,
        "seed": 7,
        "style_codes": ["00AAff11", "12345678"],
        "color_palette": {"members": [{"color_hex": "#FFAA00"}]},
    }
    assert decoded(call) == decoded(MediaCall(body=msgspec.json.encode(body)))


def test_files_of_a_form_may_be_parts_addresses_or_data_uris() -> None:
    uri = "data:image/png;base64," + base64.b64encode(b"DEF").decode()
    call = form(
        ("prompt", "a fox"),
        ("style_reference_images", FILE),
        ("style_reference_images", URL),
        ("style_reference_images[]", uri),
        ("style_reference_images", f'["{URL}","{uri}"]'),
        ("style_reference_images", Upload(filename="", content_type="application/octet-stream", data=b"")),
    )
    inputs = [MediaInput(data=b"ABC"), MediaInput(url=URL), MediaInput(data=b"DEF"), MediaInput(url=URL), MediaInput(data=b"DEF")]
    assert decoded(call).inputs == tuple(msgspec.structs.replace(item, role="style") for item in inputs)


def test_a_file_without_a_name_is_known_by_its_type() -> None:
    """It was read as a text, and refused as none in UTF-8."""
    body = b'--B\r\ncontent-disposition: form-data; name="image"\r\ncontent-type: image/png\r\n\r\n\x89PNG\r\n--B'
    body += b'\r\ncontent-disposition: form-data; name="prompt"\r\n\r\nx\r\n--B--\r\n'
    call = MediaCall(body=body, content_type="multipart/form-data; boundary=B")
    assert decode_for("image.remix")(call).request.inputs == (MediaInput(data=b"\x89PNG"),)


@pytest.mark.parametrize(
    ("fields", "param", "code"),
    [
        ([("prompt", "x"), ("prompt", "x")], "prompt", "invalid_value"),
        ([("prompt", FILE)], "prompt", "invalid_type"),
        (
            [("prompt", "x"), ("style_reference_images", Upload(filename="a", content_type="", data=bytes(schema.MAX_FILE_BYTES + 1)))],
            "style_reference_images",
            "invalid_value",
        ),
        (
            [("prompt", "x"), *[("style_reference_images", Upload(filename="a", content_type="", data=bytes(9_000_000)))] * 3],
            None,
            "invalid_value",
        ),
        ([("prompt", "x"), *[("style_reference_images", URL)] * 11], "style_reference_images", "invalid_value"),
    ],
)
def test_a_broken_form_is_told_by_its_field(fields: list[tuple[str, str | Upload]], param: str | None, code: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        decoded(form(*fields))
    assert (refused.value.param, refused.value.code) == (param, code)
    assert param is None or param in refused.value.message


def test_what_is_no_form() -> None:
    assert say(None, "it is empty") == "The form cannot be read: it is empty."
    with pytest.raises(InvalidRequest, match="boundary"):
        decoded(MediaCall(body=b"", content_type="multipart/form-data"))
    body = b'--B\r\ncontent-disposition: form-data; name="prompt"\r\n\r\n\xff\r\n--B--\r\n'
    with pytest.raises(InvalidRequest, match="prompt cannot be read: it is not UTF-8"):
        decoded(MediaCall(body=body, content_type="multipart/form-data; boundary=B"))


@given(st.binary(max_size=300), st.sampled_from(("application/json", "multipart/form-data; boundary=B", "")))
def test_no_bytes_break_it(noise: bytes, content_type: str) -> None:
    for body in (noise, b'--B\r\ncontent-disposition: form-data; name="prompt"\r\n\r\n' + noise + b"\r\n--B--\r\n"):
        try:
            decoded(MediaCall(body=body, content_type=content_type))
        except InvalidRequest:
            continue


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(("name", "members", "color_hex", "x")), inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from(sorted(schema.GenerateBody.__struct_fields__)), _JSON), st.sampled_from(sorted(rules.TAKES)))
def test_no_json_breaks_it(body: dict[str, Any], operation: str) -> None:
    outcome_of(operation, body)
