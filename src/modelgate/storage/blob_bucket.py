"""Files of results and inputs in an S3 bucket. Imported only where one is used: obstore is 7 MB."""

import obstore
from obstore.exceptions import BaseError
from obstore.store import S3Store

from modelgate.core.blobs import BlobInfo, BlobNotFound, BlobStoreFailed, content_type_of, path_of

S3_TIMEOUT = "30s"
S3_CONNECT_TIMEOUT = "5s"
MAX_S3_RETRIES = 3
MAX_SWEPT = 500
"""Files listed and removed in one step."""


class BucketBlobs:
    """`storage.blobs.Blobs` in a bucket. Region, endpoint and credentials come from the usual `AWS_*` variables or the machine's role."""

    def __init__(self, bucket: str, *, prefix: str = "") -> None:
        self._store = S3Store(
            bucket,
            prefix=prefix or None,
            client_options={"timeout": S3_TIMEOUT, "connect_timeout": S3_CONNECT_TIMEOUT, "allow_http": True},
            retry_config={"max_retries": MAX_S3_RETRIES},
        )

    async def put(self, key: str, data: bytes) -> None:
        """Keep a file. Putting it again replaces it whole."""
        path, attributes = path_of(key), {"Content-Type": content_type_of(key)}
        try:
            await obstore.put_async(self._store, path, data, attributes=attributes, use_multipart=False)
        except (BaseError, OSError) as error:
            raise BlobStoreFailed(str(error)) from error

    async def get(self, key: str) -> bytes:
        """Return a whole file. Raises BlobNotFound."""
        try:
            result = await obstore.get_async(self._store, path_of(key))
            return bytes(await result.bytes_async())
        except FileNotFoundError:
            raise BlobNotFound(key) from None
        except (BaseError, OSError) as error:
            raise BlobStoreFailed(str(error)) from error

    async def read(self, key: str, *, start: int, length: int) -> bytes:
        """Return `length` bytes from `start` on, fewer at the end of the file. Raises BlobNotFound."""
        try:
            return bytes(await obstore.get_range_async(self._store, path_of(key), start=start, length=length))
        except FileNotFoundError:
            raise BlobNotFound(key) from None
        except (BaseError, OSError) as error:
            raise BlobStoreFailed(str(error)) from error

    async def head(self, key: str) -> BlobInfo:
        """Return what is known of a file. Raises BlobNotFound."""
        try:
            meta = await obstore.head_async(self._store, path_of(key))
        except FileNotFoundError:
            raise BlobNotFound(key) from None
        except (BaseError, OSError) as error:
            raise BlobStoreFailed(str(error)) from error
        return BlobInfo(size_bytes=meta["size"], content_type=content_type_of(key), modified_at=meta["last_modified"].timestamp())

    async def delete(self, key: str) -> None:
        """Remove a file; one that is not there is fine."""
        try:
            await obstore.delete_async(self._store, path_of(key))
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
