import json

import pytest

from modelgate.sandbox.gemini.errors import GeminiRefused, bad_fields, bad_key, provoked


def test_an_error_is_googles() -> None:
    response = GeminiRefused("No.", status=404).response()
    assert response.status_code == 404
    assert json.loads(bytes(response.body)) == {"error": {"code": 404, "message": "No.", "status": "NOT_FOUND"}}
    assert json.loads(bytes(GeminiRefused("No.").response(listed=True).body))[0]["error"]["status"] == "INVALID_ARGUMENT"


def test_a_bad_key_is_a_bad_request() -> None:
    error = bad_key().body()["error"]
    assert (error["code"], error["status"], error["details"][0]["reason"]) == (400, "INVALID_ARGUMENT", "API_KEY_INVALID")


def test_all_bad_fields_are_named() -> None:
    error = bad_fields([("", "one"), ("contents[0]", "two")]).body()["error"]
    assert error["message"] == "one\ntwo"
    assert error["details"][0]["fieldViolations"] == [{"description": "one"}, {"field": "contents[0]", "description": "two"}]


@pytest.mark.parametrize(
    ("asked", "status", "name"),
    [
        (400, 400, "INVALID_ARGUMENT"),
        (401, 401, "UNAUTHENTICATED"),
        (429, 429, "RESOURCE_EXHAUSTED"),
        (500, 500, "INTERNAL"),
        (529, 503, "UNAVAILABLE"),
    ],
)
def test_provoked_errors(asked: int, status: int, name: str) -> None:
    error = provoked(asked).body()["error"]
    assert (error["code"], error["status"]) == (status, name)
    assert ("details" in error) == (asked == 429)
