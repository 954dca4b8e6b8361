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
    """Remove what is older than so many days, for as long as this runs; with 0 days nothing is ever removed.

    The time says where a round begins: a server that is started again goes on where it was. Begun at the first part each time, the last
    ones were not reached by one that is started every day.
    """
    pause_s = round_s / SHARDS
    shard = int(clock() / pause_s) % SHARDS if pause_s else 0
    while days:
        try:
            swept = await blobs.sweep(shard, before=clock() - days * SECONDS_PER_DAY)
        except BlobStoreFailed as error:
            _log.warning("sweep_failed", shard=shard, reason=str(error))
        else:
            if swept:
                _log.info("files_swept", shard=shard, files=swept)
        shard = (shard + 1) % SHARDS
        await asyncio.sleep(pause_s)
