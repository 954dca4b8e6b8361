"""Bodies of Kling clients: every file of testdata/kling/decode, and what files cannot show."""

import base64
from pathlib import Path
from typing import Any

import msgspec
import pytest

from modelgate.core.errors import InvalidRequest, UnsupportedMediaType
from modelgate.formats.kling import schema
from modelgate.formats.kling.request import TaskFacts, decode_image
from modelgate.formats.media.family import MediaCall
from modelgate.formats.media.fields import MAX_SHOWN_CHARACTERS
from modelgate.formats.media.requests import ImageRequest

FOLDER = Path(__file__).parents[3] / "testdata" / "kling" / "decode"
INPUTS = sorted(FOLDER.glob("*.input.json"))


def decode_image_request(body: bytes, content_type: str = "") -> tuple[ImageRequest, TaskFacts]:
    ask = decode_image(MediaCall(body=body, content_type=content_type))
    assert isinstance(ask.request, ImageRequest)
    return ask.request, msgspec.json.decode(ask.facts, type=TaskFacts)


def outcome_of(body: bytes) -> dict[str, Any]:
    try:
        request, facts = decode_image_request(body)
    except InvalidRequest as error:
        return {"error": {"message": error.message, "param": error.param, "code": error.code}}
    decoded: dict[str, Any] = msgspec.json.decode(msgspec.json.encode({"request": request, "facts": facts}))
    return decoded


def test_the_folder_of_cases_is_found() -> None:
    assert len(INPUTS) > 30


@pytest.mark.parametrize("path", INPUTS, ids=lambda path: path.name.removesuffix(".input.json"))
def test_body_beside_outcome(path: Path) -> None:
    expected = msgspec.json.decode(path.with_name(path.name.replace(".input.", ".output.")).read_bytes())

    assert outcome_of(path.read_bytes()) == expected


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b'{"prompt": "\xff"}', b'{"prompt": "\\ud800"}', b"[" * 100_000, b'"text"', b"null"])
def test_a_body_that_is_no_json_object_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidRequest) as caught:
        decode_image_request(body)
    assert caught.value.code == "invalid_json"


def test_a_form_is_refused_by_its_type() -> None:
    with pytest.raises(UnsupportedMediaType):
        decode_image_request(b'--x\r\ncontent-disposition: form-data; name="prompt"\r\n\r\nhi\r\n--x--', "multipart/form-data; boundary=x")


@pytest.mark.parametrize("content_type", ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
def test_json_is_taken_under_any_content_type(content_type: str) -> None:
    request, _ = decode_image_request(b'{"prompt": "x"}', content_type)
    assert request.prompt == "x"


@pytest.mark.parametrize("count", [1, schema.MAX_PROMPT_CHARACTERS])
def test_prompt_length_counts_characters_not_bytes(count: int) -> None:
    request, _ = decode_image_request(msgspec.json.encode({"prompt": "灯" * count}))
    assert len(request.prompt) == count


def test_a_picture_of_exactly_the_bound_is_taken_and_one_byte_more_is_not() -> None:
    data = b"\x89" * schema.MAX_IMAGE_BYTES
    request, _ = decode_image_request(msgspec.json.encode({"prompt": "x", "image": base64.b64encode(data).decode()}))
    assert request.inputs[0].data == data

    with pytest.raises(InvalidRequest, match="at most 10485760 bytes"):
        decode_image_request(msgspec.json.encode({"prompt": "x", "image": base64.b64encode(data + b"\x89").decode()}))


def test_a_huge_picture_is_refused_before_it_is_decoded() -> None:
    with pytest.raises(InvalidRequest, match="at most 10485760 bytes"):
        decode_image_request(msgspec.json.encode({"prompt": "x", "image": "!" * (20 * 1024 * 1024)}))


@pytest.mark.parametrize("value", ["p" * 100_000, ["p" * 100_000], 10**60, {"a": {"b": "c" * 1000}}])
def test_no_message_repeats_a_long_value(value: object) -> None:
    with pytest.raises(InvalidRequest) as caught:
        decode_image_request(b'{"prompt": "x", "aspect_ratio": ' + msgspec.json.encode(value) + b"}")
    assert len(caught.value.message) < MAX_SHOWN_CHARACTERS + 100


def test_the_published_schema_states_the_bounds_that_are_checked() -> None:
    _, components = msgspec.json.schema_components([schema.ImageBody])
    fields = components["ImageBody"]["properties"]

    assert fields["prompt"]["maxLength"] == schema.MAX_PROMPT_CHARACTERS == 500
    assert fields["negative_prompt"]["maxLength"] == schema.MAX_NEGATIVE_PROMPT_CHARACTERS == 200
    assert (fields["n"]["minimum"], fields["n"]["maximum"]) == (1, schema.MAX_IMAGES) == (1, 9)
    assert sorted(fields["aspect_ratio"]["enum"]) == sorted(["", *schema.ASPECT_RATIOS])
    assert sorted(fields["image_reference"]["enum"]) == sorted(["", *schema.IMAGE_REFERENCES])
    assert sorted(fields["resolution"]["enum"]) == sorted(["", *schema.RESOLUTIONS])
    assert (fields["image_fidelity"]["minimum"], fields["image_fidelity"]["maximum"]) == (0, 1)
    assert len(schema.ASPECT_RATIOS) == 8
