"""An upstream's error in neutral words: its class is the status, its finer word OpenAI's vocabulary."""

import re

import msgspec

MAX_ERROR_TEXT = 2000
ACCOUNT_REFUSED = "The upstream does not accept this gateway's account or model."
FAILED = "The upstream failed. Try again shortly."
_WORDS = {
    408: "The upstream did not answer in time.",
    429: "The upstream takes no more requests for now. Try again later.",
    503: "The upstream is overloaded or down for now. Try again shortly.",
    504: "The upstream did not answer in time.",
    529: "The upstream is overloaded or down for now. Try again shortly.",
}
_ABOUT_ACCOUNT = (401, 402, 403, 404)
_NOT_THE_CALLERS = frozenset((*_ABOUT_ACCOUNT, 408, 409, 425, 429))
_CODE = re.compile(r"[\w.-]{1,64}")
_SECRETS = re.compile(
    r"(?i)\b(?:sk|pk|rk|key|gsk|xai)[-_][-_A-Za-z0-9*]{4,}|\bAIza[-_A-Za-z0-9]{10,}|bearer\s+\S+|eyJ[\w-]+\.[\w-]+\.[\w-]+"
)


class VendorError(msgspec.Struct, frozen=True, kw_only=True):
    """What an upstream's error answer says, cleaned of anything that looks like a key.

    `status` is the class it belongs to, which may differ from the HTTP status it came with (Gemini says 400 for a bad key: 401 here;
    an exhausted account is 402 here whatever the vendor says). `code` is OpenAI's word where there is one (`context_length_exceeded`,
    `content_filter`, `model_not_found`, `rate_limit_exceeded`, `insufficient_quota`, …), else the vendor's own. `type` and `param` are the
    vendor's and are told only in its own dialect. `retry_after_s` is what the body says, if it says so.
    """

    status: int
    message: str = ""
    type: str | None = None
    param: str | None = None
    code: str | None = None
    retry_after_s: float | None = None


def is_callers_fault(status: int) -> bool:
    """Return whether an error is about the request itself, so that whoever sent it has to read the upstream's words."""
    return 400 <= status < 500 and status not in _NOT_THE_CALLERS


def for_callers(error: VendorError) -> VendorError:
    """Return what its caller may read of an upstream's error: all of it where the fault is the caller's, else our words for its class.

    Vendors name accounts, organisations and machines there (`in organization org-…`, `connect to 10.0.0.7:8000`), which are the operator's.
    """
    status = error.status
    if is_callers_fault(status):
        return error
    if status in _ABOUT_ACCOUNT:
        return VendorError(status=502, message=ACCOUNT_REFUSED, code="bad_upstream_response")
    code = error.code if error.code is not None and _CODE.fullmatch(error.code) else None
    return VendorError(status=status, message=_WORDS.get(status, FAILED), code=code, retry_after_s=error.retry_after_s)


def clean(value: object) -> str | None:
    """Return a text of an upstream fit to be shown, None when it is no text. Vendors put numbers and lists where strings belong."""
    if not isinstance(value, str | int) or isinstance(value, bool) or value == "":
        return None
    return _SECRETS.sub("[removed]", str(value)[:MAX_ERROR_TEXT])
