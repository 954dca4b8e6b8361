"""Places in lists as opaque text that callers hand back: checked, so that a made-up one is refused and not obeyed."""

import binascii
import hashlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import TypeVar

import msgspec

from modelgate.control.errors import refused

CHECK_CHARACTERS = 6
T = TypeVar("T")


def encode_cursor(place: msgspec.Struct) -> str:
    """Return a place as text."""
    text = urlsafe_b64encode(msgspec.json.encode(place)).decode().rstrip("=")
    return f"{text}.{_check(text)}"


def decode_cursor(cursor: str, kind: type[T]) -> T:
    """Return the place that a caller hands back. Raises InvalidRequest: it is none of ours."""
    text, _, check = cursor.rpartition(".")
    try:
        if check != _check(text):
            raise ValueError("not the check of this text")
        return msgspec.json.decode(urlsafe_b64decode(text + "=" * (-len(text) % 4)), type=kind)
    except (ValueError, binascii.Error, msgspec.MsgspecError):
        raise refused("after", "it is not the `next` of a page") from None


def _check(text: str) -> str:
    """Guards against typing and guessing; what a caller may see is decided elsewhere."""
    return hashlib.sha256(b"modelgate cursor" + text.encode()).hexdigest()[:CHECK_CHARACTERS]
