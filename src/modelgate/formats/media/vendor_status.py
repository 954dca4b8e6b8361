"""What the HTTP status of a vendor's refusal means, for vendors that have no numbers of their own."""

import msgspec

from modelgate.core.providers import VendorState
from modelgate.formats.media import refusals

CROWDED_PAUSE_S = 1.0
MAX_MESSAGE_CHARACTERS = 300


class _Meaning(msgspec.Struct, frozen=True):
    word: str
    retryable: bool = True
    credential_fault: bool = False
    retry_after_s: float | None = None


_CALLER = _Meaning(refusals.INVALID_REQUEST, retryable=False)
_CREDENTIAL = _Meaning(refusals.CREDENTIAL_REFUSED, credential_fault=True)
_ELSEWHERE = _Meaning(refusals.VENDOR_MISCONFIGURED)
# 500, 502 and 504 are absent with intent: after them the job may exist.
_MEANINGS: dict[int, _Meaning] = {
    400: _CALLER,
    401: _CREDENTIAL,
    402: _Meaning(refusals.VENDOR_BALANCE, credential_fault=True),
    403: _CREDENTIAL,
    413: _CALLER,
    422: _CALLER,
    429: _Meaning(refusals.RATE_LIMITED, retry_after_s=CROWDED_PAUSE_S),
    503: _Meaning(refusals.VENDOR_UNAVAILABLE, retry_after_s=CROWDED_PAUSE_S),
}


def submit_refused(status: int, message: str | None) -> VendorState:
    """Return what the status of a submit tells: a 4xx was surely not taken, of a 5xx only one that says so in the vendor's own form.

    `message` is the vendor's own, None when the answer is not of its form.
    """
    meaning = _MEANINGS.get(status) if message is not None or status < 500 else None
    if meaning is None and 300 <= status < 500:
        meaning = _ELSEWHERE
    if meaning is None:
        return VendorState()
    return VendorState(
        refused=True,
        retryable=meaning.retryable,
        credential_fault=meaning.credential_fault,
        error_code=meaning.word,
        error_message=(message or "")[:MAX_MESSAGE_CHARACTERS],
        retry_after_s=meaning.retry_after_s,
    )


def poll_refused(status: int, message: str | None) -> VendorState:
    """Return what the status of a poll tells: 404 in the vendor's form is a job it does not know; any other leaves the task as it is."""
    if status == 404 and message is not None:
        return VendorState(refused=True, error_code=refusals.TASK_NOT_FOUND, error_message="The vendor does not know the job.")
    return msgspec.structs.replace(submit_refused(status, message), refused=False, retryable=False)
