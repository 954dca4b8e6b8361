"""Counted units on the wire."""

import msgspec

from modelgate.core.records import Json
from modelgate.core.usage import MAX_UNITS, Usage
from modelgate.formats.json_fields import UNREADABLE
from modelgate.formats.openai_responses.schema import UsageBody

_decode = msgspec.json.Decoder(UsageBody).decode


def decode_usage(raw: msgspec.Raw) -> tuple[Usage | None, bool]:
    """Return (what an upstream counted, whether it counted something that cannot be)."""
    if bytes(raw) in (b"", b"null", b"{}"):
        return None, False
    try:
        usage = _usage_of(_decode(raw))
    except UNREADABLE:
        return None, True
    return usage, usage is None


def _usage_of(body: UsageBody) -> Usage | None:
    given, made = body.input_tokens or 0, body.output_tokens or 0
    of_input, of_output = body.input_tokens_details, body.output_tokens_details
    cached = (of_input.cached_tokens if of_input is not None else None) or 0
    written = (of_input.cache_write_tokens if of_input is not None else None) or 0
    thought = (of_output.reasoning_tokens if of_output is not None else None) or 0
    parts = ((given, MAX_UNITS), (made, MAX_UNITS), (cached, given), (written, given), (thought, made))
    if not all(0 <= part <= whole for part, whole in parts):
        return None
    return Usage(
        input_tokens=given,
        output_tokens=made,
        cached_tokens=cached,
        # Newest models may count a token both as read and as written: it is charged as read.
        cache_write_tokens=min(written, given - cached),
        reasoning_tokens=thought,
    )


def encode_usage(usage: Usage) -> dict[str, Json]:
    """Return the `usage` object with all of its details."""
    return {
        "input_tokens": usage.input_tokens,
        "input_tokens_details": {"cached_tokens": usage.cached_tokens, "cache_write_tokens": usage.cache_write_tokens},
        "output_tokens": usage.output_tokens,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
        "total_tokens": usage.input_tokens + usage.output_tokens,
    }
