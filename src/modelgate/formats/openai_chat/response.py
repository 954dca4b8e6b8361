"""Reading usage and errors out of answers, and writing errors."""

import re

import msgspec

from modelgate.core.errors import ModelgateError
from modelgate.core.http import HeaderBlock, HttpResponse
from modelgate.core.usage import MAX_UNITS, Usage
from modelgate.formats.openai_chat.request import replace_field
from modelgate.formats.openai_chat.schema import Answer, ErrorBody, ErrorDetail, UsageBody

MAX_ERROR_TEXT = 2000

_answer = msgspec.json.Decoder(Answer)
_error = msgspec.json.Decoder(ErrorBody)
_SECRETS = re.compile(r"(?i)\b(sk|pk|rk|key|gsk|xai|AIza)[-_A-Za-z0-9*]{6,}|bearer\s+\S+|eyJ[\w-]+\.[\w-]+\.[\w-]+")


def decode_answer(body: bytes | bytearray) -> Answer | None:
    """Return a completion as far as it is looked at, None when it is not one."""
    try:
        return _answer.decode(body)
    except msgspec.DecodeError:
        return None


def usage_of(body: UsageBody) -> Usage | None:
    """Return the counted units, None when the vendor's figures cannot be true: negative, absurd, or parts above their whole."""
    prompt = body.prompt_tokens or 0
    output = body.completion_tokens or 0
    of_prompt = body.prompt_tokens_details
    of_output = body.completion_tokens_details
    cached = (of_prompt.cached_tokens or 0) if of_prompt else 0
    written = (of_prompt.cache_write_tokens or 0) if of_prompt else 0
    usage = Usage(
        input_tokens=prompt,
        output_tokens=output,
        cached_tokens=cached,
        # Newest models may count a token both as read and as written: it is charged as read.
        cache_write_tokens=min(written, prompt - cached) if cached <= prompt else written,
        input_audio_tokens=(of_prompt.audio_tokens or 0) if of_prompt else 0,
        input_image_tokens=(of_prompt.image_tokens or 0) if of_prompt else 0,
        reasoning_tokens=(of_output.reasoning_tokens or 0) if of_output else 0,
        output_audio_tokens=(of_output.audio_tokens or 0) if of_output else 0,
        output_image_tokens=(of_output.image_tokens or 0) if of_output else 0,
    )
    return usage if _is_credible(usage) else None


def _is_credible(usage: Usage) -> bool:
    if not (0 <= usage.input_tokens <= MAX_UNITS and 0 <= usage.output_tokens <= MAX_UNITS):
        return False
    input_parts = (usage.cached_tokens, usage.cache_write_tokens, usage.input_audio_tokens, usage.input_image_tokens)
    output_parts = (usage.reasoning_tokens, usage.output_audio_tokens, usage.output_image_tokens)
    return all(0 <= part <= usage.input_tokens for part in input_parts) and all(0 <= part <= usage.output_tokens for part in output_parts)


def has_no_choices(answer: Answer) -> bool:
    """Return whether a completion says nothing at all, which is an upstream's fault."""
    return bytes(answer.choices).replace(b" ", b"") in (b"", b"[]", b"null")


def decode_error(body: bytes | bytearray) -> ErrorDetail:
    """Return the error of an upstream's answer with string fields only, free of anything that looks like a key."""
    try:
        found = _error.decode(body)
    except msgspec.DecodeError:
        return ErrorDetail(message="", type=None, param=None, code=None)
    detail = found.error
    if detail is None:
        detail = ErrorDetail(message=found.message or found.detail)
    elif isinstance(detail, str):
        detail = ErrorDetail(message=detail)
    return ErrorDetail(message=_clean(detail.message) or "", type=_clean(detail.type), param=_clean(detail.param), code=_clean(detail.code))


def _clean(value: object) -> str | None:
    if not isinstance(value, str | int) or isinstance(value, bool) or value == "":
        return None
    return _SECRETS.sub("[removed]", str(value)[:MAX_ERROR_TEXT])


def rename_answer(body: bytes | bytearray, model: str) -> bytes:
    """Return a completion that names the model the caller asked for; every other byte stays."""
    return replace_field(body, "model", msgspec.json.encode(model))


def encode_error_body(error: ModelgateError, request_id: str) -> bytes:
    """Return the JSON of an error, all four keys present, the request id in the message."""
    message = f"{error.message} (request id: {request_id})" if request_id else error.message
    detail = {"message": message, "type": error.type, "param": error.param, "code": error.code}
    return msgspec.json.encode({"error": detail})


def encode_error(error: ModelgateError, request_id: str) -> HttpResponse:
    """Return an error as the official client expects it.

    The client picks its exception by status and retries 408, 409, 429 and 5xx unless `x-should-retry` says otherwise.
    """
    lines = [("content-type", "application/json")]
    if error.retry_after_s is not None:
        lines.append(("retry-after", str(max(1, round(error.retry_after_s + 0.499)))))
        lines.append(("retry-after-ms", str(max(1, round(error.retry_after_s * 1000)))))
    if not error.retryable and (error.status in (408, 409, 429) or error.status >= 500):
        lines.append(("x-should-retry", "false"))
    headers = HeaderBlock(HeaderBlock.of(*lines).raw + error.header_lines)
    return HttpResponse(status=error.status, headers=headers, body=encode_error_body(error, request_id))
