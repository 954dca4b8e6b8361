"""Files are kept as long as the operator says: a sweep that goes round the blob store, a part at a time."""

import asyncio
from typing import Protocol

import structlog

from modelgate.core.blobs import SHARDS, BlobStoreFailed
from modelgate.core.clock import Clock

ROUND_S = 86_400.0
"""How long one round through all parts of the store takes: a file goes at most a day late."""
SECONDS_PER_DAY = 86_400

_log = structlog.get_logger("retention")


class Swept(Protocol):
    """The part of a blob store that the sweep needs; see `storage.blobs.Blobs`."""

    async def sweep(self, shard: int, *, before: float) -> int: ...


async def sweep_files(blobs: Swept, *, days: int, clock: Clock, round_s: float = ROUND_S) -> None:
    """Remove what is older than so many days, for as long as this runs; with 0 days nothing is ever removed."""
    shard = 0
    while days:
        try:
            swept = await blobs.sweep(shard, before=clock() - days * SECONDS_PER_DAY)
        except BlobStoreFailed as error:
            _log.warning("sweep_failed", shard=shard, reason=str(error))
        else:
            if swept:
                _log.info("files_swept", shard=shard, files=swept)
        shard = (shard + 1) % SHARDS
        await asyncio.sleep(round_s / SHARDS)
