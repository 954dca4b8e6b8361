"""Tasks as the account API shows them: types and endpoints."""

from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

from modelgate.control.declared import declared
from modelgate.control.errors import CALLER_ERRORS, CHANGE_ERRORS, Conflict, NoSuchObject
from modelgate.control.lists import DEFAULT_ROWS, MAX_FILTER_LENGTH, AccountName, After, BookName, Limit, Next
from modelgate.core.endpoints import Case
from modelgate.core.errors import TaskNotCancelable
from modelgate.core.records import DeliveryState, Json, TaskState

MAX_PROMPT: Final = 300
"""Characters of a prompt in lists."""

_Filter = Annotated[str, Meta(max_length=MAX_FILTER_LENGTH)]
_OutputKind = Literal["image", "video", "audio", "text"]


class TaskQuery(Struct, frozen=True, kw_only=True):
    """Which tasks."""

    book: BookName = "live"
    account: AccountName = ""
    key: Annotated[_Filter, Meta(description="Only tasks of this key, by its id.")] = ""
    model: Annotated[_Filter, Meta(description="Only tasks of this model.")] = ""
    family: Annotated[_Filter, Meta(description="Only tasks that came in by this dialect, such as `tasks`.")] = ""
    state: Annotated[TaskState | Literal[""], Meta(description="Only tasks in this state.")] = ""
    since: Annotated[float | None, Meta(description="Only tasks made then or later, seconds since the epoch.")] = None
    until: Annotated[float | None, Meta(description="Only tasks made before then, seconds since the epoch.")] = None
    limit: Limit = DEFAULT_ROWS
    after: After = ""


class TaskFailure(Struct, frozen=True, kw_only=True):
    """Why a task made nothing."""

    code: Annotated[str, Meta(description="What went wrong, in a word.")]
    message: Annotated[str, Meta(description="The same in a sentence, the vendor's where it is about the request.")]


class TaskResult(Struct, frozen=True, kw_only=True):
    """One result."""

    kind: Annotated[_OutputKind, Meta(description="What it is.")]
    url: Annotated[str | None, Meta(description="Signed address of our copy, fresh each time; null for a text or a file no longer kept.")]
    content_type: Annotated[str | None, Meta(description="Type of the file.")]
    size_bytes: Annotated[int, Meta(description="Size of the file.")]
    duration_ms: Annotated[int, Meta(description="Length of a video or sound; 0 where it is not known.")]
    text: Annotated[str | None, Meta(description="The words, where the result is a text.")]


class TaskSummary(Struct, frozen=True, kw_only=True):
    """A task."""

    id: Annotated[str, Meta(description="Id of the task.")]
    at: Annotated[float, Meta(description="When it was made, seconds since the epoch.")]
    finished_at: Annotated[float | None, Meta(description="When it ended; null: it runs.")]
    account: Annotated[str, Meta(description="Account that pays.")]
    account_name: Annotated[str, Meta(description="Name of that account.")]
    key: Annotated[str, Meta(description="Key it was asked for with.")]
    key_name: Annotated[str, Meta(description="Name of that key.")]
    book: BookName
    family: Annotated[str, Meta(description="Dialect that it came in by.")]
    operation: Annotated[str, Meta(description="What is done: `image`, `video`, `music`, `video.extend`, …")]
    model: Annotated[str, Meta(description="Model that does it.")]
    state: Annotated[TaskState, Meta(description="How far it is.")]
    progress: Annotated[int, Meta(description="The same in percent, as the vendor says.")]
    prompt: Annotated[str, Meta(description=f"What was asked for, its first {MAX_PROMPT} characters.")]
    error: Annotated[TaskFailure | None, Meta(description="Why it made nothing; null otherwise.")]
    amount_nanos: Annotated[int, Meta(description="What it costs if it succeeds, nano-USD; nothing is charged otherwise.")]
    upstream: Annotated[str | None, Meta(description="Id of the upstream that has it; null for members.")]
    upstream_name: Annotated[str | None, Meta(description="Name of that upstream; null for members.")]
    outputs: Annotated[list[TaskResult], Meta(description="Its results.")]
    callback_url: Annotated[str | None, Meta(description="Where its caller hears of changes.")]
    deliveries_count: Annotated[int, Meta(description="How many webhooks it has had.")]
    object: Annotated[Literal["task"], Meta(description="Always `task`.")] = "task"


class TaskChange(Struct, frozen=True, kw_only=True):
    """A change of a task's state."""

    state: Annotated[TaskState, Meta(description="What it became.")]
    at: Annotated[float, Meta(description="When, seconds since the epoch.")]


class TaskDelivery(Struct, frozen=True, kw_only=True):
    """A change on its way to the task's address."""

    id: Annotated[str, Meta(description="Id of the delivery, the same for every try: the `webhook-id`.")]
    task_state: Annotated[TaskState, Meta(description="What the task became.")]
    state: Annotated[DeliveryState, Meta(description="What became of the delivery.")]
    attempts: Annotated[int, Meta(description="How often it was tried.")]
    created_at: Annotated[float, Meta(description="When the task changed, seconds since the epoch.")]
    sent_at: Annotated[float | None, Meta(description="When it was last tried.")]
    next_try_at: Annotated[float | None, Meta(description="When it is tried again; null: not any more.")]
    answer_status: Annotated[int | None, Meta(description="HTTP status of the last answer.")]
    error: Annotated[str | None, Meta(description="Why the last try failed.")]


class TaskDetail(TaskSummary, frozen=True, kw_only=True):
    """A task with all that is known of it."""

    request: Annotated[Json, Meta(description="What was asked for, in neutral words. Files of ours stand in it by their keys.")]
    inputs: Annotated[list[TaskResult], Meta(description="Files that it starts from, as far as they are kept here.")]
    request_id: Annotated[str, Meta(description="Id of the request that brought it.")]
    parent: Annotated[str | None, Meta(description="The task it builds on.")]
    events: Annotated[list[TaskChange], Meta(description="Every change of its state, oldest first.")]
    deliveries: Annotated[list[TaskDelivery], Meta(description="Its webhooks, newest first.")]


class TaskList(Struct, frozen=True, kw_only=True):
    """Tasks, newest first."""

    data: Annotated[list[TaskSummary], Meta(description="The tasks.")]
    next: Next = None
    object: Annotated[Literal["list"], Meta(description="Always `list`.")] = "list"


TASK_ID: Final = "task_4fK2mQpX7cVbN1sLr8YwZd"
_AT = {"task": TASK_ID}
_TASK = {
    "object": "task",
    "id": TASK_ID,
    "at": 1763884920.5,
    "finished_at": 1763884957.2,
    "account": "acct_8hTn4JrKc2pWd6vBqSyM1L",
    "account_name": "Acme",
    "key": "key_5fWq2ZtYb8mXcR3nVsLk9P",
    "key_name": "my app",
    "book": "live",
    "family": "tasks",
    "operation": "image",
    "model": "kling-v1",
    "state": "succeeded",
    "progress": 100,
    "prompt": "a red kite over the sea",
    "error": None,
    "amount_nanos": 28_000_000,
    "upstream": None,
    "upstream_name": None,
    "outputs": [
        {
            "kind": "image",
            "url": "https://gateway.example/files/task_4fK2mQpX7cVbN1sLr8YwZd-0.png?expires=1771660957&signature=…",
            "content_type": "image/png",
            "size_bytes": 1_482_113,
            "duration_ms": 0,
            "text": None,
        }
    ],
    "callback_url": "https://app.example/hooks",
    "deliveries_count": 1,
}
_DELIVERY = {
    "id": "hook_4fK2mQpX7cVbN1sLr8YwZd_6",
    "task_state": "succeeded",
    "state": "delivered",
    "attempts": 1,
    "created_at": 1763884957.2,
    "sent_at": 1763884957.9,
    "next_try_at": None,
    "answer_status": 200,
    "error": None,
}
_DETAIL = {
    **_TASK,
    "request": {"model": "kling-v1", "prompt": "a red kite over the sea"},
    "inputs": [],
    "request_id": "req_5d7c1f0a9b3e4d2c8f6a7b90",
    "parent": None,
    "events": [
        {"state": "queued", "at": 1763884920.5},
        {"state": "running", "at": 1763884921.3},
        {"state": "succeeded", "at": 1763884957.2},
    ],
    "deliveries": [_DELIVERY],
}

LIST_TASKS: Final = declared(
    "GET",
    "/api/tasks",
    "list_account_tasks",
    summary="List tasks",
    description="Pictures, videos and songs of your account, newest first; owners and admins see those of every account.",
    query=TaskQuery,
    response=TaskList,
    errors=CALLER_ERRORS,
    cases=(Case(name="tasks", title="The latest", prose="One ended.", response={"object": "list", "data": [_TASK], "next": None}),),
)
GET_TASK: Final = declared(
    "GET",
    "/api/tasks/{task}",
    "get_account_task",
    summary="See a task",
    description="A task with what was asked for, every change of its state and its webhooks. Another account's is as absent as none.",
    response=TaskDetail,
    errors=(*CALLER_ERRORS, NoSuchObject),
    cases=(Case(name="task", title="One task", prose="It took 37 seconds.", response=_DETAIL, path_values=_AT),),
)
CANCEL_TASK: Final = declared(
    "POST",
    "/api/tasks/{task}/cancel",
    "cancel_account_task",
    summary="Cancel a task",
    description="Ends a task whose vendor has not begun or can stop; nothing is charged. Otherwise it goes on, and 409 says so.",
    response=TaskDetail,
    errors=(*CHANGE_ERRORS, NoSuchObject, TaskNotCancelable),
    cases=(
        Case(
            name="cancel",
            title="Cancel it",
            prose="It had not begun.",
            response={
                **_DETAIL,
                "state": "canceled",
                "outputs": [],
                "error": {"code": "canceled", "message": "The task was canceled. Nothing was charged."},
            },
            path_values=_AT,
        ),
    ),
)
REDELIVER_TASK: Final = declared(
    "POST",
    "/api/tasks/{task}/redeliver",
    "redeliver_account_task",
    summary="Send a task's newest webhook again",
    description="Makes it due now, whatever became of it, with all its tries again. Its `webhook-id` stays.",
    response=TaskDelivery,
    errors=(*CHANGE_ERRORS, NoSuchObject, Conflict),
    cases=(
        Case(
            name="again",
            title="Once more",
            prose="It is on its way.",
            response={**_DELIVERY, "state": "pending", "attempts": 0, "next_try_at": 1763885100.0},
            path_values=_AT,
        ),
    ),
)
