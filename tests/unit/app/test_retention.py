"""The sweep goes round, says what it did, and outlives trouble."""

import asyncio

import pytest

from modelgate.app.retention import ROUND_S, SECONDS_PER_DAY, sweep_files
from modelgate.core.blobs import SHARDS, BlobStoreFailed

NOW = 1_000_000_000.0


class Store:
    def __init__(self) -> None:
        self.swept: list[tuple[int, float]] = []
        self.begun, self.enough = asyncio.Event(), asyncio.Event()

    async def sweep(self, shard: int, *, before: float) -> int:
        self.swept.append((shard, before))
        self.begun.set()
        if len(self.swept) > SHARDS + 1:
            self.enough.set()
        if shard == 3:
            raise BlobStoreFailed("disk")
        return shard % 2


@pytest.mark.anyio
async def test_every_part_is_swept_in_turn_whatever_happens_to_one() -> None:
    store = Store()
    sweeping = asyncio.create_task(sweep_files(store, days=30, clock=lambda: NOW, round_s=0.0))
    await asyncio.wait_for(store.enough.wait(), 30)
    sweeping.cancel()
    assert [shard for shard, _ in store.swept][: SHARDS + 1] == [*range(SHARDS), 0]
    assert {before for _, before in store.swept} == {NOW - 30 * SECONDS_PER_DAY}


@pytest.mark.anyio
async def test_a_restarted_server_goes_on_where_it_was() -> None:
    # Each start began at the first part, and the last was swept a day later: never, on a server that is started anew more often.
    first: list[int] = []
    for started_at in range(SHARDS):
        store = Store()
        sweeping = asyncio.create_task(sweep_files(store, days=30, clock=lambda at=started_at: NOW + at * ROUND_S / SHARDS))
        await asyncio.wait_for(store.begun.wait(), 30)
        sweeping.cancel()
        first.append(store.swept[0][0])
    assert sorted(first) == [*range(SHARDS)]


@pytest.mark.anyio
async def test_with_no_days_nothing_is_ever_removed() -> None:
    store = Store()
    await asyncio.wait_for(sweep_files(store, days=0, clock=lambda: NOW), 30)
    assert store.swept == []
