import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelgate.formats.openai_chat.errors import decode_detail, decode_error


def body(message: str = "", code: object = None, type: object = None, param: object = None) -> bytes:
    return json.dumps({"error": {"message": message, "code": code, "type": type, "param": param}}).encode()


@pytest.mark.parametrize(
    ("status", "answer", "expected_status", "code"),
    [
        (400, body("bad", "invalid_value"), 400, "invalid_value"),
        (400, body("This model's maximum context length is 8192 tokens"), 400, "context_length_exceeded"),
        (400, body("x", "context_length_exceeded"), 400, "context_length_exceeded"),
        (
            400,
            body("<400> InternalError.Algo.InvalidParameter: Range of input length should be [1, 30720]"),
            400,
            "context_length_exceeded",
        ),
        (400, body("x", "content_filter"), 400, "content_filter"),
        (400, body("Content Exists Risk"), 400, "content_filter"),
        (400, body("x", "data_inspection_failed"), 400, "content_filter"),
        (400, body("Incorrect API key provided: xai-abcdefgh"), 401, "invalid_api_key"),
        (401, body("x", "invalid_api_key"), 401, "invalid_api_key"),
        (403, body("forbidden"), 403, None),
        (404, body("The model `x` does not exist", "model_not_found"), 404, "model_not_found"),
        (404, body("No such model", None, None, "model"), 404, "model_not_found"),
        (404, body("Item with id 'rs_1' not found.", None, None, "input"), 400, None),  # not our account's fault, which 404 would mean
        (400, body("Model Not Exist"), 400, None),
        (402, body("Insufficient Balance"), 402, "insufficient_quota"),
        (429, body("You exceeded your current quota", "insufficient_quota"), 402, "insufficient_quota"),
        (400, body("Access denied, Arrearage"), 402, "insufficient_quota"),
        (429, body("Rate limit reached", "x", "requests"), 429, "rate_limit_exceeded"),
        (500, body("oops"), 500, None),
        (529, body("full"), 529, "overloaded_error"),
        (503, b"<html>", 503, None),
        (0, body("x", 429), 429, "rate_limit_exceeded"),
        (0, body("x", None, "overloaded_error"), 503, None),
        (0, body("x", None, "server_error"), 502, None),
        (0, body("x", 502), 502, "502"),
        (0, body("maximum context length"), 400, "context_length_exceeded"),
    ],
)
def test_errors_are_sorted_into_classes(status: int, answer: bytes, expected_status: int, code: str | None) -> None:
    found = decode_error(status, answer)
    assert (found.status, found.code) == (expected_status, code)


@pytest.mark.parametrize(("said", "seconds"), [("try again in 20ms", 0.02), ("Please try again in 1m30.5s.", 90.5), ("later", None)])
def test_how_long_to_wait_is_read_from_the_words(said: str, seconds: float | None) -> None:
    assert decode_error(429, body(said)).retry_after_s == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("body", "message", "code"),
    [
        (b'{"error":{"message":"no","code":42,"type":"t","param":null}}', "no", "42"),
        (b'{"error":{"message":"no","code":""}}', "no", None),
        (b'{"error":"plain"}', "plain", None),
        (b'{"detail":"fastapi"}', "fastapi", None),
        (b"oops", "", None),
        (b'{"message":"bare","code":20012,"data":null}', "bare", "20012"),
        (b'{"error":{"message":["list"]}}', '["list"]', None),
        (b'[{"error":{"code":400,"message":"of Google","status":"INVALID_ARGUMENT"}}]', "of Google", "400"),
        (b"[]", "", None),
    ],
)
def test_errors_of_imitators_are_read(body: bytes, message: str, code: str | None) -> None:
    detail = decode_detail(body)
    assert (detail.message, detail.code) == (message, code)


@pytest.mark.parametrize("secret", ["sk-proj-abcdefgh12345678", "Bearer abc.def", "eyJhbGciOi.eyJzdWIi.c2ln", "sk-ab***yz12"])
def test_symptom_a_vendor_key_in_an_error_text(secret: str) -> None:
    detail = decode_detail(json.dumps({"error": {"message": f"Incorrect API key provided: {secret}."}}).encode())
    assert secret not in str(detail.message)


def test_ordinary_words_are_not_taken_for_keys() -> None:
    text = "Unknown keyboards, keywords and key names; risk-free skeletons."
    assert decode_detail(json.dumps({"error": {"message": text}}).encode()).message == text


@given(st.binary(max_size=300), st.integers(min_value=0, max_value=600))
def test_no_bytes_are_beyond_it(answer: bytes, status: int) -> None:
    decode_error(status, answer)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["error", "message", "code", "type", "param", "detail"]), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(JSON, st.integers(min_value=0, max_value=600))
def test_no_json_is_beyond_it(answer: object, status: int) -> None:
    decode_error(status, json.dumps(answer).encode())
