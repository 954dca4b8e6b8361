"""Requests of clients: every file of testdata/gemini_content/decode_request, and what files cannot show."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelgate.core.errors import InvalidRequest
from modelgate.core.http import HeaderBlock, HttpRequest
from modelgate.formats.chat.request import Text, Thinking, ToolCall
from modelgate.formats.gemini_content.signatures import tell_signature
from modelgate.formats.gemini_content.wire import WIRE_FORMAT

FOLDER = Path(__file__).parents[3] / "testdata" / "gemini_content" / "decode_request"
INPUTS = sorted(FOLDER.glob("*.input.json"))


def request_of(body: bytes, *, path: str = "/v1beta/models/gemini-2.5-flash:generateContent", query: str = "") -> HttpRequest:
    return HttpRequest(method="POST", path=path, query=query, headers=HeaderBlock(), body=body)


def outcome_of(given: dict[str, Any], tell: Callable[[Any], Any]) -> Any:
    request = request_of(msgspec.json.encode(given["body"]), path=given["path"], query=given["query"])
    try:
        return tell(WIRE_FORMAT.decode_request(request, WIRE_FORMAT.peek(request)))
    except InvalidRequest as error:
        return {"error": {"message": error.message, "param": error.param, "code": error.code}}


def test_the_folder_of_cases_is_found() -> None:
    assert len(INPUTS) > 25


@pytest.mark.parametrize("path", INPUTS, ids=lambda path: path.name.removesuffix(".input.json"))
def test_request_beside_outcome(path: Path, tell: Callable[[Any], Any]) -> None:
    expected = msgspec.json.decode(path.with_name(path.name.replace(".input.", ".output.")).read_bytes())

    assert outcome_of(msgspec.json.decode(path.read_bytes()), tell) == expected


def test_foreign_thoughts_come_back_with_the_call_that_bore_them() -> None:
    """What an answer's first call carried in `thoughtSignature` stands before it again, also when a client wrote the bytes anew."""
    thought = Thinking(text="Hm", signature="SIG", format="anthropic_messages")
    told = tell_signature(signature="", format="", thinking=(thought,), call_id="toolu_1")
    parts: list[Any] = [
        {"text": "Hm", "thought": True},
        {"text": "Looking."},
        {"functionCall": {"name": "f", "args": {}}, "thoughtSignature": told.replace("-", "+").replace("_", "/")},
    ]
    body = msgspec.json.encode({"contents": [{"role": "user", "parts": [{"text": "?"}]}, {"role": "model", "parts": parts}]})
    request = request_of(body)
    peeked = WIRE_FORMAT.peek(request)

    assert peeked.needs_hub
    assert WIRE_FORMAT.decode_request(request, peeked).messages[1].parts == (
        thought,
        Text(text="Looking."),
        ToolCall(id="toolu_1", name="f", arguments="{}"),
    )


BODIES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inside: (
        st.lists(inside, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "contents",
                    "role",
                    "parts",
                    "text",
                    "inlineData",
                    "mimeType",
                    "data",
                    "fileData",
                    "fileUri",
                    "functionCall",
                    "name",
                    "args",
                    "id",
                    "functionResponse",
                    "response",
                    "tools",
                    "functionDeclarations",
                    "parameters",
                    "properties",
                    "type",
                    "anyOf",
                    "items",
                    "googleSearch",
                    "toolConfig",
                    "functionCallingConfig",
                    "mode",
                    "generationConfig",
                    "generation_config",
                    "responseSchema",
                    "responseMimeType",
                    "thinkingConfig",
                    "thinkingBudget",
                    "systemInstruction",
                    "thoughtSignature",
                    "thought",
                    "stopSequences",
                    "speechConfig",
                    "safetySettings",
                    "allowedFunctionNames",
                    "executableCode",
                    "code",
                    "cachedContent",
                ]
            ),
            inside,
            max_size=4,
        )
    ),
    max_leaves=30,
)


@given(BODIES)
def test_no_body_breaks_it(body: Any) -> None:
    whole = {"contents": [{"parts": [{"text": "x"}]}], **body} if isinstance(body, dict) else body
    request = request_of(msgspec.json.encode(whole))
    with suppress(InvalidRequest):
        WIRE_FORMAT.decode_request(request, WIRE_FORMAT.peek(request))


@given(st.binary(max_size=60))
def test_no_bytes_break_it(body: bytes) -> None:
    with pytest.raises(InvalidRequest):
        WIRE_FORMAT.peek(request_of(body))
