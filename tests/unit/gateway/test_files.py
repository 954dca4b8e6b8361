"""Signed addresses and the sending of files in bounded chunks."""

import asyncio

import msgspec
import pytest

from modelgate.core.blobs import BlobInfo, BlobNotFound, BlobStoreFailed
from modelgate.core.errors import Overloaded, UnknownPath
from modelgate.core.http import HeaderBlock, HttpRequest, HttpResponse
from modelgate.core.records import Task, TaskOutput
from modelgate.gateway.files import CHUNK_BYTES, FileBody, FileExpired, FileLinks, Files, Span, parse_range

KEY = "task_12345678-0.png"
NOW = 1_763_884_800.0


class MemoryBlobs:
    """Files in memory; `fail_at` breaks the store from that position on."""

    def __init__(self, data: bytes, *, fail_at: int | None = None) -> None:
        self.data = data
        self.fail_at = fail_at
        self.reads: list[tuple[int, int]] = []

    async def head(self, key: str) -> BlobInfo:
        if key != KEY:
            raise BlobNotFound(key)
        return BlobInfo(size_bytes=len(self.data), content_type="image/png", modified_at=NOW)

    async def read(self, key: str, *, start: int, length: int) -> bytes:
        self.reads.append((start, length))
        if self.fail_at is not None and start >= self.fail_at:
            raise BlobStoreFailed("disk on fire")
        return self.data[start : start + length]


class Sink:
    """Takes everything and tells when it is over."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.failure: Exception | None = None
        self.over = asyncio.Event()

    def write(self, data: bytes) -> None:
        self.data += data

    def end(self) -> None:
        self.over.set()

    def fail(self, error: Exception) -> None:
        self.failure = error
        self.over.set()


def links(now: float = NOW, secret: bytes = b"s" * 32) -> FileLinks:
    return FileLinks(base_url="https://gateway.example/", secret=secret, lifetime_s=3600, clock=lambda: now)


def request_for(url: str, *, method: str = "GET", headers: tuple[tuple[str, str], ...] = ()) -> HttpRequest:
    path, _, query = url.removeprefix("https://gateway.example").partition("?")
    return HttpRequest(method=method, path=path, query=query, headers=HeaderBlock.of(*headers))


async def fetched(blobs: MemoryBlobs, **about: object) -> HttpResponse:
    return await Files(blobs, links(), clock=lambda: NOW).handle(request_for(links().url_of(KEY), **about))  # type: ignore[arg-type]


async def body_of(response: HttpResponse) -> bytes:
    assert isinstance(response.body, FileBody)
    sink = Sink()
    response.body.start(sink)
    await sink.over.wait()
    assert sink.failure is None
    return bytes(sink.data)


@pytest.mark.anyio
async def test_a_signed_address_gives_the_file() -> None:
    response = await fetched(MemoryBlobs(b"picture"))

    assert response.status == 200
    assert response.content_length == 7
    assert await body_of(response) == b"picture"
    assert response.headers.get(b"content-type") == b"image/png"
    assert response.headers.get(b"x-content-type-options") == b"nosniff"
    assert response.headers.get(b"cache-control") == b"private, max-age=3600, immutable"


@pytest.mark.anyio
async def test_a_cached_copy_is_not_shared_between_origins() -> None:
    """A picture shown in an <img> was cached without CORS lines; the page's own fetch of it then failed."""
    assert (await fetched(MemoryBlobs(b"picture"))).headers.get(b"vary") == b"origin"


@pytest.mark.anyio
@pytest.mark.parametrize(
    "change",
    [
        lambda url: url.replace("-0.png", "-1.png"),
        lambda url: url.replace("expires=1", "expires=2"),
        lambda url: url[:-1] + ("0" if url[-1] != "0" else "1"),
        lambda url: url.partition("&")[0],
        lambda url: url.partition("?")[0],
        lambda url: url + "é",
        lambda url: url.replace("expires=", "expires=+"),
        lambda url: url + "&a=1" * 50,
    ],
)
async def test_an_altered_address_is_as_unknown_as_any_other(change: object) -> None:
    url = change(links().url_of(KEY))  # type: ignore[operator]
    with pytest.raises(UnknownPath):
        await Files(MemoryBlobs(b"x"), links(), clock=lambda: NOW).handle(request_for(url))


@pytest.mark.anyio
async def test_an_address_signed_with_another_secret_is_unknown() -> None:
    url = links(secret=b"t" * 32).url_of(KEY)
    with pytest.raises(UnknownPath):
        await Files(MemoryBlobs(b"x"), links(), clock=lambda: NOW).handle(request_for(url))


@pytest.mark.anyio
async def test_an_address_ends() -> None:
    url = links().url_of(KEY)
    with pytest.raises(FileExpired):
        await Files(MemoryBlobs(b"x"), links(NOW + 3601), clock=lambda: NOW + 3601).handle(request_for(url))


@pytest.mark.anyio
async def test_a_file_that_is_gone_is_said_so_only_to_who_has_the_address() -> None:
    url = links().url_of("task_12345678-7.png")
    with pytest.raises(UnknownPath, match="no longer kept"):
        await Files(MemoryBlobs(b"x"), links(), clock=lambda: NOW).handle(request_for(url))


@pytest.mark.parametrize(
    ("header", "span"),
    [
        (None, None),
        (b"bytes=0-3", Span(0, 4)),
        (b"bytes=4-", Span(4, 6)),
        (b"bytes=-3", Span(7, 3)),
        (b"bytes=-30", Span(0, 10)),
        (b"bytes=8-99", Span(8, 2)),
        (b"bytes=0-0,2-3", None),
        (b"bytes=-", None),
        (b"bytes=5-2", None),
        (b"chunks=1-2", None),
    ],
)
def test_ranges(header: bytes | None, span: Span | None) -> None:
    assert parse_range(header, 10) == span


@pytest.mark.parametrize("header", [b"bytes=10-", b"bytes=99-100", b"bytes=-0"])
def test_a_range_outside_the_file(header: bytes) -> None:
    with pytest.raises(ValueError, match="range"):
        parse_range(header, 10)


@pytest.mark.anyio
async def test_a_range_is_answered_with_206_and_only_it_is_read() -> None:
    blobs = MemoryBlobs(b"0123456789")
    response = await fetched(blobs, headers=(("range", "bytes=2-4"),))

    assert (response.status, response.content_length) == (206, 3)
    assert response.headers.get(b"content-range") == b"bytes 2-4/10"
    assert await body_of(response) == b"234"
    assert blobs.reads == [(2, 3)]


@pytest.mark.anyio
async def test_a_range_outside_is_416_with_the_size() -> None:
    response = await fetched(MemoryBlobs(b"0123456789"), headers=(("range", "bytes=10-"),))
    assert response.status == 416
    assert response.headers.get(b"content-range") == b"bytes */10"


@pytest.mark.anyio
async def test_a_range_for_another_version_sends_the_whole() -> None:
    response = await fetched(MemoryBlobs(b"0123456789"), headers=(("range", "bytes=2-4"), ("if-range", '"other"')))
    assert response.status == 200


@pytest.mark.anyio
async def test_a_file_that_the_client_has_is_not_sent_again() -> None:
    response = await fetched(MemoryBlobs(b"x"), headers=(("if-none-match", f'"{KEY}"'),))
    assert (response.status, response.body) == (304, b"")


@pytest.mark.anyio
async def test_a_paused_body_reads_no_further() -> None:
    blobs = MemoryBlobs(b"x" * (CHUNK_BYTES * 5))
    body = FileBody(blobs, KEY, Span(0, CHUNK_BYTES * 5))
    sink = Sink()
    body.start(sink)
    body.pause()
    for _ in range(20):
        await asyncio.sleep(0)
    assert len(blobs.reads) <= 1

    body.resume()
    await sink.over.wait()
    assert len(sink.data) == CHUNK_BYTES * 5
    assert max(length for _, length in blobs.reads) == CHUNK_BYTES


@pytest.mark.anyio
async def test_an_aborted_body_says_nothing_more() -> None:
    blobs = MemoryBlobs(b"x" * (CHUNK_BYTES * 5))
    body = FileBody(blobs, KEY, Span(0, CHUNK_BYTES * 5))
    sink = Sink()
    body.start(sink)
    body.abort()
    for _ in range(20):
        await asyncio.sleep(0)
    assert not sink.over.is_set()


@pytest.mark.anyio
async def test_trouble_midway_cuts_the_answer() -> None:
    body = FileBody(MemoryBlobs(b"x" * (CHUNK_BYTES * 2), fail_at=CHUNK_BYTES), KEY, Span(0, CHUNK_BYTES * 2))
    sink = Sink()
    body.start(sink)
    await sink.over.wait()
    assert isinstance(sink.failure, BlobStoreFailed)


@pytest.mark.anyio
async def test_trouble_at_once_is_503() -> None:
    class Broken(MemoryBlobs):
        async def head(self, key: str) -> BlobInfo:
            raise BlobStoreFailed("bucket away")

    with pytest.raises(Overloaded):
        await fetched(Broken(b""))


def test_only_our_own_valid_addresses_name_a_file() -> None:
    ours = links()
    assert ours.key_of(ours.url_of(KEY)) == KEY
    assert links(NOW + 3601).key_of(ours.url_of(KEY)) is None
    assert ours.key_of("https://gateway.example/files/" + KEY) is None
    assert ours.key_of("https://other.example/files/" + KEY) is None


def test_a_task_that_runs_has_an_address_of_its_preview_where_its_family_shows_one() -> None:
    outputs = (TaskOutput(kind="image", url="https://cdn.example/secret.png"), TaskOutput(kind="text", text="x"))
    task = Task(
        id="task_1", account="a", key="k", book="test", family="midjourney", operation="image", model="m", state="running", request=b"{}",
        outputs=outputs, updated_at=12.5,
    )  # fmt: skip
    assert links().urls_of(task) == ["", ""]
    assert links().urls_of(task, preview_path="/mj/image/{task_id}") == ["https://gateway.example/mj/image/task_1?rand=12500", ""]
    ended = msgspec.structs.replace(task, state="failed", finished_at=NOW)
    assert links().urls_of(ended, preview_path="/mj/image/{task_id}") == ["", ""]
