"""Files of results and inputs in a folder on local disk, read and written in threads."""

import asyncio
import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from modelgate.core.blobs import BlobInfo, BlobNotFound, BlobStoreFailed, content_type_of, path_of

T = TypeVar("T")


class FolderBlobs:
    """`storage.blobs.Blobs` in a folder, which is made if absent."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.absolute()
        self._folder.mkdir(parents=True, exist_ok=True)

    async def put(self, key: str, data: bytes) -> None:
        """Keep a file. Putting it again replaces it whole."""
        path = self._folder / path_of(key)
        try:
            await asyncio.to_thread(_write, path, data)
        except OSError as error:
            raise BlobStoreFailed(str(error)) from error

    async def get(self, key: str) -> bytes:
        """Return a whole file. Raises BlobNotFound."""
        return await self._ask(key, Path.read_bytes)

    async def read(self, key: str, *, start: int, length: int) -> bytes:
        """Return `length` bytes from `start` on, fewer at the end of the file. Raises BlobNotFound."""

        def part_of(path: Path) -> bytes:
            with path.open("rb") as file:
                file.seek(start)
                return file.read(length)

        return await self._ask(key, part_of)

    async def head(self, key: str) -> BlobInfo:
        """Return what is known of a file. Raises BlobNotFound."""
        facts = await self._ask(key, Path.stat)
        return BlobInfo(size_bytes=facts.st_size, content_type=content_type_of(key), modified_at=facts.st_mtime)

    async def delete(self, key: str) -> None:
        """Remove a file; one that is not there is fine."""
        await self._ask(key, lambda path: path.unlink(missing_ok=True))

    async def sweep(self, shard: int, *, before: float) -> int:
        """Remove the files of one of the `SHARDS` that were written before a time; return how many those were."""
        try:
            return await asyncio.to_thread(_sweep, self._folder / f"{shard:02x}", before)
        except OSError as error:
            raise BlobStoreFailed(str(error)) from error

    async def _ask(self, key: str, function: Callable[[Path], T]) -> T:
        path = self._folder / path_of(key)
        try:
            return await asyncio.to_thread(function, path)
        except FileNotFoundError:
            raise BlobNotFound(key) from None
        except OSError as error:
            raise BlobStoreFailed(str(error)) from error


def _write(path: Path, data: bytes) -> None:
    # Written aside and renamed: whoever reads meanwhile sees the old file or the new one. What a crash leaves aside is swept.
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        aside.write_bytes(data)
        aside.replace(path)
    except OSError:
        aside.unlink(missing_ok=True)
        raise


def _sweep(folder: Path, before: float) -> int:
    swept = 0
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.stat().st_mtime < before:
                    os.unlink(entry)
                    swept += 1
    except FileNotFoundError:  # nothing was kept here yet, or somebody else swept
        return swept
    return swept
