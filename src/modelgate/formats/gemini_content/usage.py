"""Counts of the dialect and ours: its candidates leave thoughts out, its prompt leaves out what tools put in."""

import msgspec

from modelgate.core.records import Json
from modelgate.core.usage import MAX_UNITS, Usage
from modelgate.formats.gemini_content.schema import ModalityCount, UsageMetadata
from modelgate.formats.json_fields import UNREADABLE

TOKENS_PER_IMAGE = 1290
"""What a picture of the 1024 class counts, for upstreams that do not say."""

_decoder = msgspec.json.Decoder(UsageMetadata, strict=False)
_IMPOSSIBLE = UsageMetadata(prompt_token_count=-1)


def decode_usage(raw: msgspec.Raw) -> UsageMetadata | None:
    """Return a `usageMetadata` object, None where there is none; what is no such object counts what cannot be."""
    if bytes(raw) in (b"", b"null"):
        return None
    try:
        return _decoder.decode(raw)
    except UNREADABLE:
        return _IMPOSSIBLE


def says_something(counted: UsageMetadata) -> bool:
    """Return whether there is any count in it; vendors send empty ones early in a stream."""
    return counted.prompt_token_count is not None or counted.candidates_token_count is not None or counted.total_token_count is not None


def leaves_pictures_out(counted: UsageMetadata | None) -> bool:
    """Return whether the pictures of an answer must be counted here, because its counts say nothing of the answer."""
    return counted is None or not counted.candidates_token_count


def usage_of(counted: UsageMetadata, *, images: int = 0) -> Usage | None:
    """Return the counted units, None when the figures cannot be true: negative, absurd, or parts above their whole.

    `images`: so many pictures are in the answer; where their tokens were left out of the counts, they are estimated.
    """
    said_prompt, tool_use = counted.prompt_token_count or 0, counted.tool_use_prompt_token_count or 0
    prompt = said_prompt + tool_use
    thought = counted.thoughts_token_count or 0
    cached = counted.cached_content_token_count or 0
    if counted.candidates_token_count is None and counted.total_token_count is not None:
        output = counted.total_token_count - prompt
    else:
        output = (counted.candidates_token_count or 0) + thought
    heard, seen = _heard_and_seen(counted.prompt_tokens_details)
    if counted.tool_use_prompt_tokens_details:
        more_heard, more_seen = _heard_and_seen(counted.tool_use_prompt_tokens_details)
        heard, seen = heard + more_heard, seen + more_seen
    spoken, drawn = _heard_and_seen(counted.candidates_tokens_details)
    estimated = images > 0 and output == thought
    if estimated:
        drawn = images * TOKENS_PER_IMAGE
        output += drawn
    if not (said_prompt >= 0 and tool_use >= 0 and prompt <= MAX_UNITS and 0 <= output <= MAX_UNITS):
        return None
    if not (0 <= cached <= prompt and 0 <= heard <= prompt and 0 <= seen <= prompt):
        return None
    if not (0 <= thought <= output and 0 <= spoken <= output and 0 <= drawn <= output):
        return None
    return Usage(
        input_tokens=prompt,
        output_tokens=output,
        cached_tokens=cached,
        input_audio_tokens=heard,
        input_image_tokens=seen,
        reasoning_tokens=thought,
        output_audio_tokens=spoken,
        output_image_tokens=drawn,
        estimated=estimated,
    )


def _heard_and_seen(counts: list[ModalityCount] | None) -> tuple[int, int]:
    """Return the tokens of sound and of pictures."""
    heard = seen = 0
    if not counts:
        return 0, 0
    for count in counts:
        if count.modality == "AUDIO":
            heard += count.token_count or 0
        elif count.modality == "IMAGE":
            seen += count.token_count or 0
    return heard, seen


def encode_usage(usage: Usage) -> dict[str, Json]:
    """Return counts as a client of this dialect expects them."""
    told: dict[str, Json] = {
        "promptTokenCount": usage.input_tokens,
        "candidatesTokenCount": usage.output_tokens - usage.reasoning_tokens,
        "totalTokenCount": usage.input_tokens + usage.output_tokens,
    }
    if usage.reasoning_tokens:
        told["thoughtsTokenCount"] = usage.reasoning_tokens
    if usage.cached_tokens:
        told["cachedContentTokenCount"] = usage.cached_tokens
    if usage.input_tokens:
        told["promptTokensDetails"] = _details(usage.input_tokens, audio=usage.input_audio_tokens, image=usage.input_image_tokens)
    visible = usage.output_tokens - usage.reasoning_tokens
    if usage.output_audio_tokens or usage.output_image_tokens:
        told["candidatesTokensDetails"] = _details(visible, audio=usage.output_audio_tokens, image=usage.output_image_tokens)
    return told


def _details(total: int, *, audio: int, image: int) -> list[dict[str, Json]]:
    counts = (("TEXT", total - audio - image), ("AUDIO", audio), ("IMAGE", image))
    return [{"modality": modality, "tokenCount": count} for modality, count in counts if count > 0]
