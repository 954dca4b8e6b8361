"""Whole answers of upstreams: every file of testdata/gemini_content/decode_response, and what files cannot show."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelgate.formats.chat.wire_format import UnreadableAnswer
from modelgate.formats.gemini_content.decode_response import decode_response

FOLDER = Path(__file__).parents[3] / "testdata" / "gemini_content" / "decode_response"
INPUTS = sorted(FOLDER.glob("*.input.json"))


def outcome_of(body: bytes, tell: Callable[[Any], Any]) -> Any:
    try:
        return tell(decode_response(body))
    except UnreadableAnswer:
        return "unreadable"


def test_the_folder_of_cases_is_found() -> None:
    assert len(INPUTS) > 20


@pytest.mark.parametrize("path", INPUTS, ids=lambda path: path.name.removesuffix(".input.json"))
def test_answer_beside_outcome(path: Path, tell: Callable[[Any], Any]) -> None:
    expected = msgspec.json.decode(path.with_name(path.name.replace(".input.", ".output.")).read_bytes())

    assert outcome_of(path.read_bytes(), tell) == expected


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[]", b"{}", b"null", b"[" * 100_000, b"<html>", b'{"candidates":[]}'])
def test_what_is_no_answer_is_said(body: bytes) -> None:
    with pytest.raises(UnreadableAnswer):
        decode_response(body)


ANSWERS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inside: (
        st.lists(inside, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "candidates",
                    "content",
                    "parts",
                    "text",
                    "thought",
                    "thoughtSignature",
                    "functionCall",
                    "name",
                    "args",
                    "id",
                    "inlineData",
                    "mimeType",
                    "data",
                    "executableCode",
                    "code",
                    "codeExecutionResult",
                    "output",
                    "finishReason",
                    "index",
                    "groundingMetadata",
                    "groundingChunks",
                    "web",
                    "uri",
                    "groundingSupports",
                    "segment",
                    "startIndex",
                    "endIndex",
                    "partIndex",
                    "groundingChunkIndices",
                    "logprobsResult",
                    "chosenCandidates",
                    "promptFeedback",
                    "blockReason",
                    "usageMetadata",
                    "promptTokenCount",
                    "candidatesTokenCount",
                    "totalTokenCount",
                    "error",
                ]
            ),
            inside,
            max_size=4,
        )
    ),
    max_leaves=30,
)


@given(ANSWERS, ANSWERS)
def test_no_answer_breaks_it(parts: Any, more: Any) -> None:
    candidate = {"content": {"parts": parts}, **(more if isinstance(more, dict) else {})}
    for body in (
        parts,
        {"candidates": [candidate]},
        {"candidates": [{"content": {"parts": [{"text": "Grüße"}]}, "groundingMetadata": more}]},
    ):
        try:
            decode_response(msgspec.json.encode(body))
        except UnreadableAnswer:
            continue
