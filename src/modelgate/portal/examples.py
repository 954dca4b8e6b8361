"""Examples out of cases: the request that can be sent, and what comes back."""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import msgspec

from modelgate.core.endpoints import Case, Endpoint
from modelgate.core.records import Json
from modelgate.portal.pages import Answer, Example, Follow, Part, PartFile
from modelgate.portal.texts import RecordedAnswer

FILE_MARK = "@"
"""Begins the value of a form's field that is a file."""
EVENTS = "text/event-stream"
FORM = "multipart/form-data"

_PARAMETER = re.compile(r"\{([a-z_]+)\}")
_TASK_ID = "task_"
_FILE_TYPES = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".webp": "image/webp",
    ".mp3": "audio/mpeg",
    ".wav": "audio/wav",
    ".mp4": "video/mp4",
}
_KINDS = {"image": "a picture", "audio": "sound", "video": "a video"}


def example_of(endpoint: Endpoint, case: Case, recorded: RecordedAnswer | None) -> Example:
    """Return the request of a case."""
    request = case.request
    is_form = endpoint.request_type == FORM and isinstance(request, dict)
    has_body = request is not None
    return Example(
        method=endpoint.method,
        path=_PARAMETER.sub(lambda found: quote(case.path_values.get(found[1], found[0]), safe="{}"), endpoint.path),
        query=tuple(case.query.items()),
        headers=tuple(case.headers.items()),
        content_type=endpoint.request_type if has_body else "",
        body=request if has_body and not is_form else None,
        parts=tuple(_parts_of(request)) if is_form and isinstance(request, dict) else None,
        stream=_content_type(endpoint, case, recorded).startswith(EVENTS),
    )


def answer_of(endpoint: Endpoint, case: Case, recorded: RecordedAnswer | None) -> Answer:
    """Return the answer of a case, without the fields."""
    content_type = _content_type(endpoint, case, recorded)
    if case.response is not None:
        return Answer(status=case.status, content_type=content_type, example=case.response)
    if recorded is None:
        return Answer(status=case.status, content_type=content_type, text=_in_words(case.status, content_type))
    if isinstance(recorded.body, str):
        return Answer(status=recorded.status, content_type=content_type, text=recorded.body)
    return Answer(status=recorded.status, content_type=content_type, example=recorded.body)


def is_streamed(case: Case) -> bool:
    """Return whether a request asks for its answer in events."""
    asked = case.request if isinstance(case.request, dict) else {}
    return asked.get("stream") is True or asked.get("stream_format") == "sse" or case.query.get("alt") == "sse"


def follow_of(endpoint: Endpoint) -> Follow | None:
    """Return where the id of a task that was begun stands in the answer, None where no task is begun."""
    if endpoint.method != "POST" or not endpoint.price_unit:
        return None
    good = next((case.response for case in endpoint.cases if case.status < 300 and case.response is not None), None)
    pointer = next(_pointers(good, ""), None)
    return Follow(task_id_pointer=pointer) if pointer is not None else None


def _pointers(value: Json, at: str) -> Iterator[str]:
    if isinstance(value, str) and value.startswith(_TASK_ID):
        yield at
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from _pointers(inner, f"{at}/{name}")


def _content_type(endpoint: Endpoint, case: Case, recorded: RecordedAnswer | None) -> str:
    if case.response is None and recorded is not None:
        return recorded.content_type
    if case.status >= 400:
        return "application/json"
    return EVENTS if is_streamed(case) else endpoint.content_type


def _in_words(status: int, content_type: str) -> str:
    if status == 204:
        return "No body."
    if content_type == EVENTS:
        return "Events, as they happen."
    return f"The file: {_KINDS.get(content_type.partition('/')[0], 'as it is')}."


def _parts_of(request: dict[str, Any]) -> Iterator[Part]:
    for name, value in request.items():
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, str) and one.startswith(FILE_MARK):
                filename = one.removeprefix(FILE_MARK)
                content_type = _FILE_TYPES.get("." + filename.rpartition(".")[2], "application/octet-stream")
                yield Part(name=name, file=PartFile(filename=filename, content_type=content_type))
            else:
                yield Part(name=name, value=one if isinstance(one, str) else msgspec.json.encode(one).decode())
