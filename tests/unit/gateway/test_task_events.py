"""A watched task: each change once, in order, and an end however it comes."""

import asyncio
from typing import Any

import pytest

from modelgate.core.records import Task
from modelgate.gateway import task_events
from modelgate.gateway.task_events import KEEP_ALIVE, TaskEvents


def task(**changes: Any) -> Task:
    fields: dict[str, Any] = {"id": "task_1", "account": "a", "key": "k", "book": "test", "family": "f", "operation": "image", "model": "m", "state": "queued", "request": b"{}"}  # fmt: skip
    return Task(**(fields | changes))


class Sink:
    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.over = asyncio.Event()
        self.failure: Exception | None = None

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def end(self) -> None:
        self.over.set()

    def fail(self, error: Exception) -> None:
        self.failure = error
        self.over.set()


class World:
    def __init__(self, *looks: Task | Exception | None) -> None:
        self.looks = list(looks)
        self.ends = 0
        self.now = 0.0
        self.sink = Sink()
        self.source = TaskEvents(task(), look=self.look, encode=lambda shown: shown.state.encode(), clock=self.clock, on_end=self.on_end)

    def clock(self) -> float:
        self.now += 10.0
        return self.now

    def on_end(self) -> None:
        self.ends += 1

    async def look(self, _: str) -> Task | None:
        found = self.looks.pop(0)
        if isinstance(found, Exception):
            raise found
        return found

    async def watch(self) -> None:
        self.source.start(self.sink)
        await asyncio.wait_for(self.sink.over.wait(), 30)
        await asyncio.sleep(0)
        await asyncio.sleep(0)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(task_events, "LOOK_S", 0.0)


@pytest.mark.anyio
async def test_each_change_is_told_once_and_the_end_ends_it() -> None:
    world = World(
        task(), None, task(state="running", progress=10), task(state="running", progress=10), task(state="succeeded", finished_at=1.0)
    )
    await world.watch()
    events = [data for data in world.sink.written if data != KEEP_ALIVE]
    assert events == [b"event: task\ndata: %b\n\n" % state for state in (b"queued", b"running", b"succeeded")]
    assert KEEP_ALIVE in world.sink.written, "the clock ran on while nothing changed"
    assert (world.ends, world.sink.failure) == (1, None)


@pytest.mark.anyio
async def test_a_store_in_trouble_cuts_the_stream() -> None:
    world = World(OSError("disk"))
    await world.watch()
    assert isinstance(world.sink.failure, OSError)
    assert world.ends == 1


@pytest.mark.anyio
async def test_a_watcher_that_leaves_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(task_events, "LOOK_S", 60.0)
    world = World()
    world.source.start(world.sink)
    await asyncio.sleep(0)
    world.source.abort()
    await asyncio.sleep(0.01)
    assert world.ends == 1
    never_started = World()
    never_started.source.abort()
    assert never_started.ends == 1
    assert len(world.sink.written) == 1
