"""Result files, copied from the vendor to our blob store before a task may succeed.

Addresses in a vendor's answer are no more trusted than a caller's: they go through the URL guard. The upstream's own origin
is exempt, because its operator configured it.
"""

import asyncio
from collections.abc import Mapping
from typing import Protocol

import msgspec

from modelgate.core.blobs import BlobStoreFailed, blob_key
from modelgate.core.records import Task, TaskOutput, Upstream
from modelgate.formats.media.clips import seconds_of_mp4
from modelgate.tasks.calls import ProxyFor, no_proxy, way_to
from modelgate.transport.errors import TransportError
from modelgate.transport.target import Target

MEGABYTE = 1024 * 1024
MAX_FILE_BYTES: Mapping[str, int] = {"image": 64 * MEGABYTE, "audio": 128 * MEGABYTE, "video": 512 * MEGABYTE}
MAX_OUTPUTS = 16
FETCH_TIMEOUT_S = 60.0
COPY_TIMEOUT_S = 180.0
"""For all files of a task together; with a call before it, still shorter than a mover's lease."""
MAX_LENGTH_S = 3_600.0
"""A clip that says it is longer is not believed."""
MAX_COPIES = 2
"""Files in memory at once, in each process."""

_SIGNATURES: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"GIF8", "image/gif"),
    (8, b"WEBP", "image/webp"),
    (4, b"ftypqt", "video/quicktime"),
    (4, b"ftypM4A", "audio/mp4"),
    (4, b"ftyp", "video/mp4"),
    (0, b"\x1aE\xdf\xa3", "video/webm"),
    (0, b"ID3", "audio/mpeg"),
    (0, b"\xff\xfb", "audio/mpeg"),
    (0, b"\xff\xf3", "audio/mpeg"),
    (0, b"\xff\xf1", "audio/aac"),
    (0, b"\xff\xf9", "audio/aac"),
    (8, b"WAVE", "audio/wav"),
    (0, b"OggS", "audio/ogg"),
    (0, b"fLaC", "audio/flac"),
)


class NotCopied(Exception):
    """A result file could not be copied now; the text is for the log."""


class Blobs(Protocol):
    """What is used of the blob store; see `storage/blobs.py`."""

    async def put(self, key: str, data: bytes) -> None: ...

    async def get(self, key: str) -> bytes: ...


class Fetched(Protocol):
    """A fetched file."""

    @property
    def body(self) -> bytes: ...


class Fetcher(Protocol):
    """What is used of `transport.guard.GuardedFetcher`."""

    async def fetch(
        self, url: str, *, max_bytes: int, timeout_s: float, content_types: tuple[str, ...] | None, exempt: Mapping[str, Target]
    ) -> Fetched:
        """Raises TransportError, or ValueError for an address that is refused."""
        ...


def sniff(data: bytes) -> str | None:
    """Return the content type that a file's first bytes tell; None: none that is kept. What a server claims is not asked."""
    for offset, signature, content_type in _SIGNATURES:
        if data.startswith(signature, offset):
            return content_type
    return None


def _length_ms(data: bytes, content_type: str) -> int:
    """Return how long a clip is by its own head, 0 where that does not tell: most vendors say nothing of it."""
    length_s = seconds_of_mp4(data) if content_type in ("video/mp4", "video/quicktime") else None
    return round(length_s * 1000) if length_s is not None and length_s <= MAX_LENGTH_S else 0


class OutputCopier:
    """Copies results, a few at a time."""

    def __init__(self, fetcher: Fetcher, blobs: Blobs, *, proxy_for: ProxyFor = no_proxy) -> None:
        self._fetcher = fetcher
        self._blobs = blobs
        self._proxy_for = proxy_for
        self._copying = asyncio.Semaphore(MAX_COPIES)

    async def copy(self, task: Task, upstream: Upstream, outputs: tuple[TaskOutput, ...]) -> tuple[TaskOutput, ...]:
        """Return the outputs with their files in the blob store, extras that cannot be fetched left out.

        The same task's files keep their names: a repeat replaces them.

        Raises:
            NotCopied: not all of them are; trying again may help.
        """
        trouble, cause = "", None
        copies: list[asyncio.Task[TaskOutput | None]] = []
        try:
            exempt = self._exempt(upstream)
            async with asyncio.timeout(COPY_TIMEOUT_S), asyncio.TaskGroup() as group:
                copies = [
                    group.create_task((self._copy_extra if output.is_extra else self._copy_one)(f"{task.id}-{index}", output, exempt))
                    for index, output in enumerate(outputs[:MAX_OUTPUTS])
                ]
        except* (TransportError, BlobStoreFailed, ValueError, TimeoutError) as errors:
            trouble, cause = "; ".join(str(error) or type(error).__name__ for error in errors.exceptions), errors
        if cause is not None:  # not raised in there: the first releases of Python 3.11 put whatever is raised in an `except*` into a group
            raise NotCopied(trouble) from cause
        return tuple(copied for copy in copies if (copied := copy.result()) is not None)

    async def _copy_extra(self, stem: str, output: TaskOutput, exempt: Mapping[str, Target]) -> TaskOutput | None:
        """Return an extra as `_copy_one` does, None for one that is not to be had: what was paid for does not wait for it."""
        try:
            return await self._copy_one(stem, output, exempt)
        except (TransportError, ValueError, TimeoutError):
            return None

    async def _copy_one(self, stem: str, output: TaskOutput, exempt: Mapping[str, Target]) -> TaskOutput:
        if output.kind == "text" or not output.url:  # one without an address is withheld by its vendor
            return output
        async with self._copying:
            fetched = await self._fetcher.fetch(
                output.url, max_bytes=MAX_FILE_BYTES[output.kind], timeout_s=FETCH_TIMEOUT_S, content_types=None, exempt=exempt
            )
            content_type = sniff(fetched.body)
            if content_type is None or not content_type.startswith(f"{output.kind}/"):
                raise ValueError(f"the result is {content_type or 'no file that is kept'}, not {output.kind}")
            key = blob_key(stem, content_type)
            await self._blobs.put(key, fetched.body)
            duration_ms = output.duration_ms or _length_ms(fetched.body, content_type)
            size_bytes = len(fetched.body)
        return msgspec.structs.replace(output, blob=key, content_type=content_type, size_bytes=size_bytes, duration_ms=duration_ms)

    def _exempt(self, upstream: Upstream) -> Mapping[str, Target]:
        target = way_to(upstream, self._proxy_for)
        return {target.origin: target}
