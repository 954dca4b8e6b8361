"""Why an answer ended, both ways."""

from collections.abc import Mapping

from modelgate.formats.chat.response import FinishReason

_REFUSALS = (
    "SAFETY",
    "RECITATION",
    "BLOCKLIST",
    "PROHIBITED_CONTENT",
    "SPII",
    "LANGUAGE",
    "IMAGE_SAFETY",
    "IMAGE_PROHIBITED_CONTENT",
    "IMAGE_RECITATION",
)
_FROM_VENDOR: Mapping[str, FinishReason] = {"MAX_TOKENS": "length", **dict.fromkeys(_REFUSALS, "content_filter")}
_TO_CLIENT: Mapping[FinishReason, str] = {"length": "MAX_TOKENS", "content_filter": "SAFETY", "pause": "OTHER"}
UNSPECIFIED = "FINISH_REASON_UNSPECIFIED"
"""The same as saying nothing."""


def decode_finish(reason: str, *, has_calls: bool) -> FinishReason:
    """Return a finish reason in neutral words; calls are among what the vendor calls STOP."""
    found = _FROM_VENDOR.get(reason, "stop")
    return "tool_calls" if found == "stop" and has_calls else found


def encode_finish(reason: FinishReason) -> str:
    """Return a finish reason as a client of this dialect knows it."""
    return _TO_CLIENT.get(reason, "STOP")
