"""Bodies of Pika's clients: every file of testdata/pika/decode, and what files cannot show."""

import base64
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelgate.core.errors import InvalidRequest, UnsupportedMediaType
from modelgate.formats.media.family import MediaCall
from modelgate.formats.pika import schema
from modelgate.formats.pika.request import decode_generate

FOLDER = Path(__file__).parents[3] / "testdata" / "pika" / "decode"
INPUTS = sorted(FOLDER.glob("*.input.json"))
FIELDS = ("promptText", "model", "image", "video", "pikaffect", "options")
OPTIONS = ("aspectRatio", "frameRate", "camera", "parameters", "extend", "duration", "resolution")
PARAMETERS = ("guidanceScale", "motion", "negativePrompt", "seed")

ODD = (None, True, False, 0, -1, 10**30, 1.5, 1e300, "", " ", "x", "\x00", "5", [], ["x"], {}, {"": {}}, [[[]]])


def outcome_of(body: bytes) -> dict[str, Any]:
    try:
        ask = decode_generate(MediaCall(body=body))
    except InvalidRequest as error:
        return {"error": {"message": error.message, "param": error.param, "code": error.code}}
    decoded: dict[str, Any] = msgspec.json.decode(msgspec.json.encode({"operation": ask.operation, "request": ask.request}))
    return decoded


def test_the_folder_of_cases_is_found() -> None:
    assert len(INPUTS) > 40


@pytest.mark.parametrize("path", INPUTS, ids=lambda path: path.name.removesuffix(".input.json"))
def test_body_beside_outcome(path: Path) -> None:
    expected = msgspec.json.decode(path.with_name(path.name.replace(".input.", ".output.")).read_bytes())

    assert outcome_of(path.read_bytes()) == expected


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b'"text"', b"null", b"[" * 100_000])
def test_a_body_that_is_no_json_object_is_refused(body: bytes) -> None:
    assert outcome_of(body)["error"]["code"] == "invalid_json"


def test_a_form_is_refused_by_its_type() -> None:
    with pytest.raises(UnsupportedMediaType):
        decode_generate(MediaCall(body=b"--x", content_type="multipart/form-data; boundary=x"))


def test_a_huge_picture_is_refused() -> None:
    picture = base64.b64encode(b"x" * (schema.MAX_IMAGE_BYTES + 1)).decode()
    with pytest.raises(InvalidRequest, match="at most 20971520 bytes"):
        decode_generate(MediaCall(body=msgspec.json.encode({"promptText": "x", "image": picture})))


@pytest.mark.parametrize("effect", schema.EFFECTS)
def test_every_effect_by_its_letters(effect: str) -> None:
    body = {"pikaffect": effect.replace("-", "").upper(), "image": "https://pictures.example/cat.png"}
    ask = decode_generate(MediaCall(body=msgspec.json.encode(body)))
    assert ask.request.options == {"pika_effect": effect}


@pytest.mark.parametrize("name", schema.RATIOS)
def test_every_ratio_by_its_number(name: str) -> None:
    body = {"promptText": "x", "options": {"aspectRatio": schema.RATIOS[name]}}
    assert outcome_of(msgspec.json.encode(body))["request"]["aspect_ratio"] == name


@pytest.mark.parametrize("odd", ODD, ids=repr)
@pytest.mark.parametrize("name", [*FIELDS, *OPTIONS, *PARAMETERS])
def test_no_value_is_too_odd(name: str, odd: object) -> None:
    parameters = {"seed": 1, **({name: odd} if name in PARAMETERS else {})}
    options = {"parameters": parameters, **({name: odd} if name in OPTIONS else {})}
    outcome = outcome_of(msgspec.json.encode({"promptText": "a cat", "options": options, **({name: odd} if name in FIELDS else {})}))
    assert outcome.get("error", {"param": name})["param"].endswith(name)


@settings(max_examples=100)
@given(st.binary(max_size=200))
def test_no_bytes_are_too_odd(body: bytes) -> None:
    outcome_of(body)
