"""From running or unknown to an end: polls, look-ups, and the copying of results."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Sequence
from typing import Any

import msgspec

from modelgate.core.providers import MediaOperation, UpstreamCall, VendorState
from modelgate.core.records import Task
from modelgate.formats.media import refusals
from modelgate.formats.media.requests import decode_request
from modelgate.routing.retry import parse_retry_after
from modelgate.routing.table import Candidate
from modelgate.tasks.calls import CallAnswer, Caller, CallFailed
from modelgate.tasks.charges import Charge, whole_hold
from modelgate.tasks.outputs import NotCopied, OutputCopier
from modelgate.tasks.places import Places, pause_of
from modelgate.tasks.recorder import UNFINISHED_PROGRESS, Recorder, count_of, is_vendor_task, told

MAX_GONE = 6
"""Looks in a row at an upstream that is configured no more, then the task fails: a configuration may be on its way."""
MAX_ABSENT_POLLS = 6
"""Answers in a row that there is no such job, then the task fails."""
MIN_ABSENT_LOOK_UPS = 4
ABSENT_AFTER_S = 60.0
"""An unanswered submit counts as not taken after so many look-ups, the last this long after the submit."""
MAX_COPY_TRIES = 8
QUESTION_TIMEOUT_S = 30.0
FETCH_PAUSE_S = 2.0
LOOK_UP_PAUSE_S = 10.0

GONE = "The upstream that had the task is gone. Nothing was charged."
LOST = "The upstream does not know the task any more. Nothing was charged."
UNANSWERED = "The upstream never confirmed the task. Nothing was charged."
NOT_FETCHED = "The result could not be fetched from the upstream. Nothing was charged."
NO_RESULT = "The upstream finished without a result. Nothing was charged."


class Follower:
    """Follows submitted tasks."""

    def __init__(self, recorder: Recorder, *, places: Places, caller: Caller, copier: OutputCopier, charge: Charge = whole_hold) -> None:
        self._recorder = recorder
        self._charge = charge
        self._places = places
        self._caller = caller
        self._copier = copier

    async def poll(self, task: Task) -> Task:
        """Ask the vendor how a running task stands; return it as it is stored then."""
        found = await self._holder(task)
        if isinstance(found, Task):
            return found
        candidate, operation = found
        pause_s = pause_of(candidate.upstream, operation)
        if operation.encode_poll is None or operation.parse_poll is None or not task.vendor_task:
            done = VendorState(state="succeeded", outputs=task.outputs)  # it told all at once; only the files were not to be had
            return await self.fetch(task, candidate, done, pause_s=pause_s)
        try:
            answer = await self._caller.call(
                candidate.upstream, candidate.credential, _asked(operation, operation.encode_poll, task.vendor_task, task)
            )
            state = operation.parse_poll(answer.status, answer.body)
            if state.further is not None and operation.parse_result is not None:
                answer = await self._caller.call(candidate.upstream, candidate.credential, state.further)
                state = operation.parse_result(answer.status, answer.body)
        except CallFailed as failure:
            return await self._recorder.trouble(task, "poll_failed", first_pause_s=pause_s, reason=str(failure))
        return await self.told(task, candidate, state, pause_s=pause_s, wait_s=self._wait_s(state, answer))

    async def poll_many(self, tasks: Sequence[Task]) -> None:
        """Ask the vendor in one call how running tasks stand that one credential has, and write down what it says of each.

        A task that goes wrong here does not keep the others from being written; the first fault is raised at the end.
        """
        found = await self._holder(tasks[0])
        if isinstance(found, Task) or found[1].encode_poll_many is None or found[1].parse_poll_many is None:
            await _all(self.poll(task) for task in (tasks[1:] if isinstance(found, Task) else tasks))
            return
        candidate, operation = found
        pause_s = pause_of(candidate.upstream, operation)
        try:
            call = found[1].encode_poll_many([task.vendor_task for task in tasks])
            answer = await self._caller.call(candidate.upstream, candidate.credential, call)
        except CallFailed as failure:
            await _all(self._recorder.trouble(task, "poll_failed", first_pause_s=pause_s, reason=str(failure)) for task in tasks)
            return
        states = found[1].parse_poll_many(answer.status, answer.body)
        wait_s = parse_retry_after(answer.headers, self._recorder.clock())
        unknown = VendorState() if states is None else VendorState(refused=True, error_code=refusals.TASK_NOT_FOUND)
        known = states or {}
        await _all(self.told(task, candidate, known.get(task.vendor_task, unknown), pause_s=pause_s, wait_s=wait_s) for task in tasks)

    def batches(self, tasks: Sequence[Task]) -> list[list[Task]]:
        """Return tasks in groups that can be asked about in one call; most groups have one."""
        groups: dict[tuple[str, ...], list[list[Task]]] = {}
        for task in tasks:
            size = self._batch_size(task)
            key = (task.upstream, task.credential, task.operation) if size > 1 else (task.id,)
            parts = groups.setdefault(key, [[]])
            if len(parts[-1]) >= size:
                parts.append([])
            parts[-1].append(task)
        return [part for parts in groups.values() for part in parts]

    def _batch_size(self, task: Task) -> int:
        if task.state != "running" or not task.vendor_task or self._recorder.clock() >= task.deadline_at:
            return 1
        candidate = self._places.holder(task)
        operation = self._places.operation(candidate.upstream, task.operation) if candidate is not None else None
        return operation.max_poll_many if operation is not None and operation.encode_poll_many is not None else 1

    async def told(self, task: Task, candidate: Candidate, state: VendorState, *, pause_s: float, wait_s: float | None = None) -> Task:
        """Write down what an answer says about a running task."""
        if state.refused:
            return await self._not_found(task, state, pause_s=pause_s)
        return await self._follow(task, candidate, state, pause_s=pause_s, wait_s=wait_s)

    async def cancel(self, task: Task) -> Task:
        """Ask the vendor to stop a running task. It goes on unless the vendor says that it has stopped."""
        candidate = self._places.holder(task)
        operation = self._places.operation(candidate.upstream, task.operation) if candidate is not None else None
        if candidate is None or operation is None or operation.encode_cancel is None or operation.parse_cancel is None:
            return await self._recorder.later(task, 0.0)
        try:
            answer = await self._caller.call(candidate.upstream, candidate.credential, operation.encode_cancel(task.vendor_task))
        except CallFailed as failure:
            return await self._recorder.trouble(
                task, "cancel_failed", first_pause_s=pause_of(candidate.upstream, operation), reason=str(failure)
            )
        if operation.parse_cancel(answer.status, answer.body).state == "canceled":
            return await self._recorder.cancel(task)
        return await self._recorder.later(task, 0.0)

    async def ask(self, task: Task) -> Task:
        """Return a finished task with what its vendor tells of it only when asked, if it does. Nothing is stored."""
        candidate = self._places.holder(task)
        operation = self._places.operation(candidate.upstream, task.operation) if candidate is not None else None
        if candidate is None or operation is None or operation.encode_question is None or operation.parse_question is None:
            return task
        question = operation.encode_question(task.vendor_task)
        try:
            answer = await self._caller.call(candidate.upstream, candidate.credential, question, timeout_s=QUESTION_TIMEOUT_S)
        except CallFailed:
            return task
        details = operation.parse_question(answer.status, answer.body)
        if not details:
            return task
        return told(task, VendorState(details={**msgspec.json.decode(task.details, type=dict[str, Any]), **details}))

    async def look_up(self, task: Task) -> Task:
        """Find out whether an unanswered submit was taken. It is never sent again: a vendor may list it late."""
        found = await self._holder(task)
        if isinstance(found, Task):
            return found
        candidate, operation = found
        if operation.encode_lookup is None or operation.parse_lookup is None:
            return await self._recorder.fail(task, refusals.VENDOR_UNAVAILABLE, UNANSWERED)
        try:
            answer = await self._caller.call(
                candidate.upstream, candidate.credential, _asked(operation, operation.encode_lookup, task.id, task)
            )
        except CallFailed as failure:
            return await self._recorder.trouble(task, "look_up_failed", first_pause_s=LOOK_UP_PAUSE_S, reason=str(failure))
        state = operation.parse_lookup(answer.status, answer.body)
        wait_s = self._wait_s(state, answer)
        if state.refused:
            return await self._absent(task, wait_s=wait_s)
        if state.state is None or not is_vendor_task(state.vendor_task):
            return await self._recorder.trouble(task, "look_up_failed", first_pause_s=LOOK_UP_PAUSE_S, retry_after_s=wait_s)
        running = msgspec.structs.replace(task, state="running", vendor_task=state.vendor_task, error_code="", poll_errors=0)
        kept = await self._recorder.keep(running)
        if kept is None:
            return await self._recorder.current(task)
        return await self._follow(kept, candidate, state, pause_s=pause_of(candidate.upstream, operation), wait_s=wait_s)

    async def _holder(self, task: Task) -> tuple[Candidate, MediaOperation] | Task:
        """Return who has the task and how to talk about it, or the task as it was left because nobody has it."""
        candidate = self._places.holder(task)
        operation = self._places.operation(candidate.upstream, task.operation) if candidate is not None else None
        if candidate is not None and operation is not None:
            return candidate, operation
        if count_of(task, "upstream_gone") + 1 >= MAX_GONE:
            return await self._recorder.fail(task, refusals.VENDOR_UNAVAILABLE, GONE)
        return await self._recorder.trouble(task, "upstream_gone", first_pause_s=LOOK_UP_PAUSE_S)

    def _wait_s(self, state: VendorState, answer: CallAnswer) -> float | None:
        return state.retry_after_s if state.retry_after_s is not None else parse_retry_after(answer.headers, self._recorder.clock())

    async def _follow(self, task: Task, candidate: Candidate, state: VendorState, *, pause_s: float, wait_s: float | None) -> Task:
        """Write down how the vendor says the task stands."""
        match state.state:
            case None:  # a word we do not know, or trouble at the vendor: neither may end a task
                return await self._recorder.trouble(task, state.error_code or "poll_failed", first_pause_s=pause_s, retry_after_s=wait_s)
            case "running":
                progress = min(max(task.progress, state.progress), UNFINISHED_PROGRESS)
                running = msgspec.structs.replace(
                    told(task, state), progress=progress, error_code="", poll_errors=0, outputs=state.outputs or task.outputs
                )
                return await self._recorder.later(running, max(pause_s, wait_s or 0.0), unchanged=running == task)
            case "waiting_input":
                waiting = msgspec.structs.replace(told(task, state), state="waiting_input", error_code="", poll_errors=0)
                return await self._recorder.later(waiting, task.deadline_at - self._recorder.clock())
            case "failed" | "canceled":
                return await self._recorder.fail(told(task, state), state.error_code or refusals.GENERATION_FAILED, state.error_message)
            case "succeeded":
                return await self.fetch(told(task, state), candidate, state, pause_s=pause_s)

    async def fetch(self, task: Task, candidate: Candidate, state: VendorState, *, pause_s: float = FETCH_PAUSE_S) -> Task:
        """Copy the results, then end the task: nobody is shown a success whose files may vanish."""
        if not state.outputs:
            return await self._recorder.fail(task, refusals.GENERATION_FAILED, NO_RESULT)
        try:
            outputs = await self._copier.copy(task, candidate.upstream, state.outputs)
        except NotCopied as error:
            if count_of(task, "result_not_fetched") + 1 >= MAX_COPY_TRIES:
                return await self._recorder.fail(task, "result_not_fetched", NOT_FETCHED)
            shown = msgspec.structs.replace(task, progress=UNFINISHED_PROGRESS)
            return await self._recorder.trouble(shown, "result_not_fetched", first_pause_s=pause_s, reason=str(error))
        return await self._recorder.succeed(task, outputs, charged_nanos=self._charge(task, outputs), billed=state.billed)

    async def _not_found(self, task: Task, state: VendorState, *, pause_s: float) -> Task:
        if count_of(task, refusals.TASK_NOT_FOUND) + 1 >= MAX_ABSENT_POLLS:
            return await self._recorder.fail(task, refusals.TASK_NOT_FOUND, LOST)
        return await self._recorder.trouble(task, refusals.TASK_NOT_FOUND, first_pause_s=pause_s, retry_after_s=state.retry_after_s)

    async def _absent(self, task: Task, *, wait_s: float | None) -> Task:
        tries = count_of(task, refusals.TASK_NOT_FOUND) + 1
        waited_s = self._recorder.clock() - (task.submitted_at or task.created_at)
        if tries >= MIN_ABSENT_LOOK_UPS and waited_s >= ABSENT_AFTER_S:
            return await self._recorder.fail(task, refusals.VENDOR_UNAVAILABLE, UNANSWERED)
        return await self._recorder.trouble(task, refusals.TASK_NOT_FOUND, first_pause_s=LOOK_UP_PAUSE_S, retry_after_s=wait_s)


async def _all(steps: Iterable[Coroutine[Any, Any, Task]]) -> None:
    """Let every step come to its end, then raise the first fault of them."""
    for outcome in await asyncio.gather(*steps, return_exceptions=True):
        if isinstance(outcome, BaseException):
            raise outcome


def _asked(operation: MediaOperation, encode: Callable[..., UpstreamCall], name: str, task: Task) -> UpstreamCall:
    """Return the call that asks about a task by a name of it."""
    return encode(name, request=decode_request(task.operation, task.request)) if operation.asks_by_request else encode(name)
