"""What the routes of Luma's family and of Dream Machine have in common: a POST that starts, a GET that follows, and the rules for files."""

from typing import Any, Final

from modelgate.core import errors
from modelgate.core.endpoints import Case, Endpoint
from modelgate.formats.luma import schema
from modelgate.formats.media.family import FETCH_ERRORS, JSON_SUBMIT_ERRORS, READ_ERRORS, InputRules

TASK_ID: Final = "task_4fK2mQpX7cVbN1sLr8YwZd"
REQUEST_ID: Final = "req_5f0c1b9e7a2d4c6f8e013579"
CREATED_AT: Final = "2025-11-23T08:00:00Z"
URL: Final = f"https://gateway.example/files/{TASK_ID}-0.mp4?expires=1769068800&signature=…"
AT: Final = {"task_id": TASK_ID}
MISTAKE: dict[str, Any] = {
    "message": f'aspect_ratio is "5:4", but it must be one of {", ".join(schema.ASPECT_RATIOS)}. (request id: {REQUEST_ID})',
    "type": "invalid_request_error",
    "code": "invalid_value",
    "param": "aspect_ratio",
}


def submit_route(path: str, name: str, summary: str, *, body: Any, answer: Any, cases: tuple[Case, ...], unit: str = "second") -> Endpoint:
    """Return an endpoint that starts a task."""
    return Endpoint(
        method="POST",
        path=path,
        name=name,
        family="luma",
        home="desk",
        summary=summary,
        description=(
            "Starts a task and answers with it. Follow it with its fetch until it is `completed` or `failed`. A failed task costs nothing."
        ),
        request=body,
        response=answer,
        error=schema.ErrorBody,
        errors=(*JSON_SUBMIT_ERRORS, errors.TaskNotFound) if "{task_id}" in path else JSON_SUBMIT_ERRORS,
        statuses={errors.BalanceExhausted: 402, errors.LimitExhausted: 402},
        price_unit=unit,
        cases=cases,
    )


def read_route(path: str, name: str, summary: str, *, answer: Any, case: Case, method: str = "GET", query: Any = None) -> Endpoint:
    """Return an endpoint that shows something."""
    at_task = "{task_id}" in path
    return Endpoint(
        method=method,
        path=path,
        name=name,
        family="luma",
        home="desk",
        summary=summary,
        description="Free; no vendor is asked.",
        request=schema.BatchBody if method == "POST" else None,
        response=answer,
        query=query,
        error=schema.ErrorBody,
        errors=(*(FETCH_ERRORS if at_task else READ_ERRORS), *((errors.InvalidRequest,) if method == "POST" else ())),
        cases=(case,),
    )


def pictures(**fields: str) -> dict[str, InputRules]:
    """Return the rules for pictures by role, each with the field that it comes in."""
    return {
        role: InputRules(field=field, content_types=schema.IMAGE_TYPES, max_bytes=schema.MAX_IMAGE_BYTES) for role, field in fields.items()
    }
