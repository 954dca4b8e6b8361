"""Failures: an upstream's in neutral words, ours in the dialect's.

Source: the Anthropic API reference, page "errors", read 2026-11. 529 is the vendor's own status and kept.
"""

import re
from http import HTTPStatus

import msgspec

from modelgate.core.errors import InsufficientFunds, ModelgateError
from modelgate.core.http import HeaderBlock, HttpResponse
from modelgate.core.records import Json
from modelgate.formats.anthropic_messages.schema import ErrorBody, ErrorDetail
from modelgate.formats.chat.vendor_error import VendorError, clean
from modelgate.formats.json_fields import UNREADABLE
from modelgate.formats.sse import render_event

OVERLOADED = 529
TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    500: "api_error",
    504: "timeout_error",
    OVERLOADED: "overloaded_error",
}
_STATUSES = {type: status for status, type in TYPES.items()}
_CODES = {401: "invalid_api_key", 402: "insufficient_quota", 429: "rate_limit_exceeded", OVERLOADED: "overloaded_error"}
_RETRIED = (408, 409, 429)

_OUT_OF_CREDIT = re.compile(r"(?i)credit balance is too low|billing_error|insufficient[_ ](?:quota|balance|credits?|funds)")
_TOO_LONG = re.compile(
    r"(?i)prompt is too long|exceeds? (?:the )?(?:model'?s )?(?:maximum )?context|context (?:window|length|limit)|too many total text"
)
_FILTERED = re.compile(r"(?i)content filtering policy|content_filter")
_NO_MODEL = re.compile(r"(?i)\bmodel\b")

_error = msgspec.json.Decoder(ErrorBody)
_encode = msgspec.json.Encoder().encode


def decode_error(status: int, body: bytes | bytearray) -> VendorError:
    """Return what an upstream's error answer says. `status` 0: it came in a stream. A CDN before the vendor answers in HTML."""
    try:
        found = _error.decode(body)
    except UNREADABLE:
        found = ErrorBody()
    detail = found.error if isinstance(found.error, ErrorDetail) else ErrorDetail(message=found.error or found.message or found.detail)
    kind, message = clean(detail.type), clean(detail.message) or ""
    status = status or _STATUSES.get(kind or "", 500)
    if status == 413 and not message:
        message = "The request is larger than the model takes."
    status, code = _classify(status, f"{kind} {message}")
    return VendorError(status=status, message=message, type=kind, code=code or clean(detail.code))


def _classify(status: int, words: str) -> tuple[int, str | None]:
    """Return the class and OpenAI's word for it. Numbered cases, the first that fits."""
    if status == 402 or (status in (400, 403, 429) and _OUT_OF_CREDIT.search(words)):  # 1. our account there is empty
        return 402, "insufficient_quota"
    if status in (400, 413) and _TOO_LONG.search(words):  # 2. too long
        return 400, "context_length_exceeded"
    if status == 400 and _FILTERED.search(words):  # 3. refused for what it says
        return 400, "content_filter"
    if status == 404 and _NO_MODEL.search(words):  # 4. not a model there
        return 404, "model_not_found"
    if "overloaded_error" in words:  # 5. too busy, whatever a proxy made of the status
        return OVERLOADED, "overloaded_error"
    return status, _CODES.get(status)


def status_of(error: ModelgateError) -> int:
    """Return the status an error has in this dialect."""
    if isinstance(error, InsufficientFunds):
        return 402
    return OVERLOADED if error.status == HTTPStatus.SERVICE_UNAVAILABLE else error.status


def _body_of(error: ModelgateError, request_id: str) -> bytes:
    status = status_of(error)
    kind = TYPES.get(status) or ("api_error" if status >= 500 else "invalid_request_error")
    message = error.message
    if error.param and error.param not in message:  # the dialect has no other place for the field's name
        message = f"{error.param}: {message}"
    body: dict[str, Json] = {"type": "error", "error": {"type": kind, "message": message}}
    return _encode({**body, "request_id": request_id} if request_id else body)


def encode_error(error: ModelgateError, request_id: str) -> HttpResponse:
    """Return an error as the official client expects it.

    The client picks its exception by status and retries 408, 409, 429 and 5xx unless `x-should-retry` says otherwise.
    """
    status = status_of(error)
    lines = [("content-type", "application/json")]
    if request_id:
        lines.append(("request-id", request_id))
    if error.retry_after_s is not None and error.retry_after is not None:
        lines.append(("retry-after", error.retry_after))
        lines.append(("retry-after-ms", str(max(1, round(error.retry_after_s * 1000)))))
    if not error.retryable and (status in _RETRIED or status >= 500):
        lines.append(("x-should-retry", "false"))
    headers = HeaderBlock(HeaderBlock.of(*lines).raw + _own_lines(error.header_lines))
    return HttpResponse(status=status, headers=headers, body=_body_of(error, request_id))


def _own_lines(lines: bytes) -> bytes:
    """Return header lines without those that only OpenAI's dialect has."""
    return b"".join(line + b"\r\n" for line in lines.split(b"\r\n") if line and not line.startswith(b"x-ratelimit-"))


def encode_stream_error(error: ModelgateError, request_id: str) -> bytes:
    """Return an error as the last event of a stream; the status went out long ago."""
    return render_event(_body_of(error, request_id), event=b"error")


def render_vendor_error(error: VendorError) -> bytes:
    """Return an upstream's error in the middle of its stream for a client of the same dialect, without what looks like a key."""
    kind = error.type or TYPES.get(error.status, "api_error")
    return render_event(_encode({"type": "error", "error": {"type": kind, "message": error.message}}), event=b"error")
