"""Writing down what became of a task: later, or at its end."""

import random
from collections.abc import Callable

import msgspec
import structlog

from modelgate.core.clock import Clock
from modelgate.core.providers import VendorState
from modelgate.core.records import Task, TaskOutput, TaskState
from modelgate.formats.chat.vendor_error import clean
from modelgate.tasks.store import TaskStore

LEASE_S = 300.0
"""How long a mover may hold a task; longer than any one step can take."""
MAX_PAUSE_S = 60.0
MAX_DOUBLINGS = 6
JITTER = 0.2
"""Pauses are lengthened by up to this part, so that tasks submitted together are not polled together."""
MAX_ERROR_CHARACTERS = 1_000
MAX_CODE_CHARACTERS = 100
MAX_VENDOR_TASK_CHARACTERS = 500
MAX_DETAILS_BYTES = 256 * 1024
"""What a vendor says about a job beyond this is not kept."""
FULL_PROGRESS = 100
UNFINISHED_PROGRESS = 99

Draw = Callable[[], float]

_log = structlog.get_logger("tasks")


class Recorder:
    """The mover's pen. Every method returns the task as it is stored now, whoever wrote it."""

    def __init__(self, store: TaskStore, *, clock: Clock, draw: Draw = random.random) -> None:
        self.store = store
        self.clock = clock
        self._draw = draw

    async def keep(self, task: Task) -> Task | None:
        """Save in the middle of a step and keep the lease. None: somebody else has the task now; stop."""
        now = self.clock()
        return await self.store.save(msgspec.structs.replace(task, updated_at=now), lease_until=now + LEASE_S)

    async def later(self, task: Task, after_s: float, *, unchanged: bool = False) -> Task:
        """Save and give the lease up; look again after about `after_s`, or at the deadline. `unchanged`: there is nothing else to save."""
        now = self.clock()
        due_at = min(now + after_s * (1 + JITTER * self._draw()), task.deadline_at)
        later = msgspec.structs.replace(task, updated_at=now, due_at=due_at)
        written = await (self.store.postpone(later) if unchanged else self.store.save(later))
        return written or await self.current(task)

    async def trouble(self, task: Task, code: str, *, first_pause_s: float, retry_after_s: float | None = None, reason: str = "") -> Task:
        """Leave a task as it is after a try that told nothing, and look again later: the pause doubles with each in a row.

        `reason` is for the log alone: it may name the upstream's address.
        """
        count = count_of(task, code) + 1
        _log.warning("task_trouble", task=task.id, state=task.state, upstream=task.upstream, code=code, in_a_row=count, reason=reason)
        pause_s = min(first_pause_s * 2 ** min(count - 1, MAX_DOUBLINGS), MAX_PAUSE_S)
        return await self.later(msgspec.structs.replace(task, error_code=code, poll_errors=count), max(pause_s, retry_after_s or 0.0))

    async def fail(self, task: Task, code: str, message: str) -> Task:
        """End a task without a result; all its money goes back."""
        return await self._end(task, "failed", code=code, message=message)

    async def expire(self, task: Task) -> Task:
        """End a task that passed its deadline; all its money goes back."""
        return await self._end(task, "expired", code="deadline_passed", message="The task was not finished in time. Nothing was charged.")

    async def cancel(self, task: Task) -> Task:
        """End a task as its caller wishes; all its money goes back."""
        return await self._end(task, "canceled", code="canceled", message="The task was canceled. Nothing was charged.")

    async def succeed(self, task: Task, outputs: tuple[TaskOutput, ...], *, charged_nanos: int, billed: int | None = None) -> Task:
        """End a task with its results, which are in the blob store; of its hold this is charged, or the part of it for `billed` results."""
        captured = charged_nanos if billed is None else charged_nanos * max(0, min(billed, task.weight)) // task.weight
        return await self._end(task, "succeeded", code="", message="", outputs=outputs, captured_nanos=captured)

    async def current(self, task: Task) -> Task:
        """Return the task as somebody else left it."""
        return await self.store.get(task.id) or task

    async def _end(
        self,
        task: Task,
        state: TaskState,
        *,
        code: str,
        message: str,
        outputs: tuple[TaskOutput, ...] = (),
        captured_nanos: int = 0,
    ) -> Task:
        now = self.clock()
        ended = msgspec.structs.replace(
            task,
            state=state,
            amount_nanos=captured_nanos or task.amount_nanos,
            progress=FULL_PROGRESS,
            error_code=code[:MAX_CODE_CHARACTERS],
            error_message=_storable(clean(message) or "")[:MAX_ERROR_CHARACTERS],
            outputs=outputs,
            poll_errors=0,
            finished_at=now,
            updated_at=now,
            due_at=now,
        )
        written = await self.store.finish(ended, captured_nanos=captured_nanos)
        if written is None:
            return await self.current(task)
        _log.info("task_ended", task=task.id, state=state, upstream=task.upstream, code=code, took_s=round(now - task.created_at, 3))
        return written


def told(task: Task, state: VendorState) -> Task:
    """Return the task with what its vendor says about the job beside its state."""
    details = msgspec.json.encode(state.details) if state.details else task.details
    return msgspec.structs.replace(task, details=details if len(details) <= MAX_DETAILS_BYTES else task.details)


def is_vendor_task(text: str) -> bool:
    """Return whether a vendor's id of a job can be kept; one that cannot is no better than none."""
    return 0 < len(text) <= MAX_VENDOR_TASK_CHARACTERS and _storable(text) == text


def _storable(text: str) -> str:
    """Return a text without what Postgres refuses in one."""
    return text.replace("\0", "")


def count_of(task: Task, code: str) -> int:
    """Return how many tries in a row have ended in this trouble."""
    return task.poll_errors if task.error_code == code else 0
