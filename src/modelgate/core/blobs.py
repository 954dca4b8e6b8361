"""Names of stored files. A key tells the content type by its ending, so that no store has to remember it."""

import hashlib
import re
from typing import Final

import msgspec

CONTENT_TYPES: Final = {
    "png": "image/png",
    "jpg": "image/jpeg",
    "webp": "image/webp",
    "gif": "image/gif",
    "mp4": "video/mp4",
    "webm": "video/webm",
    "mov": "video/quicktime",
    "mp3": "audio/mpeg",
    "wav": "audio/wav",
    "m4a": "audio/mp4",
    "aac": "audio/aac",
    "ogg": "audio/ogg",
    "flac": "audio/flac",
}
"""Every type of file that is kept, by its ending. Nothing a browser would run is among them."""

SHARDS: Final = 256
"""Directories that files are spread over, so that none grows beyond use."""

_ENDINGS = {content_type: ending for ending, content_type in CONTENT_TYPES.items()}
_KEY = re.compile(r"[A-Za-z0-9_-]{8,100}\.(" + "|".join(CONTENT_TYPES) + r")\Z")


class BlobNotFound(LookupError):
    """No file of that key."""


class BlobStoreFailed(Exception):
    """The store itself is in trouble (disk full, bucket unreachable); trying again later may help."""


class BlobInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a stored file without reading it. `modified_at` is seconds since the epoch."""

    size_bytes: int
    content_type: str
    modified_at: float


def blob_key(stem: str, content_type: str) -> str:
    """Return the key of a file from a unique stem such as an id.

    Raises:
        ValueError: a content type that is not kept, or a stem that is no name.
    """
    ending = _ENDINGS.get(content_type)
    if ending is None:
        raise ValueError(f"files of type {content_type!r} are not kept")
    key = f"{stem}.{ending}"
    if not is_blob_key(key):
        raise ValueError(f"{stem!r} cannot name a file")
    return key


def is_blob_key(text: str) -> bool:
    """Return whether a text has the shape of a key: no path, no dots but one, a known ending."""
    return _KEY.match(text) is not None


def content_type_of(key: str) -> str:
    """Return the content type a key tells. Raises ValueError when it is not a key."""
    if not is_blob_key(key):
        raise ValueError(f"{key!r} is not a key")
    return CONTENT_TYPES[key.rpartition(".")[2]]


def path_of(key: str) -> str:
    """Return where in a store the file is kept: the directory of its shard, and the key. Raises ValueError when it is not a key."""
    content_type_of(key)  # nothing but a key becomes a path
    shard = hashlib.sha256(key.encode()).hexdigest()[:2]
    return f"{shard}/{key}"
