"""Runway's answers, and what they mean."""

from typing import Any

import msgspec

from modelgate.core.providers import VendorState
from modelgate.core.records import TaskOutput
from modelgate.formats.media import refusals
from modelgate.formats.media.vendor_status import poll_refused, submit_refused

PERCENT = 100
MAX_OUTPUTS = 4


class _Created(msgspec.Struct):
    id: str = ""


class _Polled(msgspec.Struct, rename="camel"):
    status: str
    progress: float | None = None
    output: list[str] | None = None
    failure: str | None = None
    failure_code: str | None = None


class _Said(msgspec.Struct):
    message: str = ""


class _Refused(msgspec.Struct):
    """The vendor says it in a text, another gateway that speaks this API in an object."""

    error: str | _Said | None = None


_GARBLED = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_decode_created = msgspec.json.Decoder(_Created).decode
_decode_polled = msgspec.json.Decoder(_Polled).decode
_decode_refused = msgspec.json.Decoder(_Refused).decode


def parse_cancel(status: int, body: bytes) -> VendorState:
    """Read the answer to a cancel: 204 ends the task, whatever it was."""
    del body
    return VendorState(state="canceled" if status in (200, 204) else None)


def parse_submit(status: int, body: bytes) -> VendorState:
    """Read the answer to a submit: taken, refused, or neither (then the task may exist)."""
    if status != 200:
        return submit_refused(status, _message(body))
    try:
        created = _decode_created(body)
    except _GARBLED:
        return VendorState()
    return VendorState(state="running", vendor_task=created.id) if created.id else VendorState()


def parse_poll(status: int, body: bytes) -> VendorState:
    """Read the answer to a poll. Whatever is no task leaves ours as it is, but for a task that is not known there."""
    try:
        polled = _decode_polled(body)
    except _GARBLED:
        return poll_refused(status, _message(body))
    match polled.status.upper():
        case "PENDING" | "THROTTLED":
            return VendorState(state="running")
        case "RUNNING":
            progress = polled.progress if polled.progress is not None and 0 <= polled.progress <= 1 else 0
            return VendorState(state="running", progress=int(progress * PERCENT))
        case "SUCCEEDED":
            return _succeeded(polled)
        case "FAILED":
            return _failed(polled)
        case "CANCELLED":
            return VendorState(state="canceled", error_code=refusals.GENERATION_FAILED, error_message="The vendor cancelled the task.")
        case _:
            return VendorState()  # a new word must not end a task


def _succeeded(polled: _Polled) -> VendorState:
    outputs = tuple(TaskOutput(kind=_kind_of(url), url=url) for url in (polled.output or [])[:MAX_OUTPUTS] if url)
    if not outputs:
        message = "The vendor finished without a result."
        return VendorState(state="failed", error_code=refusals.GENERATION_FAILED, error_message=message)
    return VendorState(state="succeeded", progress=PERCENT, outputs=outputs)


def _kind_of(url: str) -> Any:
    path = url.partition("?")[0].lower()
    return "image" if path.endswith((".png", ".jpg", ".jpeg", ".webp")) else "video"


def _failed(polled: _Polled) -> VendorState:
    """Return a failure in our own words: the vendor asks not to show its text raw."""
    code = polled.failure_code or ""
    if "SAFETY" in code.split("."):
        word, message = refusals.CONTENT_REFUSED, "The vendor's content policy refuses the prompt, the picture or the result."
    elif code.startswith("ASSET.INVALID"):
        word, message = refusals.INVALID_REQUEST, "The vendor cannot read an input file."
    else:
        word, message = refusals.GENERATION_FAILED, "The vendor could not make this."
    return VendorState(state="failed", error_code=word, error_message=message, details={"runway_failure_code": code} if code else {})


def _message(body: bytes) -> str | None:
    """Return the vendor's words of a refusal, None when the answer is not of its form."""
    try:
        error = _decode_refused(body).error
    except _GARBLED:
        return None
    return error.message if isinstance(error, _Said) else error or ""
