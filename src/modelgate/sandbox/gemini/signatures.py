"""Thought signatures: made for a function call, recognised when the caller brings them back with it."""

import hashlib
import hmac
from base64 import b64decode, b64encode

from modelgate.core.records import Json
from modelgate.sandbox.gemini.errors import pretty

_SECRET = b"the make-believe gemini's own thoughts"
_NONCE_BYTES = 8
_MAC_BYTES = 24
UNCHECKED = tuple(
    b64decode(word.replace("_", "/")) for word in ("skip_thought_signature_validator", "context_engineering_is_the_way_to_go")
)
"""The vendor takes these two words in place of a signature, for calls that another model made (its page on thought signatures)."""


def sign(name: str, arguments: Json = None) -> str:
    """Return the signature of a thought that led to a call of `name`; without a name, of one that led to a text."""
    nonce = hashlib.sha256(pretty(arguments)).digest()[:_NONCE_BYTES]
    return b64encode(nonce + _mac(nonce, name)).decode()


def is_ours(signature: bytes, *, name: str) -> bool:
    """Say whether we signed a call of `name` so, or the caller used one of the words that skip the check."""
    nonce, mac = signature[:_NONCE_BYTES], signature[_NONCE_BYTES:]
    return signature in UNCHECKED or hmac.compare_digest(mac, _mac(nonce, name))


def _mac(nonce: bytes, name: str) -> bytes:
    return hmac.digest(_SECRET, nonce + name.encode(), "sha256")[:_MAC_BYTES]
