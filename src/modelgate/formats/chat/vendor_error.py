"""An upstream's error in neutral words: its class is the status, its finer word OpenAI's vocabulary."""

import re

import msgspec

MAX_ERROR_TEXT = 2000
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


def clean(value: object) -> str | None:
    """Return a text of an upstream fit to be shown, None when it is no text. Vendors put numbers and lists where strings belong."""
    if not isinstance(value, str | int) or isinstance(value, bool) or value == "":
        return None
    return _SECRETS.sub("[removed]", str(value)[:MAX_ERROR_TEXT])
