"""What kind of work a model does: the vendor refuses a model at the wrong endpoint. Models of unknown families do anything."""

import re
from typing import Literal

from modelgate.sandbox.openai.errors import Refused

Kind = Literal["chat", "completion", "embedding", "moderation", "image", "speech", "transcription"]

_FAMILIES: tuple[tuple[re.Pattern[str], Kind], ...] = (
    (re.compile(r"text-embedding-"), "embedding"),
    (re.compile(r"(omni|text)-moderation-"), "moderation"),
    (re.compile(r"dall-e-|gpt-image-"), "image"),
    (re.compile(r"tts-1|gpt-4o-mini-tts"), "speech"),
    (re.compile(r"whisper-1|gpt-(4o-(mini-)?)?transcribe"), "transcription"),
    (re.compile(r"gpt-3\.5-turbo-instruct|davinci-002|babbage-002"), "completion"),
    (re.compile(r"(gpt-(3\.5|4|5)|chatgpt-|o[134](-|$))"), "chat"),
)
_MESSAGES = {
    "chat": "This is not a chat model and thus not supported in the v1/chat/completions endpoint. Did you mean to use v1/completions?",
    "completion": "This is a chat model and not supported in the v1/completions endpoint. Did you mean to use v1/chat/completions?",
    "embedding": "You are not allowed to generate embeddings from this model",
}


def check_kind(model: str, wanted: Kind) -> None:
    """Refuse a model of a family that does other work. Raises Refused."""
    kind = kind_of(model)
    if kind is None or kind == wanted:
        return
    message = _MESSAGES.get(wanted, f"The model `{model[:200]}` is not supported for this endpoint: it is a {kind} model.")
    raise Refused(message, status=403 if wanted == "embedding" else 404, param="model")


def kind_of(model: str) -> Kind | None:
    """Return what the family of a model does, or None for one of no known family."""
    return next((kind for pattern, kind in _FAMILIES if pattern.match(model)), None)
