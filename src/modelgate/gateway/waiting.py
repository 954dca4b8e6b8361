"""Waiting for tasks to end, for callers who want results in one call, and what a task that made nothing means to them."""

import asyncio

from modelgate.core.clock import Clock
from modelgate.core.errors import ModelgateError, NoUpstream, Overloaded, UpstreamError, UpstreamRefused, UpstreamTimeout
from modelgate.core.records import Task
from modelgate.formats.media import refusals
from modelgate.gateway.submissions import Mover, Submissions
from modelgate.tasks.store import TaskDesk

MAX_WAITING = 1_000
"""Requests of one process that may wait for their tasks."""
FIRST_LOOK_S = 0.2
LOOK_GROWTH = 1.5
MAX_LOOK_S = 1.0
"""How often a waiting request looks at its tasks: other processes may move them, so nobody calls."""
MAX_QUEUED_S = 60.0
"""A task that no upstream took for so long is withdrawn: its caller had better ask elsewhere than wait until the end."""
MAX_EXPIRE_TRIES = 5

WITHHELD = "The vendor made what was asked and withholds it by its content policy. Vendors bill that, so it was charged."

_BUSY = frozenset((refusals.RATE_LIMITED, refusals.VENDOR_UNAVAILABLE))


class PictureFailed(UpstreamError):
    """The vendor took the job and could not finish it. A client that tries again by itself would only wait as long again."""

    code = "generation_failed"
    retryable = False
    text = "The picture could not be made. Nothing was charged."


class PictureNotFinished(UpstreamTimeout):
    """The task was given up when its time was over, and its money went back."""

    retryable = False
    text = "The picture was not finished in time. Nothing was charged."


class Waiting:
    """Waits, for a bounded number of requests."""

    def __init__(self, *, store: TaskDesk, submissions: Submissions, mover: Mover, clock: Clock) -> None:
        self._store = store
        self._submissions = submissions
        self._mover = mover
        self._clock = clock
        self._waiting = 0

    async def __aenter__(self) -> None:
        """Take one of the places. Raises Overloaded when there is none."""
        if self._waiting >= MAX_WAITING:
            raise Overloaded(retry_after_s=5.0)
        self._waiting += 1

    async def __aexit__(self, *_: object) -> None:
        self._waiting -= 1

    async def until_ended(self, tasks: list[Task]) -> list[Task]:
        """Look at the tasks again and again until all have ended; what is late by its deadline expires."""
        pause_s = FIRST_LOOK_S
        while any(task.finished_at is None for task in tasks):
            left_s = tasks[0].deadline_at - self._clock()
            if left_s <= 0:
                return [await self._expired(task) for task in tasks]
            await asyncio.sleep(min(pause_s, left_s))
            pause_s = min(pause_s * LOOK_GROWTH, MAX_LOOK_S)
            tasks = [task if task.finished_at is not None else await self._look_at(task) for task in tasks]
        return tasks

    async def _look_at(self, task: Task) -> Task:
        task = await self._store.get(task.id) or task
        if task.state == "queued" and self._clock() - task.created_at >= MAX_QUEUED_S:
            return await self._submissions.withdraw(task) or task
        return task

    async def _expired(self, task: Task) -> Task:
        """End a task that is late. Whoever moves it at this moment may be first, so what counts is how it stands afterwards."""
        for _ in range(MAX_EXPIRE_TRIES):
            if task.finished_at is not None:
                break
            task = await self._mover.advance(await self._store.get(task.id) or task)
        return task


def error_of(task: Task) -> ModelgateError:
    """Return what a task that made nothing means to its caller. Numbered cases:

    1. the content policy refused it: OpenAI's word for that, also when all was made and is withheld;
    2. the caller's fault: 400 with the vendor's words;
    3. late: 504;
    4. nobody could take it now, so that it failed or was withdrawn: 503;
    5. taken, and not finished.
    """
    if task.state == "succeeded":
        return UpstreamRefused(WITHHELD, status=400, code="content_policy_violation")
    match task.error_code:
        case refusals.CONTENT_REFUSED:
            message = task.error_message or "The vendor's content policy refused this request."
            return UpstreamRefused(message, status=400, code="content_policy_violation")
        case refusals.INVALID_REQUEST:
            message = task.error_message or "The upstream refused this request as not valid."
            return UpstreamRefused(message, status=400, code=task.error_code)
        case _ if task.finished_at is None or task.state == "expired":
            return PictureNotFinished()
        case _ if task.state == "canceled" or (not task.upstream and task.error_code in _BUSY):
            return NoUpstream("Every upstream of this model is busy. Try again shortly.", retry_after_s=5.0)
        case _:
            return PictureFailed(task.error_message)
