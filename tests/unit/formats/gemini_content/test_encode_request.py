"""Neutral requests for upstreams: every file of testdata/gemini_content/encode_request, and what files cannot show."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from modelgate.core.errors import InvalidRequest
from modelgate.core.providers import NO_QUIRKS, Quirks
from modelgate.formats.chat.request import ChatRequest, Message, OutputFormat, Text
from modelgate.formats.gemini_content.encode_request import encode_request

FOLDER = Path(__file__).parents[3] / "testdata" / "gemini_content" / "encode_request"
INPUTS = sorted(FOLDER.glob("*.input.json"))
HELLO = (Message(role="user", parts=(Text(text="Hello"),)),)


def outcome_of(given: dict[str, Any], read: Callable[[str, Any], Any]) -> Any:
    try:
        ask = encode_request(read("request", given["request"]), given["model"], NO_QUIRKS)
    except InvalidRequest as error:
        return {"error": {"message": error.message, "param": error.param, "code": error.code}}
    return {"path": ask.path, "body": msgspec.json.decode(ask.body), "ignored": list(ask.ignored)}


def test_the_folder_of_cases_is_found() -> None:
    assert len(INPUTS) > 50


@pytest.mark.parametrize("path", INPUTS, ids=lambda path: path.name.removesuffix(".input.json"))
def test_request_beside_outcome(path: Path, read: Callable[[str, Any], Any]) -> None:
    expected = msgspec.json.decode(path.with_name(path.name.replace(".input.", ".output.")).read_bytes())

    assert outcome_of(msgspec.json.decode(path.read_bytes()), read) == expected


def test_quirks_change_the_path_and_what_is_said() -> None:
    quirks = Quirks(
        paths={"gemini_content": "/v1/publishers/google/models/{model}"},
        query="x=1",
        refuses=frozenset(("temperature", "unheard_of")),
        has_json_schema=False,
    )
    output = OutputFormat(kind="schema", schema={"type": "object"})
    ask = encode_request(ChatRequest(model="m", messages=HELLO, temperature=1.0, output=output, stream=True), "m", quirks)

    assert ask.path == "/v1/publishers/google/models/m:streamGenerateContent?alt=sse&x=1"
    assert ask.ignored == ("temperature", "output")
    assert msgspec.json.decode(ask.body)["generationConfig"] == {"responseMimeType": "application/json"}


@pytest.mark.parametrize(
    ("model", "path"),
    [
        ("models/x", "/v1beta/models/x:generateContent"),
        ("tunedModels/x y", "/v1beta/tunedModels/x%20y:generateContent"),
        ("a/b?c#d", "/v1beta/models/a/b%3Fc%23d:generateContent"),
    ],
)
def test_the_model_stands_in_the_path(model: str, path: str) -> None:
    assert encode_request(ChatRequest(model="m", messages=HELLO), model, NO_QUIRKS).path == path
