"""Result files under signed addresses of ours, with ranges, sent in bounded chunks from the blob store."""

import asyncio
import hashlib
import hmac
import re
from email.utils import formatdate
from typing import Protocol
from urllib.parse import parse_qs, urlsplit

import msgspec

from modelgate.core.blobs import BlobInfo, BlobNotFound, BlobStoreFailed, is_blob_key
from modelgate.core.clock import Clock
from modelgate.core.errors import InvalidRequest, ModelgateError, Overloaded, PermissionDenied, UnknownPath
from modelgate.core.http import BodySink, HeaderBlock, HttpRequest, HttpResponse
from modelgate.core.records import Task
from modelgate.gateway.previews import Previews

FILES_PREFIX = "/files/"
CHUNK_BYTES = 256 * 1024
"""Read from the store and handed on at once; a slow client costs no more memory than this."""
DEFAULT_LIFETIME_DAYS = 90
"""A signed address outlives the vendor's copy, which goes after 30 days at the latest."""
MAX_CACHE_S = 86_400
SIGNATURE_BYTES = 16

_RANGE = re.compile(rb"bytes=(\d{0,18})-(\d{0,18})\Z")


class FileExpired(PermissionDenied):
    """The signed address was good once."""

    code = "file_link_expired"
    text = "This address has expired. Fetch the task again for a fresh one."


class BlobReader(Protocol):
    """The part of a blob store that serving needs."""

    async def head(self, key: str) -> BlobInfo: ...

    async def read(self, key: str, *, start: int, length: int) -> bytes: ...


class FileLinks:
    """Signs and checks addresses of stored files."""

    def __init__(self, *, base_url: str, secret: bytes, lifetime_s: float, clock: Clock, kept_s: float = 0.0) -> None:
        """`base_url` is where clients find this server; `secret` is a key made for this purpose alone. `kept_s` is how long files are
        kept; 0: for ever.
        """
        self._kept_s = kept_s
        self._base_url = base_url.rstrip("/")
        self._secret = secret
        self._lifetime_s = lifetime_s
        self._clock = clock

    def is_kept(self, *, since: float) -> bool:
        """Return whether files of that time are still kept."""
        return not self._kept_s or self._clock() - since < self._kept_s

    def url_of(self, key: str) -> str:
        """Return a fresh address of a file."""
        expires = int(self._clock() + self._lifetime_s)
        return f"{self._base_url}{FILES_PREFIX}{key}?expires={expires}&signature={self._signature(key, expires)}"

    def urls_of(self, task: Task, *, preview_path: str = "") -> list[str]:
        """Return a fresh address for each output of a task, empty where there is no file (any more).

        `preview_path` is where a picture of one that still runs is shown, with `{task_id}` in it; empty: nowhere. The address changes as
        the task does, so that no cache shows an older picture.
        """
        if task.finished_at is None and preview_path:
            preview = f"{self._base_url}{preview_path.format(task_id=task.id)}?rand={int(task.updated_at * 1000)}"
            return [preview if output.kind == "image" and output.url else "" for output in task.outputs]
        is_kept = task.finished_at is None or self.is_kept(since=task.finished_at)
        return [self.url_of(output.blob) if output.blob and is_kept else "" for output in task.outputs]

    def check(self, key: str, query: str) -> int:
        """Return when a signed address ends, in seconds since the epoch.

        Raises:
            UnknownPath: not signed by us; whether the file exists is not told.
            FileExpired: signed by us, but over.
        """
        fields = parse_qs(query, max_num_fields=8) if query.count("&") < 8 else {}
        expires_text, signature = fields.get("expires", [""])[0], fields.get("signature", [""])[0]
        if not (expires_text.isascii() and expires_text.isdigit() and len(expires_text) <= 12 and is_blob_key(key)):
            raise UnknownPath
        expires = int(expires_text)
        if not hmac.compare_digest(signature.encode(), self._signature(key, expires).encode()):
            raise UnknownPath
        if expires <= self._clock():
            raise FileExpired
        return expires

    def key_of(self, url: str) -> str | None:
        """Return the file behind an address of ours that still holds, None for any other address."""
        prefix = self._base_url + FILES_PREFIX
        if not url.startswith(prefix):
            return None
        parts = urlsplit(url[len(self._base_url) :])
        key = parts.path.removeprefix(FILES_PREFIX)
        try:
            self.check(key, parts.query)
        except ModelgateError:
            return None
        return key

    def _signature(self, key: str, expires: int) -> str:
        return hmac.digest(self._secret, f"{key}\n{expires}".encode(), hashlib.sha256)[:SIGNATURE_BYTES].hex()


class Span(msgspec.Struct, frozen=True):
    """The asked part of a file: from `start`, `length` bytes."""

    start: int
    length: int


def parse_range(header: bytes | None, size_bytes: int) -> Span | None:
    """Return the one asked range, None when the whole file is to be sent (also for several ranges, as RFC 9110 allows).

    Raises:
        ValueError: the range lies outside the file.
    """
    found = _RANGE.match(header) if header is not None else None
    if found is None or found.group(0) == b"bytes=-":
        return None
    first, last = found.groups()
    if not first:
        length = min(int(last), size_bytes)
        if length == 0:
            raise ValueError("an empty range")
        return Span(size_bytes - length, length)
    start = int(first)
    end = min(int(last), size_bytes - 1) if last else size_bytes - 1
    if last and int(last) < start:
        return None  # not a range at all, so the header is as if it were not there
    if start >= size_bytes:
        raise ValueError("a range behind the end")
    return Span(start, end - start + 1)


class Files:
    """GET and HEAD of `/files/{key}`."""

    def __init__(self, blobs: BlobReader, links: FileLinks, *, clock: Clock, previews: Previews | None = None) -> None:
        self._previews = previews
        self._blobs = blobs
        self._links = links
        self._clock = clock

    async def handle(self, request: HttpRequest) -> HttpResponse:
        """Answer with the file, a part of it, or 304.

        Raises:
            UnknownPath, FileExpired: see `FileLinks.check`; also when the file is gone.
            Overloaded: the blob store is in trouble.
        """
        key = request.path.removeprefix(FILES_PREFIX)
        expires = self._links.check(key, request.query)
        return await self.serve(request, key, seconds_left=int(expires - self._clock()))

    async def serve(self, request: HttpRequest, key: str, *, seconds_left: int = MAX_CACHE_S) -> HttpResponse:
        """Answer with a file that the caller may have. Raises UnknownPath when it is gone, Overloaded."""
        try:
            info = await self._blobs.head(key)
        except BlobNotFound:
            raise UnknownPath("This file is no longer kept.") from None
        except BlobStoreFailed:
            raise Overloaded(retry_after_s=5.0) from None
        return self._answer(request, key, info, seconds_left=seconds_left)

    async def serve_preview(self, task: Task) -> HttpResponse:
        """Answer with what a task that still runs looks like. Raises as `Previews.serve`."""
        if self._previews is None:
            raise InvalidRequest("The task is not finished yet.", code="task_not_ready")
        return await self._previews.serve(task)

    def _answer(self, request: HttpRequest, key: str, info: BlobInfo, *, seconds_left: int) -> HttpResponse:
        etag = f'"{key}"'  # a key is never written twice with other bytes
        common = (
            ("etag", etag),
            ("accept-ranges", "bytes"),
            ("cache-control", f"private, max-age={max(0, min(seconds_left, MAX_CACHE_S))}, immutable"),
            ("last-modified", formatdate(info.modified_at, usegmt=True)),
            ("x-content-type-options", "nosniff"),
            ("content-security-policy", "default-src 'none'; sandbox"),
            ("cross-origin-resource-policy", "cross-origin"),
            ("vary", "origin"),  # the edge adds the CORS lines only when there is an origin: an <img>'s cached copy must not serve a fetch
        )
        if etag.encode() in (request.headers.get(b"if-none-match") or b""):
            return HttpResponse(status=304, headers=HeaderBlock.of(*common))
        if_range = request.headers.get(b"if-range")
        asked = request.headers.get(b"range") if if_range is None or if_range == etag.encode() else None
        try:
            span = parse_range(asked, info.size_bytes)
        except ValueError:
            return HttpResponse(status=416, headers=HeaderBlock.of(*common, ("content-range", f"bytes */{info.size_bytes}")))
        headers = [*common, ("content-type", info.content_type), ("content-disposition", f'inline; filename="{key}"')]
        if span is not None:
            headers.append(("content-range", f"bytes {span.start}-{span.start + span.length - 1}/{info.size_bytes}"))
        whole = span or Span(0, info.size_bytes)
        body = FileBody(self._blobs, key, whole)
        return HttpResponse(status=200 if span is None else 206, headers=HeaderBlock.of(*headers), body=body, content_length=whole.length)


class FileBody:
    """A `BodySource` that reads a file chunk by chunk, never further ahead than one chunk."""

    def __init__(self, blobs: BlobReader, key: str, span: Span) -> None:
        self._blobs = blobs
        self._key = key
        self._span = span
        self._may_run = asyncio.Event()
        self._may_run.set()
        self._task: asyncio.Task[None] | None = None

    def start(self, sink: BodySink) -> None:
        """Begin to read; the sink is called from the event loop."""
        self._task = asyncio.get_running_loop().create_task(self._pump(sink))

    def pause(self) -> None:
        self._may_run.clear()

    def resume(self) -> None:
        self._may_run.set()

    def abort(self) -> None:
        if self._task is not None:
            self._task.cancel()

    async def _pump(self, sink: BodySink) -> None:
        position, end = self._span.start, self._span.start + self._span.length
        while position < end:
            await self._may_run.wait()
            try:
                data = await self._blobs.read(self._key, start=position, length=min(CHUNK_BYTES, end - position))
            except (BlobNotFound, BlobStoreFailed) as error:
                sink.fail(error)
                return
            if not data:
                sink.fail(BlobStoreFailed(f"{self._key} is shorter than it was"))
                return
            sink.write(data)
            position += len(data)
        sink.end()
