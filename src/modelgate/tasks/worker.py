"""The worker: claims what is due and moves it, many tasks at once, within bounds."""

import asyncio
from collections.abc import Callable

from modelgate.core.clock import Clock
from modelgate.core.records import Task
from modelgate.tasks.advance import Mover
from modelgate.tasks.recorder import LEASE_S
from modelgate.tasks.store import TaskStore

MAX_MOVING = 1_000
"""Tasks one worker moves at once; the others wait in the store, soonest first."""
MAX_SLEEP_S = 1.0
"""The longest sleep: other processes queue tasks without a kick."""
MIN_SLEEP_S = 0.05
"""The shortest sleep: what becomes due meanwhile is claimed together."""
MAX_CLAIM = 500
"""Tasks claimed together."""
LEAST_ROOM = 100
"""With less room than this it waits: many claims of a few tasks each would cost more than a few of many."""
FAULT_PAUSE_S = 2.0
"""The pause after the store itself failed."""
STOP_GRACE_S = 10.0
"""What runs when the worker is told to stop may take so long; the rest resumes when its lease is over."""

LogFault = Callable[[BaseException, str], None]
"""Hears of a fault and the task's id (empty: the store's own). The task is tried again when its lease is over."""


class Worker:
    """One per process. Several processes share the work through the store's leases."""

    def __init__(self, store: TaskStore, mover: Mover, *, clock: Clock, log_fault: LogFault, max_moving: int = MAX_MOVING) -> None:
        self._store = store
        self._mover = mover
        self._clock = clock
        self._log_fault = log_fault
        self._max_moving = max_moving
        self._moving: set[asyncio.Task[None]] = set()
        self._in_hand = 0
        self._is_full = False
        self._kicked = asyncio.Event()
        self._started_at = clock()

    def kick(self) -> None:
        """Look for due tasks now."""
        self._kicked.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set, then let what runs come to its end within `STOP_GRACE_S`.

        It begins with what this process's predecessor was moving when it died.
        """
        stopping = asyncio.get_running_loop().create_task(stop.wait())
        stopping.add_done_callback(lambda _: self.kick())
        try:
            resumed = False
            while not stop.is_set():
                self._kicked.clear()
                try:
                    if not resumed:
                        await self._store.free_leases(before=self._started_at)
                        resumed = True
                    pause_s = await self._claim()
                except Exception as error:  # noqa: BLE001  # the edge of the worker: whatever it is, the next round may do better
                    self._log_fault(error, "")
                    pause_s = FAULT_PAUSE_S
                await self._sleep(pause_s)
        finally:
            stopping.cancel()
            await self._finish()

    async def _claim(self) -> float:
        """Claim and begin to move what is due, as far as there is room; return how long there is nothing to do."""
        room = self._max_moving - self._in_hand
        self._is_full = room < min(LEAST_ROOM, self._max_moving)
        if self._is_full:
            return MAX_SLEEP_S  # one that ends kicks
        wake_at, now = await self._store.next_wake(), self._clock()
        if wake_at is None or wake_at > now:  # claiming takes the database's writer; looking does not
            return MAX_SLEEP_S if wake_at is None else wake_at - now
        limit = min(room, MAX_CLAIM)
        claimed = await self._store.claim_due(now=now, limit=limit, lease_until=now + LEASE_S)
        for batch in self._mover.batches(claimed):
            self._begin(batch)
        return MIN_SLEEP_S if len(claimed) < limit else 0.0

    def _begin(self, batch: list[Task]) -> None:
        step = asyncio.get_running_loop().create_task(self._mover.advance_many(batch))
        self._moving.add(step)
        self._in_hand += len(batch)

        def on_done(done: "asyncio.Task[None]") -> None:
            self._moving.discard(done)
            self._in_hand -= len(batch)
            if self._is_full:
                self.kick()
            if not done.cancelled() and (error := done.exception()) is not None:
                self._log_fault(error, batch[0].id)

        step.add_done_callback(on_done)

    async def _sleep(self, pause_s: float) -> None:
        """Sleep until kicked, within bounds; not at all, but giving way to what runs, when there is more to claim."""
        if not pause_s:
            await asyncio.sleep(0)
            return
        try:
            async with asyncio.timeout(min(max(pause_s, MIN_SLEEP_S), MAX_SLEEP_S)):
                await self._kicked.wait()
        except TimeoutError:
            return

    async def _finish(self) -> None:
        if not self._moving:
            return
        _, late = await asyncio.wait(self._moving, timeout=STOP_GRACE_S)
        for step in late:
            step.cancel()
        if late:
            await asyncio.wait(late)
