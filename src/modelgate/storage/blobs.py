"""Files of results and inputs, on local disk or in an S3 bucket by one interface."""

from pathlib import Path
from typing import Protocol

from modelgate.core.blobs import BlobInfo
from modelgate.storage.blob_folder import FolderBlobs


class Blobs(Protocol):
    """A store of immutable files by key (`core.blobs`). Writes are atomic: a file is there whole or not at all.

    Every method raises BlobStoreFailed when the store is in trouble, ValueError for what is not a key.
    """

    async def put(self, key: str, data: bytes) -> None:
        """Keep a file. Putting it again replaces it whole."""

    async def get(self, key: str) -> bytes:
        """Return a whole file. Raises BlobNotFound."""

    async def read(self, key: str, *, start: int, length: int) -> bytes:
        """Return `length` bytes from `start` on, fewer at the end of the file. Raises BlobNotFound."""

    async def head(self, key: str) -> BlobInfo:
        """Return what is known of a file. Raises BlobNotFound."""

    async def delete(self, key: str) -> None:
        """Remove a file; one that is not there is fine."""

    async def sweep(self, shard: int, *, before: float) -> int:
        """Remove the files of one of the `SHARDS` that were written before a time; return how many those were."""


def blobs_of(place: str) -> Blobs:
    """Return the store at a place: a directory (made if absent), or `s3://bucket/prefix`."""
    scheme, separator, rest = place.partition("://")
    if not separator:
        return FolderBlobs(Path(place))
    if scheme != "s3" or not rest.strip("/"):
        raise ValueError(f"{place!r} is neither a directory nor s3://bucket/prefix")
    # Imported where a bucket is used: obstore is 7 MB of a desk or a worker.
    from modelgate.storage.blob_bucket import BucketBlobs  # noqa: PLC0415

    bucket, _, prefix = rest.partition("/")
    return BucketBlobs(bucket, prefix=prefix.strip("/"))
