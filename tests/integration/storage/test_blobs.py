"""The blob store on local disk and in an S3 bucket: the same tests on both."""

import hashlib
import os
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from moto.server import ThreadedMotoServer

from modelgate.core.blobs import SHARDS, BlobNotFound, BlobStoreFailed, path_of
from modelgate.storage.blobs import Blobs, blobs_of

KEY = "task_12345678-0.png"
PUBLIC_S3 = "http://127.0.0.1"


@pytest.fixture(scope="module")
def s3_port() -> Iterator[int]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    request = urllib.request.Request(f"{PUBLIC_S3}:{port}/pictures", method="PUT")
    urllib.request.urlopen(request, timeout=60).close()
    yield port
    server.stop()


@pytest.fixture(params=["disk", "s3"])
def blobs(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Blobs:
    if request.param == "disk":
        return blobs_of(str(tmp_path / "blobs"))
    port = request.getfixturevalue("s3_port")
    for name, value in {
        "AWS_ENDPOINT_URL": f"{PUBLIC_S3}:{port}",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    return blobs_of(f"s3://pictures/{tmp_path.name}")


@pytest.mark.anyio
async def test_what_is_put_is_got_whole_and_in_parts(blobs: Blobs) -> None:
    await blobs.put(KEY, b"0123456789")

    assert await blobs.get(KEY) == b"0123456789"
    assert await blobs.read(KEY, start=2, length=3) == b"234"
    assert await blobs.read(KEY, start=8, length=100) == b"89"
    info = await blobs.head(KEY)
    assert (info.size_bytes, info.content_type) == (10, "image/png")
    assert info.modified_at > 1_700_000_000


@pytest.mark.anyio
async def test_putting_again_replaces_the_whole(blobs: Blobs) -> None:
    await blobs.put(KEY, b"a longer file")
    await blobs.put(KEY, b"short")
    assert await blobs.get(KEY) == b"short"


@pytest.mark.anyio
async def test_what_is_not_there_is_said(blobs: Blobs) -> None:
    with pytest.raises(BlobNotFound):
        await blobs.get(KEY)
    with pytest.raises(BlobNotFound):
        await blobs.head(KEY)
    with pytest.raises(BlobNotFound):
        await blobs.read(KEY, start=0, length=1)


@pytest.mark.anyio
async def test_what_is_deleted_is_gone_and_deleting_again_is_fine(blobs: Blobs) -> None:
    await blobs.put(KEY, b"x")
    await blobs.delete(KEY)
    await blobs.delete(KEY)
    with pytest.raises(BlobNotFound):
        await blobs.get(KEY)


@pytest.mark.anyio
async def test_a_path_is_no_key(blobs: Blobs) -> None:
    with pytest.raises(ValueError, match="not a key"):
        await blobs.put("../../outside.png", b"x")
    with pytest.raises(ValueError, match="not a key"):
        await blobs.get("/etc/passwd")


@pytest.mark.anyio
async def test_a_disk_that_cannot_be_written_is_the_stores_trouble(tmp_path: Path) -> None:
    place = tmp_path / "blobs"
    blobs = blobs_of(str(place))
    place.rmdir()
    place.write_bytes(b"a file where the directory was")
    with pytest.raises(BlobStoreFailed):
        await blobs.put(KEY, b"x")


@pytest.mark.parametrize("place", ["s3://", "gs://bucket", "https://bucket.example"])
def test_an_unknown_place_is_refused(place: str) -> None:
    with pytest.raises(ValueError, match="s3://bucket/prefix"):
        blobs_of(place)


@pytest.mark.anyio
async def test_a_sweep_removes_what_is_old_in_its_part_alone(blobs: Blobs) -> None:
    keys = [f"task_1234567{number}-0.png" for number in range(4)]
    for key in keys:
        await blobs.put(key, b"x")
    assert sum([await blobs.sweep(shard, before=time.time() - 60) for shard in range(SHARDS)]) == 0
    mine = int(hashlib.sha256(keys[0].encode()).hexdigest()[:2], 16)
    alike = [key for key in keys if int(hashlib.sha256(key.encode()).hexdigest()[:2], 16) == mine]
    assert await blobs.sweep(mine, before=time.time() + 60) == len(alike)
    with pytest.raises(BlobNotFound):
        await blobs.get(keys[0])
    assert [await blobs.get(key) for key in keys if key not in alike] == [b"x"] * (4 - len(alike))


@pytest.mark.anyio
async def test_what_a_crash_left_half_written_is_swept_from_disk(tmp_path: Path) -> None:
    blobs = blobs_of(str(tmp_path))
    await blobs.put(KEY, b"x")
    shard = (tmp_path / path_of(KEY)).parent
    (shard / f".{KEY}.0123456789abcdef").write_bytes(b"hal")
    assert await blobs.sweep(int(shard.name, 16), before=time.time() + 60) == 2
    assert os.listdir(shard) == []


@pytest.mark.anyio
async def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blobs = blobs_of(str(tmp_path))
    await blobs.put(KEY, b"old")

    def full(_path: Path, _target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(BlobStoreFailed, match="No space left"):
        await blobs.put(KEY, b"new")
    assert await blobs.get(KEY) == b"old"
    assert len(list(tmp_path.rglob("*.*"))) == 1  # noqa: ASYNC240
