"""Reading usage out of answers, and writing errors."""

import msgspec

from modelgate.core.errors import ModelgateError
from modelgate.core.http import HeaderBlock, HttpResponse
from modelgate.core.usage import MAX_UNITS, Usage
from modelgate.formats.json_fields import UNREADABLE, replace_field
from modelgate.formats.openai_chat.schema import NO_RAW, Answer, UsageBody

OVERLOADED_ELSEWHERE = 529
"""Claude's status of an overloaded vendor; clients of this dialect know 503."""
OVERLOADED_CODE = "overloaded_error"
MIN_CHOICES_BYTES = 16
"""No list with a choice in it is shorter."""


class _Uncounted(msgspec.Struct, frozen=True):
    choices: msgspec.Raw = NO_RAW


_answer = msgspec.json.Decoder(Answer)
_uncounted = msgspec.json.Decoder(_Uncounted)
_IMPOSSIBLE = UsageBody(prompt_tokens=-1)


def decode_answer(body: bytes | bytearray) -> Answer | None:
    """Return a completion as far as it is looked at, None when it is not one. A usage that is none is one that cannot be."""
    try:
        return _answer.decode(body)
    except UNREADABLE:
        pass
    try:
        return Answer(choices=_uncounted.decode(body).choices, usage=_IMPOSSIBLE)
    except UNREADABLE:
        return None


def usage_of(body: UsageBody) -> Usage | None:
    """Return the counted units, None when the vendor's figures cannot be true: negative, absurd, none at all, parts above their whole."""
    prompt = body.prompt_tokens or body.input_tokens or 0
    output = body.completion_tokens or body.output_tokens or 0
    if not prompt and not output:
        return None  # no conversation is made of nothing: who says so does not count
    if not (0 <= prompt <= MAX_UNITS and 0 <= output <= MAX_UNITS):
        return None
    of_prompt, of_output = body.prompt_tokens_details, body.completion_tokens_details
    cached_elsewhere = body.prompt_cache_hit_tokens or body.cached_tokens or 0
    if of_prompt is None and of_output is None and not cached_elsewhere:
        return Usage(input_tokens=prompt, output_tokens=output)
    cached = written = heard = seen = thought = spoken = drawn = 0
    if of_prompt is not None:
        cached, written = of_prompt.cached_tokens or 0, of_prompt.cache_write_tokens or 0
        heard, seen = of_prompt.audio_tokens or 0, of_prompt.image_tokens or 0
        if min(cached, written, heard, seen) < 0 or max(cached, written, heard, seen) > prompt:
            return None
    cached = cached or cached_elsewhere
    if not 0 <= cached <= prompt:
        return None
    if of_output is not None:
        thought, spoken, drawn = of_output.reasoning_tokens or 0, of_output.audio_tokens or 0, of_output.image_tokens or 0
        if thought > 0 and body.total_tokens == prompt + output + thought:  # xAI counts thoughts beside the completion
            output += thought
            if output > MAX_UNITS:
                return None
        if min(thought, spoken, drawn) < 0 or max(thought, spoken, drawn) > output:
            return None
    return Usage(
        input_tokens=prompt,
        output_tokens=output,
        cached_tokens=cached,
        # Newest models may count a token both as read and as written: it is charged as read.
        cache_write_tokens=min(written, prompt - cached),
        input_audio_tokens=heard,
        input_image_tokens=seen,
        reasoning_tokens=thought,
        output_audio_tokens=spoken,
        output_image_tokens=drawn,
    )


def has_no_choices(answer: Answer) -> bool:
    """Return whether a completion says nothing at all, which is an upstream's fault."""
    choices = memoryview(answer.choices)
    return len(choices) < MIN_CHOICES_BYTES and bytes(choices).replace(b" ", b"") in (b"", b"[]", b"null")


def rename_answer(body: bytes | bytearray, model: str) -> bytes:
    """Return a completion that names the model the caller asked for; every other byte stays."""
    return replace_field(body, "model", msgspec.json.encode(model))


def detail_of(error: ModelgateError, request_id: str) -> dict[str, str | None]:
    """Return what the body of an error says: all four keys, the request id in the message."""
    code = OVERLOADED_CODE if error.status == OVERLOADED_ELSEWHERE else error.code
    return {"message": error.message_for(request_id), "type": error.type, "param": error.param, "code": code}


def encode_error_body(error: ModelgateError, request_id: str) -> bytes:
    """Return the JSON of an error."""
    return msgspec.json.encode({"error": detail_of(error, request_id)})


def encode_error(error: ModelgateError, request_id: str) -> HttpResponse:
    """Return an error as the official client expects it.

    The client picks its exception by status and retries 408, 409, 429 and 5xx unless `x-should-retry` says otherwise.
    """
    lines = [("content-type", "application/json")]
    if error.retry_after_s is not None and error.retry_after is not None:
        lines.append(("retry-after", error.retry_after))
        lines.append(("retry-after-ms", str(max(1, round(error.retry_after_s * 1000)))))
    status = 503 if error.status == OVERLOADED_ELSEWHERE else error.status
    if not error.retryable and (status in (408, 409, 429) or status >= 500):
        lines.append(("x-should-retry", "false"))
    headers = HeaderBlock(HeaderBlock.of(*lines).raw + error.header_lines)
    return HttpResponse(status=status, headers=headers, body=encode_error_body(error, request_id))
