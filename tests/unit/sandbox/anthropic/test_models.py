import pytest

from modelgate.sandbox.anthropic.errors import Refused
from modelgate.sandbox.anthropic.models import MODELS, describe_model, list_models, most_output_tokens
from modelgate.sandbox.magic import is_served


def test_every_listed_model_is_served() -> None:
    assert {"claude-opus-4-5", "claude-sonnet-4-5", "claude-haiku-4-5", "sandbox-chat"} <= set(MODELS)
    assert [model for model in MODELS if not is_served(model)] == []


def test_pages_go_on_to_the_end() -> None:
    seen: list[str] = []
    page = list_models({"limit": "4"})
    while True:
        seen += [model["id"] for model in page["data"]]
        assert (page["first_id"], page["last_id"]) == (page["data"][0]["id"], page["data"][-1]["id"])
        if not page["has_more"]:
            break
        page = list_models({"limit": "4", "after_id": page["last_id"]})
    assert tuple(seen) == MODELS


def test_pages_go_back() -> None:
    page = list_models({"before_id": MODELS[3], "limit": "2"})
    assert ([model["id"] for model in page["data"]], page["has_more"]) == (list(MODELS[1:3]), True)
    assert list_models({"before_id": MODELS[2]})["has_more"] is False
    assert list_models({"before_id": MODELS[0]}) == {"data": [], "has_more": False, "first_id": None, "last_id": None}


@pytest.mark.parametrize(
    "query",
    [
        {"limit": "0"},
        {"limit": "1001"},
        {"limit": "x"},
        {"limit": "9" * 5_000},
        {"after_id": "?"},
        {"before_id": MODELS[1], "after_id": MODELS[0]},
    ],
)
def test_bad_queries(query: dict[str, str]) -> None:
    with pytest.raises(Refused) as caught:
        list_models(query)
    assert caught.value.status == 400


def test_one_model() -> None:
    opus = describe_model("claude-opus-4-5")
    assert (opus["display_name"], opus["max_tokens"], opus["type"]) == ("Claude Opus 4.5", 64_000, "model")
    assert describe_model("vendor/any")["id"] == "vendor/any"
    assert most_output_tokens("vendor/any") > 64_000
    with pytest.raises(Refused) as caught:
        describe_model("sandbox-nothing")
    assert (caught.value.status, caught.value.message) == (404, "model: sandbox-nothing")
