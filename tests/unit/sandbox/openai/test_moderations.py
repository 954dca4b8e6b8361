from typing import Any

import pytest

PATH = "/v1/moderations"
PICTURE = {"type": "image_url", "image_url": {"url": "https://example.com/cat.png"}}


def test_plain_texts_pass(openai_vendor: Any) -> None:
    made = openai_vendor.post(PATH, input="I like sunny days").json()
    (result,) = made["results"]
    assert made["model"] == "omni-moderation-latest"
    assert made["id"].startswith("modr-")
    assert result["flagged"] is False
    assert len(result["categories"]) == len(result["category_scores"]) == 13
    assert all(0 <= score < 0.01 for score in result["category_scores"].values())
    assert set(map(tuple, result["category_applied_input_types"].values())) == {("text",)}
    assert openai_vendor.counted() == [("req_9", "", 0, 0, True, 200)]


def test_words_are_flagged_each_text_by_itself(openai_vendor: Any) -> None:
    made = openai_vendor.post(PATH, input=["I want to kill them", "good morning", "you are an idiot"]).json()
    assert [result["flagged"] for result in made["results"]] == [True, False, True]
    assert made["results"][0]["categories"]["violence"]
    assert not made["results"][0]["categories"]["hate"]
    assert made["results"][2]["category_scores"]["harassment"] > 0.9


def test_parts_have_one_result(openai_vendor: Any) -> None:
    made = openai_vendor.post(PATH, input=[{"type": "text", "text": "a murder"}, PICTURE]).json()
    (result,) = made["results"]
    assert result["flagged"]
    assert result["category_applied_input_types"]["violence"] == ["text", "image"]
    assert result["category_applied_input_types"]["hate"] == ["text"]
    alone = openai_vendor.post(PATH, input=[PICTURE]).json()["results"][0]["category_applied_input_types"]
    assert (alone["violence"], alone["hate"]) == (["image"], [])


def test_older_models_know_fewer_categories(openai_vendor: Any) -> None:
    (result,) = openai_vendor.post(PATH, input="shoplift", model="text-moderation-latest").json()["results"]
    assert len(result["categories"]) == 11
    assert "category_applied_input_types" not in result


@pytest.mark.parametrize(
    ("given", "param"),
    [
        (None, "input"),
        (5, "input"),
        ([], "input"),
        (["a", 5], "input[0]"),
        ([{"type": "audio"}], "input[0].type"),
        ([{"type": "text"}], "input[0].text"),
        ([{"type": "image_url", "image_url": "x"}], "input[0].image_url"),
        ([{"type": "image_url", "image_url": {"url": "ftp://x"}}], "input[0].image_url.url"),
        ([PICTURE, PICTURE], "input"),
    ],
)
def test_what_is_refused(openai_vendor: Any, given: Any, param: str) -> None:
    assert openai_vendor.error(PATH, input=given)[:2] == (400, param)


def test_models_and_magic(openai_vendor: Any) -> None:
    assert openai_vendor.error(PATH, input="a", model="gpt-4o") == (404, "model", None)
    assert openai_vendor.error(PATH, input="a", model="sandbox-nothing")[2] == "model_not_found"
    assert openai_vendor.error(PATH, input="magic: error-429")[0] == 429
    assert openai_vendor.client.post(PATH, json=["a"]).status_code == 400
