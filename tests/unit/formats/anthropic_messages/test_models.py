import json
from typing import Any

import pytest

from modelgate.core.errors import InvalidRequest
from modelgate.formats.anthropic_messages.models import ModelRow, encode_model, encode_models, parse_page

ROWS = [ModelRow(id=name, created_at=at) for name, at in (("a", 10), ("b", 30), ("c", 20), ("d", 40), ("e", 20))]


def page(query: str) -> Any:
    return json.loads(encode_models(ROWS, parse_page(query)))


@pytest.mark.parametrize(
    ("query", "ids", "has_more"),
    [
        ("", ["d", "b", "c", "e", "a"], False),
        ("limit=2", ["d", "b"], True),
        ("limit=2&after_id=b", ["c", "e"], True),
        ("limit=2&after_id=e&other=1", ["a"], False),
        ("limit=2&before_id=e", ["b", "c"], True),
        ("limit=2&before_id=b", ["d"], False),
        ("after_id=nobody", [], False),
        ("before_id=d", [], False),
    ],
)
def test_pages(query: str, ids: list[str], has_more: bool) -> None:
    found = page(query)
    assert [one["id"] for one in found["data"]] == ids
    assert found["has_more"] is has_more
    assert (found["first_id"], found["last_id"]) == ((ids[0], ids[-1]) if ids else (None, None))


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=1001", "limit=x", "limit=99999999999999999999", "after_id=a&before_id=b", "&".join(["a=1"] * 50)]
)
def test_a_page_that_cannot_be_asked_for(query: str) -> None:
    with pytest.raises(InvalidRequest):
        parse_page(query)


def test_one_model_says_what_is_known() -> None:
    assert json.loads(encode_model(ModelRow(id="m", created_at=1_740_000_000, display_name="M", max_tokens=5))) == {
        "type": "model",
        "id": "m",
        "display_name": "M",
        "created_at": "2025-02-19T21:20:00Z",
        "max_tokens": 5,
    }
