"""Counted units on the wire."""

import msgspec

from modelgate.core.records import Json
from modelgate.core.usage import Usage
from modelgate.formats.json_fields import UNREADABLE
from modelgate.formats.openai_chat.response import usage_of
from modelgate.formats.openai_chat.schema import UsageBody

_decode = msgspec.json.Decoder(UsageBody).decode


def decode_usage(raw: msgspec.Raw) -> tuple[Usage | None, bool]:
    """Return (what an upstream counted, whether it counted something that cannot be)."""
    if bytes(raw) in (b"", b"null", b"{}"):
        return None, False
    try:
        usage = usage_of(_decode(raw))
    except UNREADABLE:
        return None, True
    return usage, usage is None


def encode_usage(usage: Usage) -> dict[str, Json]:
    """Return the `usage` object with all of its details."""
    of_prompt = {"cached_tokens": usage.cached_tokens, "audio_tokens": usage.input_audio_tokens}
    if usage.cache_write_tokens:
        of_prompt["cache_write_tokens"] = usage.cache_write_tokens
    if usage.input_image_tokens:
        of_prompt["image_tokens"] = usage.input_image_tokens
    of_output = {
        "reasoning_tokens": usage.reasoning_tokens,
        "audio_tokens": usage.output_audio_tokens,
        "accepted_prediction_tokens": 0,
        "rejected_prediction_tokens": 0,
    }
    if usage.output_image_tokens:
        of_output["image_tokens"] = usage.output_image_tokens
    return {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.input_tokens + usage.output_tokens,
        "prompt_tokens_details": of_prompt,
        "completion_tokens_details": of_output,
    }
