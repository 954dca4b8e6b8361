"""Signed thoughts: the make-believe Anthropic signs what it thought, and refuses thoughts that are not its own or were altered."""

import binascii
import hmac
from base64 import b64decode, b64encode
from hashlib import sha256

SIGNING_KEY = b"the make-believe Anthropic thinks, therefore it signs"
TAG_BYTES = 16
_SHOWN, _HIDDEN = b"sandbox-shown:", b"sandbox-hidden:"


def sign_thought(shown: str, *, thought: str) -> str:
    """Return the signature of a block that shows `shown` of a thought: all of it, or nothing when its display is omitted."""
    return _seal(_SHOWN + shown.encode(), thought=thought)


def is_signed(shown: str, signature: str) -> bool:
    """Say whether a thinking block is one of ours, unaltered."""
    return _is_sealed(_SHOWN + shown.encode(), signature)


def redact_thought(thought: str) -> str:
    """Return the `data` of a redacted block, which tells nothing of the thought."""
    return _seal(_HIDDEN, thought=thought)


def is_redacted(data: str) -> bool:
    """Say whether a redacted block is one of ours, unaltered."""
    return _is_sealed(_HIDDEN, data)


def _seal(message: bytes, *, thought: str) -> str:
    mark = sha256(thought.encode()).digest()[:TAG_BYTES]
    return b64encode(mark + _tag(message, mark)).decode()


def _is_sealed(message: bytes, sealed: str) -> bool:
    try:
        given = b64decode(sealed, validate=True)
    except (binascii.Error, ValueError):
        return False
    return hmac.compare_digest(given[TAG_BYTES:], _tag(message, given[:TAG_BYTES]))


def _tag(message: bytes, mark: bytes) -> bytes:
    return hmac.digest(SIGNING_KEY, mark + message, "sha256")[:TAG_BYTES]
