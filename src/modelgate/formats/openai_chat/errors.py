"""Errors of upstreams read in neutral words. Vendors of this dialect agree on little, so words are looked at besides statuses.

Source: the OpenAI API reference, and what DeepSeek, Moonshot, Zhipu, DashScope, xAI, OpenRouter and others are known to send, read 2026-11.
"""

import re

import msgspec

from modelgate.core.records import Json
from modelgate.formats.chat.vendor_error import VendorError, clean, for_callers, is_callers_fault
from modelgate.formats.json_fields import UNREADABLE
from modelgate.formats.openai_chat.schema import ErrorBody, ErrorDetail
from modelgate.formats.sse import data_of, replace_data

MAX_RETRY_AFTER_S = 86_400.0

_decode = msgspec.json.Decoder(ErrorBody).decode
_decode_listed = msgspec.json.Decoder(list[ErrorBody]).decode
"""Google's server of this dialect says its error inside a list."""
_decode_fields = msgspec.json.Decoder(dict[str, Json]).decode

_OUT_OF_CREDIT = re.compile(
    r"(?i)insufficient[_ ](?:quota|balance|credits?|funds)|billing_hard_limit|exceeded your current quota|in arrears|arrearage"
    r"|requires more credits|余额不足|欠费|exceeded_current_quota"
)
_BAD_KEY = re.compile(
    r"(?i)invalid_api_key|(?:incorrect|invalid) api key|invalid authentication|authentication fails|invalid_authentication"
)
_TOO_LONG = re.compile(
    r"(?i)context_length_exceeded|maximum context length|context (?:window|length) (?:is )?exceed|exceeds? the (?:model'?s )?"
    r"(?:max(?:imum)? )?(?:context|input)|prompt is too long|range of input length|model_max_prompt_tokens_exceeded"
)
_FILTERED = re.compile(
    r"(?i)content[_ ]filter|content_policy|data_?inspection_?failed|moderation_blocked|content exists risk|responsibleai"
)
_NO_MODEL = re.compile(r"(?i)model_?not_?(?:found|exist)|model .{0,200}(?:does not exist|not found)|no such model")
_TRY_AGAIN = re.compile(r"(?i)try again in ((?:\d+(?:\.\d+)?(?:ms|h|m|s))+)")
_PIECE = re.compile(r"(\d+(?:\.\d+)?)(ms|h|m|s)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}

_STATUS_OF_WORD = (
    (re.compile(r"(?i)rate_?limit|too_many_requests|^requests$|^tokens$"), 429),
    (re.compile(r"(?i)overloaded|unavailable|slow_down"), 503),
    (re.compile(r"(?i)timeout"), 504),
    (re.compile(r"(?i)invalid_request|bad_request|invalid_parameter"), 400),
    (re.compile(r"(?i)authentication"), 401),
    (re.compile(r"(?i)permission"), 403),
    (re.compile(r"(?i)not_found"), 404),
)
"""What an error in the middle of a stream, where there is no status any more, calls itself."""


def decode_error(status: int, body: bytes | bytearray) -> VendorError:
    """Return what an upstream's error answer says. `status` 0: it came in a stream."""
    detail = decode_detail(body)
    words = " ".join(str(word) for word in (detail.code, detail.type, detail.message) if word)
    if status == 404 and detail.param and detail.param != "model":
        status = 400  # what the request names is not there: an item, a kept answer, a prompt
    status, code = _classify(status or _status_of(detail), detail.code, words)
    return VendorError(
        status=status,
        message=detail.message or "",
        type=detail.type,
        param=detail.param,
        code=code,
        retry_after_s=_retry_after_s(words),
    )


def decode_detail(body: bytes | bytearray) -> ErrorDetail:
    """Return the error of an upstream's answer with string fields only, free of anything that looks like a key."""
    try:
        found = _decode_listed(body)[0] if body[:1] == b"[" else _decode(body)
    except (*UNREADABLE, IndexError):
        return ErrorDetail(message="", type=None, param=None, code=None)
    detail = found.error
    if detail is None:
        detail = ErrorDetail(message=found.message or found.detail, type=found.type, code=found.code)
    elif isinstance(detail, str):
        detail = ErrorDetail(message=detail, type=found.type, code=found.code)
    message = clean(_sentence(detail.message)) or ""
    return ErrorDetail(message=message, type=clean(detail.type), param=clean(detail.param), code=clean(detail.code))


def passed_error(event: bytes, error: VendorError) -> bytes:
    """Return the event of a stream that tells of an error as its caller may read it: as it is where the fault is the caller's.

    It may be an error of chat completions, an `error` event with one inside or its words at the top, or a response that failed.
    """
    if is_callers_fault(error.status):
        return event
    told = for_callers(error)
    detail: dict[str, Json] = {"message": told.message, "type": "upstream_error", "param": None, "code": told.code}
    try:
        said = _decode_fields(data_of(event))
        answer = _decode_fields(msgspec.json.encode(said["response"])) if said.get("response") else {}
    except UNREADABLE:
        return b"data: %b\n\n" % msgspec.json.encode({"error": detail})
    if answer.get("error"):
        said["response"] = {**answer, "error": {"code": told.code or "server_error", "message": told.message}}
    if said.get("error"):
        said["error"] = detail
    if said.get("message"):
        said.update(message=told.message, code=told.code)
    return replace_data(event, msgspec.json.encode(said))


def _sentence(message: Json) -> Json:
    """Return what is said; lists of what is wrong with which field are told as they are (Mistral, and whoever uses its framework)."""
    return msgspec.json.encode(message).decode() if isinstance(message, dict | list) else message


def _classify(status: int, code: str | None, words: str) -> tuple[int, str | None]:
    """Return the class and OpenAI's word for it. Numbered cases, the first that fits."""
    if status == 402 or (status in (400, 403, 429) and _OUT_OF_CREDIT.search(words)):  # 1. our account there is empty
        return 402, "insufficient_quota"
    if status in (400, 401, 403) and _BAD_KEY.search(words):  # 2. our key is not taken
        return 401, "invalid_api_key"
    if status in (400, 413, 422, 500) and _TOO_LONG.search(words):  # 3. too long
        return 400, "context_length_exceeded"
    if status in (400, 403, 422, 451) and _FILTERED.search(words):  # 4. refused for what it says
        return 400, "content_filter"
    if status in (400, 404) and _NO_MODEL.search(words):  # 5. not a model there
        return 404, "model_not_found"
    if status == 429:
        return 429, "rate_limit_exceeded"
    if status == 529:
        return 529, "overloaded_error"
    return status, code


def _status_of(detail: ErrorDetail) -> int:
    for word in (detail.code, detail.type):
        if isinstance(word, str):
            if word.isascii() and word.isdigit() and 400 <= int(word[:4]) < 600:
                return int(word[:4])
            for pattern, status in _STATUS_OF_WORD:
                if pattern.search(word):
                    return status
    return 400 if _TOO_LONG.search(str(detail.message)) or _FILTERED.search(f"{detail.code} {detail.type}") else 502


def _retry_after_s(words: str) -> float | None:
    found = _TRY_AGAIN.search(words)
    if found is None:
        return None
    seconds = sum(float(number) * _SECONDS[unit] for number, unit in _PIECE.findall(found[1]))
    return min(seconds, MAX_RETRY_AFTER_S)
