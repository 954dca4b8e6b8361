"""Another Modelgate: its models under its prices, in whichever dialect a caller speaks, and its tasks of media by `/v1/tasks`.

The base URL is the other's address without a path, such as https://gateway.example.
Source: docs/chat.md and docs/media.md of this repository, read 2026-11.
"""

from functools import partial
from typing import Any, Final, Literal
from urllib.parse import quote

import msgspec

from modelgate.core.providers import MediaOperation, Provider, Quirks, UpstreamCall, VendorState, bearer
from modelgate.core.records import Json, TaskOutput
from modelgate.formats.media import refusals
from modelgate.formats.media.gateway_status import gateway_poll_refused, gateway_refused
from modelgate.formats.media.requests import MediaRequest, Parent
from modelgate.formats.media.vendor_answers import reader_of
from modelgate.formats.media.vendor_calls import encode_json, post_json, uri_of

MAX_N: Final = 10
MAX_OUTPUTS: Final = 40
POLL_INTERVAL_S: Final = 2.0
"""A look at a task there asks no vendor."""
MAX_SEED_CHARACTERS: Final = 40
MAX_DETAILS_BYTES: Final = 64 * 1024
"""What the other says about one result beyond this is left out."""
TASKS_PATH: Final = "/v1/tasks"
SEED_PATH: Final = "/mj/task/{task}/image-seed"
"""The one thing that is told only when asked, and where: the family whose clients ask for it."""

_FAILURES: Final = refusals.CALLER_FAULTS | {refusals.RATE_LIMITED, refusals.VENDOR_UNAVAILABLE}
"""Words of the other's that mean the same here; what it says of its own accounts is not our callers' to read."""


class _Output(msgspec.Struct):
    kind: Literal["image", "video", "audio", "text"]
    id: str = ""
    url: str | None = None
    text: str | None = None
    duration_ms: int = 0
    details: dict[str, Json] = {}


class _Error(msgspec.Struct):
    code: str = ""
    message: str = ""


class _Task(msgspec.Struct):
    id: str
    state: str
    progress: int = 0
    outputs: list[_Output] = []
    error: _Error | None = None
    details: dict[str, Json] = {}


class _Seed(msgspec.Struct):
    code: int
    result: str


_read_task = reader_of(_Task)
_read_seed = reader_of(_Seed)


def encode_submit(request: MediaRequest, task_id: str, model: str, *, operation: str) -> UpstreamCall:
    """Return the call that starts a task, whatever it is of: the neutral request in the words of `/v1/tasks`.

    Raises:
        ValueError: an input is still a blob's key.
    """
    del task_id
    kept = ("model", "inputs", "parent")
    fields: dict[str, Any] = {
        field.name: value
        for field in msgspec.structs.fields(request)
        if field.name not in kept and (value := getattr(request, field.name)) != field.default and value != {}
    }
    if request.inputs:
        fields["inputs"] = [{"role": item.role, "file": uri_of(item)} for item in request.inputs]
    if request.parent is not None:
        fields["parent"] = _parent(request.parent)
    return post_json(TASKS_PATH, {"model": model, "operation": operation, "input": fields})


def _parent(parent: Parent) -> dict[str, Any]:
    """Return the earlier task by the other's id; a result's own name is the same in both places."""
    said = {"task": parent.vendor_task, "output": parent.output, "index": parent.index}
    return {name: value for name, value in said.items() if value}


def encode_poll(vendor_task: str) -> UpstreamCall:
    """Return the call that asks how a task stands."""
    return UpstreamCall(method="GET", path=f"{TASKS_PATH}/{quote(vendor_task, safe='')}")


def encode_cancel(vendor_task: str) -> UpstreamCall:
    """Return the call that ends a task."""
    return post_json(f"{TASKS_PATH}/{quote(vendor_task, safe='')}/cancel", {})


def parse_submit(status: int, body: bytes) -> VendorState:
    """Read the answer to a submit: taken, refused, or neither (then the task may exist)."""
    task = _task_of(status, body)
    return gateway_refused(status, body) if task is None else _state_of(task)


def parse_poll(status: int, body: bytes) -> VendorState:
    """Read the answer to a poll. Whatever is no task leaves ours as it is, but for a task that is not known there."""
    task = _task_of(status, body)
    return gateway_poll_refused(status, body) if task is None else _state_of(task)


def parse_cancel(status: int, body: bytes) -> VendorState:
    """Read the answer to a cancel: the task as it is then."""
    task = _task_of(status, body)
    return VendorState(state="canceled" if task is not None and task.state == "canceled" else None)


def encode_question(vendor_task: str) -> UpstreamCall:
    """Return the call that asks for the seed of a finished task."""
    return UpstreamCall(method="GET", path=SEED_PATH.format(task=quote(vendor_task, safe="")))


def parse_question(status: int, body: bytes) -> dict[str, Json]:
    """Read the answer about a seed; a task without one is an error there."""
    answer = _read_seed(body) if status == 200 else None
    return {"seed": answer.result} if answer is not None and answer.code == 1 and 0 < len(answer.result) <= MAX_SEED_CHARACTERS else {}


def _task_of(status: int, body: bytes) -> _Task | None:
    return _read_task(body) if 200 <= status < 300 else None


def _state_of(task: _Task) -> VendorState:
    match task.state:
        case "queued" | "submitting" | "unknown" | "running":
            progress = min(max(task.progress, 0), 100)
            return VendorState(state="running", vendor_task=task.id, progress=progress, details=task.details)
        case "waiting_input":
            return VendorState(state="waiting_input", vendor_task=task.id, details=task.details)
        case "succeeded":
            outputs = tuple(_output(output) for output in task.outputs[:MAX_OUTPUTS])
            return VendorState(state="succeeded", vendor_task=task.id, progress=100, outputs=outputs, details=task.details)
        case "failed" | "expired" | "canceled":
            error = task.error or _Error()
            word = error.code if error.code in _FAILURES else refusals.GENERATION_FAILED
            message = error.message
            return VendorState(state="failed", vendor_task=task.id, error_code=word, error_message=message, details=task.details)
        case _:
            return VendorState()


def _output(output: _Output) -> TaskOutput:
    return TaskOutput(
        kind=output.kind,
        url=output.url or "",
        text=output.text or "",
        vendor_id=output.id,
        duration_ms=max(output.duration_ms, 0),
        details=output.details if len(encode_json(output.details)) <= MAX_DETAILS_BYTES else {},
    )


def _media(operation: str) -> MediaOperation:
    return MediaOperation(
        encode_submit=partial(encode_submit, operation=operation),
        parse_submit=parse_submit,
        encode_poll=encode_poll,
        parse_poll=parse_poll,
        encode_cancel=encode_cancel,
        parse_cancel=parse_cancel,
        encode_question=encode_question,
        parse_question=parse_question,
        poll_interval_s=POLL_INTERVAL_S,
        max_n=MAX_N,
        takes_everything=True,
    )


PROVIDER = Provider(
    name="modelgate",
    title="Another Modelgate",
    base_url="",  # every installation has an address of its own
    formats=(
        "openai_chat",
        "openai_responses",
        "anthropic_messages",
        "gemini_content",
        "openai_completions",
        "openai_embeddings",
        "openai_moderations",
        "openai_images",
        "openai_image_edits",
        "openai_image_variations",
        "openai_speech",
        "openai_transcriptions",
        "openai_translations",
    ),
    media_any=_media,
    sign=bearer,
    quirks=Quirks(
        paths={
            "openai_chat": "/v1/chat/completions",
            "openai_responses": "/v1/responses",
            "openai_completions": "/v1/completions",
            "openai_embeddings": "/v1/embeddings",
            "openai_moderations": "/v1/moderations",
            "openai_images": "/v1/images/generations",
            "openai_image_edits": "/v1/images/edits",
            "openai_image_variations": "/v1/images/variations",
            "openai_speech": "/v1/audio/speech",
            "openai_transcriptions": "/v1/audio/transcriptions",
            "openai_translations": "/v1/audio/translations",
            "models": "/v1/models",
        },
        accepts=frozenset(("cache", "file_url", "image_config", "top_k")),
    ),
    documentation="docs/chat.md (2026-11)",
)
