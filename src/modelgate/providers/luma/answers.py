"""Dream Machine's answers, and what they mean."""

from typing import Any

import msgspec

from modelgate.core.providers import VendorState
from modelgate.core.records import TaskOutput
from modelgate.formats.media import refusals
from modelgate.formats.media.vendor_status import MAX_MESSAGE_CHARACTERS, poll_refused, submit_refused

DREAMING_PERCENT = 50
PERCENT = 100

_GARBLED = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class _Assets(msgspec.Struct):
    video: str | None = None
    image: str | None = None


class _Generation(msgspec.Struct):
    id: str
    state: str = ""
    failure_reason: str | None = None
    assets: _Assets | None = None


class _Refused(msgspec.Struct):
    detail: Any = None


_decode_generation = msgspec.json.Decoder(_Generation).decode
_decode_refused = msgspec.json.Decoder(_Refused).decode


def parse_cancel(status: int, body: bytes) -> VendorState:
    """Read the answer to a deletion."""
    del body
    return VendorState(state="canceled" if status in (200, 204) else None)


def parse_submit(status: int, body: bytes) -> VendorState:
    """Read the answer to a submit: taken, refused, or neither (then the generation may exist)."""
    if status not in (200, 201):
        return _content_refused(submit_refused(status, _message(body)))
    try:
        made = _decode_generation(body)
    except _GARBLED:
        return VendorState()
    state = _state_of(made) if made.id else VendorState()
    return state if state.state or not made.id else VendorState(state="running", vendor_task=made.id)


def _content_refused(state: VendorState) -> VendorState:
    """Tell a moderated prompt, which has no status of its own, by the vendor's words."""
    moderated = state.error_code == refusals.INVALID_REQUEST and "moderat" in state.error_message.lower()
    return msgspec.structs.replace(state, error_code=refusals.CONTENT_REFUSED) if moderated else state


def parse_poll(status: int, body: bytes) -> VendorState:
    """Read the answer to a poll. Whatever is no generation leaves the task as it is, but for one that is not known there."""
    if status == 200:
        try:
            return _state_of(_decode_generation(body))
        except _GARBLED:
            return VendorState()
    return poll_refused(status, _message(body))


def _state_of(made: _Generation) -> VendorState:
    match made.state.lower():
        case "queued":
            return VendorState(state="running", vendor_task=made.id)
        case "dreaming":
            return VendorState(state="running", vendor_task=made.id, progress=DREAMING_PERCENT)
        case "completed":
            return _completed(made)
        case "failed":
            reason = (made.failure_reason or "")[:MAX_MESSAGE_CHARACTERS]
            moderated = "moderat" in reason.lower()
            word = refusals.CONTENT_REFUSED if moderated else refusals.GENERATION_FAILED
            message = reason or "The vendor could not make this."
            return VendorState(state="failed", vendor_task=made.id, error_code=word, error_message=message)
        case _:
            return VendorState()  # a new word must not end a task


def _completed(made: _Generation) -> VendorState:
    assets = made.assets or _Assets()
    found = (TaskOutput(kind="video", url=assets.video or ""), TaskOutput(kind="image", url=assets.image or ""))
    outputs = tuple(msgspec.structs.replace(one, vendor_id=made.id) for one in found if one.url)[:1]
    if not outputs:
        message = "The vendor finished without a result."
        return VendorState(state="failed", vendor_task=made.id, error_code=refusals.GENERATION_FAILED, error_message=message)
    return VendorState(state="succeeded", vendor_task=made.id, progress=PERCENT, outputs=outputs)


def _message(body: bytes) -> str | None:
    """Return the vendor's words of a refusal, None when the answer is not of its form."""
    try:
        detail = _decode_refused(body).detail
    except _GARBLED:
        return None
    return detail if isinstance(detail, str) else msgspec.json.encode(detail).decode() if detail is not None else ""
