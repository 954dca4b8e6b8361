"""Tasks and errors in Runway's shape, with our ids and addresses."""

from collections.abc import Sequence

import msgspec

from modelgate.core import errors
from modelgate.core.clock import as_utc
from modelgate.core.records import Task, TaskState
from modelgate.formats.media import refusals
from modelgate.formats.media.error_twin import twin_of
from modelgate.formats.runway import schema

NANOS_PER_CREDIT = 10_000_000
PERCENT = 100

_STATUS: dict[TaskState, schema.Status] = {
    "queued": "PENDING",
    "submitting": "PENDING",
    "unknown": "PENDING",
    "running": "RUNNING",
    "waiting_input": "RUNNING",
    "succeeded": "SUCCEEDED",
    "failed": "FAILED",
    "canceled": "FAILED",  # the family's clients stop at SUCCEEDED and FAILED only, and so does the official one
    "expired": "FAILED",
}
_FAILURE_CODES = {
    refusals.CONTENT_REFUSED: "SAFETY.INPUT",
    refusals.INVALID_REQUEST: "ASSET.INVALID",
    "": "INTERNAL",
}
_FAILURES: dict[TaskState, str] = {"canceled": "The task was cancelled.", "expired": "The task took too long."}

_encode = msgspec.json.encode


class _Details(msgspec.Struct):
    runway_failure_code: str = ""


def encode_submitted(task: Task, *, urls: Sequence[str], request_id: str) -> bytes:
    """Return the answer to a submit."""
    del urls, request_id
    return _encode(schema.Created(id=task.id, status="PENDING" if _STATUS[task.state] == "RUNNING" else _STATUS[task.state]))


def encode_fetched(task: Task, *, urls: Sequence[str], request_id: str) -> bytes:
    """Return the task object; `urls` are the addresses of its results, in order."""
    del request_id
    status, credits = _STATUS[task.state], task.amount_nanos / NANOS_PER_CREDIT
    created_at = as_utc(task.created_at).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    detail = schema.TaskDetail(id=task.id, status=status, created_at=created_at)
    match status:
        case "PENDING":
            detail.estimated_cost = schema.Cost(credits=credits)
        case "RUNNING":
            detail.estimated_cost = schema.Cost(credits=credits)
            detail.progress = task.progress / PERCENT
        case "SUCCEEDED":
            detail.cost = schema.Cost(credits=credits)
            detail.output = [url for url in urls if url]
        case "FAILED":
            detail.cost = schema.Cost(credits=0)
            detail.failure = task.error_message or _FAILURES.get(task.state, "The task failed.")
            detail.failure_code = _failure_code(task)
    return _encode(detail)


def _failure_code(task: Task) -> str:
    """Return the vendor's own code where it gave one, else one of its kind."""
    try:
        told = msgspec.json.decode(task.details, type=_Details).runway_failure_code
    except msgspec.DecodeError:
        told = ""
    return told or _FAILURE_CODES.get(task.error_code, _FAILURE_CODES[""])


def encode_error(error: errors.ModelgateError, *, request_id: str) -> tuple[int, bytes]:
    """Return the HTTP status and the body of an error; the message names the request.

    Lack of money is 403 here, not 429: the official client repeats every 429.
    """
    message = error.message_for(request_id)
    body = schema.ErrorBody(error=twin_of(error, message))
    return (403 if isinstance(error, errors.InsufficientFunds) else error.status), _encode(body)
