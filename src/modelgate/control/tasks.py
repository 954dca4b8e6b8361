"""Tasks as people look at them: the gallery, one task with all that is known of it, cancelling, sending a webhook again."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol

import msgspec

from modelgate.control import task_reference as reference
from modelgate.control.actions import Action, Call
from modelgate.control.errors import Conflict, NoSuchObject
from modelgate.control.lists import page_of
from modelgate.core.listings import TaskEvent, TaskFilter, TaskListing
from modelgate.core.records import Delivery, Task, TaskOutput
from modelgate.identity.roles import sees_all_accounts

Cancel = Callable[[Task], Awaitable[Task]]
"""Ends a task as its caller wishes. Raises TaskNotCancelable, Overloaded."""
UrlsOf = Callable[[Task], list[str]]
"""Returns a fresh address for each output, empty for one without a file."""


class TaskListings(Protocol):
    """Tasks with what belongs to them."""

    async def list_of(self, wanted: TaskFilter, *, limit: int, after: str) -> list[TaskListing]:
        """Return tasks, newest first, behind the task of id `after`."""
        ...

    async def get(self, task_id: str, *, account_id: str) -> TaskListing | None:
        """Return a task of an account (empty: of any)."""
        ...

    async def events(self, task_id: str) -> list[TaskEvent]: ...

    async def deliveries(self, task_id: str) -> list[Delivery]:
        """Return a task's webhooks, newest first."""
        ...

    async def repeat(self, delivery_id: str, *, now: float) -> Delivery | None:
        """Make a webhook due now, whatever became of it."""
        ...


def task_actions(store: TaskListings, *, cancel: Cancel, urls_of: UrlsOf) -> tuple[Action, ...]:
    """Return the actions."""
    tasks = _Tasks(store, cancel=cancel, urls_of=urls_of)
    return (
        Action(endpoint=reference.LIST_TASKS, handle=tasks.list_them),
        Action(endpoint=reference.GET_TASK, handle=tasks.show),
        Action(endpoint=reference.CANCEL_TASK, handle=tasks.cancel, permission="use"),
        Action(endpoint=reference.REDELIVER_TASK, handle=tasks.redeliver, permission="use"),
    )


class _Tasks:
    def __init__(self, store: TaskListings, *, cancel: Cancel, urls_of: UrlsOf) -> None:
        self._store = store
        self._cancel = cancel
        self._urls_of = urls_of

    async def list_them(self, call: Call) -> reference.TaskList:
        query: reference.TaskQuery = call.query
        wanted = TaskFilter(
            book=query.book,
            account=call.scope(query.account),
            key=query.key,
            model=query.model,
            family=query.family,
            state=query.state,
            since=query.since,
            until=query.until,
        )
        shown, more = page_of(await self._store.list_of(wanted, limit=query.limit + 1, after=query.after), query.limit)
        data = [reference.TaskSummary(**self._summary(one, call)) for one in shown]
        return reference.TaskList(data=data, next=shown[-1].task.id if more else None)

    async def show(self, call: Call) -> reference.TaskDetail:
        found = await self._own(call)
        task = found.task
        request = _decoded(task.request)
        return reference.TaskDetail(
            **self._summary(found, call),
            request=request,
            inputs=self._inputs(task, request),
            request_id=task.request_id,
            parent=task.parent or None,
            events=[reference.TaskChange(state=event.state, at=event.at) for event in await self._store.events(task.id)],
            deliveries=[_delivery(one) for one in await self._store.deliveries(task.id)],
        )

    async def cancel(self, call: Call) -> reference.TaskDetail:
        await self._cancel((await self._own(call)).task)
        return await self.show(call)

    async def redeliver(self, call: Call) -> reference.TaskDelivery:
        task = (await self._own(call)).task
        deliveries = await self._store.deliveries(task.id)
        if not deliveries:
            raise Conflict("The task has no webhook: it has no address, or has not changed yet.")
        again = await self._store.repeat(deliveries[0].id, now=call.now)
        if again is None:  # swept away at this very moment
            raise NoSuchObject
        return _delivery(again)

    async def _own(self, call: Call) -> TaskListing:
        """Return the task that the path names. Raises NoSuchObject when there is none that the caller may see."""
        found = await self._store.get(call.values["task"], account_id=call.scope())
        if found is None:
            raise NoSuchObject
        return found

    def _summary(self, found: TaskListing, call: Call) -> dict[str, Any]:
        task, sees_all = found.task, sees_all_accounts(call.member)
        ended_badly = task.finished_at is not None and task.state != "succeeded"
        failure = reference.TaskFailure(code=task.error_code or task.state, message=task.error_message) if ended_badly else None
        prompt = _decoded(task.request).get("prompt", "")
        return {
            "id": task.id,
            "at": task.created_at,
            "finished_at": task.finished_at,
            "account": task.account,
            "account_name": found.account_name,
            "key": task.key,
            "key_name": found.key_name,
            "book": task.book,
            "family": task.family,
            "operation": task.operation,
            "model": task.model,
            "state": task.state,
            "progress": task.progress,
            "prompt": prompt[: reference.MAX_PROMPT] if isinstance(prompt, str) else "",
            "error": failure,
            "amount_nanos": task.amount_nanos,
            "upstream": (task.upstream or None) if sees_all else None,
            "upstream_name": (found.upstream_name or None) if sees_all else None,
            "outputs": self._results(task.outputs, self._urls_of(task)) if task.state == "succeeded" else [],
            "callback_url": task.callback_url or None,
            "deliveries_count": found.deliveries,
        }

    def _inputs(self, task: Task, request: dict[str, Any]) -> list[reference.TaskResult]:
        """Return the files a task starts from that we keep: they are signed as its outputs are."""
        kept = [one for one in request.get("inputs", ()) if isinstance(one, dict) and one.get("blob")]
        outputs = tuple(_as_output(one) for one in kept)
        return self._results(outputs, self._urls_of(msgspec.structs.replace(task, outputs=outputs)))

    def _results(self, outputs: Sequence[TaskOutput], urls: Sequence[str]) -> list[reference.TaskResult]:
        return [
            reference.TaskResult(
                kind=output.kind,
                url=url or None,
                content_type=output.content_type or None,
                size_bytes=output.size_bytes,
                duration_ms=output.duration_ms,
                text=output.text or None,
            )
            for output, url in zip(outputs, urls, strict=True)
        ]


def _as_output(kept: dict[str, Any]) -> TaskOutput:
    content_type = kept.get("content_type", "")
    kind = content_type.partition("/")[0]
    return TaskOutput(kind=kind if kind in ("video", "audio") else "image", blob=kept["blob"], content_type=content_type)


def _decoded(request: bytes) -> dict[str, Any]:
    decoded: dict[str, Any] = msgspec.json.decode(request)  # of our own encoding
    return decoded


def _delivery(one: Delivery) -> reference.TaskDelivery:
    return reference.TaskDelivery(
        id=one.id,
        task_state=one.task_state,
        state=one.state,
        attempts=one.attempts,
        created_at=one.created_at,
        sent_at=one.sent_at,
        next_try_at=one.due_at if one.state == "pending" else None,
        answer_status=one.answer_status or None,
        error=one.error or None,
    )
