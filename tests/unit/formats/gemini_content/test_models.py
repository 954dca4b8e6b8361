from typing import Any

import msgspec
import pytest

from modelgate.core.errors import InvalidRequest
from modelgate.formats.gemini_content.models import EMBEDDING_METHODS, ModelRow, encode_model, encode_models

ROWS = [ModelRow(name=f"m{number}") for number in (3, 1, 2)]


def page(query: str) -> Any:
    return msgspec.json.decode(encode_models(ROWS, query))


def test_pages_follow_one_another() -> None:
    names: list[str] = []
    query = "pageSize=2"
    for _ in range(2):
        found = page(query)
        names += [model["name"] for model in found["models"]]
        query = f"page_size=2&pageToken={found.get('nextPageToken', '')}"
    assert names == ["models/m1", "models/m2", "models/m3"]
    assert "nextPageToken" not in found


def test_all_on_one_page() -> None:
    assert len(page("")["models"]) == 3
    assert "nextPageToken" not in page("key=secret&pageSize=0")


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ("pageSize=x", "pageSize"),
        ("pageSize=-1", "pageSize"),
        ("pageToken=*", "pageToken"),
        ("pageToken=_w==", "pageToken"),
        (f"pageToken={'A' * 2000}", "pageToken"),
    ],
)
def test_errors_name_the_parameter(query: str, param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        page(query)
    assert caught.value.param == param


def test_one_model() -> None:
    row = ModelRow(name="e", description="d", input_limit=10, methods=EMBEDDING_METHODS)
    assert msgspec.json.decode(encode_model(row)) == {
        "name": "models/e",
        "version": "001",
        "displayName": "e",
        "description": "d",
        "inputTokenLimit": 10,
        "supportedGenerationMethods": ["embedContent", "batchEmbedContents"],
    }
