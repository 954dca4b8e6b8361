"""The only mover of tasks."""

from collections.abc import Sequence
from typing import assert_never

import msgspec

from modelgate.core.records import Task
from modelgate.tasks.calls import Caller
from modelgate.tasks.charges import Charge, whole_hold
from modelgate.tasks.follow import Follower
from modelgate.tasks.outputs import Blobs, OutputCopier
from modelgate.tasks.places import Places
from modelgate.tasks.recorder import Recorder
from modelgate.tasks.submit import NO_ADDRESSES, Addresses, Submitter


class Mover:
    """Takes a leased task one step further. Submits, the worker and vendors' callbacks all go through `advance`."""

    def __init__(
        self,
        recorder: Recorder,
        *,
        places: Places,
        caller: Caller,
        blobs: Blobs,
        copier: OutputCopier,
        addresses: Addresses = NO_ADDRESSES,
        charge: Charge = whole_hold,
    ) -> None:
        self._recorder = recorder
        self._follower = Follower(recorder, places=places, caller=caller, copier=copier, charge=charge)
        self._submitter = Submitter(recorder, places=places, caller=caller, blobs=blobs, follower=self._follower, addresses=addresses)

    async def advance(self, task: Task) -> Task:
        """Move a task that is leased to this process; return it as it is stored afterwards, the lease given up.

        A cancellation or a crash at any point leaves the task to whoever claims it when the lease is over.
        """
        if task.finished_at is not None:
            return task
        if self._recorder.clock() >= task.deadline_at:
            return await self._recorder.expire(task)
        match task.state:
            case "queued":
                return await self._submitter.submit(task)
            case "submitting":  # its mover died between the mark and the answer
                unknown = await self._recorder.keep(msgspec.structs.replace(task, state="unknown"))
                return await self._follower.look_up(unknown) if unknown is not None else await self._recorder.current(task)
            case "unknown":
                return await self._follower.look_up(task)
            case "running":
                return await self._follower.poll(task)
            case "waiting_input":  # it is its caller's turn, until the deadline
                return await self._recorder.later(task, task.deadline_at - self._recorder.clock())
            case "succeeded" | "failed" | "canceled" | "expired":
                return task
            case _:
                assert_never(task.state)

    def batches(self, tasks: Sequence[Task]) -> list[list[Task]]:
        """Return leased tasks in groups, each of which `advance_many` moves together: one call tells of all of them."""
        return self._follower.batches(tasks)

    async def advance_many(self, tasks: Sequence[Task]) -> None:
        """Move a group of tasks that are leased to this process, as `advance` moves one."""
        if len(tasks) == 1:
            await self.advance(tasks[0])
        else:
            await self._follower.poll_many(tasks)

    async def ask(self, task: Task) -> Task:
        """Return a finished task with what its vendor tells of it only when asked. Nothing is stored."""
        return await self._follower.ask(task)

    async def cancel(self, task: Task) -> Task:
        """End a task that is leased to this process, if that can be done without paying for it; return it as it is stored afterwards.

        One that no vendor has, or whose vendor stops it, is canceled. Any other goes on.
        """
        if task.finished_at is not None:
            return task
        if task.state in ("queued", "waiting_input"):
            return await self._recorder.cancel(task)
        if task.state == "running":
            return await self._follower.cancel(task)
        return await self._recorder.later(task, 0.0)
