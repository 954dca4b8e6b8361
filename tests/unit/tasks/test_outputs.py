import asyncio
from typing import Any

import msgspec
import pytest

from modelgate.core.blobs import BlobStoreFailed
from modelgate.core.records import Task, TaskOutput, Upstream
from modelgate.sandbox.videos import make_video
from modelgate.tasks import outputs
from modelgate.tasks.outputs import MAX_COPIES, MAX_FILE_BYTES, MAX_OUTPUTS, NotCopied, OutputCopier, sniff
from modelgate.transport.errors import ConnectFailed

pytestmark = pytest.mark.anyio

PNG = b"\x89PNG\r\n\x1a\n0"
TASK = Task(
    id="task_0123456789", account="a", key="k", book="test", family="kling", operation="image", model="m", state="running", request=b"{}"
)
SANDBOX = Upstream(id="up_a", name="a", provider="acme", base_url="http://sandbox/kling", socket="/run/s", book="test")


class Fetched(msgspec.Struct):
    body: bytes


class Site:
    """Fetcher and blob store in one."""

    def __init__(self, *bodies: Any) -> None:
        self.bodies = list(bodies)
        self.asked: list[dict[str, Any]] = []
        self.kept: dict[str, bytes] = {}
        self.inside = self.most = 0

    async def fetch(self, url: str, **how: Any) -> Fetched:
        self.asked.append({"url": url, **how})
        self.inside += 1
        self.most = max(self.most, self.inside)
        await asyncio.sleep(0)
        self.inside -= 1
        body = self.bodies.pop(0) if self.bodies else PNG
        if isinstance(body, Exception):
            raise body
        return Fetched(body)

    async def put(self, key: str, data: bytes) -> None:
        if data.endswith(b"full"):
            raise BlobStoreFailed("disk full")
        self.kept[key] = data

    async def get(self, key: str) -> bytes:
        return self.kept[key]


def images(count: int) -> tuple[TaskOutput, ...]:
    return tuple(TaskOutput(kind="image", url=f"http://sandbox/{n}", vendor_id=str(n)) for n in range(count))


async def test_files_are_kept_under_the_tasks_name_in_order() -> None:
    site = Site()

    copied = await OutputCopier(site, site).copy(TASK, SANDBOX, images(3))

    assert [output.blob for output in copied] == [f"task_0123456789-{n}.png" for n in range(3)]
    assert [(output.vendor_id, output.content_type, output.size_bytes) for output in copied] == [(str(n), "image/png", 9) for n in range(3)]
    assert set(site.kept) == {output.blob for output in copied}


async def test_only_the_upstreams_own_origin_is_exempt_from_the_guard() -> None:
    site = Site()
    await OutputCopier(site, site).copy(TASK, SANDBOX, images(1))

    (asked,) = site.asked
    assert {origin: target.socket for origin, target in asked["exempt"].items()} == {"http://sandbox": "/run/s"}
    assert asked["max_bytes"] == MAX_FILE_BYTES["image"]


async def test_files_in_memory_and_outputs_are_bounded() -> None:
    site = Site()

    copied = await OutputCopier(site, site).copy(TASK, SANDBOX, images(MAX_OUTPUTS + 4))

    assert len(copied) == MAX_OUTPUTS
    assert site.most == MAX_COPIES


async def test_a_clip_whose_vendor_tells_no_length_tells_it_itself() -> None:
    film = make_video("a fox", width=64, height=64, seconds=4)
    outputs = (
        TaskOutput(kind="video", url="https://vendor.example/a.mp4"),
        TaskOutput(kind="video", url="https://vendor.example/a.mp4", duration_ms=5_100),
        TaskOutput(kind="video", url="https://vendor.example/a.mp4"),
        TaskOutput(kind="image", url="https://vendor.example/a.png"),
    )
    site = Site(film, film, film[:32], PNG)
    copied = await OutputCopier(site, site).copy(TASK, SANDBOX, outputs)
    assert [output.duration_ms for output in copied] == [4_000, 5_100, 0, 0]


async def test_words_need_no_file() -> None:
    site = Site()
    lyrics = TaskOutput(kind="text", text="la la")

    assert await OutputCopier(site, site).copy(TASK, SANDBOX, (lyrics,)) == (lyrics,)
    assert site.asked == []


@pytest.mark.parametrize(
    "body", [ConnectFailed("refused"), ValueError("private address"), TimeoutError(), b"<html>", b"ID3 a song", PNG + b"full"], ids=str
)
async def test_any_trouble_is_not_copied(body: Any) -> None:
    site = Site(PNG, body)

    with pytest.raises(NotCopied):
        await OutputCopier(site, site).copy(TASK, SANDBOX, images(2))


@pytest.mark.parametrize("body", [ConnectFailed("refused"), ValueError("private address"), TimeoutError(), b"<html>"], ids=str)
async def test_an_extra_may_be_missing(body: Any) -> None:
    """A song that was paid for failed because its cover could not be fetched."""
    cover = TaskOutput(kind="image", url="http://sandbox/cover", is_extra=True)
    first, second = await OutputCopier(site := Site(PNG, body), site).copy(TASK, SANDBOX, (*images(1), cover, *images(1)))
    assert (first.blob, second.blob) == ("task_0123456789-0.png", "task_0123456789-2.png")
    site = Site(PNG, PNG + b"full")
    with pytest.raises(NotCopied):
        await OutputCopier(site, site).copy(TASK, SANDBOX, (*images(1), cover))


async def test_copying_is_bounded_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outputs, "COPY_TIMEOUT_S", 0.01)
    site = Site()

    async def fetch(url: str, **how: Any) -> Fetched:
        await asyncio.sleep(3600)
        return Fetched(b"")

    site.fetch = fetch  # type: ignore[method-assign]
    with pytest.raises(NotCopied):
        await OutputCopier(site, site).copy(TASK, SANDBOX, images(1))


async def test_a_fault_of_ours_is_no_trouble_of_the_vendors() -> None:
    with pytest.raises(ExceptionGroup):
        await OutputCopier(Site(RuntimeError("bug")), Site()).copy(TASK, SANDBOX, images(1))


@pytest.mark.parametrize(
    ("data", "content_type"),
    [
        (PNG, "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"RIFF0000WEBPVP8", "image/webp"),
        (b"RIFF0000WAVEfmt", "audio/wav"),
        (b"\0\0\0\x18ftypmp42", "video/mp4"),
        (b"\0\0\0\x18ftypM4A ", "audio/mp4"),
        (b"\0\0\0\x14ftypqt  ", "video/quicktime"),
        (b"ID3\x04", "audio/mpeg"),
        (b"\xff\xf1P", "audio/aac"),
        (b"<svg xmlns", None),
        (b"", None),
    ],
)
def test_the_first_bytes_tell_the_type(data: bytes, content_type: str | None) -> None:
    assert sniff(data) == content_type
