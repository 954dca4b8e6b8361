"""What a vendor's refusal means: by its HTTP status, or by numbers of its own, which its provider lists."""

from collections.abc import Mapping

import msgspec

from modelgate.core.providers import VendorState
from modelgate.formats.media import refusals

CROWDED_PAUSE_S = 1.0
MAX_MESSAGE_CHARACTERS = 300


class Refusal(msgspec.Struct, frozen=True):
    """What one of a vendor's statuses or numbers means to us."""

    word: str
    retryable: bool = True
    credential_fault: bool = False
    retry_after_s: float | None = None

    def state(self, message: str) -> VendorState:
        """Return it as the answer to a submit, with as much of the vendor's words as is kept."""
        return VendorState(
            refused=True,
            retryable=self.retryable,
            credential_fault=self.credential_fault,
            error_code=self.word,
            error_message=message[:MAX_MESSAGE_CHARACTERS],
            retry_after_s=self.retry_after_s,
        )


_CALLER = Refusal(refusals.INVALID_REQUEST, retryable=False)
_CREDENTIAL = Refusal(refusals.CREDENTIAL_REFUSED, credential_fault=True)
_ELSEWHERE = Refusal(refusals.VENDOR_MISCONFIGURED)
_ABSENT = Refusal(refusals.TASK_NOT_FOUND)
# 500, 502 and 504 are absent with intent: after them the job may exist.
STATUSES: Mapping[int, Refusal] = {
    400: _CALLER,
    401: _CREDENTIAL,
    402: Refusal(refusals.VENDOR_BALANCE, credential_fault=True),
    403: _CREDENTIAL,
    413: _CALLER,
    422: _CALLER,
    429: Refusal(refusals.RATE_LIMITED, retry_after_s=CROWDED_PAUSE_S),
    503: Refusal(refusals.VENDOR_UNAVAILABLE, retry_after_s=CROWDED_PAUSE_S),
}


def submit_refused(status: int, message: str | None, *, statuses: Mapping[int, Refusal] = STATUSES) -> VendorState:
    """Return what the status of a submit tells: a 4xx was surely not taken, of a 5xx only one that says so in the vendor's own form.

    `message` is the vendor's own, None when the answer is not of its form.
    """
    refusal = statuses.get(status) if message is not None or status < 500 else None
    if refusal is None and 300 <= status < 500:
        refusal = _ABSENT if status == 404 and message is not None else _ELSEWHERE
    return refusal.state(message or "") if refusal is not None else VendorState()


def poll_refused(status: int, message: str | None) -> VendorState:
    """Return what the status of a poll tells: 404 in the vendor's form is a job it does not know; any other leaves the task as it is."""
    if status == 404 and message is not None:
        return VendorState(refused=True, error_code=refusals.TASK_NOT_FOUND, error_message="The vendor does not know the job.")
    return msgspec.structs.replace(submit_refused(status, message), refused=False, retryable=False)
