"""Errors, both ways: every file of testdata/gemini_content/decode_error, and what clients get."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelgate.core.errors import BalanceExhausted, InvalidKey, InvalidRequest, NoUpstream, RateExceeded, UpstreamFailed, UpstreamTimeout
from modelgate.formats.gemini_content.errors import decode_error, encode_array_error, encode_error, encode_stream_error

FOLDER = Path(__file__).parents[3] / "testdata" / "gemini_content" / "decode_error"
INPUTS = sorted(FOLDER.glob("*.input.json"))


def outcome_of(given: dict[str, Any], tell: Callable[[Any], Any]) -> Any:
    body = given["body"]
    return tell(decode_error(given["status"], body.encode() if isinstance(body, str) else msgspec.json.encode(body)))


def test_the_folder_of_cases_is_found() -> None:
    assert len(INPUTS) > 12


@pytest.mark.parametrize("path", INPUTS, ids=lambda path: path.name.removesuffix(".input.json"))
def test_error_beside_meaning(path: Path, tell: Callable[[Any], Any]) -> None:
    expected = msgspec.json.decode(path.with_name(path.name.replace(".input.", ".output.")).read_bytes())

    assert outcome_of(msgspec.json.decode(path.read_bytes()), tell) == expected


@given(st.integers(0, 599), st.binary(max_size=40))
def test_no_bytes_break_it(status: int, body: bytes) -> None:
    assert decode_error(status, body).status >= 400


JSON = st.recursive(
    st.none() | st.integers() | st.text(max_size=5),
    lambda inside: (
        st.lists(inside, max_size=3)
        | st.dictionaries(
            st.sampled_from(["error", "message", "status", "code", "details", "reason", "retryDelay", "fieldViolations", "field"]),
            inside,
            max_size=4,
        )
    ),
)


@given(JSON)
def test_no_json_breaks_it(value: Any) -> None:
    assert decode_error(400, msgspec.json.encode({"error": value})).status >= 400


def test_the_body_says_the_http_status_and_the_field() -> None:
    answer = encode_error(InvalidRequest("Bad.", param="contents", code="invalid_value"), "req_1")

    assert answer.status == 400
    assert isinstance(answer.body, bytes)
    assert msgspec.json.decode(answer.body) == {
        "error": {
            "code": 400,
            "message": "Bad. (request id: req_1)",
            "status": "INVALID_ARGUMENT",
            "details": [
                {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "INVALID_VALUE", "domain": "modelgate"},
                {"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": [{"field": "contents", "description": "Bad."}]},
            ],
        }
    }


@pytest.mark.parametrize(
    ("error", "status", "name"),
    [
        (InvalidKey(), 401, "UNAUTHENTICATED"),
        (BalanceExhausted(), 429, "RESOURCE_EXHAUSTED"),
        (NoUpstream(), 503, "UNAVAILABLE"),
        (UpstreamTimeout(), 504, "DEADLINE_EXCEEDED"),
        (InvalidRequest("x"), 400, "INVALID_ARGUMENT"),
        (UpstreamFailed("x", status=529), 503, "UNAVAILABLE"),
    ],
)
def test_statuses_have_googles_names(error: Any, status: int, name: str) -> None:
    answer = encode_error(error, "")
    assert isinstance(answer.body, bytes)
    inside = msgspec.json.decode(answer.body)["error"]
    assert (answer.status, inside["code"], inside["status"]) == (status, status, name)


def test_when_to_retry_stands_in_body_and_header() -> None:
    answer = encode_error(RateExceeded("Slow down.", dimension="requests", retry_after_s=2.5, header_lines=b"x-left: 0\r\n"), "")

    assert answer.headers.get(b"retry-after") == b"3"
    assert answer.headers.get(b"x-left") == b"0"
    assert isinstance(answer.body, bytes)
    assert {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "3s"} in msgspec.json.decode(answer.body)["error"]["details"]


def test_a_stream_ends_in_an_error_of_its_shape() -> None:
    error = InvalidRequest("x")

    assert encode_stream_error(error, "") == b'data: {"error":{"code":400,"message":"x","status":"INVALID_ARGUMENT"}}\r\n\r\n'
    assert msgspec.json.decode(b'[{"a":1}' + encode_array_error(error, ""))[1]["error"]["code"] == 400
