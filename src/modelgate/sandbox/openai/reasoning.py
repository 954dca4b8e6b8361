"""Encrypted reasoning: an opaque text that the make-believe vendor can tell from anybody else's when it comes back."""

import hashlib
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode

from modelgate.core.records import Json
from modelgate.sandbox.openai.errors import Refused

PREFIX = "gAAAAA"
_NONCE_BYTES = 96
_SALT = b"the sandbox's reasoning"  # public by design: it protects nothing


def make_encrypted() -> str:
    """Return a fresh encrypted content."""
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return PREFIX + urlsafe_b64encode(nonce + _mark(nonce)).decode()


def check_encrypted(item: dict[str, Json]) -> None:
    """Check that the encrypted content of a reasoning item is ours. Raises Refused."""
    if not _is_ours(item["encrypted_content"]):
        raise Refused(
            f"The encrypted content for item {item['id'][:80]} could not be verified. Reason: Encrypted content could not be decrypted or "
            "parsed.",
            code="invalid_encrypted_content",
        )


def _is_ours(text: str) -> bool:
    try:
        data = urlsafe_b64decode(text.removeprefix(PREFIX))
    except ValueError:
        return False
    return text.startswith(PREFIX) and len(data) > _NONCE_BYTES and data[_NONCE_BYTES:] == _mark(data[:_NONCE_BYTES])


def _mark(nonce: bytes) -> bytes:
    return hashlib.sha256(_SALT + nonce).digest()
