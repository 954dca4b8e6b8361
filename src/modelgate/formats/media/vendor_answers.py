"""What vendors' answers have in common: they may not be read, a job may end without a result, and end in failure."""

from collections.abc import Callable
from typing import TypeVar

import msgspec

from modelgate.core.providers import VendorState
from modelgate.core.records import Json, TaskOutput
from modelgate.formats.media import refusals
from modelgate.formats.media.vendor_status import MAX_MESSAGE_CHARACTERS

Read = TypeVar("Read")
UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
PERCENT = 100
UNFINISHED = 99
"""No job that still runs is further."""


def reader_of(kind: type[Read]) -> Callable[[bytes], Read | None]:
    """Return what reads an answer of one form, None when it is not of it."""
    decode = msgspec.json.Decoder(kind).decode

    def read(body: bytes) -> Read | None:
        try:
            return decode(body)
        except UNREADABLE:
            return None

    return read


def taken(job: str) -> VendorState:
    """Return what an answer says that took a job: without its id, that it may exist."""
    return VendorState(state="running", vendor_task=job) if job else VendorState()


def finished(outputs: tuple[TaskOutput, ...], *, job: str = "", details: dict[str, Json] | None = None) -> VendorState:
    """Return the end of a job, which without a result has failed."""
    if not outputs:
        return failed("The vendor finished without a result.", job=job)
    return VendorState(state="succeeded", vendor_task=job, progress=PERCENT, outputs=outputs, details=details or {})


def failed(message: str, *, word: str = refusals.GENERATION_FAILED, job: str = "", details: dict[str, Json] | None = None) -> VendorState:
    """Return the failure of a job, with as much of the vendor's words as is kept; where it has none, ours."""
    told = message[:MAX_MESSAGE_CHARACTERS] or "The vendor could not make this."
    return VendorState(state="failed", vendor_task=job, error_code=word, error_message=told, details=details or {})


def parse_deleted(status: int, body: bytes) -> VendorState:
    """Read the answer to a deletion that ends a job."""
    del body
    return VendorState(state="canceled" if status in (200, 204) else None)


def percent_of(part: float | None) -> int:
    """Return a progress that is told as a part of one, 0 for what cannot be one."""
    return int(part * PERCENT) if part is not None and 0 <= part <= 1 else 0


def percent_in(told: str | int | None) -> int:
    """Return a progress that is told as a number or as a text like `30%`, 0 for what is none."""
    digits = str(told or "").removesuffix("%")
    return min(int(digits), UNFINISHED) if digits.isascii() and digits.isdecimal() and len(digits) <= 3 else 0
