"""What a refusal by another gateway means: its errors are OpenAI's, or the flat ones of task routes, with words of gateways as codes."""

import re
from typing import Final

import msgspec

from modelgate.core.providers import VendorState
from modelgate.formats.media import refusals
from modelgate.formats.media.vendor_answers import reader_of
from modelgate.formats.media.vendor_status import poll_refused, submit_refused

_MONEY: Final = frozenset(
    ("insufficient_quota", "insufficient_user_quota", "quota_not_enough", "insufficient_balance", "billing_hard_limit_reached")
)
_CONTENT: Final = frozenset(("content_policy", "content_policy_violation", "content_refused"))
_MODEL: Final = frozenset(("model_not_found", "model_not_allowed", "model_not_priced", "unsupported_operation"))
_REQUEST_ID = re.compile(r" \(request id: [^()]*\)\Z")
"""The other gateway's, which says nothing to our callers."""


class _Error(msgspec.Struct):
    message: str | None = None
    code: str | int | None = None


class _Body(msgspec.Struct):
    error: _Error | None = None
    message: str | None = None
    code: str | int | None = None


_read = reader_of(_Body)


def gateway_refused(status: int, body: bytes) -> VendorState:
    """Return what the answer to a submit tells that is no task. But for a 503 in its own form, a 5xx leaves open if it was."""
    message, code = _said(body)
    state = submit_refused(status, message)
    if not state.refused:
        return state
    if status == 402 or (code in _MONEY and status in (400, 403, 429)):
        return msgspec.structs.replace(state, retryable=True, credential_fault=True, error_code=refusals.VENDOR_BALANCE)
    if code in _MODEL:
        return msgspec.structs.replace(state, retryable=True, credential_fault=False, error_code=refusals.VENDOR_MISCONFIGURED)
    if status == 400 and code in _CONTENT:
        return msgspec.structs.replace(state, error_code=refusals.CONTENT_REFUSED)
    return state


def gateway_poll_refused(status: int, body: bytes) -> VendorState:
    """Return what the answer to a poll tells that is no task. Older gateways say 400 of a task that they do not know."""
    message, code = _said(body)
    return poll_refused(404 if status == 400 and code == "task_not_exist" else status, message)


def _said(body: bytes) -> tuple[str | None, str]:
    """Return the message and code of an error; the message None when the answer is not a gateway's."""
    read = _read(body)
    if read is None:
        return None, ""
    message, code = (read.error.message, read.error.code) if read.error is not None else (read.message, read.code)
    return (None if message is None else _REQUEST_ID.sub("", message)), str(code or "")
