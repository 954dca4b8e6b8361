"""What refusals by another gateway mean."""

import msgspec
import pytest

from modelgate.formats.media.gateway_status import gateway_poll_refused, gateway_refused


def error(code: str) -> bytes:
    return msgspec.json.encode({"error": {"message": "why (request id: req_1)", "type": "t", "code": code}})


@pytest.mark.parametrize(
    ("status", "code", "word", "retryable", "credential_fault"),
    [
        (401, "invalid_api_key", "credential_refused", True, True),
        (402, "any", "vendor_balance", True, True),
        (429, "insufficient_quota", "vendor_balance", True, True),
        (403, "insufficient_user_quota", "vendor_balance", True, True),
        (403, "model_not_allowed", "vendor_misconfigured", True, False),
        (404, "model_not_found", "vendor_misconfigured", True, False),
        (400, "unsupported_operation", "vendor_misconfigured", True, False),
        (400, "content_refused", "content_refused", False, False),
        (400, "content_policy", "content_refused", False, False),
        (400, "invalid_value", "invalid_request", False, False),
        (429, "rate_limit_exceeded", "rate_limited", True, False),
        (503, "no_upstream", "vendor_unavailable", True, False),
    ],
)
def test_refusals(status: int, code: str, word: str, retryable: bool, credential_fault: bool) -> None:
    state = gateway_refused(status, error(code))

    assert state.refused
    assert (state.error_code, state.retryable, state.credential_fault) == (word, retryable, credential_fault)
    assert state.error_message == "why"


@pytest.mark.parametrize("status", [500, 502, 504])
def test_other_troubles_leave_open_whether_it_was_taken(status: int) -> None:
    state = gateway_refused(status, error("bad_upstream_response"))

    assert (state.state, state.refused) == (None, False)


def test_a_flat_error_is_read_too() -> None:
    state = gateway_poll_refused(400, b'{"code": "task_not_exist", "message": "m", "data": null}')

    assert (state.refused, state.error_code) == (True, "task_not_found")


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"error": "text"}', b"\xff"])
def test_what_is_no_gateways_answer_is_none(body: bytes) -> None:
    assert not gateway_poll_refused(404, body).refused
    assert not gateway_refused(503, body).refused
