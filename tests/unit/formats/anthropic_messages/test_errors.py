import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelgate.core.errors import (
    BalanceExhausted,
    BodyTooLarge,
    InvalidKey,
    InvalidRequest,
    LimitExhausted,
    MethodNotAllowed,
    ModelgateError,
    ModelNotAllowed,
    NoUpstream,
    Overloaded,
    RateExceeded,
    UnknownModel,
    UnknownPath,
    UpstreamFailed,
    UpstreamRefused,
    UpstreamTimeout,
    UpstreamUnreachable,
)
from modelgate.formats.anthropic_messages.errors import decode_error, encode_error, encode_stream_error, render_vendor_error
from modelgate.formats.chat.vendor_error import VendorError


@pytest.mark.parametrize(
    ("error", "status", "kind", "final"),
    [
        (InvalidRequest("x"), 400, "invalid_request_error", False),
        (InvalidKey(), 401, "authentication_error", False),
        (BalanceExhausted(), 402, "billing_error", False),
        (LimitExhausted(), 402, "billing_error", False),
        (ModelNotAllowed("x"), 403, "permission_error", False),
        (UnknownModel(), 404, "not_found_error", False),
        (UnknownPath(), 404, "not_found_error", False),
        (MethodNotAllowed(), 405, "invalid_request_error", False),
        (BodyTooLarge(), 413, "request_too_large", False),
        (RateExceeded("x", dimension="requests", retry_after_s=3), 429, "rate_limit_error", False),
        (ModelgateError(), 500, "api_error", False),
        (UpstreamUnreachable(), 502, "api_error", False),
        (UpstreamTimeout(), 504, "timeout_error", False),
        (Overloaded(), 529, "overloaded_error", False),
        (NoUpstream(), 529, "overloaded_error", False),
        (UpstreamFailed("x", status=529), 529, "overloaded_error", False),
        (UpstreamFailed("x", status=429), 429, "rate_limit_error", False),
        (UpstreamRefused("x", status=429), 429, "rate_limit_error", True),
        (UpstreamRefused("x", status=422), 422, "invalid_request_error", False),
    ],
)
def test_our_errors_as_the_official_client_expects_them(error: ModelgateError, status: int, kind: str, final: bool) -> None:
    answer = encode_error(error, "req_1")
    body = json.loads(bytes(answer.body))  # type: ignore[arg-type]
    assert answer.status == status
    assert body == {"type": "error", "error": {"type": kind, "message": error.message}, "request_id": "req_1"}
    assert answer.headers.get(b"request-id") == b"req_1"
    assert (answer.headers.get(b"x-should-retry") == b"false") == final
    assert encode_stream_error(error, "req_1") == b"event: error\ndata: " + bytes(answer.body) + b"\n\n"  # type: ignore[arg-type]


def test_a_field_is_named_though_the_dialect_has_no_place_for_its_name() -> None:
    for message, told in (("It cannot be.", "tools: It cannot be."), ("'tools' cannot be.", "'tools' cannot be.")):
        answer = encode_error(InvalidRequest(message, param="tools"), "")
        assert json.loads(bytes(answer.body))["error"]["message"] == told  # type: ignore[arg-type]


def test_waiting_is_told_and_the_other_dialects_limits_are_not() -> None:
    error = RateExceeded("x", dimension="tokens", retry_after_s=1.2, header_lines=b"x-ratelimit-limit-tokens: 5\r\n")
    answer = encode_error(error, "")
    assert (answer.headers.get(b"retry-after"), answer.headers.get(b"retry-after-ms")) == (b"2", b"1200")
    assert b"x-ratelimit" not in answer.headers.raw
    assert b"request_id" not in answer.body  # type: ignore[operator]
    assert encode_error(MethodNotAllowed(allowed=("GET",)), "r").headers.get(b"allow") == b"GET"


def test_an_upstreams_error_in_a_stream_goes_on_without_keys() -> None:
    event = b'{"type":"error","error":{"type":"api_error","message":"key sk-ant-abcdef123 is bad"}}'
    passed = render_vendor_error(decode_error(0, event))
    assert passed == b'event: error\ndata: {"type":"error","error":{"type":"api_error","message":"key [removed] is bad"}}\n\n'
    assert b'"overloaded_error"' in render_vendor_error(VendorError(status=529, message="x"))


@given(
    st.integers(0, 999),
    st.binary(max_size=60)
    | st.recursive(st.none() | st.integers() | st.text(max_size=5), st.lists).map(lambda x: json.dumps({"error": x}).encode()),
)
def test_any_answer_is_some_error(status: int, body: bytes) -> None:
    assert isinstance(decode_error(status, body), VendorError)
