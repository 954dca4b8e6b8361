"""fal's queue, whatever is queued there: where a job is, how it stands, and what came of it.

A poll asks for the status, and once that is COMPLETED, for the result: COMPLETED does not mean success. Of an endpoint's path only owner
and application remain in the addresses of a job, which are those of the submit's answer. Source: docs.fal.ai, "Queue API", and the official
Python client 1.0.3, read 2026-11.
"""

import hashlib
import re
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import msgspec

from modelgate.core.http import HeaderBlock
from modelgate.core.providers import CallbackProof, SignedCall, UpstreamCall, VendorState
from modelgate.core.records import Json, TaskOutput
from modelgate.formats.media import refusals
from modelgate.formats.media.vendor_answers import failed, finished, reader_of, taken
from modelgate.formats.media.vendor_calls import EMPTY, post_json
from modelgate.formats.media.vendor_status import MAX_MESSAGE_CHARACTERS

APP = "fal-ai/pika"
"""The one application that is asked for here: a job of which only the id is known is one of its."""
CROWDED_PAUSE_S = 2.0
MAX_FAULTS = 5
MAX_URL_CHARACTERS = 2_000
PROGRESS = {"IN_QUEUE": 10, "IN_PROGRESS": 50}

_JOB = re.compile(r"(?:^|/)(fal-ai(?:/[\w-][\w.-]*)+/requests/[\w-]{1,200})(?:/status)?$")
_REQUEST_ID = re.compile(r"^[\w-]{1,200}$")


class _Taken(msgspec.Struct):
    request_id: str = ""
    status_url: str | None = None


class _Status(msgspec.Struct):
    status: str = ""
    response_url: str | None = None
    error: str | None = None


class _Cancelled(msgspec.Struct):
    status: str = ""
    success: bool = False


class _File(msgspec.Struct):
    url: str = ""


class _Result(msgspec.Struct):
    video: _File | None = None


class _Fault(msgspec.Struct):
    loc: list[Json] = []
    msg: str = ""
    type: str = ""


class _Refusal(msgspec.Struct):
    detail: str | list[_Fault] | None = None


_Detail = str | list[_Fault] | None
_read_taken = reader_of(_Taken)
_read_status = reader_of(_Status)
_read_cancelled = reader_of(_Cancelled)
_read_result = reader_of(_Result)
_read_refusal = reader_of(_Refusal)


def encode_queued(endpoint: str, fields: dict[str, Any], *, callback_url: str) -> UpstreamCall:
    """Return the call that queues a job at an endpoint such as `fal-ai/pika/v2.2/text-to-video`; empty fields are left out."""
    query = "?" + urlencode({"fal_webhook": callback_url}) if callback_url else ""
    return post_json(f"/{endpoint}{query}", fields, unsaid=EMPTY)


def _job_path(vendor_task: str) -> str:
    """Return the path of a job: as the vendor named it, or, of a bare id, the short one."""
    return "/" + (vendor_task if _JOB.match(vendor_task) else f"{APP}/requests/{quote(vendor_task, safe='')}")


def _job_of(url: str | None) -> str:
    """Return the job in one of the vendor's addresses, empty when there is none: that may lie below another gateway's path."""
    try:
        match = _JOB.search(urlsplit((url or "")[:MAX_URL_CHARACTERS]).path)
    except ValueError:
        return ""
    return match[1] if match else ""


def encode_poll(vendor_task: str) -> UpstreamCall:
    """Return the call that asks how a job stands."""
    return UpstreamCall(method="GET", path=_job_path(vendor_task) + "/status")


def encode_cancel(vendor_task: str) -> UpstreamCall:
    """Return the call that cancels a job."""
    return UpstreamCall(method="PUT", path=_job_path(vendor_task) + "/cancel")


def parse_submit(status: int, body: bytes) -> VendorState:
    """Read the answer to a submit: taken, refused, or neither; then the job may exist, and nothing finds it."""
    if status == 200:
        told = _read_taken(body) or _Taken()
        job = _job_of(told.status_url) or (told.request_id if _REQUEST_ID.match(told.request_id) else "")
        return taken(job)
    return _refused(status, _detail_of(body))


def _refused(status: int, detail: _Detail) -> VendorState:
    """Say what a status means; 5xx other than 503 are ambiguous, and so is a 503 that the vendor did not word."""
    message = _message(detail)
    word, retryable, fault, pause_s = refusals.INVALID_REQUEST, False, False, None
    match status:
        case 401 | 402 | 403:
            word, retryable, fault = refusals.CREDENTIAL_REFUSED, True, True
            if status == 402 or "balance" in message.lower():
                word = refusals.VENDOR_BALANCE
        case 404 | 405:
            word, retryable = refusals.VENDOR_MISCONFIGURED, True
        case 429:
            word, retryable, pause_s = refusals.RATE_LIMITED, True, CROWDED_PAUSE_S
        case 503 if detail is not None:
            word, retryable, pause_s = refusals.VENDOR_UNAVAILABLE, True, CROWDED_PAUSE_S
        case _ if 400 <= status < 500:
            word = _word_of(detail)
        case _ if 300 <= status < 400:
            word, retryable = refusals.VENDOR_MISCONFIGURED, True
        case _:
            return VendorState()
    return VendorState(
        refused=True, retryable=retryable, credential_fault=fault, error_code=word, error_message=message, retry_after_s=pause_s
    )


def parse_poll(status: int, body: bytes) -> VendorState:
    """Read a status. `further`: the job is over, and its result tells how. Trouble leaves the task as it is."""
    if status == 404:
        return VendorState(refused=True, error_code=refusals.TASK_NOT_FOUND, error_message=_message(_detail_of(body)))
    if status not in (200, 202):
        return VendorState(retry_after_s=CROWDED_PAUSE_S if status in (429, 503) else None)
    told = _read_status(body)
    if told is None:
        return VendorState()
    match told.status.upper():
        case "IN_QUEUE" | "IN_PROGRESS" as word:
            return VendorState(state="running", progress=PROGRESS[word])
        case "COMPLETED":
            job = _job_of(told.response_url)
            if job:
                return VendorState(state="running", progress=90, further=UpstreamCall(method="GET", path=f"/{job}"))
            return failed(told.error) if told.error else VendorState()
        case _:
            return VendorState()  # a new word must not end a task


def parse_result(status: int, body: bytes) -> VendorState:
    """Read the result of a job that is over: its video, or why there is none."""
    if status == 200:
        result = _read_result(body)
        if result is None:
            return VendorState()
        return finished((TaskOutput(kind="video", url=result.video.url),) if result.video is not None and result.video.url else ())
    detail = _detail_of(body)
    if status in (401, 403, 429, 502, 503, 504) or detail is None:
        return VendorState(retry_after_s=CROWDED_PAUSE_S if status in (429, 503) else None)
    word = refusals.CONTENT_REFUSED if _word_of(detail) == refusals.CONTENT_REFUSED else refusals.GENERATION_FAILED
    return failed(_message(detail), word=word)


def parse_cancel(status: int, body: bytes) -> VendorState:
    """Read the answer to a cancellation: `{"status": "CANCELLATION_REQUESTED"}`, or what one schema says, `{"success": true}`."""
    answer = _read_cancelled(body) or _Cancelled()
    is_cancelled = status in (200, 202) and (answer.success or answer.status.upper() == "CANCELLATION_REQUESTED")
    return VendorState(state="canceled") if is_cancelled else VendorState()


def _detail_of(body: bytes) -> _Detail:
    return (_read_refusal(body) or _Refusal()).detail


def _word_of(detail: _Detail) -> str:
    faults = detail if isinstance(detail, list) else []
    return refusals.CONTENT_REFUSED if any("content_policy" in fault.type for fault in faults) else refusals.INVALID_REQUEST


def _message(detail: _Detail) -> str:
    """Return the vendor's words: a text, or the fields at fault in FastAPI's form."""
    if detail is None or isinstance(detail, str):
        return (detail or "")[:MAX_MESSAGE_CHARACTERS]
    told = [f"{fault.loc[-1]}: {fault.msg}" if fault.loc else fault.msg for fault in detail[:MAX_FAULTS]]
    return "; ".join(told)[:MAX_MESSAGE_CHARACTERS]


_SIGNED_HEADERS = (b"x-fal-webhook-request-id", b"x-fal-webhook-user-id", b"x-fal-webhook-timestamp")
_SECONDS = re.compile(rb"\d{1,11}")
_SIGNATURE = re.compile(rb"[0-9a-fA-F]{128}")


def read_signed(headers: HeaderBlock, body: bytes | bytearray) -> SignedCall | None:
    """Return what a webhook says that it is signed over: three headers and the hash of the body, a line each."""
    signed = [headers.get(name) for name in _SIGNED_HEADERS]
    signature = headers.get(b"x-fal-webhook-signature") or b""
    lines = [line for line in signed if line]
    if len(lines) != len(signed) or not _SECONDS.fullmatch(lines[-1]) or not _SIGNATURE.fullmatch(signature):
        return None
    message = b"\n".join((*lines, hashlib.sha256(body).hexdigest().encode()))
    return SignedCall(message=message, signature=bytes.fromhex(signature.decode()), made_at=float(lines[-1]))


CALLBACK_PROOF = CallbackProof(
    keys_url="https://rest.fal.ai/.well-known/jwks.json", keys_path="/rest/.well-known/jwks.json", read=read_signed, tolerance_s=300.0
)
"""Source: docs.fal.ai, "Webhooks", read 2026-11: five minutes either way, and keys may be kept for a day."""
