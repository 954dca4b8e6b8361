from typing import Any

import pytest

from modelgate.sandbox.gemini.embeddings import check_batch, check_embedding, dimensions_of
from modelgate.sandbox.gemini.errors import GeminiRefused

MODEL = "gemini-embedding-001"
CONTENT = {"parts": [{"text": "one"}, {"text": "two"}]}
ENTRY = {"model": f"models/{MODEL}", "content": CONTENT}


def test_what_is_taken() -> None:
    assert check_embedding({"content": CONTENT, "outputDimensionality": 3072}, model=MODEL, place="E") == "one\ntwo"
    assert check_batch({"requests": [ENTRY] * 100}, model=MODEL) == ["one\ntwo"] * 100
    assert dimensions_of("text-embedding-004") == 768


@pytest.mark.parametrize(
    ("entry", "complaint"),
    [
        ({}, "E.content"),
        ({"content": {"parts": []}}, "must not be empty"),
        ({"content": CONTENT, "outputDimensionality": 3073}, "output_dimensionality"),
        ({"content": CONTENT, "outputDimensionality": 0}, "output_dimensionality"),
    ],
)
def test_entries_that_are_refused(entry: dict[str, Any], complaint: str) -> None:
    with pytest.raises(GeminiRefused, match=complaint):
        check_embedding(entry, model=MODEL, place="E")


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ({}, "not specified"),
        ({"requests": [ENTRY] * 101}, "at most 100"),
        ({"requests": [ENTRY, {"content": CONTENT}]}, r"requests\[1\].model"),
        ({"requests": [{**ENTRY, "model": MODEL}]}, r"requests\[0\].model"),
    ],
)
def test_batches_that_are_refused(body: dict[str, Any], complaint: str) -> None:
    with pytest.raises(GeminiRefused, match=complaint):
        check_batch(body, model=MODEL)
