"""Webhooks as their receivers' owners see them: what may be an address, what became of each delivery, and sending one again."""

from collections.abc import Callable, Collection
from typing import Annotated

import msgspec
from msgspec import Meta

from modelgate.core.clock import Clock
from modelgate.core.endpoints import KEY_ERRORS, Case, Endpoint
from modelgate.core.errors import (
    InvalidRequest,
    MethodNotAllowed,
    ModelgateError,
    Overloaded,
    TaskNotFound,
)
from modelgate.core.http import HeaderBlock, HttpRequest, HttpResponse
from modelgate.core.records import Delivery, DeliveryState, Task, TaskState
from modelgate.formats.openai_chat.reference import ErrorAnswer
from modelgate.gateway.callers import authenticate
from modelgate.identity.table import KeyTable
from modelgate.tasks.store import TaskDesk
from modelgate.tasks.webhooks import WebhookStore
from modelgate.transport.guard import UrlRefused, check_url
from modelgate.transport.target import target_of

DELIVERIES_PATH = "/v1/tasks/{task_id}/deliveries"
REDELIVER_PATH = DELIVERIES_PATH + "/{delivery_id}/redeliver"
MAX_CALLBACK_CHARACTERS = 2_048

CheckCallback = Callable[[str, str], None]
"""Raises InvalidRequest, naming the caller's field (second), for an address that webhooks may not go to."""


class DeliveryNotFound(ModelgateError):
    """No such delivery of this task."""

    status = 404
    type = "invalid_request_error"
    code = "delivery_not_exist"
    retryable = False
    text = "The task has no such delivery. GET its deliveries for the list."


class DeliveryOutdated(ModelgateError):
    """The task has come further since: an older state is never sent after a newer one."""

    status = 409
    type = "invalid_request_error"
    code = "delivery_outdated"
    retryable = False
    text = "The task has come further since. Send its newest delivery again."


class DeliveryObject(msgspec.Struct, frozen=True, kw_only=True):
    """One change of a task's state on its way to the task's address. Times are seconds since the epoch."""

    id: Annotated[str, Meta(description="Id of the delivery, its `webhook-id`.", examples=["hook_4fK2mQpX7cVbN1sLr8YwZd_6"])]
    task: Annotated[str, Meta(description="The task.", examples=["task_4fK2mQpX7cVbN1sLr8YwZd"])]
    task_state: Annotated[TaskState, Meta(description="The state that it tells of.", examples=["succeeded"])]
    state: Annotated[
        DeliveryState,
        Meta(
            description=(
                "What became of it: `pending`, `sending`, `delivered`, `failed` (given up), `gone` (the address said 410) or `skipped` "
                "(a newer one was sent)."
            ),
            examples=["delivered"],
        ),
    ]
    attempts: Annotated[int, Meta(description="Tries so far.", examples=[2])]
    created_at: Annotated[int, Meta(description="When the task changed, unix seconds.", examples=[1763884926])]
    sent_at: Annotated[int | None, Meta(description="When it was last tried, unix seconds.")]
    ended_at: Annotated[int | None, Meta(description="When it was delivered or given up, unix seconds.")]
    next_try_at: Annotated[int | None, Meta(description="With `pending`: when it is tried next, unix seconds.")]
    answer_status: Annotated[int | None, Meta(description="The HTTP status that the address last answered with.", examples=[200])]
    error: Annotated[str | None, Meta(description="Why the last try failed.")]
    object: Annotated[str, Meta(description="Always `delivery`.")] = "delivery"


class DeliveryList(msgspec.Struct, frozen=True, kw_only=True):
    """A task's deliveries, newest first."""

    data: Annotated[list[DeliveryObject], Meta(description="The deliveries.")]
    object: Annotated[str, Meta(description="Always `list`.")] = "list"


def no_check(_url: str, _field: str) -> None:
    """Take every address."""


def callback_check(*, ports: tuple[int, ...], own: Collection[str]) -> CheckCallback:
    """Return what looks at an address before its task is taken; `own` are origins that the operator allows wherever they lead.

    Names are looked up when something is sent, not here.
    """

    def check(url: str, field: str) -> None:
        if len(url) > MAX_CALLBACK_CHARACTERS:
            raise InvalidRequest(
                f"{field} has {len(url)} characters; at most {MAX_CALLBACK_CHARACTERS} are taken.", param=field, code="invalid_value"
            )
        if _origin(url) in own:
            return
        try:
            check_url(url, ports=ports)
        except UrlRefused as error:
            raise InvalidRequest(f"{field} cannot be called: {error}.", param=field, code="invalid_value") from None

    return check


def _origin(url: str) -> str:
    try:
        return target_of(url).origin
    except ValueError:
        return ""


class Deliveries:
    """The two routes, for the account that the task belongs to."""

    def __init__(self, *, keys: KeyTable, tasks: TaskDesk, store: WebhookStore, clock: Clock) -> None:
        self._keys = keys
        self._tasks = tasks
        self._store = store
        self._clock = clock

    async def handle_list(self, request: HttpRequest) -> HttpResponse:
        """Show a task's deliveries."""
        if request.method not in ("GET", "HEAD"):
            raise MethodNotAllowed(allowed=("GET", "HEAD"))
        task = await self._task_of(request)
        return _answer(DeliveryList(data=[_shown(one) for one in await self._store.list_of(task.id)]))

    async def handle_redeliver(self, request: HttpRequest) -> HttpResponse:
        """Send a task's newest delivery again, now."""
        if request.method != "POST":
            raise MethodNotAllowed(allowed=("POST",))
        task = await self._task_of(request)
        wanted = request.path.split("/")[5]
        deliveries = await self._store.list_of(task.id)
        if wanted not in {one.id for one in deliveries}:
            raise DeliveryNotFound
        if wanted != deliveries[0].id:
            raise DeliveryOutdated
        again = await self._store.repeat(wanted, now=self._clock())
        if again is None:
            raise DeliveryNotFound
        return _answer(_shown(again))

    async def _task_of(self, request: HttpRequest) -> Task:
        caller = await authenticate(request, keys=self._keys, clock=self._clock)
        task = await self._tasks.get(request.path.split("/")[3], account=caller.key.account)
        if task is None or task.book != caller.key.book:
            raise TaskNotFound
        return task


def _shown(delivery: Delivery) -> DeliveryObject:
    return DeliveryObject(
        id=delivery.id,
        task=delivery.task,
        task_state=delivery.task_state,
        state=delivery.state,
        attempts=delivery.attempts,
        created_at=int(delivery.created_at),
        sent_at=int(delivery.sent_at) if delivery.sent_at is not None else None,
        ended_at=int(delivery.ended_at) if delivery.ended_at is not None else None,
        next_try_at=int(delivery.due_at) if delivery.state == "pending" else None,
        answer_status=delivery.answer_status or None,
        error=delivery.error or None,
    )


def _answer(body: msgspec.Struct) -> HttpResponse:
    return HttpResponse(status=200, headers=HeaderBlock.of(("content-type", "application/json")), body=msgspec.json.encode(body))


_KEY_ERRORS = (*KEY_ERRORS, Overloaded)
_TASK_ID = "task_4fK2mQpX7cVbN1sLr8YwZd"
_DELIVERY = {
    "id": "hook_4fK2mQpX7cVbN1sLr8YwZd_6",
    "object": "delivery",
    "task": _TASK_ID,
    "task_state": "succeeded",
    "state": "pending",
    "attempts": 2,
    "created_at": 1763884926,
    "sent_at": 1763884957,
    "ended_at": None,
    "next_try_at": 1763885014,
    "answer_status": 503,
    "error": "the address answered with status 503",
}
WEBHOOK_ENDPOINTS = (
    Endpoint(
        method="GET",
        path=DELIVERIES_PATH,
        name="list_deliveries",
        family="tasks",
        home="desk",
        summary="See what became of a task's webhooks",
        description=(
            "Shows each change of the task that its `callback_url` was to hear of, newest first, with the tries so far. `state` is "
            "`pending`, `sending`, `delivered`, `failed` (given up), `gone` (the address said 410) or `skipped` (a newer one was sent)."
        ),
        response=DeliveryList,
        error=ErrorAnswer,
        errors=(TaskNotFound, *_KEY_ERRORS),
        cases=(
            Case(
                name="history",
                title="The deliveries of a task",
                prose="The last try was answered with a 503 and will be repeated at `next_try_at`.",
                response={"object": "list", "data": [_DELIVERY]},
                path_values={"task_id": _TASK_ID},
            ),
        ),
    ),
    Endpoint(
        method="POST",
        path=REDELIVER_PATH,
        name="redeliver",
        family="tasks",
        home="desk",
        summary="Send a task's newest webhook again",
        description="Makes the task's newest delivery due now, whatever became of it, with all its tries again. Its `webhook-id` stays.",
        response=DeliveryObject,
        error=ErrorAnswer,
        errors=(TaskNotFound, DeliveryNotFound, DeliveryOutdated, *_KEY_ERRORS),
        cases=(
            Case(
                name="redeliver",
                title="Send it again",
                prose="Take the delivery's id from the list.",
                response={**_DELIVERY, "attempts": 0},
                path_values={"task_id": _TASK_ID, "delivery_id": "hook_4fK2mQpX7cVbN1sLr8YwZd_6"},
            ),
        ),
    ),
)
