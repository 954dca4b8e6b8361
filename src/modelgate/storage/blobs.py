"""Files of results and inputs, on local disk or in an S3 bucket by one interface."""

import hashlib
from pathlib import Path

import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore, ObjectStore, S3Store

from modelgate.core.blobs import BlobInfo, BlobNotFound, BlobStoreFailed, content_type_of

S3_TIMEOUT = "30s"
S3_CONNECT_TIMEOUT = "5s"
MAX_S3_RETRIES = 3
SHARDS = 256
"""Directories that files are spread over, so that none grows beyond use."""
MAX_SWEPT = 500
"""Files listed and removed in one step."""


class Blobs:
    """A store of immutable files by key (`core.blobs`). Writes are atomic: a file is there whole or not at all.

    Every method raises BlobStoreFailed when the store is in trouble, ValueError for what is not a key.
    """

    def __init__(self, store: ObjectStore, *, keeps_attributes: bool) -> None:
        """`keeps_attributes`: whether the store takes a content type along (local disk does not)."""
        self._store = store
        self._keeps_attributes = keeps_attributes

    async def put(self, key: str, data: bytes) -> None:
        """Keep a file. Putting it again replaces it whole."""
        path, content_type = _path_of(key), content_type_of(key)
        attributes = {"Content-Type": content_type} if self._keeps_attributes else None
        try:
            await obstore.put_async(self._store, path, data, attributes=attributes, use_multipart=False)
        except (BaseError, OSError) as error:
            raise BlobStoreFailed(str(error)) from error

    async def get(self, key: str) -> bytes:
        """Return a whole file. Raises BlobNotFound."""
        try:
            result = await obstore.get_async(self._store, _path_of(key))
            return bytes(await result.bytes_async())
        except FileNotFoundError:
            raise BlobNotFound(key) from None
        except (BaseError, OSError) as error:
            raise BlobStoreFailed(str(error)) from error

    async def read(self, key: str, *, start: int, length: int) -> bytes:
        """Return `length` bytes from `start` on, fewer at the end of the file. Raises BlobNotFound."""
        try:
            return bytes(await obstore.get_range_async(self._store, _path_of(key), start=start, length=length))
        except FileNotFoundError:
            raise BlobNotFound(key) from None
        except (BaseError, OSError) as error:
            raise BlobStoreFailed(str(error)) from error

    async def head(self, key: str) -> BlobInfo:
        """Return what is known of a file. Raises BlobNotFound."""
        try:
            meta = await obstore.head_async(self._store, _path_of(key))
        except FileNotFoundError:
            raise BlobNotFound(key) from None
        except (BaseError, OSError) as error:
            raise BlobStoreFailed(str(error)) from error
        return BlobInfo(size_bytes=meta["size"], content_type=content_type_of(key), modified_at=meta["last_modified"].timestamp())

    async def delete(self, key: str) -> None:
        """Remove a file; one that is not there is fine."""
        try:
            await obstore.delete_async(self._store, _path_of(key))
        except FileNotFoundError:
            return
        except (BaseError, OSError) as error:
            raise BlobStoreFailed(str(error)) from error

    async def sweep(self, shard: int, *, before: float) -> int:
        """Remove the files of one of the `SHARDS` that were written before a time; return how many those were."""
        prefix, swept = f"{shard:02x}/", 0
        try:
            async for page in obstore.list(self._store, prefix, chunk_size=MAX_SWEPT):
                old = [meta["path"] for meta in page if meta["last_modified"].timestamp() < before]
                if old:
                    await obstore.delete_async(self._store, old)
                    swept += len(old)
        except FileNotFoundError:
            return swept  # somebody else swept here
        except (BaseError, OSError) as error:
            raise BlobStoreFailed(str(error)) from error
        return swept


def blobs_of(place: str) -> Blobs:
    """Return the store at a place: a directory (made if absent), or `s3://bucket/prefix`.

    S3 takes region, endpoint and credentials from the usual `AWS_*` variables or the machine's role.
    """
    scheme, separator, rest = place.partition("://")
    if not separator:
        return Blobs(LocalStore(Path(place).absolute(), mkdir=True), keeps_attributes=False)
    if scheme != "s3" or not rest.strip("/"):
        raise ValueError(f"{place!r} is neither a directory nor s3://bucket/prefix")
    bucket, _, prefix = rest.partition("/")
    store = S3Store(
        bucket,
        prefix=prefix.strip("/") or None,
        client_options={"timeout": S3_TIMEOUT, "connect_timeout": S3_CONNECT_TIMEOUT, "allow_http": True},
        retry_config={"max_retries": MAX_S3_RETRIES},
    )
    return Blobs(store, keeps_attributes=True)


def _path_of(key: str) -> str:
    content_type_of(key)  # nothing but a key becomes a path
    shard = hashlib.sha256(key.encode()).hexdigest()[:2]
    return f"{shard}/{key}"
