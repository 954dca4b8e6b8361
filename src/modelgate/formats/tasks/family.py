"""The routes of `/v1/tasks`, as the gateway serves and the portal documents them."""

from typing import Final

from modelgate.core import errors
from modelgate.core.endpoints import Case, Endpoint
from modelgate.formats.media.family import FETCH_ERRORS, JSON_SUBMIT_ERRORS, READ_ERRORS, InputRules, MediaFamily, MediaRoute
from modelgate.formats.openai_chat.reference import ErrorAnswer
from modelgate.formats.tasks import schema
from modelgate.formats.tasks.request import decode_task, page_of
from modelgate.formats.tasks.response import encode_error, encode_list, encode_quote, encode_task

PREFIX: Final = "/v1/tasks"
ASK_ERRORS: Final = (
    *FETCH_ERRORS,
    errors.InvalidRequest,
    errors.BodyTooLarge,
    errors.UnsupportedMediaType,
    errors.UnknownModel,
    errors.UnpricedModel,
    errors.ModelNotAllowed,
    errors.NoUpstream,
)

_TASK_ID = "task_4fK2mQpX7cVbN1sLr8YwZd"
_QUEUED: Final[dict[str, object]] = {
    "id": _TASK_ID,
    "object": "task",
    "model": "kling-v1-6",
    "operation": "video",
    "state": "running",
    "progress": 10,
    "created_at": 1763884800,
    "finished_at": None,
    "amount_usd": "0.28",
    "parent": None,
    "outputs": [],
    "error": None,
    "details": {},
}
_OUTPUT: Final[dict[str, object]] = {
    "kind": "video",
    "id": "8d7c1f1e-video",
    "url": f"https://gateway.example/files/{_TASK_ID}-0.mp4?expires=1771660800&signature=…",
    "text": None,
    "content_type": "video/mp4",
    "size_bytes": 218044,
    "duration_ms": 5000,
    "details": {},
}
_DONE = {**_QUEUED, "state": "succeeded", "progress": 100, "finished_at": 1763884926, "outputs": [_OUTPUT]}
_FAILED: Final[dict[str, object]] = {
    **_QUEUED,
    "state": "failed",
    "progress": 100,
    "finished_at": 1763884926,
    "error": {"code": "content_refused", "message": "The vendor's content policy refused this prompt."},
}
_PICTURES = ("image/jpeg", "image/png", "image/webp")
_CLIPS = ("video/mp4", "video/quicktime", "video/webm")
_SAME_SIZE_AS: Final = {"mask": "image", "character_mask": "character"}
_SOUNDS = ("audio/mpeg", "audio/wav", "audio/mp4", "audio/aac", "audio/ogg", "audio/flac")
_TYPES: Final = {"video": _CLIPS, "character_video": _CLIPS, "audio": _SOUNDS}
_RULES: Final = {
    role: InputRules(
        field=role,
        content_types=_TYPES.get(role, _PICTURES),
        max_bytes=schema.MAX_FILE_BYTES,
        same_size_as=_SAME_SIZE_AS.get(role, ""),
        same_ratio_as="first_frame" if role in ("static_mask", "dynamic_mask") else "",
    )
    for role in schema.ROLES
}


def _endpoint(method: str, path: str, name: str, **about: object) -> Endpoint:
    return Endpoint(method=method, path=path, name=name, family="tasks", home="desk", error=ErrorAnswer, **about)  # type: ignore[arg-type]


SUBMIT = _endpoint(
    "POST",
    PREFIX,
    "create_task",
    summary="Start media work of any vendor",
    description=(
        "Says what to make in one neutral form, whoever makes it: a picture, a video, a song, or work on an earlier result. The answer is "
        "a task; follow it until its `state` is `succeeded`, `failed`, `canceled` or `expired`. Only a task that succeeds is charged. The "
        "same tasks can be seen by their vendors' own paths."
    ),
    request=schema.TaskBody,
    response=schema.TaskObject,
    errors=(*JSON_SUBMIT_ERRORS, errors.TaskNotFound),
    price_unit="call",
    cases=(
        Case(
            name="video",
            title="A video",
            prose="The model's only operation is taken, or the plain one that the fields speak of.",
            request={"model": "kling-v1-6", "input": {"prompt": "A paper boat on a stream", "seconds": 5, "aspect_ratio": "16:9"}},
            response=_QUEUED,
        ),
        Case(
            name="field-unknown",
            title="What a mistake looks like",
            prose="The error names the field.",
            request={"model": "kling-v1-6", "input": {"promt": "A paper boat"}},
            response={
                "error": {
                    "message": "input.promt is not known here. (request id: req_5f0c1b9e7a2d4c6f8e013579)",
                    "type": "invalid_request_error",
                    "param": "input.promt",
                    "code": "unknown_parameter",
                }
            },
            status=400,
        ),
    ),
)
QUOTE = _endpoint(
    "POST",
    PREFIX + "/quote",
    "quote_task",
    summary="Ask what media work would cost",
    description="Takes the body of a task, checks it in the same way, and answers with its price. Nothing is held, and nobody is asked.",
    request=schema.TaskBody,
    response=schema.Quote,
    errors=ASK_ERRORS,
    cases=(
        Case(
            name="quote",
            title="The price of a video",
            prose="`price` is the rate it is reckoned by.",
            request={"model": "kling-v1-6", "input": {"prompt": "A paper boat on a stream", "seconds": 5}},
            response={"object": "quote", "model": "kling-v1-6", "operation": "video", "amount_usd": "0.28", "price": "second 0.056"},
        ),
    ),
)
FETCH = _endpoint(
    "GET",
    PREFIX + "/{task_id}",
    "fetch_task",
    summary="Follow a task",
    description=(
        "Shows a task of your account, whichever way it came in. Fetching is free and asks no vendor; every fetch signs fresh addresses."
    ),
    response=schema.TaskObject,
    errors=FETCH_ERRORS,
    cases=(
        Case(
            name="succeeded",
            title="A finished task",
            prose="Take the files from `outputs`.",
            response=_DONE,
            path_values={"task_id": _TASK_ID},
        ),
        Case(
            name="failed",
            title="A failed task",
            prose="`error` says why. The money held for it has been given back.",
            response=_FAILED,
            path_values={"task_id": _TASK_ID},
        ),
    ),
)
LIST = _endpoint(
    "GET",
    PREFIX,
    "list_tasks",
    summary="List your tasks",
    description="The newest first.",
    query=schema.ListQuery,
    response=schema.TaskList,
    errors=(*READ_ERRORS, errors.InvalidRequest, errors.TaskNotFound),
    cases=(
        Case(
            name="first-page",
            title="The newest",
            prose="`has_more` says whether there are older ones.",
            response={"object": "list", "data": [_DONE], "has_more": False},
        ),
    ),
)
CANCEL = _endpoint(
    "POST",
    PREFIX + "/{task_id}/cancel",
    "cancel_task",
    summary="Cancel a task",
    description=(
        "Ends a task that no vendor has begun, or whose vendor can stop it; its money goes back. Where the vendor has begun and cannot "
        "stop, the answer is 409 and the task goes on."
    ),
    response=schema.TaskObject,
    errors=(*FETCH_ERRORS, errors.TaskNotCancelable),
    cases=(
        Case(
            name="canceled",
            title="A canceled task",
            prose="It cost nothing.",
            response={
                **_QUEUED,
                "state": "canceled",
                "progress": 100,
                "finished_at": 1763884820,
                "error": {"code": "canceled", "message": "The task was canceled. Nothing was charged."},
            },
            path_values={"task_id": _TASK_ID},
        ),
    ),
)
EVENTS = _endpoint(
    "GET",
    PREFIX + "/{task_id}/events",
    "stream_task_events",
    summary="Watch a task",
    description=(
        "Server-sent events: `event: task` with the task as a fetch shows it, at once and whenever its state or progress changes; the last "
        "one is its end, then the stream closes. A comment line every 15 s keeps the connection open."
    ),
    errors=FETCH_ERRORS,
    content_type="text/event-stream",
    cases=(
        Case(
            name="watch",
            title="Progress as it comes",
            prose="`curl -N` shows the events as they arrive.",
            path_values={"task_id": _TASK_ID},
        ),
    ),
)

FAMILY = MediaFamily(
    name="tasks",
    prefix=PREFIX,
    routes=(
        MediaRoute(endpoint=SUBMIT, action="submit", decode=decode_task, inputs=_RULES),
        MediaRoute(endpoint=QUOTE, action="quote", decode=decode_task, encode=encode_quote),
        MediaRoute(endpoint=LIST, action="list", decode=page_of, encode=encode_list),
        MediaRoute(endpoint=FETCH, action="fetch"),
        MediaRoute(endpoint=CANCEL, action="cancel"),
        MediaRoute(endpoint=EVENTS, action="events"),
    ),
    encode_submitted=encode_task,
    encode_fetched=encode_task,
    encode_error=encode_error,
)
