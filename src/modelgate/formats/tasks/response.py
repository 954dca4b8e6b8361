"""Tasks, lists and quotes of `/v1/tasks`; errors in OpenAI's words."""

from collections.abc import Sequence

import msgspec

from modelgate.core.errors import ModelgateError
from modelgate.core.money import render_usd
from modelgate.core.records import Json, Task, TaskOutput
from modelgate.formats.media.family import Page
from modelgate.formats.openai_chat.response import encode_error_body
from modelgate.formats.tasks import schema

_encode = msgspec.json.Encoder().encode
_decode_details = msgspec.json.Decoder(dict[str, Json]).decode


def task_object(task: Task, urls: Sequence[str]) -> schema.TaskObject:
    """Return a task as this dialect shows it; `urls` are ours, one for each output."""
    ended_badly = task.finished_at is not None and task.state != "succeeded"
    return schema.TaskObject(
        id=task.id,
        object="task",
        model=task.model,
        operation=task.operation,
        state=task.state,
        progress=task.progress,
        created_at=int(task.created_at),
        finished_at=int(task.finished_at) if task.finished_at is not None else None,
        amount_usd=render_usd(task.amount_nanos),
        parent=task.parent or None,
        outputs=[_output(output, url) for output, url in zip(task.outputs, urls, strict=True)] if task.state == "succeeded" else [],
        error=schema.TaskError(code=task.error_code or task.state, message=task.error_message) if ended_badly else None,
        details=_decode_details(task.details),
    )


def _output(output: TaskOutput, url: str) -> schema.Output:
    return schema.Output(
        kind=output.kind,
        id=output.vendor_id,
        url=url or None,
        text=output.text or None,
        content_type=output.content_type or None,
        size_bytes=output.size_bytes,
        duration_ms=output.duration_ms,
        details=output.details,
    )


def encode_task(task: Task, *, urls: Sequence[str], request_id: str) -> bytes:
    """Return one task."""
    del request_id  # it is a header of every answer
    return _encode(task_object(task, urls))


def encode_list(tasks: Sequence[tuple[Task, Sequence[str]]], *, page: Page, has_more: bool, request_id: str) -> bytes:
    """Return a page of tasks."""
    del page, request_id
    return _encode(schema.TaskList(object="list", data=[task_object(task, urls) for task, urls in tasks], has_more=has_more))


def encode_quote(*, model: str, operation: str, amount_nanos: int, price: str, request_id: str) -> bytes:
    """Return what a request would cost."""
    del request_id
    return _encode(schema.Quote(object="quote", model=model, operation=operation, amount_usd=render_usd(amount_nanos), price=price))


def encode_error(error: ModelgateError, *, request_id: str) -> tuple[int, bytes]:
    """Return the HTTP status and OpenAI's error body."""
    return error.status, encode_error_body(error, request_id)
