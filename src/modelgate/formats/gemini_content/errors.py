"""Errors in Google's shape, both ways."""

import re

import msgspec

from modelgate.core.errors import ModelgateError
from modelgate.core.http import HeaderBlock, HttpResponse
from modelgate.core.records import Json
from modelgate.formats.chat.vendor_error import VendorError, clean
from modelgate.formats.gemini_content.schema import list_of, object_of
from modelgate.formats.json_fields import UNREADABLE

MAX_RETRY_S = 86_400.0
_RPC = "type.googleapis.com/google.rpc."
_STATUS_NAMES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    402: "FAILED_PRECONDITION",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    405: "UNIMPLEMENTED",
    408: "DEADLINE_EXCEEDED",
    409: "ABORTED",
    429: "RESOURCE_EXHAUSTED",
    499: "CANCELLED",
    500: "INTERNAL",
    501: "UNIMPLEMENTED",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
_FOREIGN_STATUSES = {529: 503}
"""Statuses of other vendors that Google's clients do not know -> theirs: only so do they try again."""
_STATUSES = {
    "INVALID_ARGUMENT": 400,
    "FAILED_PRECONDITION": 400,
    "OUT_OF_RANGE": 400,
    "UNAUTHENTICATED": 401,
    "PERMISSION_DENIED": 403,
    "NOT_FOUND": 404,
    "ABORTED": 409,
    "RESOURCE_EXHAUSTED": 429,
    "CANCELLED": 500,
    "INTERNAL": 500,
    "UNKNOWN": 500,
    "UNAVAILABLE": 503,
    "DEADLINE_EXCEEDED": 504,
}
_DELAY = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)s")
_TOO_LONG = re.compile(r"input token count.{0,40}exceeds the maximum|exceeds the maximum number of tokens", re.IGNORECASE | re.DOTALL)
_NO_MODEL = re.compile(r"models?/\S+ is not found|is not supported for \w+|publisher model", re.IGNORECASE)
_NO_MONEY = re.compile(
    r"credits? (?:are|is|have been) (?:depleted|exhausted)|enable billing|billing (?:is|to be) (?:disabled|enabled)", re.IGNORECASE
)
_BAD_KEY = re.compile(r"API key (?:not valid|expired)|API_KEY_INVALID", re.IGNORECASE)
_NOT_HERE = re.compile(r"location is not supported", re.IGNORECASE)
_BAD_KEY_REASONS = frozenset(("API_KEY_INVALID", "API_KEY_EXPIRED", "API_KEY_SERVICE_BLOCKED"))
_NO_MONEY_REASONS = frozenset(("BILLING_DISABLED", "BILLING_NOT_ENABLED"))


def decode_error(status: int, body: bytes | bytearray) -> VendorError:
    """Return what an upstream's error says; `status` is the HTTP status it came with. A list of one error is that error."""
    try:
        value: Json = msgspec.json.decode(body)
    except UNREADABLE:
        value = None
    return decode_error_value(status, value)


def decode_error_value(status: int, value: Json) -> VendorError:
    """Return what an error says that was read already. `status` below 400 is no error's: the body's own counts."""
    whole = object_of(next(iter(list_of(value)), value))
    said = whole.get("error", whole)
    detail = object_of(said)
    message = clean(detail.get("message")) or (clean(said) or "" if isinstance(said, str) else "")
    name = clean(detail.get("status"))
    if status < 400:
        status = _status_in(detail, name)
    reasons = frozenset(str(object_of(entry).get("reason")) for entry in list_of(detail.get("details")))
    status, code = _judged(status, message, name, reasons)
    return VendorError(
        status=status,
        message=message,
        type=name,
        param=clean(_violated_field(detail)),
        code=code,
        retry_after_s=_retry_after(detail),
    )


def _status_in(detail: dict[str, Json], name: str | None) -> int:
    code = detail.get("code")
    if isinstance(code, int) and 400 <= code <= 599:
        return code
    return _STATUSES.get(name or "", 500)


def _judged(status: int, message: str, name: str | None, reasons: frozenset[str]) -> tuple[int, str | None]:
    """Return the class of an error and OpenAI's word for it.

    Numbered cases: 1. a bad key, which Google calls a bad request; 2. an account without money; 3. a place where the account may not be
    used; 4. a prompt beyond the model; 5. no such model; 6. limits; 7. all others by their status.
    """
    if status in (400, 403) and (reasons & _BAD_KEY_REASONS or _BAD_KEY.search(message)):
        return 401, "invalid_api_key"
    if status in (400, 403, 429) and (reasons & _NO_MONEY_REASONS or _NO_MONEY.search(message)):
        return 402, "insufficient_quota"
    if status == 400 and _NOT_HERE.search(message):
        return 403, "unsupported_country_region_territory"
    if status == 400 and _TOO_LONG.search(message):
        return 400, "context_length_exceeded"
    if status == 404:
        return 404, "model_not_found" if _NO_MODEL.search(message) else None
    if status == 429:
        return 429, "rate_limit_exceeded"
    return (500 if status == 499 else status), name.lower() if name else None


def _retry_after(detail: dict[str, Json]) -> float | None:
    for entry in (object_of(entry) for entry in list_of(detail.get("details"))):
        delay = entry.get("retryDelay")
        found = _DELAY.fullmatch(delay) if isinstance(delay, str) else None
        if found:
            return min(float(found[1]), MAX_RETRY_S)
    return None


def _violated_field(detail: dict[str, Json]) -> Json:
    for entry in (object_of(entry) for entry in list_of(detail.get("details"))):
        for violation in (object_of(violation) for violation in list_of(entry.get("fieldViolations"))):
            return violation.get("field")
    return None


def encode_error_body(error: ModelgateError, request_id: str) -> bytes:
    """Return the JSON of an error; the request id stands in the message."""
    message = error.message_for(request_id)
    details: list[Json] = []
    if error.code:
        details.append({"@type": f"{_RPC}ErrorInfo", "reason": error.code.upper(), "domain": "modelgate"})
    if error.param:
        details.append({"@type": f"{_RPC}BadRequest", "fieldViolations": [{"field": error.param, "description": error.message}]})
    if error.retry_after is not None:
        details.append({"@type": f"{_RPC}RetryInfo", "retryDelay": f"{error.retry_after}s"})
    return _body(_status_of(error.status), message, details)


def _status_of(status: int) -> int:
    return _FOREIGN_STATUSES.get(status, status)


def _body(status: int, message: str, details: list[Json]) -> bytes:
    name = _STATUS_NAMES.get(status) or ("INTERNAL" if status >= 500 else "INVALID_ARGUMENT")
    inside: dict[str, Json] = {"code": status, "message": message, "status": name}
    return msgspec.json.encode({"error": {**inside, "details": details} if details else inside})


def encode_passed_error(error: VendorError) -> bytes:
    """Return an upstream's own error in the middle of its answer, cleaned, for a client of the same dialect."""
    return _body(_status_of(max(error.status, 400)), error.message or "The upstream reports an error.", [])


def encode_error(error: ModelgateError, request_id: str) -> HttpResponse:
    """Return an error as the official client expects it: the body's `code` is the HTTP status."""
    lines = [("content-type", "application/json; charset=UTF-8")]
    if error.retry_after is not None:
        lines.append(("retry-after", error.retry_after))
    headers = HeaderBlock(HeaderBlock.of(*lines).raw + error.header_lines)
    return HttpResponse(status=_status_of(error.status), headers=headers, body=encode_error_body(error, request_id))


def encode_stream_error(error: ModelgateError, request_id: str) -> bytes:
    """Return an error as the last of a stream's events."""
    return b"data: " + encode_error_body(error, request_id) + b"\r\n\r\n"


def encode_array_error(error: ModelgateError, request_id: str) -> bytes:
    """Return an error as the last element of a streamed array that has begun."""
    return b",\r\n" + encode_error_body(error, request_id) + b"]"
