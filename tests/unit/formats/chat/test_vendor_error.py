"""What of an upstream's error is told, and to whom."""

import pytest

from modelgate.formats.chat.vendor_error import ACCOUNT_REFUSED, FAILED, MAX_ERROR_TEXT, VendorError, clean, for_callers


@pytest.mark.parametrize("secret", ["sk-abcd1234efgh", "AIzaSyA1234567890abc", "Bearer abc.def", "eyJhbGc.eyJpc3M.sig", "xai-key1234"])
def test_what_looks_like_a_key_is_removed(secret: str) -> None:
    cleaned = clean(f"bad key {secret} given")
    assert cleaned is not None
    assert secret not in cleaned
    assert "[removed]" in cleaned


@pytest.mark.parametrize("value", [None, "", [], {}, True, 1.5])
def test_what_is_no_text_is_nothing(value: object) -> None:
    assert clean(value) is None


def test_numbers_become_text_and_texts_are_bounded() -> None:
    assert clean(400) == "400"
    assert len(clean("x" * 10_000) or "") == MAX_ERROR_TEXT


@pytest.mark.parametrize("status", [400, 405, 413, 415, 422, 451, 499])
def test_what_is_wrong_with_a_request_is_told_in_the_vendors_words(status: int) -> None:
    said = VendorError(status=status, message="Bad.", type="t", param="p", code="c")
    assert for_callers(said) == said


@pytest.mark.parametrize("status", [302, 401, 402, 403, 404, 408, 409, 425, 429, 500, 502, 503, 504, 529, 599])
def test_whatever_else_a_vendor_says_is_not_told(status: int) -> None:
    """Symptom: callers read the operator's organisation, its hosts and the state of its account."""
    said = VendorError(
        status=status, message="org-abc at 10.0.0.7: your credit balance is too low", type="t", param="p", code="server_error"
    )
    told = for_callers(said)
    assert told.message.startswith("The upstream ")
    assert "org-abc" not in repr(told)
    assert (told.type, told.param) == (None, None)


def test_the_class_of_a_trouble_and_when_to_come_back_are_told() -> None:
    limited = for_callers(VendorError(status=429, message="x", code="rate_limit_exceeded", retry_after_s=7.0))
    assert (limited.status, limited.code, limited.retry_after_s) == (429, "rate_limit_exceeded", 7.0)
    assert for_callers(VendorError(status=401, message="x", code="invalid_api_key")) == VendorError(
        status=502, message=ACCOUNT_REFUSED, code="bad_upstream_response"
    )
    assert for_callers(VendorError(status=500, message="x", code="see http://10.0.0.7/")) == VendorError(status=500, message=FAILED)
